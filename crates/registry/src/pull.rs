//! Pull: manifests by tag or digest, blobs by digest.

use std::io;

use access::{id::ManifestId, operation::Operation, time::Instant};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use oci::{Call, Digest, Reference, RepositoryName, byte_range::ByteRange};
use storage::{
    blobs::{BlobError, Range},
    db::{Db, DbError},
    links,
    manifests::{self, StoredManifest},
};

use crate::{
    Registry,
    content::ContentError,
    grant::{Ask, Grant},
    usage::Done,
};

/// How much of a large manifest is read at a time, in bytes: as much as of a blob.
const PIECE_BYTES: usize = 256 * 1024;

/// Pull a manifest.
#[derive(Debug, Clone)]
pub struct PullManifest {
    /// From where.
    pub repository: RepositoryName,
    /// Which.
    pub reference: Reference,
}

impl Ask for PullManifest {
    fn operation(&self) -> Operation {
        let Self { repository, reference } = self.clone();
        Operation::Oci(Call::PullManifest { repository, reference })
    }
}

/// Pull a blob.
#[derive(Debug, Clone)]
pub struct PullBlob {
    /// From where.
    pub repository: RepositoryName,
    /// Which.
    pub digest: Digest,
}

impl Ask for PullBlob {
    fn operation(&self) -> Operation {
        let Self { repository, digest } = self.clone();
        Operation::Oci(Call::PullBlob { repository, digest })
    }
}

/// A blob that may be read: proof that it was found by a grant.
#[derive(Debug)]
pub struct FoundBlob(links::StoredBlob);

impl FoundBlob {
    /// How many bytes it has.
    pub const fn size(&self) -> u64 {
        self.0.size
    }
}

impl Registry {
    /// The bytes of a manifest that `find_manifest` found; counts as a pull with the token that was used.
    pub async fn read_manifest(
        &self,
        grant: &Grant<PullManifest>,
        manifest: &StoredManifest,
        now: Instant,
    ) -> Result<Vec<u8>, ContentError> {
        // Deleted between the two reads: as if it had been gone before.
        let payload = manifests::payload(&self.db, manifest.id).await?.ok_or_else(|| unknown(grant))?;
        is_whole(manifest, payload.len() as u64)?;
        self.usage.count(grant.principal(), &grant.origin, Done::Pull, now);
        Ok(payload)
    }

    /// The same, of which each piece is read when the one before it was taken: no more than a piece of it is in memory.
    /// An error instead of a silent end where it is deleted meanwhile.
    pub async fn read_manifest_in_pieces(
        &self,
        grant: &Grant<PullManifest>,
        manifest: &StoredManifest,
        now: Instant,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, ContentError> {
        let bytes = manifests::payload_bytes(&self.db, manifest.id).await?;
        is_whole(manifest, bytes.ok_or_else(|| unknown(grant))?)?;
        self.usage.count(grant.principal(), &grant.origin, Done::Pull, now);
        let (db, id, size) = (self.db.clone(), manifest.id, manifest.size);
        let pieces = (0..size).step_by(PIECE_BYTES);
        Ok(stream::iter(pieces).then(move |start| piece(db.clone(), id, start, size)).boxed())
    }

    /// What the manifest is that the grant names. With this alone clients ask whether there is something new, so it
    /// counts as no pull.
    pub async fn find_manifest(&self, grant: &Grant<PullManifest>) -> Result<StoredManifest, ContentError> {
        let PullManifest { repository, reference } = &grant.ask;
        let id = grant.repository().ok_or_else(|| ContentError::RepositoryUnknown(repository.clone()))?;
        let found = match reference {
            Reference::Tag(tag) => manifests::by_tag(&self.db, id, tag).await?,
            Reference::Digest(digest) => manifests::by_digest(&self.db, id, digest).await?,
        };
        found.ok_or_else(|| unknown(grant))
    }

    /// The blob that the grant names: how many bytes it has, and what it takes to read them.
    pub async fn find_blob(&self, grant: &Grant<PullBlob>) -> Result<FoundBlob, ContentError> {
        let PullBlob { repository, digest } = &grant.ask;
        let unknown = || ContentError::BlobUnknown { repository: repository.clone(), digest: digest.clone() };
        let id = grant.repository().ok_or_else(|| ContentError::RepositoryUnknown(repository.clone()))?;
        links::linked(&self.db, id, digest).await?.map(FoundBlob).ok_or_else(unknown)
    }

    /// The bytes of a blob, or of a part of it; an error instead of a silent end where some are missing. No connection
    /// is held while they are read.
    pub async fn read_blob(
        &self,
        grant: &Grant<PullBlob>,
        blob: &FoundBlob,
        part: Option<ByteRange>,
    ) -> Result<BoxStream<'static, io::Result<Bytes>>, ContentError> {
        // As many bytes as the row says: a file that lost some is an error here, and not a shorter blob.
        let whole = Range { start: 0, length: blob.size() };
        let range = part.map_or(whole, |part| Range { start: part.start(), length: part.length() });
        let reading = match self.blobs.read(&blob.0.key, Some(range)).await {
            // The same bytes were pushed again since, and lie elsewhere now.
            Err(BlobError::NotFound) => {
                let present = self.find_blob(grant).await?;
                self.blobs.read(&present.0.key, Some(range)).await?
            }
            read => read?,
        };
        Ok(reading.bytes)
    }
}

/// Refuses a payload that has not as many bytes as were pushed, before a word of it is said: as a blob that was cut short.
fn is_whole(manifest: &StoredManifest, found: u64) -> Result<(), DbError> {
    let StoredManifest { digest, size, .. } = manifest;
    if found == *size {
        return Ok(());
    }
    Err(DbError::Corrupt(format!(
        "{found} bytes as manifest {digest} where {size} were pushed; run `sealock fsck`"
    )))
}

/// The bytes from `start` on of a manifest that has `size`.
async fn piece(db: Db, id: ManifestId, start: u64, size: u64) -> io::Result<Bytes> {
    let length = (size - start).min(PIECE_BYTES as u64);
    let found = manifests::payload_part(&db, id, start, length).await.map_err(io::Error::other)?;
    let whole = found.filter(|bytes| bytes.len() as u64 == length);
    whole.map(Bytes::from).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

fn unknown(grant: &Grant<PullManifest>) -> ContentError {
    let PullManifest { repository, reference } = grant.ask.clone();
    ContentError::ManifestUnknown { repository, reference }
}
