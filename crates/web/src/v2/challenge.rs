//! The one challenge of a 401: where to fetch a bearer, and for which scope.

use registry::SERVICE;

use crate::headers::quoted;

/// Why a bearer did not do (RFC 6750 §3.1).
#[derive(Debug, Clone, Copy)]
pub(crate) enum BearerFault<'a> {
    /// None was sent.
    None,
    /// It, or the credential, is no good; the reason.
    Invalid(&'a str),
    /// It was fetched for less.
    InsufficientScope(&'a str),
}

/// The value of `WWW-Authenticate`. RFC 9110 §11.6.1 allows several; containerd gives up on a second.
pub(crate) fn challenge(origin: &str, scope: Option<&str>, fault: BearerFault<'_>) -> String {
    let mut text =
        format!("Bearer realm={},service={}", quoted(&format!("{origin}/auth/token")), quoted(SERVICE));
    let mut add = |name: &str, value: &str| {
        text.push(',');
        text.push_str(name);
        text.push('=');
        text.push_str(&quoted(value));
    };
    if let Some(scope) = scope {
        add("scope", scope);
    }
    match fault {
        BearerFault::None => {}
        BearerFault::Invalid(reason) => {
            add("error", "invalid_token");
            add("error_description", reason);
        }
        BearerFault::InsufficientScope(reason) => {
            add("error", "insufficient_scope");
            add("error_description", reason);
        }
    }
    text
}
