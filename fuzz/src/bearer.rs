//! Bearers: nothing that our key did not sign verifies, and what it signed verifies only with every claim in place.

use std::sync::LazyLock;

use access::{
    bearer::{self, BearerError, Claims, MAX_VERIFIED_BYTES, SigningKey, VerifyingKeys},
    time::{Instant, MAX_CLOCK_DIFFERENCE},
};
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde_json::Value;

use crate::message::is_fit_to_print;

/// A key in PKCS#8 that nothing but this crate trusts. It is always the same, so that kept bearers verify.
const OUR_KEY: &str = include_str!("bearer/our_key.hex");
/// Another one, which nobody trusts.
const THIEFS_KEY: &str = include_str!("bearer/thiefs_key.hex");

const ISSUER: &str = "https://registry.example";
const AUDIENCE: &str = "registry.example";
const NOW: Instant = Instant::from_millis(1_795_000_000_500);
/// What `kid` of a kept header stands for: the id of our key, which a mutation can't guess.
const OUR_ID: &str = "OUR-KEY";

static OURS: LazyLock<Signer> = LazyLock::new(|| Signer::of(OUR_KEY));
static THIEFS: LazyLock<Signer> = LazyLock::new(|| Signer::of(THIEFS_KEY));

/// The input is a whole bearer; and it is a header and, from its second line on, claims, which are signed first.
pub fn check(input: &[u8]) {
    if let Ok(text) = std::str::from_utf8(input) {
        nobody_else_signs(text);
    }
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (header, claims) = (&input[..end], &input[(end + 1).min(input.len())..]);
    let header = replaced(header, OUR_ID.as_bytes(), OURS.id.as_bytes());
    let signed =
        format!("{}.{}", BASE64_URL_SAFE_NO_PAD.encode(&header), BASE64_URL_SAFE_NO_PAD.encode(claims));
    what_we_sign_has_every_claim(&OURS.sign(&signed), &header, claims);
    let stolen = THIEFS.sign(&signed);
    assert!(verify(&stolen).is_err(), "another key's signature was taken: {stolen}");
}

/// A text that came from elsewhere never verifies. (Our key signs here only in `what_we_sign_has_every_claim`, with a
/// signature that is drawn anew each time and printed nowhere.)
fn nobody_else_signs(text: &str) {
    match verify(text) {
        Ok(claims) => panic!("a forged bearer was taken: {text:?} as {claims:?}"),
        Err(error) => {
            is_fit_to_print(&error);
            assert!(text.len() <= MAX_VERIFIED_BYTES || error == BearerError::Malformed);
        }
    }
}

fn what_we_sign_has_every_claim(text: &str, header: &[u8], claims: &[u8]) {
    let Ok(read) = verify(text) else { return };
    let (Some(header), Some(claims)) = (json(header), json(claims)) else { return };
    assert_eq!((&header["alg"], &header["kid"]), (&Value::from("ES256"), &Value::from(OURS.id.as_str())));
    assert!(header["crit"].is_null(), "{header}");
    assert_eq!((&claims["iss"], &claims["aud"]), (&Value::from(ISSUER), &Value::from(AUDIENCE)));
    assert!(claims["exp"].as_i64().expect("exp").saturating_mul(1000) > NOW.as_millis(), "expired: {claims}");
    assert!(
        claims["nbf"].as_i64().expect("nbf").saturating_mul(1000)
            <= NOW.plus(MAX_CLOCK_DIFFERENCE).as_millis(),
        "{claims}"
    );
    assert!(claims["iat"].is_i64() && claims["sub"].is_string() && claims["jti"].is_string(), "{claims}");
    assert!(claims["access"].is_array() && !claims["cred"].is_null(), "{claims}");
    let written = serde_json::to_string(&read).expect("claims are JSON");
    assert_eq!(serde_json::from_str::<Claims>(&written).expect(&written), read);
    // One spelling: nothing may be added, or any other case or padding be chosen.
    for altered in
        [format!("{text}="), format!("{text}."), format!(" {text}"), format!("{text}A"), text.to_uppercase()]
    {
        assert!(verify(&altered).is_err(), "{altered}");
    }
}

/// `None` where a member that nobody reads holds what is no text, such as half a surrogate pair.
fn json(bytes: &[u8]) -> Option<Value> {
    serde_json::from_str(&String::from_utf8_lossy(bytes)).ok()
}

fn verify(text: &str) -> Result<Claims, BearerError> {
    bearer::verify(text, &OURS.keys, ISSUER, AUDIENCE, NOW)
}

fn replaced(text: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    match text.windows(from.len()).position(|window| window == from) {
        Some(at) => [&text[..at], to, &text[at + from.len()..]].concat(),
        None => text.to_vec(),
    }
}

/// Signs whatever it is given, which `access::bearer::sign` would not.
struct Signer {
    pair: EcdsaKeyPair,
    id: String,
    keys: VerifyingKeys,
}

impl Signer {
    fn of(document: &str) -> Self {
        let document = hex::decode(document.trim()).expect("hexadecimal digits");
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &document).expect("a key");
        let key = SigningKey::from_pkcs8(&document).expect("a key");
        let keys = [key.verifying_key().clone()].into_iter().collect();
        Self { pair, id: key.id().to_owned(), keys }
    }

    #[allow(clippy::disallowed_methods, reason = "ECDSA's own randomness is excepted (DESIGN §4)")]
    fn sign(&self, signed: &str) -> String {
        let signature = self.pair.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}
