//! The bearer: the short-lived JWT that the token endpoint hands to docker (DESIGN §3.2).
//!
//! It says who, with which secret, and what it was fetched for. What is allowed is decided live (rule 7).
//! There is one algorithm, ES256, and nothing in a bearer can choose another, or bring a key along.

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

pub use crate::{
    bearer_access::{Access, BearerAccess, MAX_REQUESTED_SCOPES, Requested, TooManyScopes},
    claims::{Claims, CredentialRef, EXPIRES_IN_SECONDS, LIFETIME_SECONDS, Parties},
    signing_key::{CryptoFailed, InvalidKey, SigningKey, VerifyingKey, VerifyingKeys},
};
use crate::{
    signing_key,
    time::{Instant, MAX_CLOCK_DIFFERENCE},
};

/// The longest bearer that is issued, in bytes (DESIGN §3.2): it has to fit the headers that proxies let pass.
pub const MAX_BEARER_BYTES: usize = 6 * 1024;
/// The longest text that is looked at as a bearer, in bytes: well above what any replica issues, and little work.
pub const MAX_VERIFIED_BYTES: usize = 16 * 1024;

const ALGORITHM: &str = "ES256";

/// A signed bearer. Nothing prints it.
pub struct Bearer(Zeroizing<String>);

impl Bearer {
    /// The text itself, for the one answer that carries it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Bearer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Bearer(…)")
    }
}

/// Why no bearer was made.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// It would be larger than 6 KiB.
    #[error(
        "a bearer for these scopes would have {bytes} bytes: it may have at most {} KiB, and a request may name at most {MAX_REQUESTED_SCOPES} scopes; ask for fewer at once", MAX_BEARER_BYTES / 1024
    )]
    TooLarge {
        /// How large it would be.
        bytes: usize,
    },
    /// The signature could not be made.
    #[error(transparent)]
    Crypto(#[from] CryptoFailed),
    /// The claims could not be written.
    #[error("the claims could not be written as JSON")]
    Json(#[from] serde_json::Error),
}

/// Why a text is not accepted as a bearer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BearerError {
    /// Not a JWT, or one that lacks a claim or has one of another type.
    #[error("this is no bearer of this registry; fetch one at the realm, or log in with Basic")]
    Malformed,
    /// Any other algorithm than ES256.
    #[error("the bearer's algorithm is not ES256, the only one here; fetch a bearer at the realm")]
    WrongAlgorithm,
    /// No key of ours has that id.
    #[error("the bearer was signed with a key that is not, or no longer, in use here; fetch a new one")]
    UnknownKey,
    /// The signature does not fit.
    #[error("the bearer's signature is wrong; fetch a new one")]
    BadSignature,
    /// Issued by somebody else.
    #[error("the bearer was issued by another registry; fetch one at the realm")]
    WrongIssuer,
    /// Issued for another service.
    #[error("the bearer was issued for another service; fetch one at the realm")]
    WrongAudience,
    /// Its time has not come.
    #[error(
        "the bearer is not valid yet; the clocks of the registry's machines differ by more than {} seconds",
        MAX_CLOCK_DIFFERENCE.as_millis() / 1000
    )]
    NotYet,
    /// Its time is over.
    #[error("the bearer expired; fetch a new one")]
    Expired,
}

#[derive(Serialize)]
struct OwnHeader<'a> {
    alg: &'a str,
    kid: &'a str,
    typ: &'a str,
}

/// The header of a text that somebody sent. `jwk`, `jku` and `x5c` are not even read: a bearer brings no key.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    // RFC 7515 §4.1.11: whoever does not understand what is listed here must refuse; we understand none.
    crit: Option<serde::de::IgnoredAny>,
}

/// Makes a bearer from `claims`. At most 6 KiB, or `TooLarge`.
pub fn sign(key: &SigningKey, claims: &Claims) -> Result<Bearer, SignError> {
    let header = serde_json::to_vec(&OwnHeader { alg: ALGORITHM, kid: key.id(), typ: "JWT" })?;
    let claims = serde_json::to_vec(claims)?;
    // Room for all of it at once: a string that grows leaves copies behind that nobody overwrites.
    let mut text = Zeroizing::new(String::with_capacity(2 * (header.len() + claims.len()) + 128));
    BASE64_URL_SAFE_NO_PAD.encode_string(header, &mut text);
    text.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(claims, &mut text);
    let signature = key.sign(text.as_bytes())?;
    text.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    if text.len() > MAX_BEARER_BYTES {
        return Err(SignError::TooLarge { bytes: text.len() });
    }
    Ok(Bearer(text))
}

/// Reads a bearer that somebody sent, and vouches for what it says: that one of `keys` signed it, `issuer` issued it
/// for `audience`, and it is valid `now`. No claim is looked at before the signature was verified.
pub fn verify(
    text: &str,
    keys: &VerifyingKeys,
    issuer: &str,
    audience: &str,
    now: Instant,
) -> Result<Claims, BearerError> {
    let claims: Claims = verify_signature(text, keys)?;
    if claims.iss != issuer {
        return Err(BearerError::WrongIssuer);
    }
    if claims.aud != audience {
        return Err(BearerError::WrongAudience);
    }
    // The replica that issued it may have a clock that is ahead of ours.
    if now.plus(MAX_CLOCK_DIFFERENCE) < from_seconds(claims.nbf) {
        return Err(BearerError::NotYet);
    }
    if now >= from_seconds(claims.exp) {
        return Err(BearerError::Expired);
    }
    Ok(claims)
}

/// The id of the key that a text says it was signed with, if that could be the id of any: a thumbprint. Nothing is
/// vouched for; it is for finding the key.
pub fn key_id(text: &str) -> Option<String> {
    let (header, _) = text.split_once('.').filter(|_| text.len() <= MAX_VERIFIED_BYTES)?;
    let header: Header = from_base64_json(header).ok()?;
    header.kid.filter(|id| signing_key::is_thumbprint(id))
}

fn verify_signature(text: &str, keys: &VerifyingKeys) -> Result<Claims, BearerError> {
    if text.len() > MAX_VERIFIED_BYTES {
        return Err(BearerError::Malformed);
    }
    let (signed, signature) = text.rsplit_once('.').ok_or(BearerError::Malformed)?;
    let (header, claims) = signed.split_once('.').ok_or(BearerError::Malformed)?;
    if claims.contains('.') {
        return Err(BearerError::Malformed);
    }
    let header: Header = from_base64_json(header)?;
    if header.alg != ALGORITHM {
        return Err(BearerError::WrongAlgorithm);
    }
    if header.crit.is_some() {
        return Err(BearerError::Malformed);
    }
    let key = header.kid.as_deref().and_then(|id| keys.by_id(id)).ok_or(BearerError::UnknownKey)?;
    let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).map_err(|_| BearerError::Malformed)?;
    if !key.accepts(signed.as_bytes(), &signature) {
        return Err(BearerError::BadSignature);
    }
    from_base64_json(claims)
}

/// Strict base64url without padding (RFC 7515 §2), so that a bearer has one spelling.
fn from_base64_json<T: serde::de::DeserializeOwned>(part: &str) -> Result<T, BearerError> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| BearerError::Malformed)?;
    serde_json::from_slice(&json).map_err(|_| BearerError::Malformed)
}

const fn from_seconds(seconds: i64) -> Instant {
    Instant::from_millis(seconds.saturating_mul(1000))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use oci::RepositoryName;
    use serde_json::{Value, json};

    use super::*;
    use crate::{
        id::{SecretId, UserId},
        role::Actions,
        seeded::Seeded,
        time::Length,
    };

    const ISSUER: &str = "https://registry.example";
    const AUDIENCE: &str = "registry.example";
    const NOW: Instant = Instant::from_millis(1_795_000_000_500);

    struct Issuer {
        key: SigningKey,
        keys: VerifyingKeys,
    }

    impl Issuer {
        fn new() -> Self {
            let key = SigningKey::from_pkcs8(&SigningKey::generate().unwrap()).unwrap();
            let keys = [key.verifying_key().clone()].into_iter().collect();
            Self { key, keys }
        }

        fn bearer(&self) -> String {
            sign(&self.key, &claims()).unwrap().expose().to_owned()
        }

        fn verify(&self, text: &str) -> Result<Claims, BearerError> {
            self.verify_at(text, NOW)
        }

        fn verify_at(&self, text: &str, now: Instant) -> Result<Claims, BearerError> {
            verify(text, &self.keys, ISSUER, AUDIENCE, now)
        }

        /// What the holder of the key could sign: a right signature over any header and claims.
        fn signed(&self, header: &Value, claims: &Value) -> String {
            let signed = format!("{}.{}", part(header), part(claims));
            let signature = self.key.sign(signed.as_bytes()).unwrap();
            format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
        }

        fn header(&self) -> Value {
            json!({ "alg": "ES256", "kid": self.key.id(), "typ": "JWT" })
        }
    }

    fn part(json: &Value) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(json.to_string())
    }

    fn claims() -> Claims {
        let mut access = BearerAccess::default();
        access.add(RepositoryName::parse("acme/api").unwrap(), Actions::PULL_PUSH);
        let cred = CredentialRef::Secret(SecretId::mint(NOW, &Seeded::new(1)));
        let parties = Parties { issuer: ISSUER, subject: "ci", audience: AUDIENCE };
        Claims::issue(parties, access, cred, NOW, &Seeded::new(2))
    }

    fn with(claim: &str, value: Value) -> Value {
        let mut claims = serde_json::to_value(claims()).unwrap();
        claims[claim] = value;
        claims
    }

    #[test]
    fn what_is_signed_is_what_is_read() {
        let issuer = Issuer::new();
        assert_eq!(issuer.verify(&issuer.bearer()), Ok(claims()));
    }

    #[test]
    fn claims_live_a_minute_longer_than_clients_are_told() {
        let claims = claims();
        assert_eq!((claims.iat, claims.nbf, claims.exp), (1_795_000_000, 1_795_000_000, 1_795_000_360));
        assert_eq!(LIFETIME_SECONDS - EXPIRES_IN_SECONDS, 60);
    }

    #[test]
    fn a_bearer_ends_at_its_exp_to_the_millisecond() {
        let issuer = Issuer::new();
        let (bearer, exp) = (issuer.bearer(), from_seconds(claims().exp));
        assert!(issuer.verify_at(&bearer, exp.minus(Length::milliseconds(1))).is_ok());
        assert_eq!(issuer.verify_at(&bearer, exp), Err(BearerError::Expired));
    }

    #[test]
    fn a_bearer_may_come_from_a_clock_30_seconds_ahead() {
        let issuer = Issuer::new();
        let (bearer, nbf) = (issuer.bearer(), from_seconds(claims().nbf));
        assert!(issuer.verify_at(&bearer, nbf.minus(Length::seconds(30))).is_ok());
        assert_eq!(
            issuer.verify_at(&bearer, nbf.minus(Length::milliseconds(30_001))),
            Err(BearerError::NotYet)
        );
    }

    #[test]
    fn instants_at_the_ends_of_the_range_do_not_wrap() {
        let issuer = Issuer::new();
        let check = |claim, seconds: i64, expect| {
            let text = issuer.signed(&issuer.header(), &with(claim, seconds.into()));
            assert_eq!(issuer.verify(&text).err(), expect, "{claim} {seconds}");
        };
        check("exp", i64::MAX, None);
        check("exp", i64::MIN, Some(BearerError::Expired));
        check("nbf", i64::MAX, Some(BearerError::NotYet));
        check("nbf", i64::MIN, None);
    }

    #[test]
    fn another_library_reads_our_bearers() {
        let issuer = Issuer::new();
        let set: jsonwebtoken::jwk::JwkSet = serde_json::from_value(issuer.keys.jwks()).unwrap();
        let key = jsonwebtoken::DecodingKey::from_jwk(&set.keys[0]).unwrap();
        let mut rules = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::ES256);
        rules.set_issuer(&[ISSUER]);
        rules.set_audience(&[AUDIENCE]);
        rules.validate_exp = false;
        let read = jsonwebtoken::decode::<Claims>(issuer.bearer(), &key, &rules).unwrap();
        assert_eq!(read.claims, claims());
        assert_eq!(read.header.kid.as_deref(), Some(issuer.key.id()));
    }

    #[test]
    fn no_other_algorithm_is_accepted_whatever_is_signed_with_it() {
        let issuer = Issuer::new();
        for algorithm in ["none", "None", "NONE", "HS256", "RS256", "ES384", "EdDSA", "es256", ""] {
            let header = json!({ "alg": algorithm, "kid": issuer.key.id() });
            let text = issuer.signed(&header, &with("sub", "x".into()));
            assert_eq!(issuer.verify(&text), Err(BearerError::WrongAlgorithm), "{algorithm}");
            // The algorithm is refused before the key is looked for.
            let text = issuer.signed(&json!({ "alg": algorithm, "kid": "x" }), &with("sub", "x".into()));
            assert_eq!(issuer.verify(&text), Err(BearerError::WrongAlgorithm), "{algorithm}");
        }
        let unsigned = format!("{}.{}.", part(&json!({ "alg": "none" })), part(&with("sub", "x".into())));
        assert_eq!(issuer.verify(&unsigned), Err(BearerError::WrongAlgorithm));
    }

    #[test]
    fn the_public_key_is_no_password_for_hs256() {
        let issuer = Issuer::new();
        let header = json!({ "alg": "HS256", "kid": issuer.key.id() });
        let signed = format!("{}.{}", part(&header), part(&with("sub", "admin".into())));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, issuer.key.verifying_key().point());
        let mac = BASE64_URL_SAFE_NO_PAD.encode(aws_lc_rs::hmac::sign(&key, signed.as_bytes()));
        assert_eq!(issuer.verify(&format!("{signed}.{mac}")), Err(BearerError::WrongAlgorithm));
        let renamed = format!("{}.{}", part(&issuer.header()), part(&with("sub", "admin".into())));
        assert_eq!(issuer.verify(&format!("{renamed}.{mac}")), Err(BearerError::BadSignature));
    }

    #[test]
    fn a_swapped_part_breaks_the_signature() {
        let issuer = Issuer::new();
        let bearer = issuer.bearer();
        let parts: Vec<_> = bearer.split('.').collect();
        let admin = part(&with("sub", "admin".into()));
        let header = part(&json!({ "alg": "ES256", "kid": issuer.key.id(), "typ": "jwt" }));
        for forged in [
            format!("{}.{admin}.{}", parts[0], parts[2]),
            format!("{header}.{}.{}", parts[1], parts[2]),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}.{}", parts[0], parts[1], BASE64_URL_SAFE_NO_PAD.encode([0; 64])),
            format!("{}.{}.{}", parts[0], parts[1], BASE64_URL_SAFE_NO_PAD.encode([1; 4096])),
        ] {
            assert_eq!(issuer.verify(&forged), Err(BearerError::BadSignature), "{forged}");
        }
    }

    #[test]
    fn a_key_brought_along_is_not_used() {
        let (issuer, thief) = (Issuer::new(), Issuer::new());
        let own = thief.keys.jwks()["keys"][0].clone();
        let claims = with("sub", "admin".into());
        let brought = json!({
            "alg": "ES256", "kid": issuer.key.id(), "jwk": own, "jku": "https://thief.example/jwks", "x5c": ["MIIB"],
        });
        assert_eq!(issuer.verify(&thief.signed(&brought, &claims)), Err(BearerError::BadSignature));
        let named = json!({ "alg": "ES256", "kid": thief.key.id(), "jwk": own });
        assert_eq!(issuer.verify(&thief.signed(&named, &claims)), Err(BearerError::UnknownKey));
        // They are ignored rather than refused: our own signature still counts.
        assert!(issuer.verify(&issuer.signed(&brought, &claims)).is_ok());
    }

    #[test]
    fn a_key_id_is_looked_up_and_nothing_else() {
        let issuer = Issuer::new();
        for kid in [json!(null), json!(""), json!("../../dev/null"), json!("x' OR '1'='1"), json!("a\0b")] {
            let text = issuer.signed(&json!({ "alg": "ES256", "kid": kid }), &with("sub", "x".into()));
            assert_eq!(issuer.verify(&text), Err(BearerError::UnknownKey), "{kid}");
        }
        let text = issuer.signed(&json!({ "alg": "ES256" }), &with("sub", "x".into()));
        assert_eq!(issuer.verify(&text), Err(BearerError::UnknownKey));
    }

    #[test]
    fn only_what_could_be_the_id_of_a_key_is_looked_for() {
        let issuer = Issuer::new();
        assert_eq!(key_id(&issuer.bearer()).as_deref(), Some(issuer.key.id()));
        let id = issuer.key.id();
        for kid in ["", "x", &id[1..], &format!("{id}A"), &format!("={}", &id[1..]), &"é".repeat(43)] {
            let text = issuer.signed(&json!({ "alg": "ES256", "kid": kid }), &with("sub", "x".into()));
            assert_eq!(key_id(&text), None, "{kid}");
        }
        let long = format!("{}.{}", issuer.bearer(), "A".repeat(MAX_VERIFIED_BYTES));
        for text in ["", ".", "a.b.c", &part(&issuer.header()), &long] {
            assert_eq!(key_id(text), None, "{text:.60}");
        }
    }

    #[test]
    fn an_odd_header_is_malformed() {
        let issuer = Issuer::new();
        let id = issuer.key.id();
        for header in [
            json!({ "kid": id }),
            json!({ "alg": ["ES256"], "kid": id }),
            json!({ "alg": "ES256", "kid": 7 }),
            json!({ "alg": "ES256", "kid": id, "crit": ["exp"] }),
            json!("ES256"),
            json!({}),
        ] {
            let text = issuer.signed(&header, &with("sub", "x".into()));
            assert_eq!(issuer.verify(&text), Err(BearerError::Malformed), "{header}");
        }
    }

    #[test]
    fn every_claim_is_there_and_of_its_type() {
        let issuer = Issuer::new();
        let whole = serde_json::to_value(claims()).unwrap();
        for claim in whole.as_object().unwrap().keys() {
            let mut lacking = whole.clone();
            lacking.as_object_mut().unwrap().remove(claim);
            let text = issuer.signed(&issuer.header(), &lacking);
            assert_eq!(issuer.verify(&text), Err(BearerError::Malformed), "without {claim}");
            let text = issuer.signed(&issuer.header(), &with(claim, Value::Null));
            assert_eq!(issuer.verify(&text), Err(BearerError::Malformed), "{claim} is null");
        }
        for claim in ["exp", "nbf", "iat"] {
            for value in [
                json!("1795000360"),
                json!(1_795_000_360.5),
                json!(1.8e9),
                json!(true),
                json!([1]),
                json!(u64::MAX),
            ] {
                let text = issuer.signed(&issuer.header(), &with(claim, value.clone()));
                assert_eq!(issuer.verify(&text), Err(BearerError::Malformed), "{claim} is {value}");
            }
        }
        for (claim, value) in [
            ("iss", json!([ISSUER])),
            ("aud", json!([AUDIENCE])),
            ("access", json!({})),
            ("access", json!([{ "type": "repository", "name": "acme/api" }])),
            ("cred", json!("admin")),
            ("cred", json!({ "secret": "1" })),
            ("cred", json!({ "password": { "user": "ann", "generation": 1 } })),
        ] {
            let text = issuer.signed(&issuer.header(), &with(claim, value.clone()));
            assert_eq!(issuer.verify(&text), Err(BearerError::Malformed), "{claim} is {value}");
        }
    }

    #[test]
    fn a_bearer_for_somebody_else_is_refused() {
        let issuer = Issuer::new();
        for (claim, value, error) in [
            ("iss", "https://other.example", BearerError::WrongIssuer),
            ("iss", "", BearerError::WrongIssuer),
            ("aud", "other.example", BearerError::WrongAudience),
            ("aud", "REGISTRY.EXAMPLE", BearerError::WrongAudience),
        ] {
            let text = issuer.signed(&issuer.header(), &with(claim, value.into()));
            assert_eq!(issuer.verify(&text), Err(error), "{claim} is {value}");
        }
        assert_eq!(Issuer::new().verify(&issuer.bearer()), Err(BearerError::UnknownKey));
    }

    #[test]
    fn what_is_no_jwt_is_malformed() {
        let issuer = Issuer::new();
        let bearer = issuer.bearer();
        let (dots, long) = (".".repeat(10_000), "A".repeat(MAX_VERIFIED_BYTES + 1));
        let deep = format!("{}.e30.AA", "W1tb".repeat(2_000)); // 6,000 opening brackets
        for text in [
            "",
            ".",
            "..",
            "...",
            "a.b.c",
            &dots,
            &long,
            &deep,
            &format!("{bearer}."),
            &format!(".{bearer}"),
            &format!("{bearer}="),
            &format!("{bearer} "),
            &format!("{bearer}\0"),
            &bearer.replacen('.', "..", 1),
            &format!("{bearer}{}", "A".repeat(MAX_VERIFIED_BYTES)),
            "slks_0123456789ABCDEFGHIJKLMNOPQRST1hanDl",
        ] {
            let start: String = text.chars().take(60).collect();
            assert_eq!(issuer.verify(text), Err(BearerError::Malformed), "{start}");
        }
    }

    #[test]
    fn a_bearer_has_one_spelling() {
        // The last character of a 64-byte signature carries 2 bits; its other 4 must be 0.
        let issuer = Issuer::new();
        let bearer = issuer.bearer();
        let last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let accepted = last
            .chars()
            .filter(|last| issuer.verify(&format!("{}{last}", &bearer[..bearer.len() - 1])).is_ok());
        assert_eq!(accepted.count(), 1);
    }

    #[test]
    fn a_bearer_beyond_6_kib_is_not_made() {
        let issuer = Issuer::new();
        let mut large = claims();
        for index in 0..MAX_REQUESTED_SCOPES {
            large.access.add(
                RepositoryName::parse(&format!("acme/{}{index}", "a".repeat(200))).unwrap(),
                Actions::ALL,
            );
        }
        let refused = sign(&issuer.key, &large).unwrap_err();
        assert!(matches!(refused, SignError::TooLarge { bytes } if bytes > MAX_BEARER_BYTES));
        for limit in ["at most 6 KiB", "at most 64 scopes"] {
            assert!(refused.to_string().contains(limit), "{refused}");
        }
    }

    #[test]
    fn credentials_are_read_back_as_they_were() {
        let user = UserId::mint(NOW, &Seeded::new(3));
        for cred in [CredentialRef::Anonymous, claims().cred, CredentialRef::Password { user, generation: 4 }]
        {
            let json = serde_json::to_string(&cred).unwrap();
            assert_eq!(serde_json::from_str::<CredentialRef>(&json).unwrap(), cred, "{json}");
        }
    }

    #[test]
    fn debug_hides_the_bearer() {
        assert_eq!(format!("{:?}", sign(&Issuer::new().key, &claims()).unwrap()), "Bearer(…)");
    }
}
