//! The secret of a token (DESIGN §2 rule 5): minted here, shown once, and never printed by accident.

use std::borrow::Cow;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::randomness::{Randomness, base62, base62_digits};

/// Random characters of a secret. 30 × log2(62) = 178 bits; rule 5 asks for 160.
pub const RANDOM_CHARS: usize = 30;
/// Characters of the CRC-32 at the end: 62^6 > 2^32.
pub const CHECKSUM_CHARS: usize = 6;
/// Random characters that the hint gives away. The 27 others are worth 160.7 bits, so that what is kept and shown
/// in lists leaves a secret as strong as rule 5 asks for. The checksum is not shown: it would give away 32 bits.
pub const HINT_CHARS: usize = 3;

const PREFIX_CHARS: usize = 5;

/// What every bearer begins with: `{"` in base64 (RFC 7515 §3.1).
const BEARER_PREFIX: &str = "eyJ";

/// `text` without what reads like a secret or a bearer behind its first characters: for logs of what strangers send, who
/// paste credentials where names belong. It takes as long as the text is, whatever stands in it.
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    let begins_one = |text: &str| text.contains(BEARER_PREFIX) || secret_in(text).is_some();
    if !begins_one(text) {
        return Cow::Borrowed(text);
    }
    let without_bearers = without_rest_of_words(text, is_of_bearer, bearer_in);
    Cow::Owned(without_rest_of_words(&without_bearers, is_of_secret, secret_in))
}

fn is_of_secret(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || letter == '_'
}

/// Behind which byte of `word` a secret begins, as far as its prefix says so.
fn secret_in(word: &str) -> Option<usize> {
    SecretKind::ALL.iter().filter_map(|kind| word.find(kind.prefix())).min().map(|at| at + PREFIX_CHARS)
}

fn is_of_bearer(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '.')
}

/// Behind which byte of `word` a bearer begins. A dot makes one: without its second part it opens nothing.
fn bearer_in(word: &str) -> Option<usize> {
    let at = word.find(BEARER_PREFIX)? + BEARER_PREFIX.len();
    word[at..].contains('.').then_some(at)
}

/// `text` with `…` for the rest of each word from where `hidden_from` says. Words consist of what `is_of_word`.
fn without_rest_of_words(
    text: &str,
    is_of_word: fn(char) -> bool,
    hidden_from: fn(&str) -> Option<usize>,
) -> String {
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(|letter| !is_of_word(letter)) {
        let word = part.trim_end_matches(|letter| !is_of_word(letter));
        match hidden_from(word).filter(|from| *from < word.len()) {
            Some(from) => shown.extend([&word[..from], "…", &part[word.len()..]]),
            None => shown.push_str(part),
        }
    }
    shown
}

/// Which kind of token a secret belongs to. Its prefix says so, for people and for leak scanners.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SecretKind {
    /// Of a service token: `slks_`.
    Service,
    /// Of a personal token: `slkp_`.
    Personal,
}

impl SecretKind {
    /// Every kind.
    pub const ALL: [SecretKind; 2] = [SecretKind::Service, SecretKind::Personal];

    /// What the secret begins with.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Service => "slks_",
            Self::Personal => "slkp_",
        }
    }

    fn of(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| text.starts_with(kind.prefix()))
    }
}

/// A token's secret in the clear. It leaves the server in exactly one response; nothing prints it, and its memory
/// is overwritten when it is dropped.
pub struct Secret {
    text: Zeroizing<String>,
    kind: SecretKind,
}

/// Why a text is not a secret of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// It has none of our prefixes: whatever it is (a password, say), it was not meant as a secret.
    #[error("a token's secret begins with slks_ or slkp_")]
    NotASecret,
    /// It has a prefix of ours, but no secret was ever minted that reads like this.
    #[error(
        "this is not a whole token secret: a character is wrong, missing or too many; copy it again, from slks_ or slkp_ to its end"
    )]
    Typo,
}

impl Secret {
    /// A new secret, from 30 characters of `random`.
    pub fn mint(kind: SecretKind, random: &dyn Randomness) -> Self {
        let body = Zeroizing::new(base62(random, RANDOM_CHARS));
        // All of it at once: a string that grows leaves copies behind that nobody overwrites.
        let mut text = Zeroizing::new(String::with_capacity(PREFIX_CHARS + RANDOM_CHARS + CHECKSUM_CHARS));
        text.push_str(kind.prefix());
        text.push_str(&body);
        let checksum = checksum(&text);
        text.push_str(&checksum);
        Self { text, kind }
    }

    /// Reads a secret as somebody sent it. A typo is refused here, before any look-up.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let kind = SecretKind::of(text).ok_or(SecretError::NotASecret)?;
        let has_length = text.len() == PREFIX_CHARS + RANDOM_CHARS + CHECKSUM_CHARS;
        let is_base62 = text.bytes().skip(PREFIX_CHARS).all(|byte| byte.is_ascii_alphanumeric());
        if !(has_length && is_base62) {
            return Err(SecretError::Typo);
        }
        let (checked, written) = text.split_at(PREFIX_CHARS + RANDOM_CHARS);
        // Comparing the digits, not the number, leaves each checksum one spelling. The checksum keeps nothing
        // secret (anybody can compute it), so the comparison may take its time.
        if checksum(checked) != written {
            return Err(SecretError::Typo);
        }
        Ok(Self { text: Zeroizing::new(text.to_owned()), kind })
    }

    /// Which kind of token it belongs to.
    pub const fn kind(&self) -> SecretKind {
        self.kind
    }

    /// The text itself, for the one response that shows it.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What is stored and looked up. SHA-256 needs no salt and no slowness here: nobody guesses 178 random bits.
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.text.as_bytes()).into())
    }

    /// A few first characters, such as `slks_k3P…`, by which people tell secrets apart in lists.
    pub fn hint(&self) -> String {
        format!("{}…", &self.text[..PREFIX_CHARS + HINT_CHARS])
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secret({}…)", self.kind.prefix())
    }
}

/// The SHA-256 of a secret: all that the database knows of it.
///
/// Looking one up in an index need not take constant time. What the time of a comparison could tell is a part of
/// the hash; to use that, one would have to choose texts by their hash and then invert SHA-256.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SecretHash([u8; 32]);

impl SecretHash {
    /// A hash as the database kept it; `None` if that is not 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Whether a password would read as a token's secret: such a password is refused when it is set (rule 5), for it
/// could never be used to log in.
pub fn is_reserved_password(password: &str) -> bool {
    SecretKind::of(password).is_some()
}

/// CRC-32 (IEEE 802.3) of prefix and random characters. It finds every single wrong character, wherever it is.
fn checksum(checked: &str) -> String {
    base62_digits(u64::from(crc32fast::hash(checked.as_bytes())), CHECKSUM_CHARS)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;
    use crate::seeded::Seeded;

    #[test]
    fn a_secret_has_its_prefix_30_random_characters_and_6_of_checksum() {
        for kind in SecretKind::ALL {
            let secret = Secret::mint(kind, &Seeded::new(1));
            assert!(secret.expose().starts_with(kind.prefix()));
            assert_eq!(secret.expose().len(), 41);
        }
    }

    #[test]
    fn a_known_secret_keeps_its_meaning() {
        // Computed apart from this code (Python's zlib.crc32 and hashlib): what was once given out must stay valid.
        let secret = Secret::parse("slks_0123456789ABCDEFGHIJKLMNOPQRST1hanDl").unwrap();
        assert_eq!(secret.kind(), SecretKind::Service);
        let hash = "63323041299b0ab5ec2467fd9c2086516ad4d384ad0eacdf6be024c38094e755";
        assert_eq!(hex::encode(secret.hash().as_bytes()), hash);
        assert_eq!(secret.hint(), "slks_012…");
    }

    #[test]
    fn what_has_no_prefix_of_ours_is_not_a_secret() {
        for text in ["", "hunter2", "slk", "SLKS_x", " slks_x", "slkx_012345678901234567890123456789000000"] {
            assert_eq!(Secret::parse(text).unwrap_err(), SecretError::NotASecret, "{text:?}");
            assert!(!is_reserved_password(text), "{text:?}");
        }
        assert!(is_reserved_password("slks_") && is_reserved_password("slkp_my-password"));
    }

    #[test]
    fn a_part_of_a_secret_or_more_than_one_is_a_typo() {
        let text = Secret::mint(SecretKind::Personal, &Seeded::new(2)).expose().to_owned();
        let twice = format!("{text}{text}");
        let multibyte = format!("slkp_{}", "é".repeat(18));
        for wrong in ["slkp_", &text[..40], &format!("{text}\n"), &twice, &multibyte] {
            assert_eq!(Secret::parse(wrong).unwrap_err(), SecretError::Typo, "{wrong:?}");
        }
    }

    #[test]
    fn a_typo_is_refused_before_any_look_up() {
        let text = Secret::mint(SecretKind::Service, &Seeded::new(3)).expose().to_owned();
        for at in PREFIX_CHARS..text.len() {
            for other in "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_ ".chars() {
                let mut wrong = text.clone();
                wrong.replace_range(at..=at, &other.to_string());
                assert_eq!(Secret::parse(&wrong).is_ok(), wrong == text, "{wrong}");
            }
        }
    }

    #[test]
    fn the_prefix_is_part_of_the_checksum() {
        let text = Secret::mint(SecretKind::Service, &Seeded::new(4)).expose().replace("slks_", "slkp_");
        assert_eq!(Secret::parse(&text).unwrap_err(), SecretError::Typo);
    }

    #[test]
    fn debug_and_hint_hide_the_value() {
        let secret = Secret::mint(SecretKind::Service, &Seeded::new(5));
        assert_eq!(format!("{secret:?}"), "Secret(slks_…)");
        assert_eq!(secret.hint().chars().count(), PREFIX_CHARS + HINT_CHARS + 1);
    }

    #[test]
    fn hashes_come_back_from_the_database_only_whole() {
        let hash = Secret::mint(SecretKind::Service, &Seeded::new(6)).hash();
        assert_eq!(SecretHash::from_bytes(hash.as_bytes()), Some(hash));
        assert_eq!(SecretHash::from_bytes(&hash.as_bytes()[..31]), None);
    }

    proptest! {
        #[test]
        fn what_is_minted_reads_back(seed: u64, personal: bool) {
            let kind = if personal { SecretKind::Personal } else { SecretKind::Service };
            let minted = Secret::mint(kind, &Seeded::new(seed));
            let read = Secret::parse(minted.expose()).unwrap();
            prop_assert_eq!(read.kind(), kind);
            prop_assert_eq!(read.expose(), minted.expose());
            prop_assert_eq!(read.hash(), minted.hash());
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in "(slk[sp]_)?\\PC{0,60}") {
            prop_assert!(Secret::parse(&text).is_err());
        }
    }

    #[test]
    fn a_log_of_what_strangers_send_shows_no_secret() {
        for (sent, logged) in [
            ("/v2/acme/api/tags/list", "/v2/acme/api/tags/list"),
            ("/api/v1/tokens/slks_abcDEF123", "/api/v1/tokens/slks_…"),
            ("slkp_abc/slks_def/slks_", "slkp_…/slks_…/slks_"),
            ("xslks_abc%20slkp_é", "xslks_…%20slkp_é"),
            ("slks_slkp_abc", "slks_…"),
            ("SLKS_abc slk_abc", "SLKS_abc slk_abc"),
            ("/v2/eyJhbGci.eyJhdWQi.c2ln-_9/tags/list", "/v2/eyJ…/tags/list"),
            ("docker/1 (eyJhbGci.eyJhdWQi.c2ln)é", "docker/1 (eyJ…)é"),
            ("token=eyJhbGci.eyJhdWQi.c2ln&slks_abc", "token=eyJ…&slks_…"),
            // Cut off, but with what it says of its holder.
            ("eyJhbGci.eyJhdWQi", "eyJ…"),
            ("/v2/acme/heyJude/manifests/1.0", "/v2/acme/heyJude/manifests/1.0"),
            ("", ""),
        ] {
            assert_eq!(without_secrets(sent), logged, "{sent}");
        }
        let secret = Secret::mint(SecretKind::Service, &Seeded::new(1));
        assert_eq!(without_secrets(secret.expose()), "slks_…");
        // As many beginnings as the head of a request has room for.
        let many = "slks_/eyJ.".repeat(6_500) + "eyJ";
        assert!(!without_secrets(&many).contains("eyJ."), "each is cut");
    }
}
