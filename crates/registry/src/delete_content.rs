//! Delete: manifests with their tags, tags alone, blobs that nothing needs (OCI distribution 1.1, "Content Management").

use access::{
    id::{ManifestId, RepositoryId},
    operation::Operation,
    rights::Rights,
    time::Instant,
};
use oci::{Call, Digest, Reference, RepositoryName, Tag};
use storage::{
    db::{DbError, Tx, retried},
    links, manifests, tags,
};

use crate::{
    Registry,
    content::ContentError,
    expected::Expected,
    grant::{Ask, Grant},
    manage::Page,
    tags_seen::TagsSeen,
};

/// How many of the tags that went with a manifest its audit row names: each has 128 characters at most.
const MAX_TAGS_TOLD: u32 = 100;

/// Delete a manifest with its tags, or a tag alone.
#[derive(Debug, Clone)]
pub struct DeleteManifest {
    /// From where.
    pub repository: RepositoryName,
    /// A digest: the manifest and every tag on it. A tag: that tag.
    pub reference: Reference,
}

impl Ask for DeleteManifest {
    fn operation(&self) -> Operation {
        let Self { repository, reference } = self.clone();
        Operation::Oci(Call::DeleteManifest { repository, reference })
    }
}

/// Take a blob out of a repository.
#[derive(Debug, Clone)]
pub struct DeleteBlob {
    /// From where.
    pub repository: RepositoryName,
    /// Which.
    pub digest: Digest,
}

impl Ask for DeleteBlob {
    fn operation(&self) -> Operation {
        let Self { repository, digest } = self.clone();
        Operation::Oci(Call::DeleteBlob { repository, digest })
    }
}

impl Registry {
    /// Deletes the manifest with every tag on it, or the tag alone, as the reference says, where that is as expected.
    pub async fn delete_manifest(
        &self,
        grant: &Grant<DeleteManifest>,
        expected: &Expected,
        now: Instant,
    ) -> Result<(), ContentError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            match &grant.ask.reference {
                Reference::Tag(tag) => self.delete_tag(&tx, grant, tag, expected, now).await?,
                Reference::Digest(digest) => {
                    self.delete_by_digest(&tx, grant, digest, expected, now).await?;
                }
            }
            Ok(tx.commit().await?)
        })
        .await
    }

    async fn delete_tag(
        &self,
        tx: &Tx,
        grant: &Grant<DeleteManifest>,
        tag: &Tag,
        expected: &Expected,
        now: Instant,
    ) -> Result<(), ContentError> {
        let DeleteManifest { repository, reference } = &grant.ask;
        let id = existing(grant.still_holds(tx, now).await?, repository)?;
        let before = tags::take(tx, id, tag).await?.ok_or_else(|| unknown(&grant.ask))?.digest;
        expected.check(tx, grant, (repository, reference), before.as_ref(), now).await?;
        tags::delete(tx, id, tag).await?;
        let mut record = grant.record("tag.deleted", format!("{repository}:{tag}"));
        record.before = serde_json::json!({ "digest": before.as_ref().map(Digest::as_str) }).to_string();
        Ok(self.write_history(tx, &record, now).await?)
    }

    async fn delete_by_digest(
        &self,
        tx: &Tx,
        grant: &Grant<DeleteManifest>,
        digest: &Digest,
        expected: &Expected,
        now: Instant,
    ) -> Result<(), ContentError> {
        let DeleteManifest { repository, reference } = &grant.ask;
        let id = existing(grant.still_holds(tx, now).await?, repository)?;
        let manifest = manifests::take(tx, id, digest).await?.ok_or_else(|| unknown(&grant.ask))?;
        let in_use = || in_use(repository, digest, "an index");
        if manifests::is_needed(tx, id, digest).await? {
            return Err(in_use());
        }
        expected.check(tx, grant, (repository, reference), Some(digest), now).await?;
        if let Some(seen) = &expected.tags
            && *seen != TagsSeen::now(tx, manifest).await?
        {
            return Err(ContentError::OtherTags { repository: repository.clone(), digest: digest.clone() });
        }
        let before = before_deletion(tx, manifest, digest).await?;
        // An index that came in between holds it by a constraint.
        manifests::delete(tx, manifest).await.map_err(|error| or_conflict(error, in_use))?;
        let mut record = grant.record("manifest.deleted", format!("{repository}@{digest}"));
        record.before = before;
        Ok(self.write_history(tx, &record, now).await?)
    }

    /// Takes the blob out of the repository; its bytes stay as long as another repository uses them.
    pub async fn delete_blob(&self, grant: &Grant<DeleteBlob>, now: Instant) -> Result<(), ContentError> {
        let DeleteBlob { repository, digest } = &grant.ask;
        retried(|| async {
            let tx = self.db.begin().await?;
            let id = existing(grant.still_holds(&tx, now).await?, repository)?;
            let in_use = || in_use(repository, digest, "a manifest");
            if links::is_needed(&tx, id, digest).await? {
                return Err(in_use());
            }
            let unlinked =
                links::unlink(&tx, id, digest).await.map_err(|error| or_conflict(error, in_use))?;
            if !unlinked {
                return Err(ContentError::BlobUnknown {
                    repository: repository.clone(),
                    digest: digest.clone(),
                });
            }
            let record = grant.record("blob.deleted", format!("{repository}@{digest}"));
            self.write_history(&tx, &record, now).await?;
            Ok(tx.commit().await?)
        })
        .await
    }
}

/// What goes with a manifest, for the audit: which tags it had, the first of them where they are many.
async fn before_deletion(tx: &Tx, manifest: ManifestId, digest: &Digest) -> Result<String, DbError> {
    let found = tags::of_manifest(tx, manifest, "", i64::from(MAX_TAGS_TOLD) + 1).await?;
    let tags = Page::of(found, MAX_TAGS_TOLD, String::as_str);
    let mut before = serde_json::json!({ "digest": digest.as_str(), "tags": tags.items });
    if tags.next.is_some() {
        before["has_more_tags"] = true.into();
    }
    Ok(before.to_string())
}

fn unknown(ask: &DeleteManifest) -> ContentError {
    let DeleteManifest { repository, reference } = ask.clone();
    ContentError::ManifestUnknown { repository, reference }
}

/// The repository that the rights were read for, which has to be there for anything to be deleted from it.
pub(crate) fn existing(rights: Rights, repository: &RepositoryName) -> Result<RepositoryId, ContentError> {
    let found = rights.namespace().and_then(|namespace| namespace.repository);
    found.ok_or_else(|| ContentError::RepositoryUnknown(repository.clone()))
}

fn in_use(repository: &RepositoryName, digest: &Digest, by: &'static str) -> ContentError {
    ContentError::InUse { digest: digest.clone(), by, repository: repository.clone() }
}

fn or_conflict(error: DbError, conflict: impl Fn() -> ContentError) -> ContentError {
    match error {
        DbError::Conflict { .. } => conflict(),
        error => error.into(),
    }
}
