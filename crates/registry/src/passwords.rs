//! Passwords of people: argon2id, off the async threads and bounded. Never used for token secrets.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    credential::Password,
    guessing::{Guesser, Guessing, PasswordMark, TooManyGuesses},
    password_turns::{Busy, Turn, Turns},
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

/// OWASP's recommendation for argon2id: 19 MiB, 2 passes, 1 lane (DESIGN §6).
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// The length of a salt, in bytes (RFC 9106 §3.1 recommends 16).
const SALT_BYTES: usize = 16;
/// How long a right password is remembered, under a keyed hash and its generation (DESIGN §6). During that time it waits
/// for no turn.
const REMEMBERED_FOR: Length = Length::seconds(60);
/// How many users' passwords are remembered at most, some 100 bytes each. Beyond it the oldest is forgotten. A user has
/// one entry, so a user who logs in often makes the server forget no other.
const MAX_REMEMBERED: usize = 4_096;
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

impl From<Busy> for PasswordError {
    fn from(Busy: Busy) -> Self {
        Self::Busy
    }
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
    turns: Arc<Turns>,
    /// A hash that no password has, for users that don't exist.
    decoy: String,
    memory_key: [u8; 32],
    remembered: Mutex<HashMap<UserId, Remembered>>,
    guessing: Guessing,
}

/// A password that was found right.
struct Remembered {
    /// Its keyed hash, with the generation.
    memory: [u8; 32],
    until: Instant,
}

/// Does `work` on a thread of its own. The thread holds the turn, not the request: a client that hangs up does not
/// free the core.
async fn in_turn<T: Send + 'static>(
    turn: Turn,
    work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
) -> Result<T, PasswordError> {
    let worked = tokio::task::spawn_blocking(move || {
        let _turn = turn;
        work()
    });
    worked.await.map_err(|_| PasswordError::Hashing)?
}

impl Passwords {
    /// A checker with a key of its own for what it remembers.
    pub fn new(random: &dyn Randomness) -> Result<Self, PasswordError> {
        let mut memory_key = [0; 32];
        random.fill(&mut memory_key);
        let mut nobody = [0; 32];
        random.fill(&mut nobody);
        Ok(Self {
            turns: Arc::default(),
            decoy: hash(&nobody, random)?,
            memory_key,
            remembered: Mutex::default(),
            guessing: Guessing::default(),
        })
    }

    /// The user whose password this is, with its generation. An unknown user costs and says the same as a wrong
    /// password. `from` is the client's address: after too many wrong ones every password is refused, also the right one unless it is
    /// remembered.
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
        let memory = match &stored {
            Some(stored) => self.memory(&format!("{} {}", stored.id, stored.generation), password),
            None => self.memory(username, password),
        };
        let found = stored.as_ref().map(|stored| (stored.id, stored.generation));
        let guesser = Guesser::of(username, from);
        let mark = PasswordMark::of(&memory);
        let known = || match found {
            Some((user, _)) if self.remembers(user, &memory, now) => {
                self.guessing.know(&guesser, now);
                Some(found)
            }
            // A forgotten client sends the same wrong password again and again: it costs no hash, and counts once.
            _ => self.guessing.is_known_wrong(&guesser, mark, now).then_some(None),
        };
        if let Some(known) = known() {
            return Ok(known);
        }
        // Checked before the request waits, so that a client over the limit takes no place.
        self.guessing.check(&guesser, mark, now)?;
        let turn = self.turns.take(from).await?;
        // The same password may have been checked while this request waited: many clients begin at once.
        if let Some(known) = known() {
            return Ok(known);
        }
        let hash = stored.as_ref().map_or(&self.decoy, |stored| &stored.hash);
        if !self.guess(turn, &guesser, mark, hash, password, now).await? {
            return Ok(None);
        }
        if let Some((user, _)) = found {
            self.remember(user, memory, now);
        }
        Ok(found)
    }

    async fn guess(
        &self,
        turn: Turn,
        guesser: &Guesser,
        mark: PasswordMark,
        hash: &str,
        password: &Password,
        now: Instant,
    ) -> Result<bool, PasswordError> {
        let counted = self.guessing.begin(guesser, mark, now)?;
        let is_right = verify(turn, hash.to_owned(), password.clone()).await;
        match &is_right {
            Ok(false) => self.guessing.found_wrong(guesser, mark),
            Ok(true) => {
                self.guessing.take_back(guesser, mark, counted);
                self.guessing.know(guesser, now);
            }
            Err(_) => self.guessing.take_back(guesser, mark, counted),
        }
        is_right
    }

    /// Notes that the owner of the account was seen at this address: a browser showed a session of theirs.
    pub(crate) fn know(&self, username: &str, from: Option<IpAddr>, now: Instant) {
        self.guessing.know(&Guesser::of(username, from), now);
    }

    /// Returns the hash to store for a new password that came from the address `from`. It waits for a turn like a login.
    pub(crate) async fn hash(
        &self,
        password: &NewPassword,
        from: Option<IpAddr>,
        random: &dyn Randomness,
    ) -> Result<String, PasswordError> {
        let mut salt = [0; SALT_BYTES];
        random.fill(&mut salt);
        let NewPassword(password) = password.clone();
        let turn = self.turns.take(from).await?;
        in_turn(turn, move || salted(password.expose().as_bytes(), &salt)).await
    }

    /// Returns what is remembered of a password: a keyed hash, because the memory must not reveal the password. `account`
    /// is the user's id with the generation, or a name that no user has.
    fn memory(&self, account: &str, password: &Password) -> [u8; 32] {
        let mut mac = aws_lc_rs::hmac::Context::with_key(&aws_lc_rs::hmac::Key::new(
            aws_lc_rs::hmac::HMAC_SHA256,
            &self.memory_key,
        ));
        mac.update(&Sha256::digest(account.as_bytes()));
        mac.update(password.expose().as_bytes());
        Sha256::digest(mac.sign().as_ref()).into()
    }

    fn remembers(&self, user: UserId, memory: &[u8; 32], now: Instant) -> bool {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.get(&user).is_some_and(|right| right.memory == *memory && now < right.until)
    }

    fn remember(&self, user: UserId, memory: [u8; 32], now: Instant) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MAX_REMEMBERED && !remembered.contains_key(&user) {
            let oldest = remembered.iter().min_by_key(|(_, right)| right.until).map(|(user, _)| *user);
            oldest.and_then(|user| remembered.remove(&user));
        }
        remembered.insert(user, Remembered { memory, until: now.plus(REMEMBERED_FOR) });
    }
}

async fn verify(turn: Turn, hash: String, password: Password) -> Result<bool, PasswordError> {
    in_turn(turn, move || {
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
