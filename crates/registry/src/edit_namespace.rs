//! Editing a namespace: whether anyone may pull from it.

use access::{id::NamespaceId, operation::Operation, time::Instant};
use oci::NamespaceName;
use storage::{
    db::{Tx, retried},
    namespaces::{self, StoredNamespace},
};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::{ManageError, check_revision},
};

/// Change a namespace.
#[derive(Debug, Clone)]
pub struct EditNamespace {
    /// Its name.
    pub name: NamespaceName,
}

impl Ask for EditNamespace {
    fn operation(&self) -> Operation {
        Operation::EditNamespace(self.name.clone())
    }
}

/// What changes; whatever is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct NamespaceEdit {
    /// Whether anyone may pull.
    pub is_public: Option<bool>,
    /// Only if the namespace still has this revision.
    pub if_revision: Option<i64>,
}

impl Registry {
    /// Changes the namespace. Callers who could pull because it was public are refused when this has returned. An
    /// edit that changes nothing leaves no trace.
    pub async fn edit_namespace(
        &self,
        grant: &Grant<EditNamespace>,
        edit: &NamespaceEdit,
        now: Instant,
    ) -> Result<StoredNamespace, ManageError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            let before = self.take_namespace(&tx, grant, &grant.ask.name, now).await?;
            check_revision(edit.if_revision, before.revision)?;
            let is_public = edit.is_public.unwrap_or(before.is_public);
            if is_public == before.is_public {
                tx.roll_back().await?;
                return Ok(StoredNamespace { revision: before.revision - 1, ..before });
            }
            let after = StoredNamespace { is_public, ..before.clone() };
            namespaces::set_visibility(&tx, &after).await?;
            let mut record = grant.record("namespace.edited", format!("namespace {}", after.name));
            record.before = before.as_history();
            record.after = after.as_history();
            self.write_history(&tx, &record, now).await?;
            tx.commit().await?;
            Ok(after)
        })
        .await
    }

    /// Takes the row of the namespace that the grant aims at for this transaction, with the rights read again behind
    /// it: edits of one namespace and of its members queue here.
    pub(crate) async fn take_namespace<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        name: &NamespaceName,
        now: Instant,
    ) -> Result<StoredNamespace, ManageError> {
        let id = grant.namespace().ok_or_else(|| no_namespace(name))?;
        namespaces::bump(tx, id).await?.ok_or_else(|| no_namespace(name))?;
        grant.still_holds(tx, now).await?;
        namespaces::by_id(tx, id).await?.ok_or_else(|| no_namespace(name))
    }

    /// Holds that row without changing it, with the rights read again behind it, for what is added to the namespace
    /// without a foreign key: whoever takes rights in it away, or deletes it, comes before and is seen, or comes after
    /// and sees what was added.
    pub(crate) async fn hold_namespace<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        name: &NamespaceName,
        now: Instant,
    ) -> Result<NamespaceId, ManageError> {
        let id = grant.namespace().ok_or_else(|| no_namespace(name))?;
        if !namespaces::hold(tx, id).await? {
            return Err(no_namespace(name));
        }
        grant.still_holds(tx, now).await?;
        Ok(id)
    }
}

/// What is said of a namespace that isn't there, to whoever may know.
pub(crate) fn no_namespace(name: &NamespaceName) -> ManageError {
    ManageError::Absent(format!("namespace {name} does not exist"))
}
