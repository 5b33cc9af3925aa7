//! Accounts of people.

use access::{id::UserId, name::Username, time::Instant};

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// A user as stored, without the password.
#[derive(Debug, Clone)]
pub struct StoredUser {
    /// The user's id.
    pub id: UserId,
    /// The login name.
    pub username: Username,
    /// Instance administrator or not.
    pub is_admin: bool,
    /// Whether the account may be used.
    pub is_active: bool,
    /// When the account was made.
    pub created_at: Instant,
    /// Rises with every change.
    pub revision: i64,
}

impl StoredUser {
    /// What the audit keeps of a user, as JSON. Never a password.
    pub fn as_history(&self) -> String {
        serde_json::json!({ "is_admin": self.is_admin, "is_active": self.is_active }).to_string()
    }
}

/// What logging in by password takes: the hash and its generation.
pub struct StoredPassword {
    /// The user whose password it is.
    pub id: UserId,
    /// The argon2id hash in PHC form.
    pub hash: String,
    /// Rises with every change of the password and with every deactivation of the user.
    pub generation: i64,
}

const PASSWORD_OF: &str = "SELECT id, password_hash, password_generation FROM users WHERE username = $1";

/// The password of the user with this name.
pub async fn password_of(q: &impl Query, username: &Username) -> Result<Option<StoredPassword>, DbError> {
    q.optional(PASSWORD_OF, params![username.as_str()], |row| {
        Ok(StoredPassword { id: row.parsed(0, UserId::parse)?, hash: row.text(1)?, generation: row.int(2)? })
    })
    .await
}

const BY_ID: &str = "SELECT id, username, is_admin, is_active, created_at, revision FROM users WHERE id = $1";

/// The user with this id.
pub async fn by_id(q: &impl Query, id: UserId) -> Result<Option<StoredUser>, DbError> {
    q.optional(BY_ID, params![id], read).await
}

const BY_NAME: &str =
    "SELECT id, username, is_admin, is_active, created_at, revision FROM users WHERE username = $1";

/// The user with this name.
pub async fn by_name(q: &impl Query, username: &Username) -> Result<Option<StoredUser>, DbError> {
    q.optional(BY_NAME, params![username.as_str()], read).await
}

const AFTER: &str = "SELECT id, username, is_admin, is_active, created_at, revision FROM users \
    WHERE username > $1 ORDER BY username LIMIT $2";

/// The users behind `after`, by login name.
pub async fn after(q: &impl Query, after: &str, limit: i64) -> Result<Vec<StoredUser>, DbError> {
    q.list(AFTER, params![after, limit], read).await
}

fn read(row: &Row<'_>) -> Result<StoredUser, DbError> {
    Ok(StoredUser {
        id: row.parsed(0, UserId::parse)?,
        username: row.parsed(1, Username::parse)?,
        is_admin: row.bool(2)?,
        is_active: row.bool(3)?,
        created_at: row.instant(4)?,
        revision: row.int(5)?,
    })
}

const ANY: &str = "SELECT CAST(1 AS BIGINT) FROM users LIMIT 1";

/// Whether there is any user at all: false only before the first start has finished.
pub async fn any(q: &impl Query) -> Result<bool, DbError> {
    Ok(q.optional(ANY, params![], |row| row.int(0)).await?.is_some())
}

const INSERT: &str = "INSERT INTO users \
    (id, username, password_hash, password_generation, is_admin, is_active, created_at, revision) \
    VALUES ($1, $2, $3, 1, $4, $5, $6, 1) ON CONFLICT (username) DO NOTHING";

/// Adds a user; false where the name is taken.
pub async fn insert(tx: &Tx, user: &StoredUser, password_hash: &str) -> Result<bool, DbError> {
    let params = params![
        user.id,
        user.username.as_str(),
        password_hash,
        user.is_admin,
        user.is_active,
        user.created_at
    ];
    Ok(tx.execute(INSERT, params).await? == 1)
}

const END_LOGINS: &str =
    "UPDATE users SET password_generation = password_generation + 1, revision = revision + 1 WHERE id = $1";

/// Ends every bearer that was made with the user's password so far; the password itself stays.
pub async fn end_logins(tx: &Tx, id: UserId) -> Result<(), DbError> {
    tx.execute(END_LOGINS, params![id]).await?;
    Ok(())
}

const BUMP: &str = "UPDATE users SET revision = revision + 1 WHERE id = $1 RETURNING revision";

/// Takes the user's row for this transaction and raises its revision, so that edits of one user queue here; `None`
/// where it is gone.
pub async fn bump(tx: &Tx, id: UserId) -> Result<Option<i64>, DbError> {
    tx.optional(BUMP, params![id], |row| row.int(0)).await
}

const HOLD: &str = "UPDATE users SET revision = revision WHERE id = $1";

/// Keeps the user from being deleted until this transaction ends, for rows that name them without a foreign key;
/// false where they are gone.
pub async fn hold(tx: &Tx, id: UserId) -> Result<bool, DbError> {
    Ok(tx.execute(HOLD, params![id]).await? == 1)
}

/// A deactivation raises the generation in the same statement, so that no caller can forget it.
const UPDATE: &str = "UPDATE users SET is_admin = $2, is_active = $3, \
    password_generation = password_generation \
    + CASE WHEN is_active = 1 AND CAST($3 AS BIGINT) = 0 THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END \
    WHERE id = $1";

/// Writes the fields of `user` that may be edited. A deactivation revokes the sessions and bearers that were made with
/// the user's password, so that a later activation does not restore them (rule 7).
pub async fn update(tx: &Tx, user: &StoredUser) -> Result<(), DbError> {
    tx.execute(UPDATE, params![user.id, user.is_admin, user.is_active]).await?;
    Ok(())
}

const SET_PASSWORD: &str = "UPDATE users SET password_hash = $2, password_generation = password_generation + 1 \
    WHERE id = $1";

/// Replaces the password: whatever was made with an older one is dead (rule 7).
pub async fn set_password(tx: &Tx, id: UserId, password_hash: &str) -> Result<(), DbError> {
    tx.execute(SET_PASSWORD, params![id, password_hash]).await?;
    Ok(())
}

const GUARD_ADMINISTRATORS: &str = "INSERT INTO store_facts (name, value) VALUES ('administrators', 'changed') \
    ON CONFLICT (name) DO UPDATE SET value = excluded.value";
const OTHER_ADMINISTRATOR: &str =
    "SELECT CAST(1 AS BIGINT) FROM users WHERE is_admin = 1 AND is_active = 1 AND id <> $1 LIMIT 1";

/// Makes all who change who administers wait for each other: of two administrators who demote one another, the
/// second sees what the first did. To be the first write of each such change.
pub async fn guard_administrators(tx: &Tx) -> Result<(), DbError> {
    tx.execute(GUARD_ADMINISTRATORS, params![]).await?;
    Ok(())
}

/// Whether there is an active administrator besides this user. True for as long as the transaction lasts only behind
/// [`guard_administrators`].
pub async fn has_other_administrator(tx: &Tx, id: UserId) -> Result<bool, DbError> {
    Ok(tx.optional(OTHER_ADMINISTRATOR, params![id], |row| row.int(0)).await?.is_some())
}

const DELETE: &str = "DELETE FROM users WHERE id = $1";

/// Removes the user with their roles and their places in teams. Their personal tokens are to be ended before.
pub async fn delete(tx: &Tx, id: UserId) -> Result<bool, DbError> {
    Ok(tx.execute(DELETE, params![id]).await? == 1)
}
