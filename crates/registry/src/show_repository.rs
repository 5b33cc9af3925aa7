//! Looking at one repository: how much is in it, its tags and its manifests.

use access::operation::Operation;
use oci::RepositoryName;
use storage::{
    manifests::{self, StoredManifest},
    repositories::{self, Content, StoredRepository},
    tags::{self, StoredTag},
};

use crate::{
    Registry,
    content::ContentError,
    grant::{Ask, Grant},
    list_tags::ListTags,
    manage::Page,
};

/// Look at a repository.
#[derive(Debug, Clone)]
pub struct ShowRepository {
    /// Which.
    pub repository: RepositoryName,
}

impl Ask for ShowRepository {
    fn operation(&self) -> Operation {
        Operation::ShowRepository(self.repository.clone())
    }
}

/// List the manifests of a repository.
#[derive(Debug, Clone)]
pub struct ListManifests {
    /// Of which.
    pub repository: RepositoryName,
}

impl Ask for ListManifests {
    fn operation(&self) -> Operation {
        Operation::ListManifests(self.repository.clone())
    }
}

/// A repository and how much is in it.
#[derive(Debug)]
pub struct ShownRepository {
    /// The repository.
    pub repository: StoredRepository,
    /// What is in it.
    pub content: Content,
}

impl Registry {
    /// The repository that the grant names.
    pub async fn show_repository(
        &self,
        grant: &Grant<ShowRepository>,
    ) -> Result<ShownRepository, ContentError> {
        let absent = || ContentError::RepositoryUnknown(grant.ask.repository.clone());
        let id = grant.repository().ok_or_else(absent)?;
        let repository = repositories::by_id(&self.db, id).await?.ok_or_else(absent)?;
        Ok(ShownRepository { repository, content: repositories::content(&self.db, id).await? })
    }

    /// At most `limit` tags behind `after` with what they point at, in the order of their bytes.
    pub async fn show_tags(
        &self,
        grant: &Grant<ListTags>,
        after: &str,
        limit: u32,
    ) -> Result<Page<StoredTag>, ContentError> {
        let absent = || ContentError::RepositoryUnknown(grant.ask.repository.clone());
        let id = grant.repository().ok_or_else(absent)?;
        let found = tags::with_digests(&self.db, id, after, i64::from(limit) + 1).await?;
        Ok(Page::of(found, limit, |tag| &tag.name))
    }

    /// At most `limit` manifests behind the digest `after`, by digest.
    pub async fn list_manifests(
        &self,
        grant: &Grant<ListManifests>,
        after: &str,
        limit: u32,
    ) -> Result<Page<StoredManifest>, ContentError> {
        let absent = || ContentError::RepositoryUnknown(grant.ask.repository.clone());
        let id = grant.repository().ok_or_else(absent)?;
        let found = manifests::after(&self.db, id, after, i64::from(limit) + 1).await?;
        Ok(Page::of(found, limit, |manifest| manifest.digest.as_str()))
    }
}
