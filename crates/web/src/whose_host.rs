//! Requests that name the server's host once, or not clearly.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{
    StatusCode, Version, header,
    uri::{Authority, Scheme},
};

use crate::headers::sandbox;

/// Refuses a request that names no host, or several, with 400 (RFC 9112 §3.2, RFC 9113 §8.3.1). The threat: a proxy in front
/// reads one of two, and this server the other. In HTTP/1 the target of a request in absolute form wins over its `Host`
/// (RFC 9112 §3.2.2), so they may differ.
pub(crate) async fn refuse_unclear(request: Request, next: Next) -> Response {
    let Some(reason) = unclear(&request) else { return next.run(request).await };
    let mut answer = (StatusCode::BAD_REQUEST, reason).into_response();
    sandbox(answer.headers_mut());
    answer
}

fn unclear<Body>(request: &http::Request<Body>) -> Option<String> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (host, others) = (hosts.next(), hosts.count());
    // HTTP/1.0 needs none, and HTTP/2 has a field of its own.
    if others > 0 || (host.is_none() && request.version() == Version::HTTP_11) {
        let count = host.iter().len() + others;
        return Some(format!("This request has {count} Host headers; send one (RFC 9112, section 3.2).\n"));
    }
    if request.version() < Version::HTTP_2 {
        return None;
    }
    let (host, uri) = (host?, request.uri());
    let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
    let is_same = |authority| host.as_ref().is_some_and(|host| names_same(host, authority, uri.scheme()));
    let differs = uri.authority().is_some_and(|authority| !is_same(authority));
    differs.then(|| {
        "The Host header differs from :authority; send one of them (RFC 9113, section 8.3.1).\n".to_owned()
    })
}

/// Whether both name the same host and port. A host is the same in both cases, and the scheme's own port may be left out.
fn names_same(one: &Authority, other: &Authority, scheme: Option<&Scheme>) -> bool {
    let usual = if scheme == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let port = |authority: &Authority| authority.port_u16().unwrap_or(usual);
    one.host().eq_ignore_ascii_case(other.host()) && port(one) == port(other)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_host_beside_an_authority_names_the_same() {
        for (uri, host, is_clear) in [
            ("http://a.example/", "a.example", true),
            ("http://a.example/", "A.Example", true),
            ("http://a.example/", "a.example:80", true),
            ("https://a.example:443/", "a.example", true),
            ("http://[::1]:5000/", "[::1]:5000", true),
            ("http://a.example/", "b.example", false),
            ("http://a.example/", "a.example:81", false),
            ("https://a.example/", "a.example:80", false),
            ("http://a.example/", "", false),
            ("http://a.example/", "a.example, b.example", false),
            ("http://a.example/", "user@a.example ", false),
            ("/", "a.example", true),
        ] {
            for (version, expect) in [(Version::HTTP_2, is_clear), (Version::HTTP_11, true)] {
                let request = http::Request::builder().version(version).uri(uri).header(header::HOST, host);
                assert_eq!(unclear(&request.body(()).unwrap()).is_none(), expect, "{version:?} {uri} {host}");
            }
        }
    }
}
