//! The gate: a request's credential in, a grant or a refusal out, once. Basic and Bearer end in the same
//! `Registry::authorize`.

use access::authorization::{Authorization, AuthorizationError};
use http::{HeaderMap, header, request::Parts};
use registry::{Ask, Credential, Grant, Origin, Password, Refusal};
use zeroize::Zeroizing;

use crate::{app::App, public_url::PublicUrls, request, session_cookie};

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

    /// Whoever a browser is logged in as, by its cookie; anonymous where it brings none. Only for faces where a cookie
    /// counts, and there only for requests that no other site sent.
    pub(crate) fn of_browser(parts: &Parts, public_urls: &PublicUrls) -> Self {
        let is_https = public_urls.is_https_for(request::host(parts));
        let session = session_cookie::read(&parts.headers, is_https).map(Credential::Session);
        Self { credential: session.unwrap_or(Credential::Anonymous), origin: request::origin(parts) }
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
    let sent = Authorization::parse(value.as_bytes()).map_err(|error| unreadable(error, bearer_is))?;
    let hidden = |mut text: Zeroizing<String>| Password::new(std::mem::take(&mut *text));
    match (sent, bearer_is) {
        (Authorization::Basic { username, password }, _) => {
            Ok(Credential::Basic { username, password: hidden(password) })
        }
        (Authorization::Bearer(text), BearerIs::Jwt) => Ok(Credential::Bearer(hidden(text))),
        (Authorization::Bearer(text), BearerIs::Secret) => Ok(Credential::Secret(hidden(text))),
        (Authorization::Bearer(_), BearerIs::Nothing) => {
            Err(bad(&format!("this endpoint takes no Bearer; {}", accepted(bearer_is))))
        }
    }
}

/// What the endpoint accepts, for the client whose credential it cannot use.
fn accepted(bearer_is: BearerIs) -> &'static str {
    match bearer_is {
        BearerIs::Jwt => "send Basic, or a Bearer that the token endpoint issued",
        BearerIs::Secret => "send Basic, or Bearer with the secret of a token",
        BearerIs::Nothing => {
            "send Basic: a username with its password, or a token's login name with its secret"
        }
    }
}

fn unreadable(error: AuthorizationError, bearer_is: BearerIs) -> Refusal {
    match error {
        AuthorizationError::EmptyBearer | AuthorizationError::UnknownKind => {
            bad(&format!("{error}; {}", accepted(bearer_is)))
        }
        AuthorizationError::TooLong | AuthorizationError::NotAscii | AuthorizationError::MalformedBasic => {
            bad(&error.to_string())
        }
    }
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
    fn basic_is_the_same_on_every_face() {
        for bearer_is in [BearerIs::Jwt, BearerIs::Secret, BearerIs::Nothing] {
            let Ok(Credential::Basic { username, password }) = of(&[b"Basic Y2k6YTpi"], bearer_is) else {
                panic!("refused");
            };
            assert_eq!((username.as_str(), password.expose()), ("ci", "a:b"));
        }
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
        for values in [
            &[b"Basic Y2k6YQ==".as_slice(), b"Basic Y2k6YQ=="][..],
            &[b"Bearer x", b"Basic Y2k6YQ=="],
            &[b""],
            &[b"Basic ???"],
            &[b"Bearer "],
            &[b"Bearer \xff"],
            &[&[b'a'; 64 * 1024]],
        ] {
            assert!(matches!(of(values, BearerIs::Jwt), Err(Refusal::BadCredential(_))), "{values:?}");
        }
    }
}
