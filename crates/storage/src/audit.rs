//! The audit: one row per mutation, written in its own transaction. Nothing here changes or removes a row.

use access::{id::AuditId, time::Instant};

use crate::{
    db::{DbError, Tx},
    params,
};

/// What happened, as it will be read years later: names are copied, not referenced.
#[derive(Debug, Clone, Default)]
pub struct Record<'a> {
    /// Who did it, in words: `user admin`, `token acme/ci-bot`.
    pub actor: String,
    /// The id of who did it.
    pub actor_id: String,
    /// The id of the token that was used, or empty.
    pub with_token: String,
    /// What was done, such as `token.created`.
    pub event: &'a str,
    /// What it was done to, in words.
    pub target: String,
    /// The namespace concerned, or empty.
    pub namespace_id: String,
    /// The token concerned, or empty.
    pub token_id: String,
    /// The user concerned, or empty.
    pub user_id: String,
    /// The client's address.
    pub from_address: &'a str,
    /// What the client calls itself.
    pub client: &'a str,
    /// The request's id, as in the log.
    pub request_id: &'a str,
    /// JSON of what changed, before; or empty.
    pub before: String,
    /// JSON of what changed, after; or empty.
    pub after: String,
}

const INSERT: &str = "INSERT INTO audit (id, at, actor, actor_id, with_token, event, target, namespace_id, token_id, \
    user_id, from_address, client, request_id, before, after) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)";

/// Writes one row.
pub async fn record(tx: &Tx, id: AuditId, now: Instant, record: &Record<'_>) -> Result<(), DbError> {
    let params = params![
        id,
        now,
        record.actor.as_str(),
        record.actor_id.as_str(),
        record.with_token.as_str(),
        record.event,
        record.target.as_str(),
        record.namespace_id.as_str(),
        record.token_id.as_str(),
        record.user_id.as_str(),
        record.from_address,
        record.client,
        record.request_id,
        record.before.as_str(),
        record.after.as_str()
    ];
    tx.execute(INSERT, params).await?;
    Ok(())
}
