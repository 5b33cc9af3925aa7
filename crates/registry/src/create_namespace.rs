//! Making a namespace: one that somebody asks for, or a new user's own.

use access::{id::NamespaceId, operation::Operation, role::Role, time::Instant};
use oci::NamespaceName;
use storage::{
    audit::Record,
    db::{DbError, Tx, retried},
    members::{self, MemberId},
    namespaces::{self, NamespaceOwner, StoredNamespace},
    users::StoredUser,
};

use crate::{
    Registry,
    authorize::acts_as_administrator,
    grant::{Ask, Grant},
    manage::ManageError,
};

/// Make a namespace. Which one is said when it is made: the gate is asked before anybody reads that.
#[derive(Debug, Clone, Copy)]
pub struct CreateNamespace;

impl Ask for CreateNamespace {
    fn operation(&self) -> Operation {
        Operation::CreateNamespace
    }
}

impl Registry {
    /// Makes a namespace. A user who makes one because the setting lets users becomes its admin.
    pub async fn create_namespace(
        &self,
        grant: &Grant<CreateNamespace>,
        name: &NamespaceName,
        is_public: bool,
        now: Instant,
    ) -> Result<StoredNamespace, ManageError> {
        let created = retried(|| async {
            let tx = self.db.begin().await?;
            let rights = grant.still_holds(&tx, now).await?;
            self.check_room_for_namespace(&tx, grant).await?;
            let made = self.insert_namespace(&tx, grant, name, is_public, now).await?;
            let made =
                made.ok_or_else(|| ManageError::NameTaken(format!("namespace {name} exists already")))?;
            if let Some(user) = rights.principal.user().filter(|_| !acts_as_administrator(&rights.principal))
            {
                members::set(&tx, made.id, MemberId::User(user.id), Role::Admin).await?;
            }
            tx.commit().await?;
            Ok(made)
        });
        // A name that is taken may be that of a user, whose own namespace it is.
        self.trying_a_name(grant, now, created).await
    }

    /// Adds a namespace with its audit row; `None` where the name is taken. Also how an administrator's first
    /// push to a new name makes it. The caller checks the limit first ([`Registry::check_room_for_namespace`]).
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
            owner: None,
            revision: 1,
        };
        if !namespaces::insert(tx, &namespace, &grant.creator().0).await? {
            return Ok(None);
        }
        let record = namespace_created(grant.record("namespace.created", String::new()), &namespace);
        self.write_history(tx, &record, now).await?;
        Ok(Some(namespace))
    }

    /// Makes a new user's own namespace, with them as its admin; `None` where the username is no namespace's name, or
    /// the name is taken. Its audit row is the caller's to write.
    pub(crate) async fn add_own_namespace(
        &self,
        tx: &Tx,
        user: &StoredUser,
        created_by: &str,
        now: Instant,
    ) -> Result<Option<StoredNamespace>, DbError> {
        let Ok(name) = NamespaceName::parse(user.username.as_str()) else { return Ok(None) };
        let namespace = StoredNamespace {
            id: NamespaceId::mint(now, self.random.as_ref()),
            name,
            is_public: false,
            created_at: now,
            created_by: created_by.to_owned(),
            owner: Some(NamespaceOwner { id: user.id, username: user.username.clone() }),
            revision: 1,
        };
        if !namespaces::insert(tx, &namespace, "").await? {
            return Ok(None);
        }
        members::set(tx, namespace.id, MemberId::User(user.id), Role::Admin).await?;
        Ok(Some(namespace))
    }
}

/// The audit row of a new namespace, by whoever `by` tells of.
pub(crate) fn namespace_created<'a>(by: Record<'a>, namespace: &StoredNamespace) -> Record<'a> {
    Record {
        event: "namespace.created",
        target: format!("namespace {}", namespace.name),
        namespace_id: namespace.id.to_string(),
        after: namespace.as_history(),
        ..by
    }
}
