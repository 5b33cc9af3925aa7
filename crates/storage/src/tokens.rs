//! Tokens, service and personal. Those that have ended (deleted or expired) are tombstones: every function here
//! but `end` and its like treats them as absent.

use access::{
    expiry::Expiry,
    id::{NamespaceId, TokenId, UserId},
    time::Instant,
};
use oci::NamespaceName;

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
    scopes::{self, StoredScope},
};

/// A living token as stored, with its scopes.
#[derive(Debug, Clone)]
pub struct StoredToken {
    /// The token's id.
    pub id: TokenId,
    /// Whose it is.
    pub owner: StoredOwner,
    /// Login name of a service token, label of a personal one.
    pub name: String,
    /// Free text, or empty.
    pub description: String,
    /// Whom or what the token is for.
    pub stands_for: Option<StandsFor>,
    /// False once somebody disabled it.
    pub is_enabled: bool,
    /// When it ends by itself.
    pub expiry: Expiry,
    /// What it allows.
    pub scopes: Vec<StoredScope>,
    /// The beginning of its newest secret, to tell secrets apart by.
    pub secret_hint: String,
    /// When it was made.
    pub created_at: Instant,
    /// The id of who made it, for looking up.
    pub created_by_id: String,
    /// The name of who made it.
    pub created_by: String,
    /// What it was used for, as far as batches have brought it.
    pub used: StoredUse,
    /// Rises with every edit.
    pub revision: i64,
}

/// Whom or what a token is for: a person or a service, in the words of whoever made it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StandsFor {
    /// A person, by username.
    User(String),
    /// A service, by any name.
    Service(String),
}

/// What a token was used for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredUse {
    /// When last.
    pub last_used_at: Option<Instant>,
    /// From which address last, or empty.
    pub last_used_from: String,
    /// By which client last, or empty.
    pub last_used_by: String,
    /// Manifests pulled.
    pub pulls: i64,
    /// Manifests pushed.
    pub pushes: i64,
}

/// Whose a token is, with the name to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredOwner {
    /// A service token of a namespace.
    Namespace {
        /// The namespace's id.
        id: NamespaceId,
        /// Its name.
        name: NamespaceName,
    },
    /// A service token of the instance.
    Instance,
    /// A personal token.
    User {
        /// The user's id.
        id: UserId,
        /// The user's login name.
        username: String,
        /// `account` or `scoped`.
        access: String,
    },
}

impl StoredToken {
    /// What the audit keeps of a token: what may be edited, as JSON. Never a secret or its hint.
    pub fn as_history(&self) -> String {
        let scopes: Vec<_> = self.scopes.iter().map(|scope| scope.scope.to_string()).collect();
        serde_json::json!({
            "description": self.description,
            "status": self.status(),
            "expires_at": self.expiry.instant(),
            "scopes": scopes,
            "stands_for": self.stands_for.as_ref().map(|whom| match whom {
                StandsFor::User(name) => format!("user {name}"),
                StandsFor::Service(name) => format!("service {name}"),
            }),
        })
        .to_string()
    }

    fn stands_for_columns(&self) -> (&'static str, &str) {
        match &self.stands_for {
            None => ("", ""),
            Some(StandsFor::User(name)) => ("user", name),
            Some(StandsFor::Service(name)) => ("service", name),
        }
    }

    /// `enabled` or `disabled`.
    pub fn status(&self) -> &'static str {
        if self.is_enabled { "enabled" } else { "disabled" }
    }
}

/// How messages call it: `token acme/ci-bot`.
impl std::fmt::Display for StoredToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.owner {
            StoredOwner::Namespace { name, .. } => write!(f, "token {name}/{}", self.name),
            StoredOwner::Instance => write!(f, "token {}", self.name),
            StoredOwner::User { username, .. } => write!(f, "token \"{}\" of user {username}", self.name),
        }
    }
}

impl StoredOwner {
    fn columns(&self) -> (&'static str, String, String, &str) {
        match self {
            Self::Namespace { id, .. } => ("service", id.to_string(), String::new(), "scoped"),
            Self::Instance => ("service", String::new(), String::new(), "scoped"),
            Self::User { id, access, .. } => ("personal", String::new(), id.to_string(), access),
        }
    }
}

macro_rules! select_token {
    ($filter:literal) => {
        concat!(
            "SELECT t.id, t.kind, t.namespace_id, n.name, t.user_id, u.username, t.access, t.name, t.description, \
             t.status, t.expires_at, t.created_at, t.created_by_id, t.created_by, t.revision, \
             (SELECT s.hint FROM token_secrets s WHERE s.token_id = t.id ORDER BY s.created_at DESC, s.id DESC LIMIT 1), \
             t.stands_for_kind, t.stands_for, t.last_used_at, t.last_used_from, t.last_used_by, t.pulls, t.pushes \
             FROM tokens t LEFT JOIN namespaces n ON n.id = t.namespace_id LEFT JOIN users u ON u.id = t.user_id \
             WHERE t.ended_at IS NULL AND ",
            $filter
        )
    };
}

const BY_ID: &str = select_token!("t.id = $1 AND (t.expires_at IS NULL OR t.expires_at > $2)");

/// The living token with this id.
pub async fn by_id(q: &impl Query, id: TokenId, now: Instant) -> Result<Option<StoredToken>, DbError> {
    let Some(mut token) = q.optional(BY_ID, params![id, now], read).await? else { return Ok(None) };
    token.scopes = scopes::of_token(q, id).await?;
    Ok(Some(token))
}

const SERVICE_AFTER: &str = select_token!(
    "t.kind = 'service' AND t.namespace_id = $1 AND t.name > $2 AND (t.expires_at IS NULL OR t.expires_at > $3) \
     ORDER BY t.name LIMIT $4"
);

/// The living service tokens of a namespace behind the name `after`, by name.
pub async fn of_namespace(
    q: &impl Query,
    namespace: NamespaceId,
    after: &str,
    now: Instant,
    limit: i64,
) -> Result<Vec<StoredToken>, DbError> {
    let owner = namespace.to_string();
    let mut page = q.list(SERVICE_AFTER, params![owner.as_str(), after, now, limit], read).await?;
    let (Some(first), Some(last)) = (page.first(), page.last()) else { return Ok(page) };
    let scopes = scopes::of_service_tokens(q, &owner, &first.name, &last.name).await?;
    for (id, scope) in scopes {
        if let Some(token) = page.iter_mut().find(|token| token.id == id) {
            token.scopes.push(scope);
        }
    }
    Ok(page)
}

fn read(row: &Row<'_>) -> Result<StoredToken, DbError> {
    Ok(StoredToken {
        id: row.parsed(0, TokenId::parse)?,
        owner: read_owner(row)?,
        name: row.text(7)?,
        description: row.text(8)?,
        stands_for: match row.text(16)?.as_str() {
            "user" => Some(StandsFor::User(row.text(17)?)),
            "service" => Some(StandsFor::Service(row.text(17)?)),
            _ => None,
        },
        is_enabled: row.text(9)? == "enabled",
        expiry: row.opt_instant(10)?.map_or(Expiry::Never, Expiry::At),
        scopes: Vec::new(),
        secret_hint: row.opt_text(15)?.unwrap_or_default(),
        created_at: row.instant(11)?,
        created_by_id: row.text(12)?,
        created_by: row.text(13)?,
        used: StoredUse {
            last_used_at: row.opt_instant(18)?,
            last_used_from: row.text(19)?,
            last_used_by: row.text(20)?,
            pulls: row.int(21)?,
            pushes: row.int(22)?,
        },
        revision: row.int(14)?,
    })
}

fn read_owner(row: &Row<'_>) -> Result<StoredOwner, DbError> {
    if row.text(1)? == "personal" {
        let username = row.opt_text(5)?.unwrap_or_default();
        return Ok(StoredOwner::User { id: row.parsed(4, UserId::parse)?, username, access: row.text(6)? });
    }
    match row.text(2)?.as_str() {
        "" => Ok(StoredOwner::Instance),
        _ => Ok(StoredOwner::Namespace {
            id: row.parsed(2, NamespaceId::parse)?,
            name: row.parsed(3, NamespaceName::parse)?,
        }),
    }
}

const END_EXPIRED_NAMESAKE: &str = "UPDATE tokens SET ended_at = expires_at, why = 'expired', revision = revision + 1 \
    WHERE kind = 'service' AND namespace_id = $1 AND name = $2 AND ended_at IS NULL AND expires_at <= $3";

const INSERT: &str = "INSERT INTO tokens (id, kind, namespace_id, user_id, name, access, description, status, \
    expires_at, stands_for_kind, stands_for, parent_secret_id, created_at, created_by_id, created_by, \
    last_used_from, last_used_by, pulls, pushes, why, revision) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $13, $14, '', $10, $11, $12, '', '', 0, 0, '', 1) \
    ON CONFLICT DO NOTHING";

/// Adds a token with its scopes; false where a living token of the same owner has the name. A namesake that has
/// expired but wasn't swept yet is ended first: its name is free from the instant of its expiry (rule 2).
pub async fn insert(tx: &Tx, token: &StoredToken) -> Result<bool, DbError> {
    let (kind, namespace, user, access) = token.owner.columns();
    tx.execute(END_EXPIRED_NAMESAKE, params![namespace.as_str(), token.name.as_str(), token.created_at])
        .await?;
    let (stands_for_kind, stands_for) = token.stands_for_columns();
    let params = params![
        token.id,
        kind,
        namespace,
        user,
        token.name.as_str(),
        access,
        token.description.as_str(),
        token.status(),
        token.expiry.instant(),
        token.created_at,
        token.created_by_id.as_str(),
        token.created_by.as_str(),
        stands_for_kind,
        stands_for
    ];
    if tx.execute(INSERT, params).await? == 0 {
        return Ok(false);
    }
    for (position, scope) in (0..).zip(&token.scopes) {
        scopes::insert(tx, token.id, position, scope).await?;
    }
    Ok(true)
}

const BUMP: &str = "UPDATE tokens SET revision = revision + 1 \
    WHERE id = $1 AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $2) RETURNING revision";

/// Takes the token's row for this transaction and raises its revision, so that edits of one token queue here;
/// `None` where it has ended. To be the first write of every edit.
pub async fn bump(tx: &Tx, id: TokenId, now: Instant) -> Result<Option<i64>, DbError> {
    tx.optional(BUMP, params![id, now], |row| row.int(0)).await
}

const UPDATE: &str = "UPDATE tokens SET name = $2, description = $3, status = $4, expires_at = $5, \
    stands_for_kind = $6, stands_for = $7 WHERE id = $1";

/// Writes the fields of `token` that may be edited; its scopes are replaced where `replaces_scopes`.
pub async fn update(tx: &Tx, token: &StoredToken, replaces_scopes: bool) -> Result<(), DbError> {
    let (stands_for_kind, stands_for) = token.stands_for_columns();
    let params = params![
        token.id,
        token.name.as_str(),
        token.description.as_str(),
        token.status(),
        token.expiry.instant(),
        stands_for_kind,
        stands_for
    ];
    tx.execute(UPDATE, params).await?;
    if replaces_scopes {
        scopes::delete_all(tx, token.id).await?;
        for (position, scope) in (0..).zip(&token.scopes) {
            scopes::insert(tx, token.id, position, scope).await?;
        }
    }
    Ok(())
}

const END: &str = "UPDATE tokens SET ended_at = $2, why = $3 WHERE id = $1 AND ended_at IS NULL";

/// Makes the token a tombstone: `why` is the participle that a refusal shows, such as `deleted`.
pub async fn end(tx: &Tx, id: TokenId, now: Instant, why: &str) -> Result<(), DbError> {
    tx.execute(END, params![id, now, why]).await?;
    Ok(())
}
