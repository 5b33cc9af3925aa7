//! The gate: a request's credential in, a grant or a refusal out, once. Basic and Bearer end in the same
//! `Registry::authorize`.

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, header, request::Parts};
use registry::{Ask, Credential, Grant, Origin, Password, Refusal};

use crate::{app::App, request};

/// The largest `Authorization` header looked at, in bytes: a bearer has at most 6 KiB, a secret far less.
const MAX_AUTHORIZATION_BYTES: usize = 16 * 1024;

/// What `Authorization: Bearer` carries on a face.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BearerIs {
    /// A JWT of the token endpoint: on `/v2/`.
    Jwt,
    /// A token's own secret: on the API.
    Secret,
    /// Nothing: the token endpoint takes Basic alone.
    Nothing,
}

/// Whoever sent a request, not yet looked at.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) credential: Credential,
    pub(crate) origin: Origin,
}

impl Caller {
    /// Reads the credential. A broken one is refused: it is never taken for none.
    pub(crate) fn of(parts: &Parts, bearer_is: BearerIs) -> Result<Self, Refusal> {
        let credential = credential(&parts.headers, bearer_is)?;
        Ok(Self { credential, origin: request::origin(parts) })
    }

    /// Whether what was sent is a bearer, good or not.
    pub(crate) fn brings_bearer(&self) -> bool {
        matches!(self.credential, Credential::Bearer(_))
    }

    /// Asks whether the caller may do what `ask` says.
    pub(crate) async fn may<A: Ask>(&self, app: &App, ask: A) -> Result<Grant<A>, Refusal> {
        app.registry().authorize(&self.credential, ask, self.origin.clone(), app.now()).await
    }
}

/// The credential of the `Authorization` header (RFC 9110 §11.6.2).
fn credential(headers: &HeaderMap, bearer_is: BearerIs) -> Result<Credential, Refusal> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(Credential::Anonymous) };
    // Two headers: one of them is for somebody else, and which one a proxy in front looked at nobody knows.
    if values.next().is_some() {
        return Err(bad("there are two Authorization headers; send one"));
    }
    if value.len() > MAX_AUTHORIZATION_BYTES {
        return Err(bad("the Authorization header is longer than 16 KiB"));
    }
    let value = value.to_str().map_err(|_| bad("the Authorization header is not ASCII"))?;
    let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
    let rest = rest.trim_matches(' ');
    if scheme.eq_ignore_ascii_case("basic") {
        return basic(rest);
    }
    if scheme.eq_ignore_ascii_case("bearer") && !rest.is_empty() {
        let text = Password::new(rest.to_owned());
        match bearer_is {
            BearerIs::Jwt => return Ok(Credential::Bearer(text)),
            BearerIs::Secret => return Ok(Credential::Secret(text)),
            BearerIs::Nothing => {}
        }
    }
    Err(bad("the Authorization header is of no kind that is known here; send Basic or Bearer"))
}

/// RFC 7617: base64 of `username:password`; the first colon parts them.
fn basic(encoded: &str) -> Result<Credential, Refusal> {
    let malformed = || bad("the Basic credential is malformed; it is base64 of username:password in UTF-8");
    let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| malformed())?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    // NUL never passes the door (DESIGN §4).
    let (username, password) = text.split_once(':').filter(|_| !text.contains('\0')).ok_or_else(malformed)?;
    Ok(Credential::Basic { username: username.to_owned(), password: Password::new(password.to_owned()) })
}

fn bad(reason: &str) -> Refusal {
    Refusal::BadCredential(reason.to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::HeaderValue;

    use super::*;

    fn of(values: &[&[u8]], bearer_is: BearerIs) -> Result<Credential, Refusal> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_bytes(value).unwrap());
        }
        credential(&headers, bearer_is)
    }

    #[test]
    fn basic_is_split_at_the_first_colon() {
        // ci:a:b
        let Ok(Credential::Basic { username, password }) = of(&[b"basic  Y2k6YTpi "], BearerIs::Jwt) else {
            panic!("refused");
        };
        assert_eq!((username.as_str(), password.expose()), ("ci", "a:b"));
    }

    #[test]
    fn a_bearer_is_what_the_face_says() {
        assert!(matches!(of(&[b"Bearer x"], BearerIs::Jwt), Ok(Credential::Bearer(_))));
        assert!(matches!(of(&[b"bearer x"], BearerIs::Secret), Ok(Credential::Secret(_))));
        assert!(of(&[b"Bearer x"], BearerIs::Nothing).is_err());
        assert!(matches!(of(&[], BearerIs::Jwt), Ok(Credential::Anonymous)));
    }

    #[test]
    fn what_is_broken_is_never_taken_for_anonymous() {
        let long = [b"Bearer ".as_slice(), &[b'a'; 64 * 1024]].concat();
        for values in [
            &[b"Basic Y2k6YQ==".as_slice(), b"Basic Y2k6YQ=="][..],
            &[b""],
            &[b"Basic"],
            &[b"Basic ???"],
            &[b"Basic Y2k="],     // no colon
            &[b"Basic Y2k6YQA="], // a NUL
            &[b"Basic /zo6"],     // not UTF-8
            &[b"Bearer"],
            &[b"Bearer "],
            &[b"Digest username=\"x\""],
            &[b"Bearer \xff"],
            &[&long],
        ] {
            assert!(matches!(of(values, BearerIs::Jwt), Err(Refusal::BadCredential(_))), "{values:?}");
        }
    }
}
