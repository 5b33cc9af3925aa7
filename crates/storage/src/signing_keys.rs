//! The keys that sign bearers. What is stored is sealed; opening it is the caller's.

use access::time::Instant;

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// A signing key as stored.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// The key's id, as in the header of bearers.
    pub kid: String,
    /// `next`, `active` or `retired`.
    pub state: String,
    /// The private key, sealed under the key file.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Instant,
}

const ALL: &str = "SELECT kid, state, sealed, created_at FROM signing_keys ORDER BY created_at, kid";

/// Every key, oldest first.
pub async fn all(q: &impl Query) -> Result<Vec<StoredKey>, DbError> {
    q.few(ALL, params![], read).await
}

fn read(row: &Row<'_>) -> Result<StoredKey, DbError> {
    Ok(StoredKey {
        kid: row.text(0)?,
        state: row.text(1)?,
        sealed: row.blob(2)?,
        created_at: row.instant(3)?,
    })
}

const INSERT: &str = "INSERT INTO signing_keys (kid, state, sealed, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

/// Adds a key; false where there is an active one already and this one would be a second.
pub async fn insert(tx: &Tx, key: &StoredKey) -> Result<bool, DbError> {
    let params = params![key.kid.as_str(), key.state.as_str(), key.sealed.as_slice(), key.created_at];
    Ok(tx.execute(INSERT, params).await? == 1)
}
