//! The `Authorization` header as text: what it carries, not yet whether that is any good (RFC 9110 §11.6.2).

use base64::prelude::{BASE64_STANDARD, Engine as _};
use zeroize::Zeroizing;

/// The largest header looked at, in bytes: a bearer has at most 6 KiB (DESIGN §3.2), a secret far less.
pub const MAX_AUTHORIZATION_BYTES: usize = 16 * 1024;

/// What one `Authorization` header carries.
pub enum Authorization {
    /// RFC 7617. Neither part holds a NUL; the username holds no colon.
    Basic {
        /// Before the first colon; may be empty.
        username: String,
        /// Behind it: a user's password, or a token's secret.
        password: Zeroizing<String>,
    },
    /// RFC 6750 §2.1: a text that is not empty. What it is depends on the face.
    Bearer(Zeroizing<String>),
}

/// Why a header says nothing that could be understood. It is never taken for none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuthorizationError {
    /// Above [`MAX_AUTHORIZATION_BYTES`].
    #[error("the Authorization header is longer than 16 KiB")]
    TooLong,
    /// Bytes beyond what RFC 9110 §5.5 lets a field have, NUL among them.
    #[error("the Authorization header is not ASCII")]
    NotAscii,
    /// Not base64, not UTF-8, without a colon or with a NUL.
    #[error("the Basic credential is malformed; it is base64 of username:password in UTF-8")]
    MalformedBasic,
    /// Bearer with nothing behind it.
    #[error("the Authorization header says Bearer, with nothing behind it")]
    EmptyBearer,
    /// A scheme other than Basic and Bearer.
    #[error("the Authorization header has a scheme that is not known here")]
    UnknownKind,
}

impl Authorization {
    /// Reads the header's value. The scheme's case does not count (RFC 9110 §11.1).
    pub fn parse(value: &[u8]) -> Result<Self, AuthorizationError> {
        if value.len() > MAX_AUTHORIZATION_BYTES {
            return Err(AuthorizationError::TooLong);
        }
        let is_plain = value.iter().all(|byte| matches!(byte, b'\t' | b' '..=b'~'));
        let value = std::str::from_utf8(value).ok().filter(|_| is_plain);
        let value = value.ok_or(AuthorizationError::NotAscii)?;
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        let rest = rest.trim_matches(' ');
        if scheme.eq_ignore_ascii_case("basic") {
            return basic(rest).ok_or(AuthorizationError::MalformedBasic);
        }
        if scheme.eq_ignore_ascii_case("bearer") {
            if rest.is_empty() {
                return Err(AuthorizationError::EmptyBearer);
            }
            return Ok(Self::Bearer(Zeroizing::new(rest.to_owned())));
        }
        Err(AuthorizationError::UnknownKind)
    }
}

impl std::fmt::Debug for Authorization {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Basic { username, .. } => write!(f, "Basic({username:?}, …)"),
            Self::Bearer(_) => f.write_str("Bearer(…)"),
        }
    }
}

/// RFC 7617 §2: base64 of `username:password`; the first colon parts them.
fn basic(encoded: &str) -> Option<Authorization> {
    let bytes = Zeroizing::new(BASE64_STANDARD.decode(encoded).ok()?);
    // NUL never passes the door (DESIGN §4).
    let text = std::str::from_utf8(&bytes).ok().filter(|text| !text.contains('\0'))?;
    let (username, password) = text.split_once(':')?;
    let password = Zeroizing::new(password.to_owned());
    Some(Authorization::Basic { username: username.to_owned(), password })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn basic_is_split_at_the_first_colon() {
        for (value, expect) in [("basic  Y2k6YTpi ", ("ci", "a:b")), ("Basic Og==", ("", ""))] {
            let Ok(Authorization::Basic { username, password }) = Authorization::parse(value.as_bytes())
            else {
                panic!("{value} was refused");
            };
            assert_eq!((username.as_str(), password.as_str()), expect);
        }
    }

    #[test]
    fn a_bearer_is_what_follows_the_scheme() {
        for value in ["Bearer a b", "bearer a b", "BEARER   a b "] {
            let Ok(Authorization::Bearer(text)) = Authorization::parse(value.as_bytes()) else {
                panic!("{value} was refused");
            };
            assert_eq!(text.as_str(), "a b");
        }
    }

    #[test]
    fn what_is_broken_is_refused_and_why_is_said() {
        let at_the_limit = [b"Bearer ".as_slice(), &[b'a'; MAX_AUTHORIZATION_BYTES - 7]].concat();
        assert!(Authorization::parse(&at_the_limit).is_ok());
        let above = [at_the_limit.as_slice(), b"a"].concat();
        for (value, expect) in [
            (above.as_slice(), AuthorizationError::TooLong),
            (&[b'a'; 64 * 1024], AuthorizationError::TooLong),
            (b"Bearer \xff", AuthorizationError::NotAscii),
            (b"Bearer a\0", AuthorizationError::NotAscii),
            (b"Bearer a\nb", AuthorizationError::NotAscii),
            (b"Basic", AuthorizationError::MalformedBasic),
            (b"Basic ???", AuthorizationError::MalformedBasic),
            (b"Basic Y2k", AuthorizationError::MalformedBasic), // no padding
            (b"Basic Y2k=", AuthorizationError::MalformedBasic), // no colon
            (b"Basic Y2k6YQA=", AuthorizationError::MalformedBasic), // a NUL
            (b"Basic /zo6", AuthorizationError::MalformedBasic), // not UTF-8
            (b"", AuthorizationError::UnknownKind),
            (b"Bearer", AuthorizationError::EmptyBearer),
            (b"bearer  ", AuthorizationError::EmptyBearer),
            (b"Bearer\tx", AuthorizationError::UnknownKind),
            (b"Digest username=\"x\"", AuthorizationError::UnknownKind),
        ] {
            assert_eq!(Authorization::parse(value).unwrap_err(), expect, "{}", value.escape_ascii());
        }
    }

    #[test]
    fn debug_hides_what_was_sent() {
        let debug = |value: &[u8]| format!("{:?}", Authorization::parse(value).unwrap());
        assert_eq!(debug(b"Basic Y2k6YTpi"), "Basic(\"ci\", …)");
        assert_eq!(debug(b"Bearer x"), "Bearer(…)");
    }
}
