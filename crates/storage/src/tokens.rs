//! Tokens, service and personal. Those that have ended (deleted or expired) are tombstones: every function here
//! but `end` and its like treats them as absent.

use std::collections::HashMap;

use access::{
    allowed_addresses::AllowedAddresses,
    expiry::Expiry,
    id::{NamespaceId, TokenId, UserId},
    time::{Instant, MAX_CLOCK_DIFFERENCE},
    visible::escaped,
};
use created_with::CreatedWith;
use oci::NamespaceName;

use crate::{
    db::{DbError, Param, Query, Row, Tx},
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
    /// From where it may be used.
    pub allowed_addresses: AllowedAddresses,
    /// The beginning of its newest secret, to tell secrets apart by.
    pub secret_hint: String,
    /// When it was made.
    pub created_at: Instant,
    /// The id of who made it, for looking up.
    pub created_by_id: String,
    /// The name of who made it.
    pub created_by: String,
    /// The credential that it was created with; `None` where it is unknown: the token is older than this record.
    pub created_with: Option<CreatedWith>,
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

impl StandsFor {
    pub(crate) fn columns(whom: Option<&Self>) -> (&'static str, &str) {
        match whom {
            None => ("", ""),
            Some(Self::User(name)) => ("user", name),
            Some(Self::Service(name)) => ("service", name),
        }
    }
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
            "allowed_addresses": self.allowed_addresses.to_string(),
            "name": self.name,
            "stands_for": self.stands_for.as_ref().map(|whom| match whom {
                StandsFor::User(name) => format!("user {name}"),
                StandsFor::Service(name) => format!("service {name}"),
            }),
        })
        .to_string()
    }

    fn stands_for_columns(&self) -> (&'static str, &str) {
        StandsFor::columns(self.stands_for.as_ref())
    }

    fn addresses_column(&self) -> String {
        self.allowed_addresses.to_texts().join(" ")
    }

    /// Whether it is a personal token of access `account`, which has its user's rights and no scopes.
    pub fn mirrors_its_user(&self) -> bool {
        matches!(&self.owner, StoredOwner::User { access, .. } if access == "account")
    }

    /// `enabled` or `disabled`.
    pub fn status(&self) -> &'static str {
        if self.is_enabled { "enabled" } else { "disabled" }
    }
}

/// How messages call it: `token acme/ci-bot`.
impl std::fmt::Display for StoredToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Older rows may hold what no new name may.
        let shown = escaped(&self.name);
        match &self.owner {
            StoredOwner::Namespace { name, .. } => write!(f, "token {name}/{shown}"),
            StoredOwner::Instance => write!(f, "token {shown}"),
            StoredOwner::User { username, .. } => write!(f, "token \"{shown}\" of user {username}"),
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

/// The columns that `read` takes, of the tokens that what follows asks for.
macro_rules! select_tokens_where {
    () => {
        "SELECT t.id, t.kind, t.namespace_id, n.name, t.user_id, u.username, t.access, t.name, t.description, \
         t.status, t.expires_at, t.created_at, t.created_by_id, t.created_by, t.revision, \
         (SELECT s.hint FROM token_secrets s WHERE s.token_id = t.id \
         ORDER BY s.ended_at IS NULL DESC, s.created_at DESC, s.id DESC LIMIT 1), \
         t.stands_for_kind, t.stands_for, t.last_used_at, t.last_used_from, t.last_used_by, t.pulls, t.pushes, \
         t.allowed_addresses, t.created_with_id, t.created_with \
         FROM tokens t LEFT JOIN namespaces n ON n.id = t.namespace_id LEFT JOIN users u ON u.id = t.user_id WHERE "
    };
}

// Below the macro, which it uses.
pub mod created_with;

const BY_ID: &str = concat!(
    select_tokens_where!(),
    "t.ended_at IS NULL AND t.id = $1 AND (t.expires_at IS NULL OR t.expires_at > $2)"
);

/// The living token with this id.
pub async fn by_id(q: &impl Query, id: TokenId, now: Instant) -> Result<Option<StoredToken>, DbError> {
    let Some(mut token) = q.optional(BY_ID, params![id, now], read).await? else { return Ok(None) };
    token.scopes = scopes::of_token(q, id).await?;
    Ok(Some(token))
}

/// Which tokens of an owner are listed; what is `None` or empty asks nothing.
#[derive(Debug, Clone, Default)]
pub struct TokenFilter {
    /// Enabled ones, or disabled ones.
    pub is_enabled: Option<bool>,
    /// Those that nobody used since, a token never used counting from when it was made.
    pub unused_since: Option<Instant>,
    /// Those that expire by then.
    pub expires_by: Option<Instant>,
    /// Those that are for that person or service.
    pub stands_for: Option<StandsFor>,
    /// Those that were created with this token.
    pub created_with: Option<TokenId>,
    /// Those whose name or description has this in it; ASCII letters count the same in either case.
    pub containing: String,
}

/// One page of a list.
#[derive(Debug, Clone, Copy)]
pub struct PageOf<'a> {
    /// Where the page begins: behind this name, or for personal tokens this id.
    pub after: &'a str,
    /// The most tokens on it.
    pub limit: i64,
    /// Tokens that expired by now are absent.
    pub now: Instant,
    /// Which are wanted.
    pub filter: &'a TokenFilter,
}

/// One page of an owner's tokens. `$1` is the owner, `$2` the end of the page before, `$3` now, `$4` the limit, and
/// from `$5` on the filter. REPLACE rather than LIKE or INSTR: both engines have it, and no character of the text
/// that is looked for means anything.
macro_rules! page {
    ($owner:literal, $order:literal) => {
        concat!(
            "t.ended_at IS NULL AND ",
            $owner,
            " AND (t.expires_at IS NULL OR t.expires_at > $3) \
             AND (CAST($5 AS TEXT) = '' OR t.status = $5) \
             AND (CAST($6 AS BIGINT) IS NULL OR COALESCE(t.last_used_at, t.created_at) <= $6) \
             AND (CAST($7 AS BIGINT) IS NULL OR t.expires_at <= $7) \
             AND (CAST($8 AS TEXT) = '' OR (t.stands_for_kind = $8 AND t.stands_for = $9)) \
             AND (CAST($11 AS TEXT) = '' OR (t.created_with_id = $11 AND t.created_with_id <> '')) \
             AND (CAST($10 AS TEXT) = '' OR REPLACE(LOWER(t.name), $10, '') <> LOWER(t.name) \
             OR REPLACE(LOWER(t.description), $10, '') <> LOWER(t.description)) ORDER BY ",
            $order,
            " LIMIT $4"
        )
    };
}

macro_rules! tokens_of_page {
    ($owner:literal, $order:literal) => {
        concat!(select_tokens_where!(), page!($owner, $order))
    };
}

macro_rules! scopes_of_page {
    ($owner:literal, $order:literal) => {
        concat!(
            "SELECT sc.token_id, sc.id, sc.type, sc.path, sc.actions FROM token_scopes sc \
             WHERE sc.token_id IN (SELECT t.id FROM tokens t WHERE ",
            page!($owner, $order),
            ") ORDER BY sc.token_id, sc.position"
        )
    };
}

const SERVICE_PAGE: &str =
    tokens_of_page!("t.kind = 'service' AND t.namespace_id = $1 AND t.name > $2", "t.name");
const SERVICE_PAGE_SCOPES: &str =
    scopes_of_page!("t.kind = 'service' AND t.namespace_id = $1 AND t.name > $2", "t.name");

/// The living service tokens of a namespace, or of the instance where it is `None`, by name.
pub async fn service_page(
    q: &impl Query,
    namespace: Option<NamespaceId>,
    page: PageOf<'_>,
) -> Result<Vec<StoredToken>, DbError> {
    let params = page.params(namespace.map(|id| id.to_string()).unwrap_or_default());
    let tokens = q.list(SERVICE_PAGE, &params, read).await?;
    let scopes = q.list(SERVICE_PAGE_SCOPES, &params, scopes::read_row).await?;
    Ok(with_scopes(tokens, scopes))
}

const PERSONAL_PAGE: &str = tokens_of_page!("t.kind = 'personal' AND t.user_id = $1 AND t.id > $2", "t.id");
const PERSONAL_PAGE_SCOPES: &str =
    scopes_of_page!("t.kind = 'personal' AND t.user_id = $1 AND t.id > $2", "t.id");

/// The living personal tokens of a user, the oldest first: labels may be there twice, so the page's key is the id.
pub async fn personal_page(
    q: &impl Query,
    user: UserId,
    page: PageOf<'_>,
) -> Result<Vec<StoredToken>, DbError> {
    let params = page.params(user.to_string());
    let tokens = q.list(PERSONAL_PAGE, &params, read).await?;
    let scopes = q.list(PERSONAL_PAGE_SCOPES, &params, scopes::read_row).await?;
    Ok(with_scopes(tokens, scopes))
}

impl PageOf<'_> {
    fn params(&self, owner: String) -> [Param<'_>; 11] {
        let filter = self.filter;
        let status = filter.is_enabled.map(|is_enabled| if is_enabled { "enabled" } else { "disabled" });
        let (stands_for_kind, stands_for) = StandsFor::columns(filter.stands_for.as_ref());
        [
            owner.into(),
            self.after.into(),
            self.now.into(),
            self.limit.into(),
            status.unwrap_or_default().into(),
            filter.unused_since.into(),
            filter.expires_by.into(),
            stands_for_kind.into(),
            stands_for.into(),
            filter.containing.to_ascii_lowercase().into(),
            filter.created_with.map(|id| id.to_string()).unwrap_or_default().into(),
        ]
    }
}

/// The two halves of a page together. A token that came between the two reads has no scopes yet or is not there.
fn with_scopes(mut tokens: Vec<StoredToken>, scopes: Vec<(TokenId, StoredScope)>) -> Vec<StoredToken> {
    let places: HashMap<_, _> = tokens.iter().enumerate().map(|(place, token)| (token.id, place)).collect();
    for (id, scope) in scopes {
        if let Some(token) = places.get(&id).and_then(|place| tokens.get_mut(*place)) {
            token.scopes.push(scope);
        }
    }
    tokens
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
        allowed_addresses: read_addresses(row, 23)?,
        secret_hint: row.opt_text(15)?.unwrap_or_default(),
        created_at: row.instant(11)?,
        created_by_id: row.text(12)?,
        created_by: row.text(13)?,
        created_with: CreatedWith::read(row, 24, 25)?,
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

/// Networks parted by spaces, as they were written; anything else is corrupt, and never from anywhere.
pub(crate) fn read_addresses(row: &Row<'_>, column: usize) -> Result<AllowedAddresses, DbError> {
    row.parsed(column, |text| AllowedAddresses::parse(&text.split_terminator(' ').collect::<Vec<_>>()))
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

const INSERT: &str = "INSERT INTO tokens (id, kind, namespace_id, user_id, name, access, description, status, \
    expires_at, stands_for_kind, stands_for, parent_secret_id, created_at, created_by_id, created_by, \
    last_used_from, last_used_by, pulls, pushes, why, revision, allowed_addresses, \
    created_with_id, created_with) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $13, $14, '', $10, $11, $12, '', '', 0, 0, '', 1, $15, $16, $17) \
    ON CONFLICT DO NOTHING";

/// Adds a token with its scopes; false where a service token of the same owner has the name and is no tombstone yet:
/// one that has expired has to be ended first (`tombstones::end_expired_namesake`).
pub async fn insert(tx: &Tx, token: &StoredToken) -> Result<bool, DbError> {
    let (kind, namespace, user, access) = token.owner.columns();
    let (stands_for_kind, stands_for) = token.stands_for_columns();
    let (created_with_id, created_with) = CreatedWith::columns(token.created_with.as_ref());
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
        stands_for,
        token.addresses_column(),
        created_with_id,
        created_with
    ];
    if tx.execute(INSERT, params).await? == 0 {
        return Ok(false);
    }
    scopes::insert_all(tx, token.id, &token.scopes).await?;
    Ok(true)
}

const BUMP: &str = "UPDATE tokens SET revision = revision + 1 \
    WHERE id = $1 AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $2) RETURNING revision";

/// Takes the token's row for this transaction and raises its revision, so that edits of one token queue here;
/// `None` where it has ended. To be the first write of every edit.
pub async fn bump(tx: &Tx, id: TokenId, now: Instant) -> Result<Option<i64>, DbError> {
    tx.optional(BUMP, params![id, now], |row| row.int(0)).await
}

// The count stops at the limit, so that it costs little with any number of rows.
const COUNT_SERVICE: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM tokens WHERE kind = 'service' AND ended_at IS NULL \
    AND namespace_id = $1 AND (expires_at IS NULL OR expires_at > $2) LIMIT $3) living";
const COUNT_PERSONAL: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM tokens WHERE kind = 'personal' AND ended_at IS NULL \
    AND user_id = $1 AND (expires_at IS NULL OR expires_at > $2) LIMIT $3) living";

/// Counts the living tokens of an owner, up to `limit`. The owner is to be held, so that no token is just being
/// created.
pub async fn count_of(q: &impl Query, owner: &StoredOwner, now: Instant, limit: i64) -> Result<i64, DbError> {
    let (_, namespace, user, _) = owner.columns();
    match owner {
        StoredOwner::Namespace { .. } | StoredOwner::Instance => {
            q.one(COUNT_SERVICE, params![namespace, now, limit], |row| row.int(0)).await
        }
        StoredOwner::User { .. } => q.one(COUNT_PERSONAL, params![user, now, limit], |row| row.int(0)).await,
    }
}

const HOLD: &str = "UPDATE tokens SET revision = revision \
    WHERE id = $1 AND ended_at IS NULL AND (expires_at IS NULL OR expires_at > $2)";

/// Takes the token's row for this transaction as [`bump`] does, where it is not known yet whether anything changes; false
/// where it has ended.
pub async fn hold(tx: &Tx, id: TokenId, now: Instant) -> Result<bool, DbError> {
    Ok(tx.execute(HOLD, params![id, now]).await? == 1)
}

const UPDATE: &str = "UPDATE tokens SET name = $2, description = $3, status = $4, expires_at = $5, \
    stands_for_kind = $6, stands_for = $7, allowed_addresses = $8 WHERE id = $1";

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
        stands_for,
        token.addresses_column()
    ];
    tx.execute(UPDATE, params).await?;
    if replaces_scopes {
        scopes::delete_all(tx, token.id).await?;
        scopes::insert_all(tx, token.id, &token.scopes).await?;
    }
    Ok(())
}

const END: &str = "UPDATE tokens SET ended_at = $2, why = $3 WHERE id = $1 AND ended_at IS NULL";

/// Makes the token a tombstone: `why` is the participle that a refusal shows, such as `deleted`.
pub async fn end(tx: &Tx, id: TokenId, now: Instant, why: &str) -> Result<(), DbError> {
    tx.execute(END, params![id, now, why]).await?;
    Ok(())
}

// PostgreSQL looks for the rows to disable before it waits for them: one that somebody is just enabling would be passed
// over as disabled. Once all are held, there is nobody.
const HOLD_SERVICE: &str = "UPDATE tokens SET revision = revision \
    WHERE kind = 'service' AND namespace_id = $1 AND ended_at IS NULL";
const DISABLE_SERVICE: &str = "UPDATE tokens SET status = 'disabled', revision = revision + 1 \
    WHERE kind = 'service' AND namespace_id = $1 AND ended_at IS NULL AND status = 'enabled' \
    AND (expires_at IS NULL OR expires_at > $2) RETURNING id, name";

/// Disables every living service token of a namespace, which is to be held, so that nobody is just making one; answers
/// which were enabled, with their names.
pub async fn disable_all_of_namespace(
    tx: &Tx,
    namespace: NamespaceId,
    now: Instant,
) -> Result<Vec<(TokenId, String)>, DbError> {
    tx.execute(HOLD_SERVICE, params![namespace]).await?;
    tx.list(DISABLE_SERVICE, params![namespace, valid_elsewhere(now)], read_name).await
}

const HOLD_PERSONAL: &str = "UPDATE tokens SET revision = revision \
    WHERE kind = 'personal' AND user_id = $1 AND ended_at IS NULL";
const DISABLE_PERSONAL: &str = "UPDATE tokens SET status = 'disabled', revision = revision + 1 \
    WHERE kind = 'personal' AND user_id = $1 AND ended_at IS NULL AND status = 'enabled' \
    AND (expires_at IS NULL OR expires_at > $2) RETURNING id, name";

/// Disables every living personal token of a user, who is to be held, so that nobody is just making one; answers which
/// were enabled, with their labels.
pub async fn disable_all_of_user(
    tx: &Tx,
    user: UserId,
    now: Instant,
) -> Result<Vec<(TokenId, String)>, DbError> {
    tx.execute(HOLD_PERSONAL, params![user]).await?;
    tx.list(DISABLE_PERSONAL, params![user, valid_elsewhere(now)], read_name).await
}

/// A token that expired since this instant may still be valid on a replica whose clock is behind.
fn valid_elsewhere(now: Instant) -> Instant {
    now.minus(MAX_CLOCK_DIFFERENCE)
}

fn read_name(row: &Row<'_>) -> Result<(TokenId, String), DbError> {
    Ok((row.parsed(0, TokenId::parse)?, row.text(1)?))
}
