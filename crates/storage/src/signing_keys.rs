//! The keys that sign bearers. What is stored is sealed; opening it is the caller's.

use access::time::Instant;

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// Where a key is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyState {
    /// Known to every replica, and signs after the next rotation.
    Next,
    /// Signs.
    Active,
    /// Verifies what it signed, for a while.
    Retired,
}

/// The text is no state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing key is next, active or retired")]
pub struct InvalidKeyState;

impl KeyState {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Next => "next",
            Self::Active => "active",
            Self::Retired => "retired",
        }
    }

    fn parse(text: &str) -> Result<Self, InvalidKeyState> {
        [Self::Next, Self::Active, Self::Retired]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(InvalidKeyState)
    }
}

/// A signing key as stored.
#[derive(Debug, Clone)]
pub struct StoredKey {
    /// The key's id, as in the header of bearers.
    pub kid: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// The private key, sealed under the key file; of a retired one the public key alone.
    pub sealed: Vec<u8>,
    /// When it was made.
    pub created_at: Instant,
    /// When it stopped signing.
    pub retired_at: Option<Instant>,
}

const ALL: &str =
    "SELECT kid, state, sealed, created_at, retired_at FROM signing_keys ORDER BY created_at, kid";

/// Every key, oldest first.
pub async fn all(q: &impl Query) -> Result<Vec<StoredKey>, DbError> {
    q.few(ALL, params![], read).await
}

/// What is sealed of a signing key.
#[derive(Debug)]
pub struct SealedKey {
    /// The key's id.
    pub kid: String,
    /// Where it is in its life, which says which of its halves it is.
    pub state: KeyState,
    /// The half, sealed under the key file.
    pub sealed: Vec<u8>,
}

// In the words of the first schema.
const SEALED: &str = "SELECT kid, state, sealed FROM signing_keys";

/// What is sealed of every key, in a database of any schema.
pub async fn sealed(q: &impl Query) -> Result<Vec<SealedKey>, DbError> {
    q.few(SEALED, params![], |row| {
        Ok(SealedKey { kid: row.text(0)?, state: row.parsed(1, KeyState::parse)?, sealed: row.blob(2)? })
    })
    .await
}

const ACTIVE: &str = "SELECT kid FROM signing_keys WHERE state = 'active'";

/// The id of the key that signs now; `None` before the first start has made one.
pub async fn active(q: &impl Query) -> Result<Option<String>, DbError> {
    q.optional(ACTIVE, params![], |row| row.text(0)).await
}

fn read(row: &Row<'_>) -> Result<StoredKey, DbError> {
    Ok(StoredKey {
        kid: row.text(0)?,
        state: row.parsed(1, KeyState::parse)?,
        sealed: row.blob(2)?,
        created_at: row.instant(3)?,
        retired_at: row.opt_instant(4)?,
    })
}

const INSERT: &str = "INSERT INTO signing_keys (kid, state, sealed, created_at, retired_at) \
    VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING";

/// Adds a key; false where it would be a second active or a second next one.
pub async fn insert(tx: &Tx, key: &StoredKey) -> Result<bool, DbError> {
    let params =
        params![key.kid.as_str(), key.state.as_str(), key.sealed.as_slice(), key.created_at, key.retired_at];
    Ok(tx.execute(INSERT, params).await? == 1)
}

const RETIRE: &str = "UPDATE signing_keys SET state = 'retired', retired_at = $1 WHERE state = 'active' \
    RETURNING kid, state, sealed, created_at, retired_at";

/// Retires the active key and answers it; `None` where there is none, or somebody else retired it meanwhile. Rotations
/// queue here.
pub async fn retire(tx: &Tx, now: Instant) -> Result<Option<StoredKey>, DbError> {
    tx.optional(RETIRE, params![now], read).await
}

const TAKE: &str = "UPDATE signing_keys SET kid = kid WHERE state = 'active' \
    RETURNING kid, state, sealed, created_at, retired_at";

/// The active key, held for this transaction, so that nobody rotates meanwhile; `None` where there is none, or a
/// rotation came between.
pub async fn take(tx: &Tx) -> Result<Option<StoredKey>, DbError> {
    tx.optional(TAKE, params![], read).await
}

const SEAL: &str = "UPDATE signing_keys SET sealed = $2 WHERE kid = $1";

/// Replaces what is sealed of a key: what was there is gone.
pub async fn seal(tx: &Tx, kid: &str, sealed: &[u8]) -> Result<(), DbError> {
    tx.execute(SEAL, params![kid, sealed]).await.map(drop)
}

const PROMOTE: &str =
    "UPDATE signing_keys SET state = 'active' WHERE state = 'next' AND created_at <= $1 RETURNING kid";

/// Makes the next key the active one, if it was made by `made_by`; its id.
pub async fn promote(tx: &Tx, made_by: Instant) -> Result<Option<String>, DbError> {
    tx.optional(PROMOTE, params![made_by], |row| row.text(0)).await
}

const DELETE: &str = "DELETE FROM signing_keys WHERE kid = $1";

/// Removes a key: nothing that it signed is accepted any more.
pub async fn delete(tx: &Tx, kid: &str) -> Result<(), DbError> {
    tx.execute(DELETE, params![kid]).await.map(drop)
}

const PURGE: &str = "DELETE FROM signing_keys WHERE retired_at <= $1";

/// Removes the keys that were retired by then. Says how many.
pub async fn purge(tx: &Tx, retired_by: Instant) -> Result<u64, DbError> {
    tx.execute(PURGE, params![retired_by]).await
}
