//! The name of a place in the blob store.

use access::randomness::Randomness;

/// 128 bits: two of 10^9 keys are equal with a likelihood below 10^-20.
const RANDOM_BYTES: usize = 16;

/// Where a blob's bytes lie: random, opaque, never used again. Not the digest, so that collecting an old
/// copy never races with a new upload of the same bytes (DESIGN §5).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(String);

/// The text is not a key: keys are 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a blob's key is 32 lower-case hexadecimal digits; the row or the folder holds something else")]
pub struct InvalidKey;

impl Key {
    /// The length of every key, in characters.
    pub(super) const LENGTH: usize = 2 * RANDOM_BYTES;

    /// A new key.
    pub(super) fn mint(random: &dyn Randomness) -> Self {
        let mut bytes = [0; RANDOM_BYTES];
        random.fill(&mut bytes);
        Self(hex::encode(bytes))
    }

    /// Reads a key as the database or a folder holds it. One spelling only: a key becomes a file's name.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == Self::LENGTH && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidKey)
        }
    }

    /// 32 lower-case hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_back_and_nothing_else_is_one() {
        let text = "00ff7c1d2e3f405162738495a6b7c8d9";
        assert_eq!(Key::parse(text).map(|key| key.to_string()).as_deref(), Ok(text));
        let dots = "../../../../../../../etc/passwd0";
        for text in ["", "00ff", dots, &text.to_uppercase(), &format!("{text}0"), &format!(" {}", &text[1..])]
        {
            assert_eq!(Key::parse(text), Err(InvalidKey), "{text}");
        }
    }
}
