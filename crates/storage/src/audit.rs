//! The audit: one row per mutation, written in its own transaction. Nothing here changes or removes a row.

use access::{
    id::{AuditId, NamespaceId, TokenId, UserId},
    time::Instant,
};

use crate::{
    db::{DbError, Query, Row, Tx},
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
    /// The client's address, or empty.
    pub from_address: String,
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
        record.from_address.as_str(),
        record.client,
        record.request_id,
        record.before.as_str(),
        record.after.as_str()
    ];
    tx.execute(INSERT, params).await?;
    Ok(())
}

/// A row as it is read again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// The row's id; later rows have greater ones.
    pub id: AuditId,
    /// When it happened.
    pub at: Instant,
    /// Who did it, in words.
    pub actor: String,
    /// The id of the token that was used, or empty.
    pub with_token: String,
    /// What was done, such as `token.created`.
    pub event: String,
    /// What it was done to, in words.
    pub target: String,
    /// The present name of the namespace concerned; `None` where there is none, or it is gone.
    pub namespace: Option<String>,
    /// The id of the token concerned, or empty.
    pub token_id: String,
    /// The client's address.
    pub from_address: String,
    /// What the client calls itself.
    pub client: String,
    /// The request's id, as in the log.
    pub request_id: String,
    /// JSON of what changed, before; or empty.
    pub before: String,
    /// JSON of what changed, after; or empty.
    pub after: String,
}

/// Which rows are asked for: those that pass every filter that is there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Rows about this namespace.
    pub namespace: Option<NamespaceId>,
    /// Rows about this token, and about what was done with it.
    pub token: Option<TokenId>,
    /// Rows about this user, and about what they did.
    pub user: Option<UserId>,
}

/// A stretch of the audit, as ids: times are turned into ids by [`AuditId::first_at`].
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The least id.
    pub from: AuditId,
    /// The id behind the greatest.
    pub before: AuditId,
}

/// Rows with the present name of their namespace.
macro_rules! rows {
    () => {
        "SELECT a.id, a.at, a.actor, a.with_token, a.event, a.target, n.name, a.token_id, a.from_address, a.client, \
         a.request_id, a.before, a.after FROM audit a LEFT JOIN namespaces n ON n.id = a.namespace_id WHERE "
    };
}

/// Rows that either of two columns names: each found by its own index, and no further than the page reaches.
macro_rules! rows_of {
    ($about:literal, $done_by:literal, $filter:literal) => {
        concat!(
            rows!(),
            "a.id IN (SELECT about.id FROM (SELECT x.id FROM audit x WHERE x.",
            $about,
            " = $4 AND x.id < $1 AND x.id >= $2",
            $filter,
            " ORDER BY x.id DESC LIMIT $3) about UNION SELECT done.id FROM (SELECT x.id FROM audit x WHERE x.",
            $done_by,
            " = $4 AND x.id < $1 AND x.id >= $2",
            $filter,
            " ORDER BY x.id DESC LIMIT $3) done) ORDER BY a.id DESC LIMIT $3"
        )
    };
}

const ALL: &str = concat!(rows!(), "a.id < $1 AND a.id >= $2 ORDER BY a.id DESC LIMIT $3");
const OF_NAMESPACE: &str =
    concat!(rows!(), "a.namespace_id = $4 AND a.id < $1 AND a.id >= $2 ORDER BY a.id DESC LIMIT $3");
const OF_TOKEN: &str = rows_of!(
    "token_id",
    "with_token",
    " AND (CAST($5 AS TEXT) = '' OR x.namespace_id = $5) \
     AND (CAST($6 AS TEXT) = '' OR x.actor_id = $6 OR x.user_id = $6)"
);
const OF_USER: &str = rows_of!("user_id", "actor_id", " AND (CAST($5 AS TEXT) = '' OR x.namespace_id = $5)");

/// The newest rows of the span that pass the filter, the newest first.
pub async fn newest(
    q: &impl Query,
    filter: Filter,
    span: Span,
    limit: i64,
) -> Result<Vec<StoredRecord>, DbError> {
    let namespace = filter.namespace.map(|id| id.to_string()).unwrap_or_default();
    let user = filter.user.map(|id| id.to_string()).unwrap_or_default();
    let (before, from) = (span.before, span.from);
    match filter {
        Filter { token: Some(token), .. } => {
            q.list(OF_TOKEN, params![before, from, limit, token, namespace, user], read).await
        }
        Filter { user: Some(user), .. } => {
            q.list(OF_USER, params![before, from, limit, user, namespace], read).await
        }
        Filter { namespace: Some(id), .. } => {
            q.list(OF_NAMESPACE, params![before, from, limit, id], read).await
        }
        Filter { .. } => q.list(ALL, params![before, from, limit], read).await,
    }
}

fn read(row: &Row<'_>) -> Result<StoredRecord, DbError> {
    Ok(StoredRecord {
        id: row.parsed(0, AuditId::parse)?,
        at: row.instant(1)?,
        actor: row.text(2)?,
        with_token: row.text(3)?,
        event: row.text(4)?,
        target: row.text(5)?,
        namespace: row.opt_text(6)?,
        token_id: row.text(7)?,
        from_address: row.text(8)?,
        client: row.text(9)?,
        request_id: row.text(10)?,
        before: row.text(11)?,
        after: row.text(12)?,
    })
}
