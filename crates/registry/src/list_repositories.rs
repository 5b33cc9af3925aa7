//! Which repositories there are (rule 4, listing): for the API, for `_catalog`, and for clients of DTR.

use access::{
    operation::Operation,
    rights::{Owner, Principal, Token},
};
use oci::{Call, NamespaceName};
use storage::repositories::{self, ListedRepository, StoredRepository, Which};

use crate::{
    Registry,
    authorize::Refusal,
    content::ContentError,
    grant::{Ask, Grant},
    manage::Page,
};

/// List repositories.
#[derive(Debug, Clone)]
pub struct ListRepositories {
    /// Of one namespace; without it, all that the caller may see.
    pub namespace: Option<NamespaceName>,
}

impl Ask for ListRepositories {
    fn operation(&self) -> Operation {
        match &self.namespace {
            Some(namespace) => Operation::ListRepositories(namespace.clone()),
            None => Operation::Oci(Call::Catalog),
        }
    }
}

impl Registry {
    /// At most `limit` repositories behind the name `after`, by name.
    pub async fn list_repositories(
        &self,
        grant: &Grant<ListRepositories>,
        after: &str,
        limit: u32,
    ) -> Result<Page<StoredRepository>, ContentError> {
        let which = match &grant.ask.namespace {
            Some(name) => {
                let absent = || ContentError::NamespaceUnknown(name.clone());
                Which::Of(grant.namespace().ok_or_else(absent)?)
            }
            None => seen_by(grant.principal())?,
        };
        let found = repositories::list(&self.db, which, after, i64::from(limit) + 1).await?;
        Ok(Page::of(found, limit, |repository| repository.name.as_str()))
    }

    /// At most `limit` repositories of one namespace behind the name `after`, by name, with how much is in each.
    pub async fn list_repositories_with_content(
        &self,
        grant: &Grant<ListRepositories>,
        after: &str,
        limit: u32,
    ) -> Result<Page<ListedRepository>, ContentError> {
        // Of all namespaces together nobody asks this: it would read what is in every repository that there is.
        let Some(name) = &grant.ask.namespace else { return Ok(Page { items: Vec::new(), next: None }) };
        let id = grant.namespace().ok_or_else(|| ContentError::NamespaceUnknown(name.clone()))?;
        let found = repositories::with_content(&self.db, id, after, i64::from(limit) + 1).await?;
        Ok(Page::of(found, limit, |repository| repository.name.as_str()))
    }
}

/// Rule 4: a service token sees every name of its namespace, everybody else what their user may pull.
fn seen_by(principal: &Principal) -> Result<Which, Refusal> {
    match principal {
        // The gate lets neither come this far.
        Principal::Anonymous | Principal::Token(Token { owner: Owner::FormerUser, .. }) => {
            Err(Refusal::SignIn { scope: None })
        }
        Principal::Token(Token { owner: Owner::Namespace { id, .. }, .. }) => Ok(Which::Of(*id)),
        Principal::Token(Token { owner: Owner::Instance, .. }) => Ok(Which::All),
        Principal::User(user) | Principal::Token(Token { owner: Owner::User { user, .. }, .. }) => {
            Ok(if user.is_admin { Which::All } else { Which::PulledBy(user.id) })
        }
    }
}
