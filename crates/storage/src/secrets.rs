//! The secrets of tokens: only their hashes are here.

use access::{
    id::{SecretId, TokenId},
    secret::SecretHash,
    time::Instant,
};

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// A living secret as stored, without its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// The secret's id, which bearers carry.
    pub id: SecretId,
    /// Its beginning, to tell secrets apart by.
    pub hint: String,
    /// When it was made.
    pub created_at: Instant,
    /// When it ends by itself, after a reset that kept it for a while.
    pub ends_at: Option<Instant>,
    /// When it was used last.
    pub last_used_at: Option<Instant>,
    /// From which address last, or empty.
    pub last_used_from: String,
    /// By which client last, or empty.
    pub last_used_by: String,
}

const LIVING: &str = "SELECT id, hint, created_at, ended_at, last_used_at, last_used_from, last_used_by \
    FROM token_secrets WHERE token_id = $1 AND is_final = 0 AND (ended_at IS NULL OR ended_at > $2) \
    ORDER BY created_at DESC, id DESC";

/// The living secrets of a token, the newest first.
pub async fn living(q: &impl Query, token: TokenId, now: Instant) -> Result<Vec<StoredSecret>, DbError> {
    q.few(LIVING, params![token, now], read).await
}

fn read(row: &Row<'_>) -> Result<StoredSecret, DbError> {
    Ok(StoredSecret {
        id: row.parsed(0, SecretId::parse)?,
        hint: row.text(1)?,
        created_at: row.instant(2)?,
        ends_at: row.opt_instant(3)?,
        last_used_at: row.opt_instant(4)?,
        last_used_from: row.text(5)?,
        last_used_by: row.text(6)?,
    })
}

const LIVES_LONGEST: &str = "SELECT id FROM token_secrets WHERE token_id = $1 \
    ORDER BY CASE WHEN ended_at IS NULL THEN 1 ELSE 0 END DESC, ended_at DESC, created_at DESC, id DESC LIMIT 1";

/// The secret of a token that lives longest, or that ended last: the one by which the token still is what it can be.
pub async fn longest_lived(q: &impl Query, token: TokenId) -> Result<Option<SecretId>, DbError> {
    q.optional(LIVES_LONGEST, params![token], |row| row.parsed(0, SecretId::parse)).await
}

const INSERT: &str = "INSERT INTO token_secrets (id, token_id, hash, hint, created_at, ended_at, why, \
    is_final, last_used_from, last_used_by) VALUES ($1, $2, $3, $4, $5, NULL, '', 0, '', '')";

/// Adds a living secret to a token.
pub async fn insert(
    tx: &Tx,
    id: SecretId,
    token: TokenId,
    hash: &SecretHash,
    hint: &str,
    now: Instant,
) -> Result<(), DbError> {
    tx.execute(INSERT, params![id, token, hash.as_bytes().as_slice(), hint, now]).await?;
    Ok(())
}

const END_LIVING: &str = "UPDATE token_secrets SET ended_at = $2, why = $3 \
    WHERE token_id = $1 AND is_final = 0 AND (ended_at IS NULL OR ended_at > $2)";

/// Ends every living secret of a token at `at`; one that ends earlier by itself keeps its ending (rule 6).
pub async fn end_living_by(tx: &Tx, token: TokenId, at: Instant, why: &str) -> Result<(), DbError> {
    tx.execute(END_LIVING, params![token, at, why]).await?;
    Ok(())
}

// A secret that ended by itself, by this replica's clock, becomes final too: it is still valid on a replica whose clock is behind.
const END_ALL: &str = "UPDATE token_secrets SET is_final = 1, \
    why = CASE WHEN ended_at IS NULL OR ended_at > $2 THEN $3 ELSE why END, \
    ended_at = CASE WHEN ended_at IS NULL OR ended_at > $2 THEN $2 ELSE ended_at END \
    WHERE token_id = $1 AND is_final = 0";

/// Ends every living secret of a token at once: a replica whose clock is behind does not take it for alive.
pub async fn end_all(tx: &Tx, token: TokenId, now: Instant, why: &str) -> Result<(), DbError> {
    tx.execute(END_ALL, params![token, now, why]).await?;
    Ok(())
}

const END_ONE: &str = "UPDATE token_secrets SET ended_at = $3, why = $4, is_final = 1 \
    WHERE token_id = $1 AND id = $2 AND is_final = 0 AND (ended_at IS NULL OR ended_at > $3)";

/// Ends one living secret of a token at once; false where the token has no such secret, or it has ended.
pub async fn end_one(
    tx: &Tx,
    token: TokenId,
    secret: SecretId,
    at: Instant,
    why: &str,
) -> Result<bool, DbError> {
    Ok(tx.execute(END_ONE, params![token, secret, at, why]).await? == 1)
}

const PURGE: &str = "DELETE FROM token_secrets WHERE id IN \
    (SELECT s.id FROM token_secrets s WHERE s.ended_at IS NOT NULL AND s.ended_at <= $1 ORDER BY s.ended_at LIMIT $2)";

/// Removes at most `limit` secrets that ended by `ended_by`: from then on they were never there. Says how many.
pub async fn purge(tx: &Tx, ended_by: Instant, limit: i64) -> Result<u64, DbError> {
    tx.execute(PURGE, params![ended_by, limit]).await
}
