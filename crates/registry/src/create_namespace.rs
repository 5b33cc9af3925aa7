//! Making a namespace.

use access::{id::NamespaceId, operation::Operation, time::Instant};
use oci::NamespaceName;
use storage::{
    db::{DbError, Tx, retried},
    namespaces::{self, StoredNamespace},
};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::ManageError,
};

/// Make a namespace.
#[derive(Debug, Clone)]
pub struct CreateNamespace {
    /// Its name.
    pub name: NamespaceName,
}

impl Ask for CreateNamespace {
    fn operation(&self) -> Operation {
        Operation::CreateNamespace(self.name.clone())
    }
}

impl Registry {
    /// Makes the namespace that the grant names.
    pub async fn create_namespace(
        &self,
        grant: &Grant<CreateNamespace>,
        is_public: bool,
        now: Instant,
    ) -> Result<StoredNamespace, ManageError> {
        let name = &grant.ask.name;
        retried(|| async {
            let tx = self.db.begin().await?;
            grant.still_holds(&tx, now).await?;
            let made = self.insert_namespace(&tx, grant, name, is_public, now).await?;
            tx.commit().await?;
            made.ok_or_else(|| ManageError::NameTaken(format!("namespace {name} exists already")))
        })
        .await
    }

    /// Adds a namespace with its audit row; `None` where the name is taken. Also how an administrator's first
    /// push to a new name makes it.
    pub(crate) async fn insert_namespace<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        name: &NamespaceName,
        is_public: bool,
        now: Instant,
    ) -> Result<Option<StoredNamespace>, DbError> {
        let namespace = StoredNamespace {
            id: NamespaceId::mint(now, self.random.as_ref()),
            name: name.clone(),
            is_public,
            created_at: now,
            created_by: grant.creator().1,
        };
        if !namespaces::insert(tx, &namespace).await? {
            return Ok(None);
        }
        let mut record = grant.record("namespace.created", format!("namespace {name}"));
        record.namespace_id = namespace.id.to_string();
        record.after = serde_json::json!({ "visibility": namespace.visibility() }).to_string();
        self.write_history(tx, &record, now).await?;
        Ok(Some(namespace))
    }
}
