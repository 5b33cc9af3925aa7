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
    /// The id of the namespace concerned, or empty.
    pub namespace_id: String,
    /// The name of that namespace, also of a deleted one; `None` if the row concerns none.
    pub namespace: Option<String>,
    /// The id of the user concerned, or empty.
    pub user_id: String,
    /// The name of that user, also of a deleted one; `None` if the row concerns none.
    pub user: Option<String>,
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

/// What happened, as a filter: the part of an event before its dot is its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Events {
    /// Whatever it was.
    #[default]
    Any,
    /// Every event of a kind, such as `token`.
    Kind(&'static str),
    /// One event, such as `token.disabled`.
    One(&'static str),
}

/// What pushes leave behind, by the million: the indexes of `0005_audit.sql` are without them. Asking for one of these finds
/// the other half of each push between, at most; asking for anything else walks over none.
const PUSHES: [&str; 2] = ["blob.pushed", "manifest.pushed"];

impl Events {
    /// The least and the greatest name of an event that is meant.
    fn range(self) -> (String, String) {
        // Events are of small letters, `-` and one dot: `~` is greater than any of them.
        match self {
            Self::Any => (String::new(), "~".to_owned()),
            Self::Kind(kind) => (format!("{kind}."), format!("{kind}.~")),
            Self::One(event) => (event.to_owned(), event.to_owned()),
        }
    }

    fn has(self, event: &str) -> bool {
        let (first, last) = self.range();
        *first <= *event && *event <= *last
    }

    fn with_pushes(self) -> bool {
        PUSHES.into_iter().any(|event| self.has(event))
    }
}

/// Which rows are asked for: those that pass every filter that is there.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// Rows that tell of these events.
    pub events: Events,
    /// Rows about this namespace.
    pub namespace: Option<NamespaceId>,
    /// Rows about this token, and about what was done with it.
    pub token: Option<TokenId>,
    /// Rows about this user, and about what they did.
    pub user: Option<UserId>,
    /// Rows of tokens that were created with this token.
    pub created_with: Option<TokenId>,
}

/// A stretch of the audit, as ids: times are turned into ids by [`AuditId::first_at`].
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// The least id.
    pub from: AuditId,
    /// The id behind the greatest.
    pub before: AuditId,
}

/// Rows with the names of their namespace and user. Names never change; the row of the creation or the deletion keeps
/// that of what is deleted, as `namespace acme` or `user anna`.
macro_rules! rows {
    () => {
        "SELECT a.id, a.at, a.actor, a.with_token, a.event, a.target, \
         COALESCE(n.name, (SELECT SUBSTR(MAX(gone.target), 11) FROM audit gone WHERE gone.namespace_id = a.namespace_id \
         AND gone.namespace_id <> '' AND gone.event IN ('namespace.created', 'namespace.deleted') AND \
         gone.event IN ('namespace.created', 'namespace.deleted', 'user.created', 'user.deleted'))), \
         a.token_id, a.from_address, a.client, a.request_id, a.before, a.after, a.namespace_id, a.user_id, \
         COALESCE(u.username, (SELECT SUBSTR(MAX(gone.target), 6) FROM audit gone WHERE gone.user_id = a.user_id \
         AND gone.user_id <> '' AND gone.event IN ('user.created', 'user.deleted') AND \
         gone.event IN ('namespace.created', 'namespace.deleted', 'user.created', 'user.deleted'))) \
         FROM audit a LEFT JOIN namespaces n ON n.id = a.namespace_id LEFT JOIN users u ON u.id = a.user_id WHERE "
    };
}

/// Rows whose event is asked for.
macro_rules! any_event {
    () => {
        " AND event >= $4 AND event <= $5"
    };
}

/// The same where no push is meant, in the words of the indexes that hold no push: a page of the rest is found without
/// walking over all that was pushed. PostgreSQL takes two bounds of one column that it does not know for a narrow
/// range, and would rather sort all that it finds than stop at the page's end; of a pair it does not.
macro_rules! no_push {
    () => {
        " AND event >= $4 AND (event, '') <= ($5, '') AND event NOT IN ('blob.pushed', 'manifest.pushed')"
    };
}

macro_rules! all {
    ($events:ident) => {
        concat!(rows!(), "a.id < $1 AND a.id >= $2", $events!(), " ORDER BY a.id DESC LIMIT $3")
    };
}

/// Namespace and id are compared as a pair: PostgreSQL, which plans without knowing the span, takes it for a short one,
/// and would walk over everybody's rows of it. The same below.
macro_rules! of_namespace {
    ($events:ident) => {
        concat!(
            rows!(),
            "(a.namespace_id, a.id) < ($6, $1) AND (a.namespace_id, a.id) >= ($6, $2)",
            $events!(),
            " ORDER BY a.namespace_id DESC, a.id DESC LIMIT $3"
        )
    };
}

/// Rows that either of two columns names: each found by its own index, and no further than the page reaches. No push
/// is about a token or a user.
macro_rules! rows_of {
    ($about:literal, $done_by:literal, $events:ident, $filter:literal) => {
        concat!(
            rows!(),
            "a.id IN (SELECT about.id FROM (SELECT x.id FROM audit x WHERE (x.",
            $about,
            ", x.id) < ($6, $1) AND (x.",
            $about,
            ", x.id) >= ($6, $2)",
            any_event!(),
            $filter,
            " ORDER BY x.",
            $about,
            " DESC, x.id DESC LIMIT $3) about UNION SELECT done.id FROM (SELECT x.id FROM audit x WHERE (x.",
            $done_by,
            ", x.id) < ($6, $1) AND (x.",
            $done_by,
            ", x.id) >= ($6, $2)",
            $events!(),
            $filter,
            " ORDER BY x.",
            $done_by,
            " DESC, x.id DESC LIMIT $3) done) ORDER BY a.id DESC LIMIT $3"
        )
    };
}

macro_rules! of_token {
    ($events:ident) => {
        rows_of!(
            "token_id",
            "with_token",
            $events,
            " AND (CAST($7 AS TEXT) = '' OR x.namespace_id = $7) \
             AND (CAST($8 AS TEXT) = '' OR x.actor_id = $8 OR x.user_id = $8)"
        )
    };
}

macro_rules! of_user {
    ($events:ident) => {
        rows_of!("user_id", "actor_id", $events, " AND (CAST($7 AS TEXT) = '' OR x.namespace_id = $7)")
    };
}

const ALL: &str = all!(any_event);
const ALL_BUT_PUSHES: &str = all!(no_push);
const OF_NAMESPACE: &str = of_namespace!(any_event);
const OF_NAMESPACE_BUT_PUSHES: &str = of_namespace!(no_push);
const OF_TOKEN: &str = of_token!(any_event);
const OF_TOKEN_BUT_PUSHES: &str = of_token!(no_push);
/// A statement of its own, because one more condition in the others makes PostgreSQL take another index.
const OF_TOKEN_DONE_WITH: &str = rows_of!(
    "token_id",
    "with_token",
    any_event,
    " AND (CAST($7 AS TEXT) = '' OR x.namespace_id = $7) \
     AND (CAST($8 AS TEXT) = '' OR x.actor_id = $8 OR x.user_id = $8) AND x.with_token = $9"
);
const OF_USER: &str = of_user!(any_event);
const OF_USER_BUT_PUSHES: &str = of_user!(no_push);

/// What the creation of a token is called.
const TOKEN_CREATED: &str = "token.created";

/// The newest rows of the span that pass the filter, the newest first.
pub async fn newest(
    q: &impl Query,
    mut filter: Filter,
    span: Span,
    limit: i64,
) -> Result<Vec<StoredRecord>, DbError> {
    if filter.created_with.is_some() {
        if !filter.events.has(TOKEN_CREATED) {
            return Ok(Vec::new());
        }
        filter.events = Events::One(TOKEN_CREATED);
        filter.token = filter.token.or(filter.created_with);
    }
    let namespace = filter.namespace.map(|id| id.to_string()).unwrap_or_default();
    let user = filter.user.map(|id| id.to_string()).unwrap_or_default();
    let (before, from) = (span.before, span.from);
    let (first, last) = filter.events.range();
    let with_pushes = filter.events.with_pushes();
    match filter {
        Filter { token: Some(token), created_with: Some(creator), .. } => {
            let asked = params![before, from, limit, first, last, token, namespace, user, creator];
            q.list(OF_TOKEN_DONE_WITH, asked, read).await
        }
        Filter { token: Some(token), .. } => {
            let asked = params![before, from, limit, first, last, token, namespace, user];
            if with_pushes {
                q.list(OF_TOKEN, asked, read).await
            } else {
                q.list(OF_TOKEN_BUT_PUSHES, asked, read).await
            }
        }
        Filter { user: Some(user), .. } => {
            let asked = params![before, from, limit, first, last, user, namespace];
            if with_pushes {
                q.list(OF_USER, asked, read).await
            } else {
                q.list(OF_USER_BUT_PUSHES, asked, read).await
            }
        }
        Filter { namespace: Some(id), .. } => {
            let asked = params![before, from, limit, first, last, id];
            if with_pushes {
                q.list(OF_NAMESPACE, asked, read).await
            } else {
                q.list(OF_NAMESPACE_BUT_PUSHES, asked, read).await
            }
        }
        Filter { .. } => {
            let asked = params![before, from, limit, first, last];
            if with_pushes {
                q.list(ALL, asked, read).await
            } else {
                q.list(ALL_BUT_PUSHES, asked, read).await
            }
        }
    }
}

/// The newest rows of the span that pass any of the filters, each once, the newest first.
pub async fn newest_of_any(
    q: &impl Query,
    filters: &[Filter],
    mut span: Span,
    limit: u32,
) -> Result<Vec<StoredRecord>, DbError> {
    let mut found: Vec<StoredRecord> = Vec::new();
    for filter in filters {
        found.extend(newest(q, *filter, span, i64::from(limit)).await?);
        found.sort_unstable_by_key(|record| std::cmp::Reverse(record.id));
        found.dedup_by_key(|record| record.id);
        found.truncate(limit as usize);
        // Older rows than the last of a full page are not needed, so each further filter reads only what may replace one.
        if let Some(last) = found.last().filter(|_| found.len() == limit as usize) {
            span.from = last.id;
        }
    }
    Ok(found)
}

/// The most namespaces or users of one name that are looked up: the newest. Each costs a search in an index. Older ones can
/// be asked for by id.
const MAX_NAMESAKES: i64 = 100;

/// The namespaces or users that a name or an id means. Each has the rows of its creation and deletion.
macro_rules! owners_called {
    ($id:literal) => {
        concat!(
            "SELECT x.owner FROM (SELECT named.",
            $id,
            " AS owner, named.id FROM audit named WHERE named.target = $1 AND named.",
            $id,
            " <> '' AND named.event IN ('namespace.created', 'namespace.deleted', 'user.created', 'user.deleted') ",
            "UNION SELECT same.",
            $id,
            ", same.id FROM audit same WHERE same.",
            $id,
            " = $2 AND same.",
            $id,
            " <> '' AND same.event IN ('namespace.created', 'namespace.deleted', 'user.created', 'user.deleted')) x ",
            "GROUP BY x.owner ORDER BY MAX(x.id) DESC LIMIT $3"
        )
    };
}

const NAMESPACES_CALLED: &str = owners_called!("namespace_id");
const USERS_CALLED: &str = owners_called!("user_id");

/// The namespaces that ever had this name or have this id, also deleted ones: the newest 100.
pub async fn namespaces_called(q: &impl Query, text: &str) -> Result<Vec<NamespaceId>, DbError> {
    let params = params![format!("namespace {text}"), text, MAX_NAMESAKES];
    q.list(NAMESPACES_CALLED, params, |row| row.parsed(0, NamespaceId::parse)).await
}

/// The users who ever had this name or have this id, also deleted ones: the newest 100.
pub async fn users_called(q: &impl Query, text: &str) -> Result<Vec<UserId>, DbError> {
    let params = params![format!("user {text}"), text, MAX_NAMESAKES];
    q.list(USERS_CALLED, params, |row| row.parsed(0, UserId::parse)).await
}

const ABOUT_TOKEN: &str = concat!(rows!(), "a.token_id = $1 ORDER BY a.id DESC LIMIT $2");

/// The newest rows of what was done to the token, the newest first; not what was done with it.
pub async fn about_token(q: &impl Query, token: TokenId, limit: i64) -> Result<Vec<StoredRecord>, DbError> {
    q.list(ABOUT_TOKEN, params![token, limit], read).await
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
        namespace_id: row.text(13)?,
        user_id: row.text(14)?,
        user: row.opt_text(15)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_and_indexes_are_without_the_same_pushes() {
        let without = format!("event NOT IN ('{}')", PUSHES.join("', '"));
        let indexes = include_str!("../migrations/0005_audit.sql");
        assert_eq!(indexes.matches("CREATE INDEX").count(), indexes.matches(&without).count(), "{without}");
        for text in [ALL_BUT_PUSHES, OF_NAMESPACE_BUT_PUSHES, OF_TOKEN_BUT_PUSHES, OF_USER_BUT_PUSHES] {
            assert!(text.contains(&without), "{text}");
        }
    }
}
