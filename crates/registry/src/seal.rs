//! Sealing under the key file: what lies sealed in the database is worth nothing without it.

use std::{
    fs::File,
    io::{self, Read},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

use access::{
    bearer::{SigningKey, VerifyingKey},
    randomness::Randomness,
};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use storage::signing_keys::{KeyState, SealedKey, StoredKey};
use zeroize::Zeroizing;

/// What is read of a key file at most, in bytes: 64 digits and a line end fit.
const MAX_FILE_BYTES: u64 = 128;
const KEY_BYTES: usize = 32;
/// The bits of a file's mode by which users who are neither its owner nor in its group may do anything with it.
const ANYBODY: u32 = 0o007;
/// The first byte of everything sealed: this way of sealing.
const VERSION: u8 = 1;

/// The key that seals the private halves of signing keys, from a file that only the server can read.
pub struct KeyFile(LessSafeKey);

impl std::fmt::Debug for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("KeyFile(…)")
    }
}

/// Why something can't be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The file does not hold a key.
    #[error("a key file holds 64 hexadecimal digits and nothing else, such as `openssl rand -hex 32` writes")]
    NotAKey,
    /// The file can't be read.
    #[error("the key file {path} can't be read: {cause}; {}", way_out(cause))]
    Unreadable {
        /// The file.
        path: String,
        /// Why.
        cause: io::Error,
    },
    /// Sealed with another key, or damaged: nobody can tell which.
    #[error(
        "a stored key was sealed with another key file, or is damaged; start with the key_file that this database was made \
         with. Where that is lost, or fits and does not help, begin anew: `sealock keys rotate --now --forget-sealed` \
         throws away what this key file does not open"
    )]
    WrongKey,
}

fn way_out(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::PermissionDenied => {
            "give it to the user as whom sealock runs (chown), or run sealock as its owner"
        }
        _ => "bring back the one that this database was made with, or name it with key_file",
    }
}

impl KeyFile {
    /// Reads the key from a file. One that every user of the machine may open is warned of.
    pub fn read(path: &Path) -> Result<Self, SealError> {
        let mut text = Zeroizing::new(String::with_capacity(MAX_FILE_BYTES as usize));
        let mut read = || {
            let file = File::open(path)?;
            let mode = file.metadata()?.permissions().mode();
            file.take(MAX_FILE_BYTES).read_to_string(&mut text).map(|_| mode)
        };
        let mode =
            read().map_err(|cause| SealError::Unreadable { path: path.display().to_string(), cause })?;
        if mode & ANYBODY != 0 {
            // Said and not refused: where secrets are mounted into containers, who may read them is often no choice.
            let path = path.display();
            tracing::warn!("the key file {path} is open to every user of this machine: chmod o-rwx {path}");
        }
        Self::parse(text.trim())
    }

    /// A key from the 64 hexadecimal digits that a file holds.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        hex::decode_to_slice(text, bytes.as_mut_slice()).map_err(|_| SealError::NotAKey)?;
        let key = UnboundKey::new(&AES_256_GCM, bytes.as_slice()).map_err(|_| SealError::NotAKey)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// The text of a new key file.
    pub fn generate(random: &dyn Randomness) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; KEY_BYTES]);
        random.fill(bytes.as_mut_slice());
        Zeroizing::new(hex::encode(bytes.as_slice()))
    }

    /// Seals `plain`; `name` has to be the same when it is opened, so that rows can't be swapped.
    pub(crate) fn seal(
        &self,
        name: &str,
        plain: &[u8],
        random: &dyn Randomness,
    ) -> Result<Vec<u8>, SealError> {
        // A random nonce of 96 bits: there are a handful of keys, so none ever meets another.
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut sealed = plain.to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(name), &mut sealed)
            .map_err(|_| SealError::WrongKey)?;
        Ok([&[VERSION], nonce.as_slice(), &sealed].concat())
    }

    /// Opens a signing key that is not retired.
    pub(crate) fn open_signing(&self, key: &StoredKey) -> Result<SigningKey, SealError> {
        let document = self.open(&key.kid, &key.sealed)?;
        SigningKey::from_pkcs8(&document).map_err(|_| SealError::WrongKey)
    }

    /// Opens what is left of a retired key.
    pub(crate) fn open_verifying(&self, key: &StoredKey) -> Result<VerifyingKey, SealError> {
        let point = self.open(&public_half_of(&key.kid), &key.sealed)?;
        VerifyingKey::from_point(&point).map_err(|_| SealError::WrongKey)
    }

    /// Whether it opens what is sealed of a signing key, whatever the key's state.
    pub(crate) fn check_opens(&self, key: &SealedKey) -> Result<(), SealError> {
        let opened = match key.state {
            KeyState::Next | KeyState::Active => self.open(&key.kid, &key.sealed),
            KeyState::Retired => self.open(&public_half_of(&key.kid), &key.sealed),
        };
        opened.map(drop)
    }

    /// The public half of a signing key, sealed to take the private one's place. Sealed although anybody may know it:
    /// whoever only writes to the database must not be able to add a key that verifies.
    pub(crate) fn seal_public_half(
        &self,
        key: &SigningKey,
        random: &dyn Randomness,
    ) -> Result<Vec<u8>, SealError> {
        self.seal(&public_half_of(key.id()), key.verifying_key().point(), random)
    }

    /// Opens what `seal` made under the same name.
    pub(crate) fn open(&self, name: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let (version, rest) = sealed.split_first().ok_or(SealError::WrongKey)?;
        let (nonce, rest) = rest.split_at_checked(NONCE_LEN).ok_or(SealError::WrongKey)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::WrongKey)?;
        if *version != VERSION {
            return Err(SealError::WrongKey);
        }
        let mut bytes = Zeroizing::new(rest.to_vec());
        let length =
            self.0.open_in_place(nonce, Aad::from(name), &mut bytes).map_err(|_| SealError::WrongKey)?.len();
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// The name under which a key's public half is sealed: another than the private half's, so that neither passes for the
/// other.
fn public_half_of(kid: &str) -> String {
    format!("{kid} public")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    struct Sevens;
    impl Randomness for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    fn key(digit: &str) -> KeyFile {
        KeyFile::parse(&digit.repeat(64)).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_under_the_same_key_and_name_only() {
        let sealed = key("a").seal("kid-1", b"private", &Sevens).unwrap();
        assert_eq!(key("a").open("kid-1", &sealed).unwrap().as_slice(), b"private");
        assert!(key("b").open("kid-1", &sealed).is_err());
        assert!(key("a").open("kid-2", &sealed).is_err());
        assert!(!sealed.windows(7).any(|window| window == b"private"));
    }

    #[test]
    fn a_file_that_can_not_be_read_is_told_with_the_cause_once_and_the_way_out() {
        let absent = KeyFile::read(Path::new("/nowhere/key")).unwrap_err();
        let says = "the key file /nowhere/key can't be read: No such file or directory (os error 2); bring back the one that \
                    this database was made with, or name it with key_file";
        assert_eq!(absent.to_string(), says);
        assert!(std::error::Error::source(&absent).is_none());
        let denied =
            SealError::Unreadable { path: "key".into(), cause: io::ErrorKind::PermissionDenied.into() };
        assert!(
            denied
                .to_string()
                .ends_with("; give it to the user as whom sealock runs (chown), or run sealock as its owner")
        );
    }

    #[test]
    fn damage_is_noticed() {
        let sealed = key("a").seal("kid-1", b"private", &Sevens).unwrap();
        for index in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[index] ^= 1;
            assert!(key("a").open("kid-1", &damaged).is_err(), "byte {index}");
            assert!(key("a").open("kid-1", &sealed[..index]).is_err(), "cut at {index}");
        }
    }

    #[test]
    fn a_key_file_holds_64_hexadecimal_digits() {
        assert!(KeyFile::parse(&KeyFile::generate(&Sevens)).is_ok());
        for text in ["", "abc", &"a".repeat(63), &"a".repeat(65), &"g".repeat(64)] {
            assert!(KeyFile::parse(text).is_err(), "{text}");
        }
    }
}
