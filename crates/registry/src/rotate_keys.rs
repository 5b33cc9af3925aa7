//! Rotating the keys that sign bearers: for operators, on the store itself, beside running servers. The next key begins
//! to sign, which every replica has known for a while, and another one is next. Nobody waits and no request is refused.

use std::cmp::Reverse;

use access::{id::AuditId, randomness::Randomness, time::Instant};
use storage::{
    audit::{self, Record},
    db::{Db, DbError, Transient, Tx, retried},
    signing_keys::{self, KeyState, StoredKey},
};

use crate::{
    history::record_at_the_store,
    seal::{KeyFile, SealError},
    signing::{KeyError, NEXT_KNOWN_AFTER, RETIRED_VERIFIES_FOR, make_key},
};

/// A signing key, without what it signs with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownKey {
    /// Its id, as in the header of bearers: its thumbprint (RFC 7638).
    pub id: String,
    /// Where it is in its life.
    pub state: KeyState,
    /// When it was made.
    pub created_at: Instant,
    /// Until when a retired key verifies what it signed.
    pub verifies_until: Option<Instant>,
}

/// Why the keys stay as they are.
#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    /// The keys, the key file or the database.
    #[error(transparent)]
    Keys(#[from] KeyError),
    /// The next key may not be known to every replica.
    #[error(
        "the next key was made less than {} s ago and a replica may not know it yet; rotate again after {ready_at}, or \
         at once with --now, which ends every bearer", NEXT_KNOWN_AFTER.as_millis() / 1000
    )]
    TooEarly {
        /// When it is known everywhere.
        ready_at: Instant,
    },
    /// No server was ever started on this database, or somebody rotates at this moment.
    #[error(
        "there is no key to retire: start `sealock serve` once, or look at `sealock keys ls` for another rotation"
    )]
    NoKeys,
}

impl From<DbError> for RotateError {
    fn from(error: DbError) -> Self {
        Self::Keys(error.into())
    }
}

impl From<SealError> for RotateError {
    fn from(error: SealError) -> Self {
        Self::Keys(error.into())
    }
}

impl Transient for RotateError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Keys(KeyError::Storage(error)) if error.is_transient())
    }
}

/// Every signing key, in the order in which they sign: the retired ones, the active one, the next one.
pub async fn list_keys(db: &Db) -> Result<Vec<ShownKey>, DbError> {
    let shown = |key: StoredKey| ShownKey {
        id: key.kid,
        state: key.state,
        created_at: key.created_at,
        verifies_until: key.retired_at.map(|at| at.plus(RETIRED_VERIFIES_FOR)),
    };
    let mut keys: Vec<_> = signing_keys::all(db).await?.into_iter().map(shown).collect();
    keys.sort_by_key(|key| (Reverse(key.state), key.created_at));
    Ok(keys)
}

/// Retires the active key, whose private half is gone when this returns, lets the next one sign and makes another next
/// one. Bearers live on to their end. [`RotateError::TooEarly`] within a minute of the last rotation.
pub async fn rotate_keys(
    db: &Db,
    key_file: &KeyFile,
    random: &dyn Randomness,
    now: Instant,
) -> Result<(), RotateError> {
    let next = make_key(KeyState::Next, key_file, random, now)?;
    let rotated = retried(|| async {
        let tx = db.begin().await?;
        let old = signing_keys::retire(&tx, now).await?.ok_or(RotateError::NoKeys)?;
        // Opened before anything is sealed: a wrong key file must not get a key of its own in among the others.
        let public = key_file.seal_public_half(&key_file.open_signing(&old)?, random)?;
        signing_keys::seal(&tx, &old.kid, &public).await?;
        let Some(active) = signing_keys::promote(&tx, now.minus(NEXT_KNOWN_AFTER)).await? else {
            return Err(too_early(&tx).await?);
        };
        signing_keys::insert(&tx, &next).await?;
        record(&tx, "keys.rotated", &[old.kid], &[active, next.kid.clone()], random, now).await?;
        tx.commit().await?;
        Ok(())
    });
    rotated.await
}

/// Throws every key away and makes new ones, because one may have leaked: when this returns no replica takes any bearer
/// that was made before. Clients fetch new ones by themselves.
pub async fn replace_keys(
    db: &Db,
    key_file: &KeyFile,
    random: &dyn Randomness,
    now: Instant,
) -> Result<(), RotateError> {
    let made = make_keys(key_file, random, now)?;
    let replaced = retried(|| async {
        let tx = db.begin().await?;
        let old = signing_keys::take(&tx).await?.ok_or(RotateError::NoKeys)?;
        // A key file that does not fit would lock out every replica.
        key_file.open_signing(&old)?;
        let all = put_in_place_of_all(&tx, &made).await?;
        let kids = made.each_ref().map(|key| key.kid.clone());
        record(&tx, "keys.replaced", &all, &kids, random, now).await?;
        tx.commit().await?;
        Ok(())
    });
    replaced.await
}

/// A key that signs and one that is next.
pub(crate) fn make_keys(
    key_file: &KeyFile,
    random: &dyn Randomness,
    now: Instant,
) -> Result<[StoredKey; 2], KeyError> {
    Ok([make_key(KeyState::Active, key_file, random, now)?, make_key(KeyState::Next, key_file, random, now)?])
}

/// Throws every key away and puts these there; the ids of those that are gone.
pub(crate) async fn put_in_place_of_all(tx: &Tx, made: &[StoredKey]) -> Result<Vec<String>, DbError> {
    let all: Vec<_> = signing_keys::all(tx).await?.into_iter().map(|key| key.kid).collect();
    for kid in &all {
        signing_keys::delete(tx, kid).await?;
    }
    for key in made {
        signing_keys::insert(tx, key).await?;
    }
    Ok(all)
}

async fn too_early(tx: &Tx) -> Result<RotateError, DbError> {
    let next = signing_keys::all(tx).await?.into_iter().find(|key| key.state == KeyState::Next);
    Ok(next.map_or(RotateError::NoKeys, |key| RotateError::TooEarly {
        ready_at: key.created_at.plus(NEXT_KNOWN_AFTER),
    }))
}

/// The row of the audit.
async fn record(
    tx: &Tx,
    event: &str,
    before: &[String],
    after: &[String],
    random: &dyn Randomness,
    now: Instant,
) -> Result<(), DbError> {
    let keys = |kids: &[String]| serde_json::json!({ "keys": kids }).to_string();
    let record = Record {
        before: keys(before),
        after: keys(after),
        ..record_at_the_store(event, "the signing keys".to_owned())
    };
    audit::record(tx, AuditId::mint(now, random), now, &record).await
}
