//! The keys that sign bearers: in the database, so that replicas and restarts agree; sealed, so that a leaked
//! backup forges nothing (DESIGN §3.2).

use access::{
    bearer::{self, Bearer, BearerError, Claims, SignError, SigningKey, VerifyingKeys},
    randomness::Randomness,
    time::Instant,
};
use storage::{
    db::{Db, DbError},
    signing_keys::{self, StoredKey},
};

use crate::seal::{KeyFile, SealError};

/// The `iss` and `aud` of our bearers, and the `service` of the challenge. One word for all replicas and public
/// URLs; bearers of another installation fail at the signature.
pub const SERVICE: &str = "sealock";

/// The keys in use.
pub struct SigningKeys {
    active: SigningKey,
    known: VerifyingKeys,
}

/// Why the keys can't be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database.
    #[error(transparent)]
    Storage(#[from] DbError),
    /// The key file does not fit.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No key pair can be made on this machine.
    #[error("no signing key could be made")]
    Crypto,
    /// A stored key is no key.
    #[error("signing key {0} is damaged in the database")]
    Damaged(String),
}

impl SigningKeys {
    /// Finds the keys, or makes the first one. Two replicas that start together end up with the same.
    pub async fn open(
        db: &Db,
        key_file: &KeyFile,
        random: &dyn Randomness,
        now: Instant,
    ) -> Result<Self, KeyError> {
        let mut stored = signing_keys::all(db).await?;
        if !stored.iter().any(|key| key.state == "active") {
            make_first(db, key_file, random, now).await?;
            stored = signing_keys::all(db).await?;
        }
        let mut active = None;
        let mut known = Vec::with_capacity(stored.len());
        for key in &stored {
            let document = key_file.open(&key.kid, &key.sealed)?;
            let pair = SigningKey::from_pkcs8(&document).map_err(|_| KeyError::Damaged(key.kid.clone()))?;
            known.push(pair.verifying_key().clone());
            if key.state == "active" {
                active = Some(pair);
            }
        }
        let active = active.ok_or(KeyError::Storage(DbError::NoRow))?;
        Ok(Self { active, known: known.into_iter().collect() })
    }

    /// Signs a bearer with the active key.
    pub(crate) fn sign(&self, claims: &Claims) -> Result<Bearer, SignError> {
        bearer::sign(&self.active, claims)
    }

    /// Vouches for what a bearer says: that we issued it for ourselves, and it is valid now.
    pub(crate) fn verify(&self, text: &str, now: Instant) -> Result<Claims, BearerError> {
        bearer::verify(text, &self.known, SERVICE, SERVICE, now)
    }

    /// The public halves.
    pub(crate) fn jwks(&self) -> serde_json::Value {
        self.known.jwks()
    }
}

async fn make_first(
    db: &Db,
    key_file: &KeyFile,
    random: &dyn Randomness,
    now: Instant,
) -> Result<(), KeyError> {
    let document = SigningKey::generate().map_err(|_| KeyError::Crypto)?;
    let pair = SigningKey::from_pkcs8(&document).map_err(|_| KeyError::Crypto)?;
    let kid = pair.id().to_owned();
    let sealed = key_file.seal(&kid, &document, random)?;
    let tx = db.begin().await?;
    // Where another replica was faster the index on the active key lets this one go, and theirs is read.
    signing_keys::insert(&tx, &StoredKey { kid, state: "active".to_owned(), sealed, created_at: now })
        .await?;
    tx.commit().await?;
    Ok(())
}
