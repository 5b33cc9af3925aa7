//! Deleting a namespace. Its name is free at once; one made again under it is another, and owes nothing to the old
//! one's tokens, bearers or uploads, for rights bind to ids.

use access::{operation::Operation, time::Instant};
use oci::NamespaceName;
use storage::{
    blobs::State,
    db::{Tx, retried},
    leaving,
    namespaces::{self, StoredNamespace},
    uploads,
};

use crate::{
    Registry,
    edit_namespace::no_namespace,
    grant::{Ask, Grant},
    manage::ManageError,
};

/// Remove a namespace.
#[derive(Debug, Clone)]
pub struct DeleteNamespace {
    /// Its name.
    pub name: NamespaceName,
}

impl Ask for DeleteNamespace {
    fn operation(&self) -> Operation {
        Operation::DeleteNamespace(self.name.clone())
    }
}

impl Registry {
    /// Removes the namespace with its members and tokens; where it holds repositories, only `with_repositories`. What
    /// no repository needs any more is garbage, which is collected later.
    pub async fn delete_namespace(
        &self,
        grant: &Grant<DeleteNamespace>,
        with_repositories: bool,
        now: Instant,
    ) -> Result<(), ManageError> {
        let uploads = retried(|| async {
            let tx = self.db.begin().await?;
            let namespace = self.take_namespace(&tx, grant, &grant.ask.name, now).await?;
            let holds_repositories = namespaces::retire(&tx, namespace.id).await?;
            if holds_repositories && !with_repositories {
                return Err(ManageError::HoldsRepositories(namespace.name.to_string()));
            }
            let uploads = self.remove_namespace(&tx, grant, &namespace, now).await?;
            tx.commit().await?;
            Ok(uploads)
        })
        .await?;
        self.abort_all(&uploads).await;
        Ok(())
    }

    /// Removes a namespace that was closed to everybody else, with the history of it and of its tokens; answers with
    /// the uploads whose bytes are to go once this is committed.
    pub(crate) async fn remove_namespace<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        namespace: &StoredNamespace,
        now: Instant,
    ) -> Result<Vec<State>, ManageError> {
        let uploads = uploads::of_namespace(tx, namespace.id).await?;
        let mut record = grant.record("namespace.deleted", format!("namespace {}", namespace.name));
        record.namespace_id = namespace.id.to_string();
        record.before = namespace.as_history();
        self.write_history(tx, &record, now).await?;
        for (id, name) in
            leaving::end_all_of_namespace(tx, namespace.id, now, "deleted with its namespace").await?
        {
            let mut record = grant.record("token.deleted", format!("token {}/{name}", namespace.name));
            record.namespace_id = namespace.id.to_string();
            record.token_id = id.to_string();
            self.write_history(tx, &record, now).await?;
        }
        if !namespaces::delete(tx, namespace.id).await? {
            return Err(no_namespace(&namespace.name));
        }
        Ok(uploads)
    }

    /// Takes the bytes of uploads away whose sessions are gone.
    pub(crate) async fn abort_all(&self, uploads: &[State]) {
        for state in uploads {
            self.abort(state).await;
        }
    }
}
