//! Limits on the number of uploads, tokens and namespaces: checked in the transaction that creates one more, behind the row of what
//! owns it, so that of two that come at once one counts the other.

use access::{id::NamespaceId, rights::Principal, time::Instant};
use storage::{
    db::{DbError, Tx},
    namespaces,
    settings::{self, Limit},
    tokens::{self, StoredOwner},
    uploads, users,
};

use crate::{
    Registry,
    authorize::acts_as_administrator,
    content::ContentError,
    grant::{Ask, Grant},
    manage::ManageError,
};

/// Why nothing more is created.
#[derive(Debug)]
pub(crate) enum NoRoom {
    /// There are as many as the limit allows; the message names the limit and who can raise it.
    Limit(String),
    /// The database.
    Storage(DbError),
}

impl From<DbError> for NoRoom {
    fn from(error: DbError) -> Self {
        Self::Storage(error)
    }
}

impl From<NoRoom> for ManageError {
    fn from(error: NoRoom) -> Self {
        match error {
            NoRoom::Limit(message) => Self::TooMany(message),
            NoRoom::Storage(error) => error.into(),
        }
    }
}

impl From<NoRoom> for ContentError {
    fn from(error: NoRoom) -> Self {
        match error {
            NoRoom::Limit(message) => Self::TooMany(message),
            NoRoom::Storage(error) => error.into(),
        }
    }
}

fn reached(whose: &str, count: i64, what: &str, way_out: &str, limit: Limit) -> NoRoom {
    NoRoom::Limit(format!(
        "{whose} has {count} {what}, which is the most; {way_out}, or ask an instance administrator to raise the setting {}",
        limit.setting()
    ))
}

impl Registry {
    /// Refuses one more token where the owner, whose row is held, has as many as it may.
    pub(crate) async fn check_room_for_token(
        &self,
        tx: &Tx,
        owner: &StoredOwner,
        now: Instant,
    ) -> Result<(), NoRoom> {
        let (limit, whose) = match owner {
            StoredOwner::Namespace { name, .. } => (Limit::TokensPerNamespace, format!("namespace {name}")),
            StoredOwner::User { username, .. } => (Limit::TokensPerUser, format!("user {username}")),
            StoredOwner::Instance => {
                // The instance has no row of its own.
                settings::hold(tx).await?;
                (Limit::InstanceTokens, "the instance".to_owned())
            }
        };
        let most = settings::all(tx).await?.limits.of(limit);
        if tokens::count_of(tx, owner, now, most).await? < most {
            return Ok(());
        }
        Err(reached(&whose, most, "tokens", "delete one that is not used", limit))
    }

    /// Refuses one more namespace where there are as many as there may be. Users are held to a limit of their own too;
    /// administrators, whose pushes create namespaces, only to that of the instance, which they can raise.
    pub(crate) async fn check_room_for_namespace<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
    ) -> Result<(), NoRoom> {
        settings::hold(tx).await?;
        let limits = settings::all(tx).await?.limits;
        if !acts_as_administrator(grant.principal()) {
            let (id, name) = grant.creator();
            let most = limits.of(Limit::NamespacesPerUser);
            if namespaces::count_of_creator(tx, &id, most).await? >= most {
                let (whose, way_out) = (format!("user {name}"), "delete one that is not used");
                return Err(reached(&whose, most, "namespaces", way_out, Limit::NamespacesPerUser));
            }
        }
        if self.has_room_for_namespace(tx).await? {
            return Ok(());
        }
        let most = limits.of(Limit::Namespaces);
        Err(reached("the instance", most, "namespaces", "delete one that is not used", Limit::Namespaces))
    }

    /// Whether the instance may have one more namespace. Behind [`settings::hold`] that stays true.
    pub(crate) async fn has_room_for_namespace(&self, tx: &Tx) -> Result<bool, DbError> {
        settings::hold(tx).await?;
        let most = settings::all(tx).await?.limits.of(Limit::Namespaces);
        Ok(namespaces::count(tx, most).await? < most)
    }

    /// Refuses one more upload session where the namespace or the principal has as many open ones as it may. Pushes to
    /// other namespaces by other principals do not wait for this transaction.
    pub(crate) async fn check_room_for_upload<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        namespace: NamespaceId,
        now: Instant,
    ) -> Result<(), NoRoom> {
        const WAY_OUT: &str = "finish or cancel some, wait until abandoned ones expire after 24 hours";
        // In the order in which the deletion of a namespace takes them.
        namespaces::hold(tx, namespace).await?;
        match grant.principal() {
            Principal::Token(token) => tokens::hold(tx, token.id, now).await?,
            Principal::User(user) => users::hold(tx, user.id).await?,
            Principal::Anonymous => false,
        };
        let limits = settings::all(tx).await?.limits;
        let most = limits.of(Limit::UploadsPerPrincipal);
        if uploads::count_of_principal(tx, &grant.principal_key(), now, most).await? >= most {
            let whose = grant.principal().to_string();
            return Err(reached(&whose, most, "open uploads", WAY_OUT, Limit::UploadsPerPrincipal));
        }
        let most = limits.of(Limit::UploadsPerNamespace);
        if uploads::count_of_namespace(tx, namespace, now, most).await? >= most {
            let whose = "the namespace";
            return Err(reached(whose, most, "open uploads", WAY_OUT, Limit::UploadsPerNamespace));
        }
        Ok(())
    }
}
