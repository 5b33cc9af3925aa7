//! The keys that bearers are signed and verified with: ES256 (RFC 7518 §3.4), and nothing else.

use std::collections::BTreeMap;

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _,
        ParsedPublicKey, Signature,
    },
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// An uncompressed point of P-256 (SEC 1 §2.3.3): 4, then x, then y, 32 bytes each.
const POINT_BYTES: usize = 65;
const UNCOMPRESSED: u8 = 4;
/// A SHA-256 in base64url without padding, in characters.
const THUMBPRINT_CHARS: usize = 43;

/// The bytes are no key that bearers can be signed or verified with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an ECDSA key on P-256 (PKCS#8 for a signing key, an uncompressed point for a verifying key)")]
pub struct InvalidKey;

/// The cryptographic library could not do its work; in practice it has no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cryptographic library failed")]
pub struct CryptoFailed;

/// The private key of a key pair, parsed once.
pub struct SigningKey {
    pair: EcdsaKeyPair,
    public: VerifyingKey,
}

impl SigningKey {
    /// A new private key in PKCS#8, to be encrypted before it is stored (DESIGN §3.2).
    pub fn generate() -> Result<Zeroizing<Vec<u8>>, CryptoFailed> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(|_| CryptoFailed)?;
        let document = pair.to_pkcs8v1().map_err(|_| CryptoFailed)?;
        Ok(Zeroizing::new(document.as_ref().to_vec()))
    }

    /// Reads what `generate` made.
    pub fn from_pkcs8(document: &[u8]) -> Result<Self, InvalidKey> {
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document).map_err(|_| InvalidKey)?;
        let public = VerifyingKey::from_point(pair.public_key().as_ref())?;
        Ok(Self { pair, public })
    }

    /// The key's id, the same as that of its `verifying_key`.
    pub fn id(&self) -> &str {
        self.public.id()
    }

    /// The public half.
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.public
    }

    /// The signature of `message`: r and s, 32 bytes each (RFC 7518 §3.4).
    #[allow(clippy::disallowed_methods, reason = "ECDSA's own randomness is excepted (DESIGN §4)")]
    pub(crate) fn sign(&self, message: &[u8]) -> Result<Signature, CryptoFailed> {
        self.pair.sign(&SystemRandom::new(), message).map_err(|_| CryptoFailed)
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.id())
    }
}

/// The public key of a key pair, parsed once.
#[derive(Clone)]
pub struct VerifyingKey {
    id: String,
    point: [u8; POINT_BYTES],
    parsed: ParsedPublicKey,
}

impl VerifyingKey {
    /// Reads an uncompressed point of P-256, 65 bytes.
    pub fn from_point(bytes: &[u8]) -> Result<Self, InvalidKey> {
        let point: [u8; POINT_BYTES] = bytes.try_into().map_err(|_| InvalidKey)?;
        if point[0] != UNCOMPRESSED {
            return Err(InvalidKey);
        }
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).map_err(|_| InvalidKey)?;
        Ok(Self { id: thumbprint(&point), point, parsed })
    }

    /// The key's id: its thumbprint (RFC 7638), so that an id can't be given to another key and need not be stored.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The uncompressed point, 65 bytes.
    pub const fn point(&self) -> &[u8; POINT_BYTES] {
        &self.point
    }

    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }

    /// The key as RFC 7517 §4 and RFC 7518 §6.2 write it.
    fn jwk(&self) -> serde_json::Value {
        let (x, y) = coordinates(&self.point);
        serde_json::json!({
            "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": self.id, "use": "sig", "alg": "ES256",
        })
    }
}

impl std::fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifyingKey({})", self.id)
    }
}

/// x and y in base64url.
fn coordinates(point: &[u8; POINT_BYTES]) -> (String, String) {
    let (x, y) = point[1..].split_at(POINT_BYTES / 2);
    (BASE64_URL_SAFE_NO_PAD.encode(x), BASE64_URL_SAFE_NO_PAD.encode(y))
}

/// Whether a text has the form of a thumbprint: a SHA-256 in base64url.
pub(crate) fn is_thumbprint(text: &str) -> bool {
    let is_ours = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    text.len() == THUMBPRINT_CHARS && text.bytes().all(is_ours)
}

/// RFC 7638 §3: the required members in this order, without spaces, hashed by SHA-256.
fn thumbprint(point: &[u8; POINT_BYTES]) -> String {
    let (x, y) = coordinates(point);
    let members = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
    BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(members.as_bytes()))
}

/// The keys that bearers may be signed with now: the active one, the next, and those retired less than a bearer's
/// life ago. The only keys that a verification ever uses.
#[derive(Debug, Clone, Default)]
pub struct VerifyingKeys(BTreeMap<String, VerifyingKey>);

impl VerifyingKeys {
    /// The key with this id.
    pub fn by_id(&self, id: &str) -> Option<&VerifyingKey> {
        self.0.get(id)
    }

    /// The set as `/auth/jwks.json` shows it (RFC 7517 §5): public halves only.
    pub fn jwks(&self) -> serde_json::Value {
        serde_json::json!({ "keys": self.0.values().map(VerifyingKey::jwk).collect::<Vec<_>>() })
    }
}

impl FromIterator<VerifyingKey> for VerifyingKeys {
    fn from_iter<I: IntoIterator<Item = VerifyingKey>>(keys: I) -> Self {
        Self(keys.into_iter().map(|key| (key.id.clone(), key)).collect())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn signing_key() -> SigningKey {
        SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap()
    }

    #[test]
    fn a_key_reads_back_with_the_same_id() {
        let document = SigningKey::generate().unwrap();
        let (one, again) =
            (SigningKey::from_pkcs8(&document).unwrap(), SigningKey::from_pkcs8(&document).unwrap());
        assert_eq!(one.id(), again.id());
        assert_ne!(one.id(), signing_key().id());
        assert_eq!(VerifyingKey::from_point(one.verifying_key().point()).unwrap().id(), one.id());
    }

    #[test]
    fn only_the_public_half_verifies_and_only_what_was_signed() {
        let (key, other) = (signing_key(), signing_key());
        let signature = key.sign(b"message").unwrap();
        assert!(key.verifying_key().accepts(b"message", signature.as_ref()));
        assert!(!key.verifying_key().accepts(b"massage", signature.as_ref()));
        assert!(!other.verifying_key().accepts(b"message", signature.as_ref()));
        for wrong in [&signature.as_ref()[..63], &[0; 64], &[]] {
            assert!(!key.verifying_key().accepts(b"message", wrong), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let document = SigningKey::generate().unwrap();
        assert_eq!(SigningKey::from_pkcs8(b"").unwrap_err(), InvalidKey);
        assert_eq!(SigningKey::from_pkcs8(&document[1..]).unwrap_err(), InvalidKey);
        let mut off_the_curve = *signing_key().verifying_key().point();
        off_the_curve[64] ^= 1;
        for bytes in [&off_the_curve[..], &off_the_curve[1..], &[4; 65], &[0; 65], &[]] {
            assert_eq!(VerifyingKey::from_point(bytes).unwrap_err(), InvalidKey, "{bytes:?}");
        }
    }

    #[test]
    fn debug_shows_the_id_alone() {
        let key = signing_key();
        assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.id()));
    }

    #[test]
    fn the_id_is_the_thumbprint_that_others_compute() {
        let keys: VerifyingKeys = [signing_key().verifying_key().clone()].into_iter().collect();
        let jwks: jsonwebtoken::jwk::JwkSet = serde_json::from_value(keys.jwks()).unwrap();
        let thumbprint = jwks.keys[0].thumbprint(jsonwebtoken::jwk::ThumbprintHash::SHA256).unwrap();
        assert_eq!(jwks.keys[0].common.key_id, Some(thumbprint));
    }

    #[test]
    fn the_key_set_is_public_halves_found_by_id() {
        let (one, two) = (signing_key(), signing_key());
        let keys: VerifyingKeys = [&one, &two].map(|key| key.verifying_key().clone()).into_iter().collect();
        assert_eq!(keys.by_id(one.id()).unwrap().point(), one.verifying_key().point());
        assert!(keys.by_id("").is_none());
        let shown = keys.jwks();
        let shown = shown["keys"].as_array().unwrap();
        assert_eq!(shown.len(), 2);
        for key in shown {
            let members: std::collections::BTreeSet<_> = key.as_object().unwrap().keys().cloned().collect();
            assert_eq!(Vec::from_iter(members), ["alg", "crv", "kid", "kty", "use", "x", "y"]);
        }
    }
}
