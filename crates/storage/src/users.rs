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
}

/// What signing in by password takes: the hash and its generation.
pub struct StoredPassword {
    /// The user whose password it is.
    pub id: UserId,
    /// The argon2id hash in PHC form.
    pub hash: String,
    /// Rises with every change of the password.
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

const BY_ID: &str = "SELECT id, username, is_admin, is_active, created_at FROM users WHERE id = $1";

/// The user with this id.
pub async fn by_id(q: &impl Query, id: UserId) -> Result<Option<StoredUser>, DbError> {
    q.optional(BY_ID, params![id], read).await
}

fn read(row: &Row<'_>) -> Result<StoredUser, DbError> {
    Ok(StoredUser {
        id: row.parsed(0, UserId::parse)?,
        username: row.parsed(1, Username::parse)?,
        is_admin: row.bool(2)?,
        is_active: row.bool(3)?,
        created_at: row.instant(4)?,
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
