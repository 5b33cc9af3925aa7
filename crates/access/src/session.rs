//! The secret of a console session: what the cookie carries. As with tokens, only its hash is kept.

use aws_lc_rs::hmac;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{
    randomness::{Randomness, base62},
    time::Length,
};

/// Random characters of a session's secret: 43 × log2(62) = 256 bits.
const RANDOM_CHARS: usize = 43;
/// How much of a mark is kept, in bytes: nobody finds 128 bits.
const TIE_BYTES: usize = 16;
/// How long a session lives after logging in. It is not lengthened by use: whoever finds a machine that somebody left
/// logged in has a day's rest of it at most.
pub const SESSION_LIFETIME: Length = Length::hours(12);

/// A session's secret in the clear. It leaves the server in one `Set-Cookie`; nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct SessionSecret(Zeroizing<String>);

/// The text can't be a session's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is no session of the console; log in again")]
pub struct NotASession;

impl SessionSecret {
    /// A new secret.
    pub fn mint(random: &dyn Randomness) -> Self {
        Self(Zeroizing::new(base62(random, RANDOM_CHARS)))
    }

    /// Reads a secret as a cookie brought it.
    pub fn parse(text: &str) -> Result<Self, NotASession> {
        let is_one = text.len() == RANDOM_CHARS && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if is_one { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(NotASession) }
    }

    /// The text itself, for the cookie.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A mark on `text` that only this session can make and check: for what must not be taken over into another.
    pub fn tie(&self, text: &str) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes());
        hmac::sign(&key, text.as_bytes())
            .as_ref()
            .iter()
            .take(TIE_BYTES)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// What is stored and looked up. No salt and no slowness: nobody guesses 256 random bits.
    pub fn hash(&self) -> SessionHash {
        SessionHash(Sha256::digest(self.0.as_bytes()).into())
    }
}

impl std::fmt::Debug for SessionSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionSecret(…)")
    }
}

/// The SHA-256 of a session's secret: all that the database knows of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionHash([u8; 32]);

impl SessionHash {
    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeded::Seeded;

    #[test]
    fn a_secret_reads_back_and_hashes_alike() {
        let secret = SessionSecret::mint(&Seeded::new(1));
        let read = SessionSecret::parse(secret.expose());
        assert_eq!(read.as_ref(), Ok(&secret));
        assert_eq!(read.map(|read| read.hash()), Ok(secret.hash()));
        assert_ne!(secret.hash(), SessionSecret::mint(&Seeded::new(2)).hash());
    }

    #[test]
    fn other_texts_are_refused() {
        let secret = SessionSecret::mint(&Seeded::new(1));
        let text = secret.expose();
        for other in ["", &text[1..], &format!("{text}x"), &text.replace(&text[..1], "-"), &"é".repeat(43)] {
            assert_eq!(SessionSecret::parse(other), Err(NotASession), "{other}");
        }
    }

    #[test]
    fn a_mark_is_of_its_session_and_its_text() {
        let [one, other] = [1, 2].map(|seed| SessionSecret::mint(&Seeded::new(seed)));
        assert_eq!(one.tie("form"), one.tie("form"));
        assert_eq!(one.tie("form").len(), 32);
        assert_ne!(one.tie("form"), one.tie("forn"));
        assert_ne!(one.tie("form"), other.tie("form"));
    }

    #[test]
    fn debug_hides_it() {
        let secret = SessionSecret::mint(&Seeded::new(1));
        assert!(!format!("{secret:?}").contains(secret.expose()));
    }
}
