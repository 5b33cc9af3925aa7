//! What a request brought along to say who it is, before anybody looked at it.

use access::session::SessionSecret;
use zeroize::Zeroizing;

/// A password or a token's secret as somebody sent it. It can't be printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(Zeroizing<String>);

impl Password {
    /// Takes the text over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(…)")
    }
}

/// A request's credential.
#[derive(Debug, Clone)]
pub enum Credential {
    /// None was sent.
    Anonymous,
    /// A login name with a password or a token's secret (RFC 7617).
    Basic {
        /// The login name.
        username: String,
        /// A user's password, or a token's secret.
        password: Password,
    },
    /// A bearer that the token endpoint made: on `/v2/`.
    Bearer(Password),
    /// A token's secret without a login name: `Authorization: Bearer` on the API.
    Secret(Password),
    /// The secret of a console session, from its cookie.
    Session(SessionSecret),
}

impl Credential {
    /// Whether nothing was sent.
    pub fn is_anonymous(&self) -> bool {
        matches!(self, Self::Anonymous)
    }
}
