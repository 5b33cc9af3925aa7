//! The digest of bytes, by whichever algorithm somebody named them.

use oci::{Algorithm, Digest};
use sha2::{Digest as _, Sha256, Sha512};

/// A digest whose bytes are still coming.
pub(crate) enum Digesting {
    Sha256(Sha256),
    Sha512(Sha512),
}

impl Digesting {
    /// Of no bytes yet.
    pub(crate) fn by(algorithm: Algorithm) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(Sha256::new()),
            Algorithm::Sha512 => Self::Sha512(Sha512::new()),
        }
    }

    /// These come next.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hash) => hash.update(bytes),
            Self::Sha512(hash) => hash.update(bytes),
        }
    }

    /// The digest of all of them.
    pub(crate) fn digest(self) -> Digest {
        match self {
            Self::Sha256(hash) => Digest::from_sha256(&hash.finalize().into()),
            Self::Sha512(hash) => Digest::from_sha512(&hash.finalize().into()),
        }
    }
}

/// The digest of these bytes.
pub(crate) fn digest_of(bytes: &[u8], algorithm: Algorithm) -> Digest {
    let mut digesting = Digesting::by(algorithm);
    digesting.update(bytes);
    digesting.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    // FIPS 180-4, appendix: "abc".
    const SHA256: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const SHA512: &str = "sha512:ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a\
         2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f";

    #[test]
    fn bytes_have_one_digest_however_they_come() {
        for (algorithm, expect) in [(Algorithm::Sha256, SHA256), (Algorithm::Sha512, SHA512)] {
            assert_eq!(digest_of(b"abc", algorithm).as_str(), expect);
            let mut digesting = Digesting::by(algorithm);
            for piece in [b"a".as_slice(), b"", b"bc"] {
                digesting.update(piece);
            }
            assert_eq!(digesting.digest().as_str(), expect);
        }
    }
}
