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
        let payload = payload(&self.db, manifest.id, manifest.size).await?.ok_or_else(|| unknown(grant))?;
        self.usage.count(grant.principal(), &grant.origin, Done::Pull, now);
        Ok(payload)
    }

    /// The same, read in one piece once the client takes it, and as soon as the budget of memory has room for it: clients
    /// that ask for many manifests and take none hold bounded memory. It ends with an error if the manifest was deleted in
    /// between or there is no room for long.
    pub fn read_manifest_later(
        &self,
        grant: &Grant<PullManifest>,
        manifest: &StoredManifest,
        now: Instant,
    ) -> BoxStream<'static, io::Result<Bytes>> {
        self.usage.count(grant.principal(), &grant.origin, Done::Pull, now);
        let (db, id, size) = (self.db.clone(), manifest.id, manifest.size);
        let held = self.memory().reservation(grant.memory_holder());
        // Polled for its end when the bytes have gone out: until then it keeps the reservation.
        stream::unfold((held, false), move |(mut held, is_read)| {
            let db = db.clone();
            async move {
                if is_read {
                    return None;
                }
                let read = async {
                    let bytes = usize::try_from(size).map_err(io::Error::other)?;
                    held.grow_when_possible(bytes).await.map_err(io::Error::other)?;
                    let payload = payload(&db, id, size).await.map_err(io::Error::other)?;
                    payload.map(Bytes::from).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
                };
                let read = read.await;
                Some((read, (held, true)))
            }
        })
        .boxed()
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

/// The payload, unless it has not the length that its answer says any more.
async fn payload(db: &Db, id: ManifestId, size: u64) -> Result<Option<Vec<u8>>, DbError> {
    Ok(manifests::payload(db, id).await?.filter(|payload| payload.len() as u64 == size))
}

fn unknown(grant: &Grant<PullManifest>) -> ContentError {
    let PullManifest { repository, reference } = grant.ask.clone();
    ContentError::ManifestUnknown { repository, reference }
}
