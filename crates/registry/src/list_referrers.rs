//! What is about a manifest: signatures, attestations (OCI distribution 1.1, "Listing Referrers").

use access::operation::Operation;
use oci::{Call, Digest, RepositoryName};
use storage::manifests::{self, StoredManifest};

use crate::{
    Registry,
    content::ContentError,
    grant::{Ask, Grant},
    manage::Page,
};

/// List the manifests whose subject is this one.
#[derive(Debug, Clone)]
pub struct ListReferrers {
    /// In which repository.
    pub repository: RepositoryName,
    /// The subject, which need not be there.
    pub digest: Digest,
}

impl Ask for ListReferrers {
    fn operation(&self) -> Operation {
        let Self { repository, digest } = self.clone();
        Operation::Oci(Call::ListReferrers { repository, digest })
    }
}

impl Registry {
    /// At most `limit` manifests about the subject behind the digest `after`, by digest; of one artifact type, or of any
    /// where `artifact_type` is empty. Nothing is about what is not there: the list is empty then, also in a repository
    /// that nobody has pushed to.
    pub async fn list_referrers(
        &self,
        grant: &Grant<ListReferrers>,
        artifact_type: &str,
        after: &str,
        limit: u32,
    ) -> Result<Page<StoredManifest>, ContentError> {
        let Some(id) = grant.repository() else { return Ok(Page { items: Vec::new(), next: None }) };
        let (subject, wanted) = (&grant.ask.digest, i64::from(limit) + 1);
        let found = manifests::referrers(&self.db, id, subject, artifact_type, after, wanted).await?;
        Ok(Page::of(found, limit, |manifest| manifest.digest.as_str()))
    }
}
