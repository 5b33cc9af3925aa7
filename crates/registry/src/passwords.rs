//! Passwords of people: argon2id, off the async threads and bounded. Never used for token secrets.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use access::{
    id::UserId,
    name::Username,
    randomness::Randomness,
    secret::is_reserved_password,
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
use tokio::sync::{OwnedSemaphorePermit, Semaphore, SemaphorePermit};

use crate::{
    credential::Password,
    guessing::{Guesser, Guessing, TooManyGuesses},
};

/// OWASP's recommendation for argon2id: 19 MiB, 2 passes, 1 lane (DESIGN §6).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// The length of a salt, in bytes (RFC 9106 §3.1 recommends 16).
const SALT_BYTES: usize = 16;
/// How many passwords are checked at once: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// How many more may wait for their turn; beyond that the answer is "busy", not a longer queue.
const MAX_WAITING: usize = 64;
/// How long a right password is remembered, under a keyed hash and its generation.
const REMEMBERED_FOR: Length = Length::seconds(60);
/// How many are remembered at most.
const MAX_REMEMBERED: usize = 1024;
/// The shortest password that can be set, in bytes (NIST SP 800-63B §5.1.1.1).
const MIN_PASSWORD_BYTES: usize = 8;
/// The longest password looked at, in bytes: hashing more is only work for an attacker to give away.
const MAX_PASSWORD_BYTES: usize = 1024;

/// Why a password could not be checked.
#[derive(Debug, thiserror::Error)]
pub enum PasswordError {
    /// Too many are being checked already.
    #[error("too many passwords are being checked")]
    Busy,
    /// Too many wrong ones came before this one, which nobody looked at.
    #[error(transparent)]
    TooManyGuesses(#[from] TooManyGuesses),
    /// The database.
    #[error(transparent)]
    Storage(#[from] DbError),
    /// Hashing failed: a stored hash is damaged, or the machine can't spare 19 MiB.
    #[error("a password could not be hashed")]
    Hashing,
}

/// A password that may be set. It can't be printed.
#[derive(Debug, Clone)]
pub struct NewPassword(Password);

/// The text can't be anybody's password; the message is the rule, for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnusablePassword(&'static str);

impl NewPassword {
    /// Takes a text that somebody could log in with.
    pub fn parse(password: Password) -> Result<Self, UnusablePassword> {
        let text = password.expose();
        if !(MIN_PASSWORD_BYTES..=MAX_PASSWORD_BYTES).contains(&text.len()) {
            return Err(UnusablePassword("a password has 8 to 1024 bytes"));
        }
        // `docker login` trims white space (Go: `strings.TrimSpace`), so it would send another password. The same set of
        // characters: Unicode White_Space.
        if text.trim().len() != text.len() {
            return Err(UnusablePassword(
                "a password has no white space at its beginning or end: docker login would remove it",
            ));
        }
        // RFC 7617 §2: Basic could not carry them.
        if text.chars().any(char::is_control) {
            return Err(UnusablePassword("a password has no control characters, such as line breaks"));
        }
        if is_reserved_password(text) {
            return Err(UnusablePassword("a password may not begin like a token's secret (slks_ or slkp_)"));
        }
        Ok(Self(password))
    }
}

/// Checks passwords, and makes the hashes that are stored.
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// A hash that no password has, for users that don't exist.
    decoy: String,
    memory_key: [u8; 32],
    remembered: Mutex<HashMap<[u8; 32], Instant>>,
    guessing: Guessing,
}

/// The right to keep a core and 19 MiB busy.
struct Turn<'a> {
    _place: SemaphorePermit<'a>,
    core: OwnedSemaphorePermit,
}

impl Turn<'_> {
    /// Does `work` on a thread of its own.
    async fn take<T: Send + 'static>(
        self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let core = self.core;
        let worked = tokio::task::spawn_blocking(move || {
            // Held by the thread, not by the request: a client that hangs up does not free the core.
            let _core = core;
            work()
        });
        worked.await.map_err(|_| PasswordError::Hashing)?
    }
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
            guessing: Guessing::default(),
        })
    }

    /// The user whose password this is, with its generation. An unknown user costs and says the same as a wrong
    /// password. `from` is the client's address: too many wrong ones are refused, and a right one behind them too, as
    /// long as it is not remembered.
    pub(crate) async fn check(
        &self,
        db: &Db,
        username: &str,
        password: &Password,
        from: Option<IpAddr>,
        now: Instant,
    ) -> Result<Option<(UserId, i64)>, PasswordError> {
        let stored = match Username::parse(username) {
            Ok(username) => users::password_of(db, &username).await?,
            Err(_) => None,
        };
        let memory = stored.as_ref().map(|stored| self.memory(stored.id, stored.generation, password));
        let is_remembered = || memory.is_some_and(|memory| self.remembers(&memory, now));
        let found = stored.as_ref().map(|stored| (stored.id, stored.generation));
        if is_remembered() {
            return Ok(found);
        }
        let guesser = Guesser::of(username, from);
        // Before the queue: whoever is over the limit takes nobody's place in it.
        self.guessing.check(&guesser, now)?;
        let turn = self.turn().await?;
        // The same password may have been found right while this one waited: many clients begin at once.
        if is_remembered() {
            return Ok(found);
        }
        let hash = stored.as_ref().map_or(&self.decoy, |stored| &stored.hash);
        let is_right = self.guess(turn, &guesser, hash, password, now).await?;
        match memory {
            Some(memory) if is_right => {
                self.remember(memory, now);
                Ok(found)
            }
            _ => Ok(None),
        }
    }

    async fn guess(
        &self,
        turn: Turn<'_>,
        guesser: &Guesser,
        hash: &str,
        password: &Password,
        now: Instant,
    ) -> Result<bool, PasswordError> {
        self.guessing.begin(guesser, now)?;
        let is_right = verify(turn, hash.to_owned(), password.clone()).await;
        if !matches!(is_right, Ok(false)) {
            self.guessing.take_back(guesser);
        }
        is_right
    }

    /// The hash to store for a new password.
    pub(crate) async fn hash(
        &self,
        password: &NewPassword,
        random: &dyn Randomness,
    ) -> Result<String, PasswordError> {
        let mut salt = [0; SALT_BYTES];
        random.fill(&mut salt);
        let NewPassword(password) = password.clone();
        self.turn().await?.take(move || salted(password.expose().as_bytes(), &salt)).await
    }

    /// Waits for a turn.
    async fn turn(&self) -> Result<Turn<'_>, PasswordError> {
        let place = self.waiting.try_acquire().map_err(|_| PasswordError::Busy)?;
        let core = Arc::clone(&self.turns).acquire_owned().await.map_err(|_| PasswordError::Busy)?;
        Ok(Turn { _place: place, core })
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

async fn verify(turn: Turn<'_>, hash: String, password: Password) -> Result<bool, PasswordError> {
    turn.take(move || {
        let hash = PasswordHash::new(&hash).map_err(|_| PasswordError::Hashing)?;
        let password = password.expose().as_bytes();
        Ok(password.len() <= MAX_PASSWORD_BYTES && argon2()?.verify_password(password, &hash).is_ok())
    })
    .await
}

fn argon2() -> Result<Argon2<'static>, PasswordError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| PasswordError::Hashing)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The argon2id hash of a password in PHC form, on this thread: for the start, when nobody else waits.
fn hash(password: &[u8], random: &dyn Randomness) -> Result<String, PasswordError> {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    salted(password, &salt)
}

fn salted(password: &[u8], salt: &[u8; SALT_BYTES]) -> Result<String, PasswordError> {
    let salt = Salt::new(salt).map_err(|_| PasswordError::Hashing)?;
    let hash = argon2()?.hash_password_with_salt(password, &salt).map_err(|_| PasswordError::Hashing)?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn a_password_can_be_typed_sent_and_told_from_a_secret() {
        let longest = "ä".repeat(512);
        for text in ["12345678", "correct horse battery", "päßwörd", "in\u{a0}between", &longest] {
            assert!(NewPassword::parse(Password::new(text.to_owned())).is_ok(), "{text}");
        }
        let too_long = "a".repeat(1025);
        for (text, says) in [
            ("", "8 to 1024 bytes"),
            ("1234567", "8 to 1024 bytes"),
            (&too_long, "8 to 1024 bytes"),
            ("slks_password", "token's secret"),
            ("slkp_password", "token's secret"),
            ("two\nlines of it", "control characters"),
            ("nul\0nul\0", "control characters"),
            (" leading", "white space"),
            ("trailing ", "white space"),
            ("trailing\t", "white space"),
            ("trailing\r", "white space"),
            ("trailing\n", "white space"),
            ("trailing\u{85}", "white space"),
            ("trailing\u{a0}", "white space"),
            ("\u{2003}leading", "white space"),
            ("trailing\u{3000}", "white space"),
        ] {
            let refused = NewPassword::parse(Password::new(text.to_owned())).unwrap_err();
            assert!(refused.to_string().contains(says), "{text:?}: {refused}");
        }
    }

    #[test]
    fn a_new_password_can_not_be_printed() {
        let password = NewPassword::parse(Password::new("correct horse".to_owned())).unwrap();
        assert!(!format!("{password:?}").contains("horse"));
    }
}
