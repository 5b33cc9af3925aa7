//! `Strict-Transport-Security` (RFC 6797): who came by TLS once never comes in the clear again.

use http::{HeaderValue, Request, header};

/// A year, in seconds; half of one is the least that checkers accept. Without `includeSubDomains`: what runs beside the
/// registry is not ours to decide.
const YEAR: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// The header's value for an answer to `request`, which came by TLS. `None` for an address and for `localhost`: browsers
/// pass over the former (RFC 6797 §8.1.1), and the latter would lock its user out of every other server of the machine.
pub(super) fn for_host<B>(request: &Request<B>) -> Option<HeaderValue> {
    let authority = request.uri().authority().map(http::uri::Authority::as_str);
    let host = authority.or_else(|| request.headers().get(header::HOST)?.to_str().ok())?;
    let name = host.rsplit_once(':').map_or(host, |(name, _port)| name);
    // A dot behind the last label changes nothing about the name (RFC 1034 §3.1).
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_this_machine = name == "localhost" || name.ends_with(".localhost");
    (is_name(name) && !is_this_machine).then_some(YEAR)
}

/// Whether a host is a name: its last label is no number (which makes an address of it) and nothing of it is bracketed.
fn is_name(host: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    host.ends_with(|end: char| end.is_ascii_alphanumeric()) && !last.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_strict_addresses_and_this_machine_are_not() {
        for (host, is_strict) in [
            ("registry.example.com", true),
            ("registry.example.com:5000", true),
            ("127.0.0.1:5000", false),
            ("10.0.0.1", false),
            ("[::1]:5000", false),
            ("[2001:db8::a]", false),
            ("localhost:5000", false),
            ("a.localhost", false),
            ("localhost.", false),
            ("registry-01", true),
            ("registry.example.com.", true),
            ("registry.example.com.:5000", true),
            ("registry.host2:5000", true),
            ("10.0.0.1.", false),
            (".", false),
            ("", false),
        ] {
            let request = Request::builder().header(header::HOST, host).body(()).unwrap();
            assert_eq!(for_host(&request).is_some(), is_strict, "{host}");
        }
        let over_http2 = Request::get("https://registry.example.com/v2/").body(()).unwrap();
        assert_eq!(for_host(&over_http2), Some(YEAR));
        assert_eq!(for_host(&Request::new(())), None);
    }
}
