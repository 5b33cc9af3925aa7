//! Pull: manifests by tag or digest, blobs by digest.

use access::{operation::Operation, time::Instant};
use futures_util::stream::BoxStream;
use oci::{Call, Digest, Reference, RepositoryName};
use storage::{
    blobs::Range,
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

/// A manifest as it was pushed.
#[derive(Debug)]
pub struct PulledManifest {
    /// Its digest.
    pub digest: Digest,
    /// The Content-Type that it was pushed under.
    pub media_type: String,
    /// Its bytes.
    pub payload: Vec<u8>,
}

/// What a HEAD tells of a manifest.
#[derive(Debug)]
pub struct DescribedManifest {
    /// Its digest.
    pub digest: Digest,
    /// The Content-Type that it was pushed under.
    pub media_type: String,
    /// How many bytes it has.
    pub size: u64,
}

/// A blob, about to be read.
pub struct PulledBlob {
    /// How many bytes.
    pub size: u64,
    /// The bytes; an error instead of a silent end where some are missing.
    pub bytes: BoxStream<'static, std::io::Result<bytes::Bytes>>,
}

impl Registry {
    /// The manifest that the grant names; counts as a pull with the token that was used.
    pub async fn pull_manifest(
        &self,
        grant: &Grant<PullManifest>,
        now: Instant,
    ) -> Result<PulledManifest, ContentError> {
        let manifest = self.named_manifest(grant).await?;
        // Deleted between the two reads: as if it had been gone before.
        let payload = manifests::payload(&self.db, manifest.id).await?.ok_or_else(|| unknown(grant))?;
        self.usage.count(grant.principal(), &grant.origin, Done::Pull, now);
        Ok(PulledManifest { digest: manifest.digest, media_type: manifest.media_type, payload })
    }

    /// What the manifest is that the grant names: HEAD, with which clients ask whether there is something new.
    pub async fn describe_manifest(
        &self,
        grant: &Grant<PullManifest>,
    ) -> Result<DescribedManifest, ContentError> {
        let StoredManifest { digest, media_type, size, .. } = self.named_manifest(grant).await?;
        Ok(DescribedManifest { digest, media_type, size })
    }

    async fn named_manifest(&self, grant: &Grant<PullManifest>) -> Result<StoredManifest, ContentError> {
        let PullManifest { repository, reference } = &grant.ask;
        let id = grant.repository().ok_or_else(|| ContentError::RepositoryUnknown(repository.clone()))?;
        let found = match reference {
            Reference::Tag(tag) => manifests::by_tag(&self.db, id, tag).await?,
            Reference::Digest(digest) => manifests::by_digest(&self.db, id, digest).await?,
        };
        found.ok_or_else(|| unknown(grant))
    }

    /// The blob that the grant names. No connection is held while its bytes are read.
    pub async fn pull_blob(&self, grant: &Grant<PullBlob>) -> Result<PulledBlob, ContentError> {
        let blob = self.linked_blob(grant).await?;
        // As many bytes as the row says: a file that lost some is an error here, and not a shorter blob.
        let whole = Range { start: 0, length: blob.size };
        let reading = self.blobs.read(&blob.key, Some(whole)).await?;
        Ok(PulledBlob { size: blob.size, bytes: reading.bytes })
    }

    /// The size of the blob that the grant names: HEAD.
    pub async fn blob_size(&self, grant: &Grant<PullBlob>) -> Result<u64, ContentError> {
        Ok(self.linked_blob(grant).await?.size)
    }

    async fn linked_blob(&self, grant: &Grant<PullBlob>) -> Result<links::StoredBlob, ContentError> {
        let PullBlob { repository, digest } = &grant.ask;
        let unknown = || ContentError::BlobUnknown { repository: repository.clone(), digest: digest.clone() };
        let Some(id) = grant.repository() else {
            return Err(ContentError::RepositoryUnknown(repository.clone()));
        };
        links::linked(&self.db, id, digest).await?.ok_or_else(unknown)
    }
}

fn unknown(grant: &Grant<PullManifest>) -> ContentError {
    let PullManifest { repository, reference } = grant.ask.clone();
    ContentError::ManifestUnknown { repository, reference }
}
