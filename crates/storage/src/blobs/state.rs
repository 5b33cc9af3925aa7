//! How far an upload has come, as bytes for its row: any replica goes on where another stopped.

use oci::{Algorithm, Digest};
use sha2::{
    Digest as _, Sha256, Sha512,
    digest::common::hazmat::{SerializableState, SerializedState},
};

use super::{BlobError, Key};

/// What the bytes begin with. A new one where the layout changes, or `sha2` is no longer 0.11
/// (its serialised state is stable within 0.11 only).
const VERSION: u8 = 1;

/// Where an upload's bytes lie, how many are acknowledged, and the hash over them. Opaque to callers.
#[derive(Debug, Clone)]
pub struct State {
    pub(super) key: Key,
    pub(super) offset: u64,
    pub(super) hashes: Hashes,
}

impl State {
    pub(super) fn new(key: Key, announced: Option<Algorithm>) -> Self {
        let sha512 = matches!(announced, Some(Algorithm::Sha512)).then(Sha512::new);
        Self { key, offset: 0, hashes: Hashes { sha256: Sha256::new(), sha512 } }
    }

    /// How many bytes are acknowledged: the next append begins here.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// Where the bytes lie until they are a blob, and afterwards.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Whether both write to the same place: false once an upload was taken over.
    pub fn shares_place_with(&self, other: &Self) -> bool {
        self.key == other.key
    }

    /// The state as bytes for the upload's row, about 400 at most.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(self.key.as_str().as_bytes());
        bytes.extend_from_slice(&self.offset.to_be_bytes());
        bytes.extend_from_slice(&self.hashes.sha256.serialize());
        if let Some(sha512) = &self.hashes.sha512 {
            bytes.extend_from_slice(&sha512.serialize());
        }
        bytes
    }

    /// Reads what [`to_bytes`](Self::to_bytes) wrote; other versions and lengths are `BadState`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BlobError> {
        let (version, rest) = take::<1>(bytes)?;
        if version != [VERSION] {
            return Err(BlobError::BadState);
        }
        let (key, rest) = take::<{ Key::LENGTH }>(rest)?;
        let (offset, rest) = take::<8>(rest)?;
        let (sha256, rest) = take_hash::<Sha256>(rest)?;
        let sha512 = match rest {
            [] => None,
            rest => match take_hash::<Sha512>(rest)? {
                (sha512, []) => Some(sha512),
                _ => return Err(BlobError::BadState),
            },
        };
        let key =
            str::from_utf8(&key).ok().and_then(|text| Key::parse(text).ok()).ok_or(BlobError::BadState)?;
        Ok(Self { key, offset: u64::from_be_bytes(offset), hashes: Hashes { sha256, sha512 } })
    }
}

fn take<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), BlobError> {
    bytes.split_first_chunk::<N>().map(|(first, rest)| (*first, rest)).ok_or(BlobError::BadState)
}

fn take_hash<H: SerializableState>(bytes: &[u8]) -> Result<(H, &[u8]), BlobError> {
    let length = SerializedState::<H>::default().len();
    let (first, rest) = bytes.split_at_checked(length).ok_or(BlobError::BadState)?;
    let first = SerializedState::<H>::try_from(first).map_err(|_| BlobError::BadState)?;
    Ok((H::deserialize(&first).map_err(|_| BlobError::BadState)?, rest))
}

/// The hashes over the bytes so far: sha256 always (clients fall back to it), sha512 where it was announced.
#[derive(Debug, Clone)]
pub(super) struct Hashes {
    sha256: Sha256,
    sha512: Option<Sha512>,
}

impl Hashes {
    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        if let Some(sha512) = &mut self.sha512 {
            sha512.update(bytes);
        }
    }

    /// The digest of the bytes so far, if that algorithm was followed.
    pub(super) fn digest(&self, algorithm: Algorithm) -> Option<Digest> {
        match algorithm {
            Algorithm::Sha256 => Some(Digest::from_sha256(&self.sha256.clone().finalize().into())),
            Algorithm::Sha512 => {
                self.sha512.clone().map(|sha512| Digest::from_sha512(&sha512.finalize().into()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn states() -> [State; 2] {
        let key = Key::parse("00ff7c1d2e3f405162738495a6b7c8d9").unwrap();
        [None, Some(Algorithm::Sha512)].map(|announced| {
            let mut state = State::new(key.clone(), announced);
            state.hashes.update(&[7; 100]);
            state.offset = 100;
            state
        })
    }

    #[test]
    fn a_state_goes_on_from_its_bytes() {
        for mut state in states() {
            let mut read = State::from_bytes(&state.to_bytes()).unwrap();
            assert_eq!((&read.key, read.offset()), (&state.key, 100));
            state.hashes.update(b"more");
            read.hashes.update(b"more");
            for algorithm in [Algorithm::Sha256, Algorithm::Sha512] {
                assert_eq!(read.hashes.digest(algorithm), state.hashes.digest(algorithm));
            }
        }
    }

    #[test]
    fn a_state_cut_short_grown_of_another_version_or_pointing_elsewhere_is_refused() {
        let [with_sha256, with_both] = states().map(|state| state.to_bytes());
        for length in (0..with_both.len()).filter(|length| *length != with_sha256.len()) {
            assert!(State::from_bytes(&with_both[..length]).is_err(), "{length} bytes");
        }
        let mut grown = with_both.clone();
        grown.push(0);
        assert!(State::from_bytes(&grown).is_err());
        let mut newer = with_both.clone();
        newer[0] = VERSION + 1;
        assert!(State::from_bytes(&newer).is_err());
        let mut elsewhere = with_both;
        elsewhere[1..4].copy_from_slice(b"../");
        assert!(State::from_bytes(&elsewhere).is_err());
    }
}
