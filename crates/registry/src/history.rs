//! Audit rows, as the use cases write them: who, with which token, did what, in the transaction that did it.

use access::{
    id::AuditId,
    rights::{Owner, Principal},
    time::Instant,
};
use storage::{
    audit::{self, Record},
    db::{DbError, Tx},
    tokens::{StoredOwner, StoredToken},
};

use crate::{
    Registry,
    grant::{Ask, Grant, Origin},
};

impl Origin {
    /// The beginning of an audit row: `actor` did `event` to `target`, from here.
    pub(crate) fn record(
        &self,
        actor: String,
        actor_id: String,
        event: &'static str,
        target: String,
    ) -> Record<'_> {
        Record {
            actor,
            actor_id,
            event,
            target,
            from_address: self.address.map(|address| address.to_string()).unwrap_or_default(),
            client: &self.client,
            request_id: &self.request_id,
            ..Record::default()
        }
    }
}

impl<A: Ask> Grant<A> {
    /// The id and name of who makes something, as it is shown later: the person where there is one.
    pub(crate) fn creator(&self) -> (String, String) {
        match &self.rights.principal {
            Principal::Anonymous => (String::new(), String::new()),
            Principal::User(user) => (user.id.to_string(), user.username.to_string()),
            Principal::Token(token) => match &token.owner {
                Owner::User { user, .. } => (user.id.to_string(), user.username.to_string()),
                Owner::Namespace { .. } | Owner::Instance | Owner::FormerUser => {
                    (token.id.to_string(), token.to_string())
                }
            },
        }
    }

    /// The beginning of an audit row: who did `event` to `target`, from where.
    pub(crate) fn record(&self, event: &'static str, target: String) -> Record<'_> {
        let (actor_id, with_token) = match &self.rights.principal {
            Principal::Anonymous => (String::new(), String::new()),
            Principal::User(user) => (user.id.to_string(), String::new()),
            Principal::Token(token) => match &token.owner {
                Owner::User { user, .. } => (user.id.to_string(), token.id.to_string()),
                Owner::Namespace { .. } | Owner::Instance | Owner::FormerUser => {
                    (token.id.to_string(), token.id.to_string())
                }
            },
        };
        let namespace_id = self.namespace().map(|id| id.to_string()).unwrap_or_default();
        let record = self.origin.record(self.rights.principal.to_string(), actor_id, event, target);
        Record { with_token, namespace_id, ..record }
    }

    /// The same about a token: its history is found by the token, and by the namespace or user that owns it.
    pub(crate) fn token_record(&self, event: &'static str, token: &StoredToken) -> Record<'_> {
        let mut record = self.record(event, token.to_string());
        record.token_id = token.id.to_string();
        match &token.owner {
            StoredOwner::Namespace { id, .. } => record.namespace_id = id.to_string(),
            StoredOwner::User { id, .. } => record.user_id = id.to_string(),
            StoredOwner::Instance => {}
        }
        record
    }
}

/// The beginning of an audit row: somebody did `event` to `target` at the store itself. Who has the machine has
/// everything, so that is all that is known of who it was.
pub(crate) fn record_at_the_store(event: &str, target: String) -> Record<'_> {
    Record { actor: "an operator at the store".to_owned(), event, target, ..Record::default() }
}

impl Registry {
    pub(crate) async fn write_history(
        &self,
        tx: &Tx,
        record: &Record<'_>,
        now: Instant,
    ) -> Result<(), DbError> {
        audit::record(tx, AuditId::mint(now, self.random.as_ref()), now, record).await
    }
}
