//! Looking at namespaces.

use access::{operation::Operation, role::Role};
use oci::NamespaceName;
use storage::namespaces::{self, StoredNamespace};

use crate::{
    Registry,
    authorize::acts_as_administrator,
    edit_namespace::no_namespace,
    grant::{Ask, Grant},
    manage::{ManageError, Page},
};

/// List the namespaces that the caller may see.
#[derive(Debug, Clone, Copy)]
pub struct ListNamespaces;

impl Ask for ListNamespaces {
    fn operation(&self) -> Operation {
        Operation::ListNamespaces
    }
}

/// Look at one namespace.
#[derive(Debug, Clone)]
pub struct ShowNamespace {
    /// Its name.
    pub name: NamespaceName,
}

impl Ask for ShowNamespace {
    fn operation(&self) -> Operation {
        Operation::ShowNamespace(self.name.clone())
    }
}

impl Registry {
    /// The namespaces behind `after` in which the caller has a role, by name; all of them for an instance
    /// administrator.
    pub async fn list_namespaces(
        &self,
        grant: &Grant<ListNamespaces>,
        after: &str,
        limit: u32,
    ) -> Result<Page<StoredNamespace>, ManageError> {
        let wanted = i64::from(limit) + 1;
        let found = match grant.principal().user() {
            Some(_) if acts_as_administrator(grant.principal()) => {
                namespaces::all(&self.db, after, wanted).await?
            }
            Some(user) => namespaces::of_user(&self.db, user.id, after, wanted).await?,
            None => Vec::new(),
        };
        Ok(Page::of(found, limit, |namespace| namespace.name.as_str()))
    }

    /// The namespace that the grant names, with the caller's own role in it; an instance administrator need not have
    /// one.
    pub async fn show_namespace(
        &self,
        grant: &Grant<ShowNamespace>,
    ) -> Result<(StoredNamespace, Option<Role>), ManageError> {
        let absent = || no_namespace(&grant.ask.name);
        let id = grant.namespace().ok_or_else(absent)?;
        let namespace = namespaces::by_id(&self.db, id).await?.ok_or_else(absent)?;
        Ok((namespace, grant.rights.namespace().and_then(|namespace| namespace.role)))
    }
}
