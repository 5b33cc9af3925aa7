//! The keys that sign bearers: in the database, so that replicas and restarts agree; sealed, so that a leaked
//! backup forges nothing (DESIGN §3.2).
//!
//! A key's life is next → active → retired. Every replica knows the next key long before it signs, which is how a
//! rotation refuses nobody. Which key signs is read live; that a bearer's key was not thrown away is read with the
//! rights (`storage::rights`), so that a leaked key is dead at once on every replica.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use access::{
    bearer::{self, Bearer, BearerError, Claims, LIFETIME_SECONDS, SignError, SigningKey, VerifyingKeys},
    randomness::Randomness,
    time::{Instant, Length, MAX_CLOCK_DIFFERENCE},
};
use storage::{
    db::{Db, DbError, retried},
    signing_keys::{self, KeyState, StoredKey},
};
use tokio::sync::{Mutex, MutexGuard};

use crate::{
    authorize::Refusal,
    rotate_keys::make_keys,
    seal::{KeyFile, SealError},
};

/// The `iss` and `aud` of our bearers, and the `service` of the challenge. One word for all replicas and public
/// URLs; bearers of another installation fail at the signature.
pub const SERVICE: &str = "sealock";

/// A replica that is asked anything about keys has read them at most this long ago.
const READ_EVERY: Length = Length::seconds(10);
/// For a bearer whose key is not known the keys are read again, but not more often than this: ids of keys cost nothing
/// to make up.
const READ_FOR_UNKNOWN_EVERY: Length = Length::seconds(1);
/// How old the next key is at least when it begins to sign: several times [`READ_EVERY`], so that every replica that
/// serves knows it, and every client that keeps `/auth/jwks.json` for less. It may have been made by a replica whose clock is
/// behind by [`MAX_CLOCK_DIFFERENCE`].
pub const NEXT_KNOWN_AFTER: Length = Length::seconds(60);
/// How long a retired key verifies: until its last bearer has expired on every replica's clock.
pub(crate) const RETIRED_VERIFIES_FOR: Length =
    Length::milliseconds(LIFETIME_SECONDS * 1000 + MAX_CLOCK_DIFFERENCE.as_millis());

/// The keys in use, as they were read last.
pub(crate) struct SigningKeys {
    key_file: Arc<KeyFile>,
    ring: RwLock<Arc<Ring>>,
    /// Of many who find the ring too old one reads, and leaves here whether it failed.
    reading: Mutex<bool>,
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
}

impl From<KeyError> for Refusal {
    /// Whoever brings a credential has no part in what is wrong here.
    fn from(error: KeyError) -> Self {
        Self::Storage(match error {
            KeyError::Storage(error) => error,
            other => DbError::Corrupt(other.to_string()),
        })
    }
}

/// What a bearer says, vouched for.
pub(crate) struct Vouched {
    pub(crate) claims: Claims,
    /// The id of the key that signed it.
    pub(crate) key: String,
}

/// Why nothing was signed.
#[derive(Debug)]
pub(crate) enum NotSigned {
    Keys(KeyError),
    Claims(SignError),
}

/// Refuses a server that starts with a key file which does not open what is sealed. Nothing is changed, and the schema may
/// be any older one.
pub(crate) async fn look(db: &Db, key_file: &KeyFile) -> Result<(), KeyError> {
    // In turn with replicas that bring the schema up to date: they hold tables for longer than a read waits.
    let (tx, schema) = db.hold_schema().await?;
    if schema > 0 {
        signing_keys::sealed(&tx).await?.iter().try_for_each(|key| key_file.check_opens(key))?;
    }
    Ok(())
}

impl SigningKeys {
    /// Finds the keys, or makes those that are missing. Two replicas that start together end up with the same.
    pub(crate) async fn open(
        db: &Db,
        key_file: KeyFile,
        random: &dyn Randomness,
        now: Instant,
    ) -> Result<Self, KeyError> {
        let stored = signing_keys::all(db).await?;
        let has = |state| stored.iter().any(|key| key.state == state);
        if !(has(KeyState::Active) && has(KeyState::Next)) {
            let made = make_keys(&key_file, random, now)?;
            retried(|| add_missing(db, &made)).await?;
        }
        let ring = Ring::read(db, &key_file, now).await?;
        let key_file = Arc::new(key_file);
        Ok(Self { key_file, ring: RwLock::new(Arc::new(ring)), reading: Mutex::default() })
    }

    /// What the keys are sealed under, for the others that are.
    pub(crate) fn key_file(&self) -> Arc<KeyFile> {
        Arc::clone(&self.key_file)
    }

    /// Signs a bearer with the key that is the active one now.
    pub(crate) async fn sign(&self, db: &Db, claims: &Claims, now: Instant) -> Result<Bearer, NotSigned> {
        let active = signing_keys::active(db).await.and_then(|kid| kid.ok_or(DbError::NoRow));
        let active = active.map_err(|error| NotSigned::Keys(error.into()))?;
        let mut ring = self.ring();
        // Twice: whoever was reading at the first time may have begun before the row was looked at.
        for _ in 0..2 {
            if ring.active.id() != active {
                ring = self.read_again(db, now).await.map_err(NotSigned::Keys)?;
            }
        }
        bearer::sign(&ring.active, claims).map_err(NotSigned::Claims)
    }

    /// Vouches for what a bearer says: that we issued it for ourselves, and it is valid now.
    pub(crate) async fn verify(&self, db: &Db, text: &str, now: Instant) -> Result<Vouched, Refusal> {
        let refused = |error: BearerError| Refusal::BadCredential(error.to_string());
        let key = bearer::key_id(text);
        let ring = self.ring_that_knows(key.as_deref(), db, now).await?;
        let claims = bearer::verify(text, &ring.known, SERVICE, SERVICE, now).map_err(refused)?;
        let key = key.ok_or(BearerError::UnknownKey).map_err(refused)?;
        match ring.retired.get(&key) {
            Some(retired_at) if !could_have_signed(*retired_at, &claims, now) => {
                Err(refused(BearerError::UnknownKey))
            }
            _ => Ok(Vouched { claims, key }),
        }
    }

    /// The public halves.
    pub(crate) async fn jwks(&self, db: &Db, now: Instant) -> serde_json::Value {
        self.fresh_ring(db, now).await.known.jwks()
    }

    /// The keys as of at most a second ago where `key` is not among those that are at hand.
    async fn ring_that_knows(&self, key: Option<&str>, db: &Db, now: Instant) -> Result<Arc<Ring>, KeyError> {
        let ring = self.fresh_ring(db, now).await;
        let is_unknown = key.is_some_and(|key| ring.known.by_id(key).is_none());
        if is_unknown && ring.is_older_than(READ_FOR_UNKNOWN_EVERY, now) {
            return self.read_again(db, now).await;
        }
        Ok(ring)
    }

    /// The keys as of at most [`READ_EVERY`] ago. Where they can't be read, or somebody is at it, those that are at hand:
    /// that they were not thrown away is read with the rights, and without a database nobody has any.
    async fn fresh_ring(&self, db: &Db, now: Instant) -> Arc<Ring> {
        let ring = self.ring();
        if !ring.is_older_than(READ_EVERY, now) {
            return ring;
        }
        let Ok(turn) = self.reading.try_lock() else { return ring };
        self.read(turn, db, now).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "the signing keys could not be read again");
            ring
        })
    }

    /// Reads the keys, or waits for whoever is reading them: a database that hangs must not let them queue up.
    async fn read_again(&self, db: &Db, now: Instant) -> Result<Arc<Ring>, KeyError> {
        if let Ok(turn) = self.reading.try_lock() {
            return self.read(turn, db, now).await;
        }
        let has_failed = *self.reading.lock().await;
        if has_failed {
            Err(DbError::Unavailable("the signing keys were not read".into()).into())
        } else {
            Ok(self.ring())
        }
    }

    async fn read(
        &self,
        mut has_failed: MutexGuard<'_, bool>,
        db: &Db,
        now: Instant,
    ) -> Result<Arc<Ring>, KeyError> {
        *has_failed = true;
        let fresh = Arc::new(Ring::read(db, &self.key_file, now).await?);
        *self.ring.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        *has_failed = false;
        Ok(fresh)
    }

    fn ring(&self) -> Arc<Ring> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The keys as they were at one moment.
struct Ring {
    read_at: Instant,
    active: SigningKey,
    known: VerifyingKeys,
    /// When those that only verify stopped signing.
    retired: BTreeMap<String, Instant>,
}

impl Ring {
    async fn read(db: &Db, key_file: &KeyFile, now: Instant) -> Result<Self, KeyError> {
        let mut active = None;
        let mut known = Vec::new();
        let mut retired = BTreeMap::new();
        for key in signing_keys::all(db).await? {
            if let Some(retired_at) = key.retired_at {
                known.push(key_file.open_verifying(&key)?);
                retired.insert(key.kid, retired_at);
                continue;
            }
            let pair = key_file.open_signing(&key)?;
            known.push(pair.verifying_key().clone());
            if key.state == KeyState::Active {
                active = Some(pair);
            }
        }
        let active = active.ok_or(KeyError::Storage(DbError::NoRow))?;
        Ok(Self { read_at: now, active, known: known.into_iter().collect(), retired })
    }

    fn is_older_than(&self, age: Length, now: Instant) -> bool {
        // A clock that was put back says nothing about the age.
        now < self.read_at || now >= self.read_at.plus(age)
    }
}

/// Whether a key that was retired then may have signed this before, and such a bearer may live now. The threat: a key
/// that leaks after its time signs what it likes.
fn could_have_signed(retired_at: Instant, claims: &Claims, now: Instant) -> bool {
    let issued_at = Instant::from_millis(claims.iat.saturating_mul(1000));
    // The clock of the replica that issued it may have been ahead of the one that retired the key.
    issued_at <= retired_at.plus(MAX_CLOCK_DIFFERENCE) && now < retired_at.plus(RETIRED_VERIFIES_FOR)
}

/// A new key pair, sealed.
pub(crate) fn make_key(
    state: KeyState,
    key_file: &KeyFile,
    random: &dyn Randomness,
    now: Instant,
) -> Result<StoredKey, KeyError> {
    let document = SigningKey::generate().map_err(|_| KeyError::Crypto)?;
    let pair = SigningKey::from_pkcs8(&document).map_err(|_| KeyError::Crypto)?;
    let kid = pair.id().to_owned();
    let sealed = key_file.seal(&kid, &document, random)?;
    Ok(StoredKey { kid, state, sealed, created_at: now, retired_at: None })
}

async fn add_missing(db: &Db, made: &[StoredKey]) -> Result<(), DbError> {
    let tx = db.begin().await?;
    for key in made {
        // One of each: where there is one, of an earlier start or of a replica that was faster, this one goes.
        signing_keys::insert(&tx, key).await?;
    }
    tx.commit().await
}

#[cfg(test)]
mod tests {
    use access::{
        bearer::{BearerAccess, CredentialRef, Parties},
        time::Length,
    };

    use super::*;

    struct Sevens;
    impl Randomness for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    const RETIRED_AT: Instant = Instant::from_millis(1_795_000_000_000);

    fn after(seconds: i64) -> Instant {
        RETIRED_AT.plus(Length::seconds(seconds))
    }

    fn issued(seconds: i64) -> Claims {
        let parties = Parties { issuer: SERVICE, subject: "ci", audience: SERVICE };
        Claims::issue(parties, BearerAccess::default(), CredentialRef::Anonymous, after(seconds), &Sevens)
    }

    #[test]
    fn a_retired_key_vouches_for_what_it_signed_before_and_for_a_bearers_life() {
        for (issued_at, now, expect) in [
            (-300, 0, true),
            (0, 359, true),
            // Of a replica whose clock is ahead, or of a request that began before.
            (30, 30, true),
            (30, 389, true),
            // By a thief, later.
            (31, 31, false),
            (300, 300, false),
            // By a thief who dates it back and makes it live long.
            (0, 390, false),
        ] {
            let could = could_have_signed(RETIRED_AT, &issued(issued_at), after(now));
            assert_eq!(could, expect, "issued {issued_at} s after, seen {now} s after");
        }
        for iat in [i64::MIN, i64::MAX] {
            let claims = Claims { iat, ..issued(0) };
            assert_eq!(could_have_signed(RETIRED_AT, &claims, after(0)), iat < 0);
        }
    }

    #[test]
    fn the_next_key_is_known_everywhere_before_it_signs() {
        let known_for = NEXT_KNOWN_AFTER.as_millis() - MAX_CLOCK_DIFFERENCE.as_millis();
        assert!(known_for >= 3 * READ_EVERY.as_millis());
        assert!(RETIRED_VERIFIES_FOR.as_millis() > LIFETIME_SECONDS * 1000 + READ_EVERY.as_millis());
    }
}
