//! Requests that a page of another site makes a reader's browser send, with the reader's cookie in them. Browsers say
//! where a request comes from; nobody else sends cookies.

use http::{Method, header, request::Parts};

use crate::{public_url::PublicUrls, request};

/// Whether another site may have sent this. What only reads may come from anywhere: its answer stays with the reader.
pub(crate) fn is_foreign(parts: &Parts, public_urls: &PublicUrls) -> bool {
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&parts.method) {
        return false;
    }
    let text = |name| parts.headers.get(name).map(|value| value.to_str().unwrap_or("null"));
    // Fetch Metadata: said by the browser itself, and no page can change it.
    if let Some(site) = text("sec-fetch-site") {
        return !["same-origin", "none"].contains(&site);
    }
    // Older browsers. Whoever says nothing at all is a script, which has the cookie because its owner put it there, or
    // a browser older still: for that one `SameSite=Lax` alone keeps the cookie out of what other sites send.
    text(header::ORIGIN.as_str()).is_some_and(|origin| !is_ours(origin, parts, public_urls))
}

/// Whether the page that sent this was loaded from this very host by plain HTTP, where browsers drop a `Secure` cookie.
/// They send Fetch Metadata by TLS and to one's own machine, and keep such a cookie there.
pub(crate) fn is_in_clear(parts: &Parts) -> bool {
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let origin = text(header::ORIGIN.as_str()).and_then(|origin| origin.strip_prefix("http://"));
    origin.is_some() && origin == request::host(parts) && text("sec-fetch-site").is_none()
}

fn is_ours(origin: &str, parts: &Parts, public_urls: &PublicUrls) -> bool {
    let host = request::host(parts);
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    // Where the host is one of ours its scheme counts: a page that somebody serves for it by plain HTTP is not ours.
    public_urls.has_origin(origin) || (authority.is_some() && authority == host && !public_urls.names(host))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http::Request;

    use super::*;
    use crate::public_url::PublicUrl;

    fn is_foreign(method: &str, headers: &[(&str, &str)]) -> bool {
        is_foreign_at("10.0.0.1:5000", method, headers)
    }

    fn is_foreign_at(host: &str, method: &str, headers: &[(&str, &str)]) -> bool {
        let url = PublicUrl { is_https: true, authority: "registry.example".to_owned() };
        let request = Request::builder().method(method).header("host", host);
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        let (parts, ()) = request.body(()).unwrap().into_parts();
        super::is_foreign(&parts, &PublicUrls::new([url]).unwrap())
    }

    #[test]
    fn what_another_site_sends_is_foreign() {
        for headers in [
            &[("sec-fetch-site", "cross-site")][..],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "https://registry.example")],
            &[("origin", "https://evil.example")],
            &[("origin", "http://registry.example")],
            &[("origin", "https://registry.example.evil.example")],
            &[("origin", "null")],
            &[("origin", "")],
        ] {
            for method in ["POST", "PUT", "PATCH", "DELETE"] {
                assert!(is_foreign(method, headers), "{method} {headers:?}");
            }
            assert!(!is_foreign("GET", headers), "{headers:?}");
        }
    }

    #[test]
    fn a_page_that_came_by_plain_http_is_foreign_where_the_console_is_reached_by_tls() {
        assert!(is_foreign_at("registry.example", "POST", &[("origin", "http://registry.example")]));
        assert!(!is_foreign_at("registry.example", "POST", &[("origin", "https://registry.example")]));
    }

    #[test]
    fn what_our_own_pages_send_is_not() {
        for headers in [
            &[("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "none")],
            &[("origin", "https://registry.example")],
            &[("origin", "http://10.0.0.1:5000")],
            &[],
        ] {
            assert!(!is_foreign("POST", headers), "{headers:?}");
        }
    }
}
