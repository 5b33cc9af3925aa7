//! Removing a repository with everything in it.

use access::{operation::Operation, time::Instant};
use oci::RepositoryName;
use storage::{db::retried, repositories};

use crate::{
    Registry,
    content::ContentError,
    delete_content::existing,
    grant::{Ask, Grant},
};

/// Remove a repository.
#[derive(Debug, Clone)]
pub struct DeleteRepository {
    /// Which.
    pub repository: RepositoryName,
}

impl Ask for DeleteRepository {
    fn operation(&self) -> Operation {
        Operation::DeleteRepository(self.repository.clone())
    }
}

impl Registry {
    /// Removes the repository with its tags, manifests and links to blobs. Its next push makes another one.
    pub async fn delete_repository(
        &self,
        grant: &Grant<DeleteRepository>,
        now: Instant,
    ) -> Result<(), ContentError> {
        let repository = &grant.ask.repository;
        retried(|| async {
            let tx = self.db.begin().await?;
            let id = existing(grant.still_holds(&tx, now).await?, repository)?;
            let content = repositories::content(&tx, id).await?;
            if !repositories::delete(&tx, id).await? {
                return Err(ContentError::RepositoryUnknown(repository.clone()));
            }
            let mut record = grant.record("repository.deleted", repository.to_string());
            let held = serde_json::json!({ "tags": content.tags, "manifests": content.manifests });
            record.before = held.to_string();
            self.write_history(&tx, &record, now).await?;
            Ok(tx.commit().await?)
        })
        .await
    }
}
