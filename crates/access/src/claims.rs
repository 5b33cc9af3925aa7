//! What a bearer says: its claims (RFC 7519 §4.1, DESIGN §3.2).

use serde::{Deserialize, Serialize};

use crate::{
    bearer_access::BearerAccess,
    id::{SecretId, UserId},
    randomness::{Randomness, base62},
    time::Instant,
};

/// The `expires_in` that clients are told, in seconds (DESIGN §3.2).
pub const EXPIRES_IN_SECONDS: i64 = 300;
/// `exp` − `iat`, in seconds: a minute beyond what clients are told, because they trust their own clocks (DESIGN §3.2).
pub const LIFETIME_SECONDS: i64 = 360;
/// Random characters of a `jti`: 131 bits, so that no two bearers share one (RFC 7519 §4.1.7).
const ID_CHARS: usize = 22;

/// What a bearer says; each of them is always there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Whose it is, for people who read it: a login name, or empty for anonymous. Nothing is decided by it.
    pub sub: String,
    /// For which service.
    pub aud: String,
    /// Valid before this, in seconds since the Unix epoch.
    pub exp: i64,
    /// Not valid before this.
    pub nbf: i64,
    /// When it was issued.
    pub iat: i64,
    /// Its own id.
    pub jti: String,
    /// What it was fetched for.
    pub access: BearerAccess,
    /// What it was made with.
    pub cred: CredentialRef,
}

/// The credential that a bearer was made with; it dies with that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum CredentialRef {
    /// None was given.
    Anonymous,
    /// A token's secret.
    Secret(SecretId),
    /// A password.
    Password {
        /// Whose.
        user: UserId,
        /// How many passwords that user had before; a new one ends the bearers made with the old.
        generation: i64,
    },
}

impl Claims {
    /// Claims issued `now`, with a `jti` from `random`.
    pub fn issue(
        parties: Parties<'_>,
        access: BearerAccess,
        cred: CredentialRef,
        now: Instant,
        random: &dyn Randomness,
    ) -> Self {
        let iat = now.as_unix_seconds();
        Self {
            iss: parties.issuer.to_owned(),
            sub: parties.subject.to_owned(),
            aud: parties.audience.to_owned(),
            exp: iat.saturating_add(LIFETIME_SECONDS),
            nbf: iat,
            iat,
            jti: base62(random, ID_CHARS),
            access,
            cred,
        }
    }
}

/// Between whom a bearer passes.
#[derive(Debug, Clone, Copy)]
pub struct Parties<'a> {
    /// The `iss` claim.
    pub issuer: &'a str,
    /// The `sub` claim: a login name, or empty for anonymous.
    pub subject: &'a str,
    /// The `aud` claim: the service.
    pub audience: &'a str,
}
