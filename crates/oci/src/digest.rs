//! Digests: OCI image 1.1, "Descriptors", "Digests".

use crate::error::Quoted;

/// A hash that content may be addressed by here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Algorithm {
    /// SHA-256: what clients use.
    Sha256,
    /// SHA-512: the other registered one.
    Sha512,
}

impl Algorithm {
    /// The name as it stands before the colon.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// How many hexadecimal digits follow the colon.
    pub const fn hex_digits(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }

    fn named(name: &str) -> Option<Self> {
        [Self::Sha256, Self::Sha512].into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// The address of content: `sha256:` and 64, or `sha512:` and 128 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    algorithm: Algorithm,
    text: String,
}

/// The text is not a digest that this registry can check; each holds the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// A well-formed digest of a hash that is not computed here.
    #[error("{} is a digest of a hash that is not known here; use sha256 or sha512", Quoted(.0))]
    UnknownAlgorithm(String),
    /// No digest at all, or one of the wrong length or case.
    #[error(
        "{} is not a digest; a digest is sha256: and 64, or sha512: and 128 lower-case hexadecimal digits",
        Quoted(.0)
    )]
    Malformed(String),
}

impl Digest {
    /// Reads a digest; one spelling only, so that equal digests are equal texts.
    pub fn parse(text: &str) -> Result<Self, DigestError> {
        let malformed = || DigestError::Malformed(text.to_owned());
        let (name, encoded) = text.split_once(':').ok_or_else(malformed)?;
        let Some(algorithm) = Algorithm::named(name) else {
            let foreign = is_algorithm(name) && is_encoded(encoded);
            return Err(if foreign { DigestError::UnknownAlgorithm(text.to_owned()) } else { malformed() });
        };
        let is_hex = encoded.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if is_hex && encoded.len() == algorithm.hex_digits() {
            Ok(Self { algorithm, text: text.to_owned() })
        } else {
            Err(malformed())
        }
    }

    /// The digest that says this SHA-256.
    pub fn from_sha256(hash: &[u8; 32]) -> Self {
        Self { algorithm: Algorithm::Sha256, text: format!("sha256:{}", hex::encode(hash)) }
    }

    /// The digest that says this SHA-512.
    pub fn from_sha512(hash: &[u8; 64]) -> Self {
        Self { algorithm: Algorithm::Sha512, text: format!("sha512:{}", hex::encode(hash)) }
    }

    /// Which hash it is of.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The digits after the colon.
    pub fn hex(&self) -> &str {
        &self.text[self.algorithm.as_str().len() + 1..]
    }

    /// The whole digest, such as `sha256:2c26…`.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// `[a-z0-9]+([+._-][a-z0-9]+)*`: the grammar of any algorithm, ours or not.
fn is_algorithm(name: &str) -> bool {
    name.split(['+', '.', '_', '-'])
        .all(|part| !part.is_empty() && part.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9')))
}

/// `[a-zA-Z0-9=_-]+`: the grammar of what any algorithm yields.
fn is_encoded(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=_-".contains(&byte))
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    /// Any legal digest.
    pub(crate) fn any_digest() -> impl Strategy<Value = String> {
        "(sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})"
    }

    #[test]
    fn a_digest_has_an_algorithm_and_digits() {
        let text = format!("sha256:{}", "0f".repeat(32));
        let digest = Digest::parse(&text).unwrap();
        assert_eq!((digest.algorithm(), digest.hex()), (Algorithm::Sha256, "0f".repeat(32).as_str()));
        assert_eq!(digest, Digest::from_sha256(&[0x0f; 32]));
        let text = format!("sha512:{}", "a0".repeat(64));
        let digest = Digest::parse(&text).unwrap();
        assert_eq!((digest.algorithm(), digest.hex()), (Algorithm::Sha512, "a0".repeat(64).as_str()));
        assert_eq!(digest, Digest::from_sha512(&[0xa0; 64]));
    }

    #[test]
    fn an_unknown_hash_is_not_a_malformed_digest() {
        let sha384 = format!("sha384:{}", "0".repeat(96));
        for text in [sha384.as_str(), "blake3:abc", "tarsum.v1+sha256:Ab=_-", "md5:0"] {
            assert_eq!(Digest::parse(text), Err(DigestError::UnknownAlgorithm(text.to_owned())));
        }
    }

    #[test]
    fn malformed_digests_are_refused() {
        let digits = "0".repeat(64);
        let upper_hash = format!("SHA256:{digits}");
        let upper_digits = format!("sha256:{}", "A".repeat(64));
        let short = format!("sha256:{}", "0".repeat(63));
        let long = format!("sha256:{}", "0".repeat(65));
        let mixed = format!("sha512:{digits}");
        let letters = format!("sha256:{}", "g".repeat(64));
        let wide = format!("sha256:{}", "é".repeat(32));
        let twice = format!("sha256:sha256:{digits}");
        let texts =
            ["", ":", "sha256", "sha256:", ":0", "a b:0", "a..b:0", "md5:", "md5:/", &digits, &upper_hash];
        for text in texts.into_iter().chain([&*upper_digits, &short, &long, &mixed, &letters, &wide, &twice])
        {
            assert_eq!(Digest::parse(text), Err(DigestError::Malformed(text.to_owned())));
        }
    }

    #[test]
    fn messages_name_the_text_and_the_rule() {
        let message = Digest::parse("md5:0").unwrap_err().to_string();
        assert_eq!(message, "\"md5:0\" is a digest of a hash that is not known here; use sha256 or sha512");
        let message = Digest::parse("sha256:0").unwrap_err().to_string();
        assert!(message.starts_with("\"sha256:0\" is not a digest; a digest is sha256: and 64"), "{message}");
    }

    proptest! {
        #[test]
        fn a_legal_digest_reads_back(text in any_digest()) {
            let digest = Digest::parse(&text).unwrap();
            prop_assert_eq!(digest.as_str(), &text);
            prop_assert_eq!(Digest::parse(&digest.to_string()), Ok(digest));
        }
    }
}
