//! Tokens when their owner or their maker leaves: a namespace that is deleted takes its service tokens along, a user
//! the personal ones. What they made elsewhere stays, and somebody has to be told of it.

use access::{
    id::{NamespaceId, TokenId, UserId},
    time::Instant,
};

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// A token that was ended along with its owner: its id, and its name or label.
pub type EndedToken = (TokenId, String);

const END_OF_NAMESPACE: &str = "UPDATE tokens SET ended_at = $2, why = $3, revision = revision + 1 \
    WHERE kind = 'service' AND namespace_id = $1 AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $2) \
    RETURNING id, name";

/// Makes every living service token of the namespace a tombstone; `why` is the participle that a refusal shows.
pub async fn end_all_of_namespace(
    tx: &Tx,
    namespace: NamespaceId,
    now: Instant,
    why: &str,
) -> Result<Vec<EndedToken>, DbError> {
    tx.list(END_OF_NAMESPACE, params![namespace, now, why], read_ended).await
}

const END_OF_USER: &str = "UPDATE tokens SET ended_at = $2, why = $3, revision = revision + 1 \
    WHERE kind = 'personal' AND user_id = $1 AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $2) \
    RETURNING id, name";

/// Makes every living personal token of the user a tombstone.
pub async fn end_all_of_user(
    tx: &Tx,
    user: UserId,
    now: Instant,
    why: &str,
) -> Result<Vec<EndedToken>, DbError> {
    tx.list(END_OF_USER, params![user, now, why], read_ended).await
}

fn read_ended(row: &Row<'_>) -> Result<EndedToken, DbError> {
    Ok((row.parsed(0, TokenId::parse)?, row.text(1)?))
}

/// A service token that lives on when its maker leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenElsewhere {
    /// Its id.
    pub id: TokenId,
    /// The namespace that owns it; `None` for one of the instance.
    pub namespace: Option<String>,
    /// Its name.
    pub name: String,
    /// False once somebody disabled it.
    pub is_enabled: bool,
    /// When it ends by itself.
    pub expires_at: Option<Instant>,
}

const MADE_ELSEWHERE: &str = "SELECT t.id, n.name, t.name, t.status, t.expires_at \
    FROM tokens t LEFT JOIN namespaces n ON n.id = t.namespace_id \
    WHERE t.kind = 'service' AND t.ended_at IS NULL AND t.created_by_id = $1 \
    AND (t.expires_at IS NULL OR t.expires_at > $2) AND (n.id IS NULL OR n.owner_user_id <> $1) \
    ORDER BY t.namespace_id, t.name LIMIT $3";

/// The living service tokens that the user made outside their own namespace, at most `limit`.
pub async fn made_elsewhere(
    q: &impl Query,
    user: UserId,
    now: Instant,
    limit: i64,
) -> Result<Vec<TokenElsewhere>, DbError> {
    let read = |row: &Row<'_>| {
        Ok(TokenElsewhere {
            id: row.parsed(0, TokenId::parse)?,
            namespace: row.opt_text(1)?,
            name: row.text(2)?,
            is_enabled: row.text(3)? == "enabled",
            expires_at: row.opt_instant(4)?,
        })
    };
    q.list(MADE_ELSEWHERE, params![user, now, limit], read).await
}
