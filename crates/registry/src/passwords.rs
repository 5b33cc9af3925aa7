//! Passwords of people: argon2id, off the async threads and bounded. Never used for token secrets.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use access::{
    id::UserId,
    name::Username,
    randomness::Randomness,
    time::{Instant, Length},
};
use argon2::{
    Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version,
    password_hash::phc::{PasswordHash, Salt},
};
use sha2::{Digest, Sha256};
use storage::{
    db::{Db, DbError},
    users,
};
use tokio::sync::Semaphore;

use crate::credential::Password;

/// OWASP's recommendation for argon2id: 19 MiB, 2 passes, 1 lane (DESIGN §6).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// How many passwords are checked at once: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// How many more may wait for their turn; beyond that the answer is "busy", not a longer queue.
const MAX_WAITING: usize = 64;
/// How long a right password is remembered, under a keyed hash and its generation.
const REMEMBERED_FOR: Length = Length::seconds(60);
/// How many are remembered at most.
const MAX_REMEMBERED: usize = 1024;
/// The longest password looked at, in bytes: hashing more is only work for an attacker to give away.
const MAX_PASSWORD_BYTES: usize = 1024;

/// Why a password could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many are being checked already.
    #[error("too many passwords are being checked")]
    Busy,
    /// The database.
    #[error(transparent)]
    Storage(#[from] DbError),
    /// Hashing failed: a stored hash is damaged, or the machine can't spare 19 MiB.
    #[error("a password could not be hashed")]
    Hashing,
}

/// Checks passwords, and makes the hashes that are stored.
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// A hash that no password has, for users that don't exist.
    decoy: String,
    memory_key: [u8; 32],
    remembered: Mutex<HashMap<[u8; 32], Instant>>,
}

impl Passwords {
    /// A checker with a key of its own for what it remembers.
    pub fn new(random: &dyn Randomness) -> Result<Self, PasswordError> {
        let mut memory_key = [0; 32];
        random.fill(&mut memory_key);
        let mut nobody = [0; 32];
        random.fill(&mut nobody);
        Ok(Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(AT_ONCE + MAX_WAITING)),
            decoy: hash(&nobody, random)?,
            memory_key,
            remembered: Mutex::default(),
        })
    }

    /// The user whose password this is, with its generation. An unknown user costs and says the same as a wrong
    /// password.
    pub(crate) async fn check(
        &self,
        db: &Db,
        username: &str,
        password: &Password,
        now: Instant,
    ) -> Result<Option<(UserId, i64)>, PasswordError> {
        let stored = match Username::parse(username) {
            Ok(username) => users::password_of(db, &username).await?,
            Err(_) => None,
        };
        let memory = stored.as_ref().map(|stored| self.memory(stored.id, stored.generation, password));
        if memory.is_some_and(|memory| self.remembers(&memory, now)) {
            return Ok(stored.map(|stored| (stored.id, stored.generation)));
        }
        let hash = stored.as_ref().map_or_else(|| self.decoy.clone(), |stored| stored.hash.clone());
        let is_right = self.verify(hash, password.clone()).await?;
        match (stored, memory) {
            (Some(stored), Some(memory)) if is_right => {
                self.remember(memory, now);
                Ok(Some((stored.id, stored.generation)))
            }
            _ => Ok(None),
        }
    }

    async fn verify(&self, hash: String, password: Password) -> Result<bool, PasswordError> {
        let _place = self.waiting.try_acquire().map_err(|_| PasswordError::Busy)?;
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        let verified = tokio::task::spawn_blocking(move || {
            // Held by the thread, not by the request: a client that hangs up does not free the core.
            let _turn = turn;
            let hash = PasswordHash::new(&hash).map_err(|_| PasswordError::Hashing)?;
            let password = password.expose().as_bytes();
            Ok(password.len() <= MAX_PASSWORD_BYTES && argon2()?.verify_password(password, &hash).is_ok())
        });
        verified.await.map_err(|_| PasswordError::Hashing)?
    }

    /// What is remembered of a right password: a keyed hash, so that a look at the memory gives nothing away.
    fn memory(&self, user: UserId, generation: i64, password: &Password) -> [u8; 32] {
        let mut mac = aws_lc_rs::hmac::Context::with_key(&aws_lc_rs::hmac::Key::new(
            aws_lc_rs::hmac::HMAC_SHA256,
            &self.memory_key,
        ));
        mac.update(format!("{user} {generation} ").as_bytes());
        mac.update(password.expose().as_bytes());
        Sha256::digest(mac.sign().as_ref()).into()
    }

    fn remembers(&self, memory: &[u8; 32], now: Instant) -> bool {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(memory).is_some_and(|until| now < *until)
    }

    fn remember(&self, memory: [u8; 32], now: Instant) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.retain(|_, until| now < *until);
        if remembered.len() < MAX_REMEMBERED {
            remembered.insert(memory, now.plus(REMEMBERED_FOR));
        }
    }
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordError::Hashing)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The argon2id hash of a password in PHC form, with a salt of 128 random bits.
pub(crate) fn hash(password: &[u8], random: &dyn Randomness) -> Result<String, PasswordError> {
    let mut salt = [0; 16];
    random.fill(&mut salt);
    let salt = Salt::new(&salt).map_err(|_| PasswordError::Hashing)?;
    let hash = argon2()?.hash_password_with_salt(password, &salt).map_err(|_| PasswordError::Hashing)?;
    Ok(hash.to_string())
}
