//! The tags of a repository (OCI distribution 1.1, "Listing Tags").

use access::operation::Operation;
use oci::{Call, RepositoryName};
use storage::tags;

use crate::{
    Registry,
    content::ContentError,
    grant::{Ask, Grant},
    manage::Page,
};

/// List the tags of a repository.
#[derive(Debug, Clone)]
pub struct ListTags {
    /// Of which.
    pub repository: RepositoryName,
}

impl Ask for ListTags {
    fn operation(&self) -> Operation {
        Operation::Oci(Call::ListTags { repository: self.repository.clone() })
    }
}

impl Registry {
    /// At most `limit` tags behind `after`, in the order of their bytes.
    pub async fn list_tags(
        &self,
        grant: &Grant<ListTags>,
        after: &str,
        limit: u32,
    ) -> Result<Page<String>, ContentError> {
        let repository = &grant.ask.repository;
        let id = grant.repository().ok_or_else(|| ContentError::RepositoryUnknown(repository.clone()))?;
        let found = tags::after(&self.db, id, after, i64::from(limit) + 1).await?;
        Ok(Page::of(found, limit, String::as_str))
    }
}
