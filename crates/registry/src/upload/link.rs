//! The commit: what was written becomes a blob of the repository, or goes.

use access::time::Instant;
use oci::{Digest, RepositoryName};
use storage::{
    blobs::{Finished, Key},
    db::retried,
    links::{self, StoredBlob},
    uploads,
};

use super::{REMEMBERED_FOR, claim::Held};
use crate::{
    Registry,
    content::ContentError,
    grant::{Ask, Grant},
};

impl Registry {
    /// One transaction: the rights again, the repository, the blob's row, its link, the end of the session. No row names
    /// what was written until this commits; if it does not, the bytes are removed.
    ///
    /// A digest that is there already costs the same transaction and one commit, so that the time does not tell whether
    /// another tenant has it.
    pub(super) async fn link<A: Ask>(
        &self,
        grant: &Grant<A>,
        repository: &RepositoryName,
        digest: &Digest,
        finished: Finished,
        session: Option<&Held>,
        now: Instant,
    ) -> Result<(), ContentError> {
        let blob = StoredBlob { key: finished.key, size: finished.size };
        let linked = retried(|| async {
            let tx = self.db.begin().await?;
            let rights = grant.still_holds(&tx, now).await?;
            let namespace = self.ensure_namespace(&tx, grant, &rights, repository, now).await?;
            let id = self.ensure_repository(&tx, grant, namespace, repository, now).await?;
            let old = links::insert(&tx, id, digest, &blob, now).await?;
            let mut record = grant.record("blob.pushed", format!("{repository}@{digest}"));
            record.namespace_id = namespace.to_string();
            record.after = serde_json::json!({ "size": blob.size }).to_string();
            self.write_history(&tx, &record, now).await?;
            if let Some(held) = session
                && !uploads::end_as_blob(&tx, held.id, held.claimed.claim, digest, now.plus(REMEMBERED_FOR))
                    .await?
            {
                return Err(ContentError::UploadTakenOver);
            }
            tx.commit().await?;
            Ok(old)
        });
        match linked.await {
            // Only after the commit: until then the row names the old bytes.
            Ok(Some(old)) => {
                self.delete_bytes(&old).await;
                Ok(())
            }
            Ok(None) => Ok(()),
            Err(error) => {
                // What the session acknowledged outlives a failure: whoever goes on with it takes it over.
                let goes_on = session.is_some() && error.is_of_the_database();
                // After a commit that broke off the row may name the key, and only `fsck` may judge.
                if !error.may_have_happened() && !goes_on {
                    self.drop_finished(&blob.key, session).await?;
                }
                Err(error)
            }
        }
    }

    /// Drops bytes that were to become a blob, and the session that they came by, which has none any more.
    async fn drop_finished(&self, key: &Key, session: Option<&Held>) -> Result<(), ContentError> {
        if let Some(held) = session {
            self.end_upload(held).await?;
            if !self.is_left(held.id, &held.claimed.state).await? {
                return Ok(());
            }
        }
        self.delete_bytes(key).await;
        Ok(())
    }

    async fn delete_bytes(&self, key: &Key) {
        if let Err(error) = self.blobs.delete(key).await {
            tracing::warn!(%error, "a blob's second copy could not be removed; fsck will find it");
        }
    }
}
