//! What becomes of tokens that have ended: the sweeper makes tombstones of expired ones, and takes away those that
//! have explained refusals for long enough. That an expired token is refused hangs on none of this (rule 2).

use access::{
    id::{NamespaceId, TokenId, UserId},
    time::Instant,
};

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// A token that the sweeper found expired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExpiredToken {
    /// The token's id.
    pub id: TokenId,
    /// Name of a service token, label of a personal one.
    pub name: String,
    /// The namespace that owns it.
    pub namespace: Option<NamespaceId>,
    /// The name of that namespace, unless it was deleted.
    pub namespace_name: Option<String>,
    /// The user who owns it.
    pub user: Option<UserId>,
    /// The login name of that user, unless they were deleted.
    pub username: Option<String>,
    /// When it expired.
    pub expired_at: Instant,
}

impl std::fmt::Display for ExpiredToken {
    /// As the audit names a living token: with the namespace or user that owns it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.namespace_name, &self.username, self.user) {
            (Some(namespace), _, _) => write!(f, "token {namespace}/{}", self.name),
            (_, Some(username), _) => write!(f, "token \"{}\" of user {username}", self.name),
            (_, None, Some(_)) => write!(f, "token \"{}\" of a deleted user", self.name),
            (None, None, None) => write!(f, "token {}", self.name),
        }
    }
}

/// What a statement that ends expired tokens returns about each.
macro_rules! returning {
    () => {
        " RETURNING id, name, namespace_id, user_id, expires_at, \
         (SELECT n.name FROM namespaces n WHERE n.id = tokens.namespace_id), \
         (SELECT u.username FROM users u WHERE u.id = tokens.user_id)"
    };
}

const END_EXPIRED: &str = concat!(
    "UPDATE tokens SET ended_at = expires_at, why = 'expired', revision = revision + 1 \
    WHERE ended_at IS NULL AND expires_at <= $1 AND id IN \
    (SELECT t.id FROM tokens t WHERE t.ended_at IS NULL AND t.expires_at IS NOT NULL AND t.expires_at <= $1 \
    ORDER BY t.expires_at, t.id LIMIT $2)",
    returning!()
);

/// Makes tombstones of at most `limit` tokens that expired by now, each dated at the instant of its expiry. Of
/// several replicas that sweep at once one is told of a token.
pub async fn end_expired(tx: &Tx, now: Instant, limit: i64) -> Result<Vec<ExpiredToken>, DbError> {
    tx.list(END_EXPIRED, params![now, limit], read).await
}

const END_EXPIRED_NAMESAKE: &str = concat!(
    "UPDATE tokens SET ended_at = expires_at, why = 'expired', revision = revision + 1 \
    WHERE kind = 'service' AND namespace_id = $1 AND name = $2 AND ended_at IS NULL AND expires_at <= $3",
    returning!()
);

/// Ends the service token of that name that has expired but wasn't swept yet, if there is one: its name is free from
/// the instant of its expiry (rule 2). `None` as the owner is the instance.
pub async fn end_expired_namesake(
    tx: &Tx,
    namespace: Option<NamespaceId>,
    name: &str,
    now: Instant,
) -> Result<Option<ExpiredToken>, DbError> {
    let owner = namespace.map(|id| id.to_string()).unwrap_or_default();
    tx.optional(END_EXPIRED_NAMESAKE, params![owner, name, now], read).await
}

fn read(row: &Row<'_>) -> Result<ExpiredToken, DbError> {
    let namespace = match row.text(2)?.as_str() {
        "" => None,
        _ => Some(row.parsed(2, NamespaceId::parse)?),
    };
    let user = match row.text(3)?.as_str() {
        "" => None,
        _ => Some(row.parsed(3, UserId::parse)?),
    };
    Ok(ExpiredToken {
        id: row.parsed(0, TokenId::parse)?,
        name: row.text(1)?,
        namespace,
        namespace_name: row.opt_text(5)?,
        user,
        username: row.opt_text(6)?,
        expired_at: row.instant(4)?,
    })
}

const PURGE: &str = "DELETE FROM tokens WHERE id IN \
    (SELECT t.id FROM tokens t WHERE t.ended_at IS NOT NULL AND t.ended_at <= $1 ORDER BY t.ended_at LIMIT $2)";

/// Removes at most `limit` tombstones of tokens that ended by `ended_by`, with all that hangs on them. Says how many.
pub async fn purge(tx: &Tx, ended_by: Instant, limit: i64) -> Result<u64, DbError> {
    tx.execute(PURGE, params![ended_by, limit]).await
}
