//! Sessions of the console. What a session is worth now is read in `rights`, with everything else of the live check.

use access::{
    id::{SessionId, UserId},
    name::Username,
    session::SessionHash,
    time::Instant,
};

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// A session as stored, without its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSession {
    /// Its id, by which it is listed and ended.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// When they logged in.
    pub created_at: Instant,
    /// When it ends by itself.
    pub expires_at: Instant,
    /// From which address they logged in, or empty.
    pub from_address: String,
    /// With which browser, or empty.
    pub client: String,
}

const INSERT: &str = "INSERT INTO sessions \
    (id, hash, user_id, password_generation, created_at, expires_at, from_address, client) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

/// Adds a session that was made with this generation of its user's password.
pub async fn insert(
    tx: &Tx,
    session: &StoredSession,
    hash: &SessionHash,
    password_generation: i64,
) -> Result<(), DbError> {
    let params = params![
        session.id,
        hash.as_bytes().as_slice(),
        session.user,
        password_generation,
        session.created_at,
        session.expires_at,
        session.from_address.as_str(),
        session.client.as_str()
    ];
    tx.execute(INSERT, params).await.map(|_| ())
}

const LIVING: &str = "SELECT s.id, s.user_id, s.created_at, s.expires_at, s.from_address, s.client \
    FROM sessions s JOIN users u ON u.id = s.user_id AND u.password_generation = s.password_generation \
    WHERE s.user_id = $1 AND s.expires_at > $2 ORDER BY s.created_at DESC, s.id DESC LIMIT $3";

/// The living sessions of a user, the newest first, at most `limit`.
pub async fn living(
    q: &impl Query,
    user: UserId,
    now: Instant,
    limit: i64,
) -> Result<Vec<StoredSession>, DbError> {
    q.few(LIVING, params![user, now, limit], read).await
}

const BY_HASH: &str = "SELECT s.id, s.user_id, s.created_at, s.expires_at, s.from_address, s.client \
    FROM sessions s WHERE s.hash = $1";

/// The session with this hash, living or not.
pub async fn by_hash(q: &impl Query, hash: &SessionHash) -> Result<Option<StoredSession>, DbError> {
    q.optional(BY_HASH, params![hash.as_bytes().as_slice()], read).await
}

fn read(row: &Row<'_>) -> Result<StoredSession, DbError> {
    Ok(StoredSession {
        id: row.parsed(0, SessionId::parse)?,
        user: row.parsed(1, UserId::parse)?,
        created_at: row.instant(2)?,
        expires_at: row.instant(3)?,
        from_address: row.text(4)?,
        client: row.text(5)?,
    })
}

/// A session that was just ended, as the audit tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndedSession {
    /// Its id.
    pub id: SessionId,
    /// Whose it was.
    pub user: UserId,
    /// Their login name.
    pub username: Username,
    /// When they logged in.
    pub created_at: Instant,
    /// When it would have ended by itself.
    pub expires_at: Instant,
    /// Whether the password that it was made with is the user's still.
    pub is_of_password: bool,
}

impl EndedSession {
    /// Whether anybody could have used it until now. One that could not had ended before, with an event of its own.
    pub fn lived(&self, now: Instant) -> bool {
        self.is_of_password && now < self.expires_at
    }
}

/// What a statement that deletes sessions tells of each.
macro_rules! returning {
    () => {
        " RETURNING id, user_id, created_at, expires_at, \
         (SELECT u.username FROM users u WHERE u.id = sessions.user_id), \
         CASE WHEN password_generation = (SELECT u.password_generation FROM users u WHERE u.id = sessions.user_id) \
         THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END"
    };
}

const DELETE: &str = concat!("DELETE FROM sessions WHERE id = $1 AND user_id = $2", returning!());

/// Ends a session of a user; `None` where they have none of this id.
pub async fn delete(tx: &Tx, id: SessionId, user: UserId) -> Result<Option<EndedSession>, DbError> {
    tx.optional(DELETE, params![id, user], read_ended).await
}

const DELETE_PRESENTED: &str = concat!("DELETE FROM sessions WHERE hash = $1", returning!());

/// Ends the session with this hash; `None` where there is none.
pub async fn delete_presented(tx: &Tx, hash: &SessionHash) -> Result<Option<EndedSession>, DbError> {
    tx.optional(DELETE_PRESENTED, params![hash.as_bytes().as_slice()], read_ended).await
}

const KEEP_NEWEST: &str = concat!(
    "DELETE FROM sessions WHERE user_id = $1 AND id NOT IN \
     (SELECT s.id FROM sessions s WHERE s.user_id = $1 ORDER BY s.created_at DESC, s.id DESC LIMIT $2)",
    returning!()
);

/// Ends all of a user's sessions but the newest `limit`.
pub async fn keep_newest(tx: &Tx, user: UserId, limit: i64) -> Result<Vec<EndedSession>, DbError> {
    tx.list(KEEP_NEWEST, params![user, limit], read_ended).await
}

fn read_ended(row: &Row<'_>) -> Result<EndedSession, DbError> {
    Ok(EndedSession {
        id: row.parsed(0, SessionId::parse)?,
        user: row.parsed(1, UserId::parse)?,
        created_at: row.instant(2)?,
        expires_at: row.instant(3)?,
        username: row.parsed(4, Username::parse)?,
        is_of_password: row.bool(5)?,
    })
}

const PURGE: &str = "DELETE FROM sessions WHERE id IN \
    (SELECT s.id FROM sessions s WHERE s.expires_at <= $1 ORDER BY s.expires_at LIMIT $2)";

/// Removes at most `limit` sessions that have expired. Says how many.
pub async fn purge(tx: &Tx, now: Instant, limit: i64) -> Result<u64, DbError> {
    tx.execute(PURGE, params![now, limit]).await
}

const SEND_FORM: &str = "INSERT INTO sent_forms (session_id, form) VALUES ($1, $2) \
    ON CONFLICT (session_id, form) DO NOTHING";

/// Notes that a form was sent; false where it was before.
pub async fn send_form(tx: &Tx, session: SessionId, form: &str) -> Result<bool, DbError> {
    Ok(tx.execute(SEND_FORM, params![session, form]).await? == 1)
}
