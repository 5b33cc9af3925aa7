//! The cookie of a console session (RFC 6265). Its name says that no other host and no plain HTTP can have set it,
//! where the console is reached by TLS.

use access::session::{SESSION_LIFETIME, SessionSecret};
use http::{HeaderMap, HeaderValue, header};

/// By TLS: browsers take a `__Host-` cookie only from this host, with `Secure` and for every path.
const UNDER_TLS: &str = "__Host-sealock";
/// By plain HTTP, as on one's own machine, where browsers would drop the other.
const IN_CLEAR: &str = "sealock";

/// The session that the browser brings; `None` where it brings none, or nothing that could be one.
pub(crate) fn read(headers: &HeaderMap) -> Option<SessionSecret> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let pairs: Vec<_> = pairs.collect();
    // The one that nobody else can have set counts first.
    let named = |wanted: &str| pairs.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    SessionSecret::parse(named(UNDER_TLS).or_else(|| named(IN_CLEAR))?).ok()
}

/// `Set-Cookie` of a new session.
pub(crate) fn set(secret: &SessionSecret, is_https: bool) -> HeaderValue {
    written(secret.expose(), SESSION_LIFETIME.as_millis() / 1000, is_https)
}

/// `Set-Cookie` that takes it away.
pub(crate) fn clear(is_https: bool) -> HeaderValue {
    written("", 0, is_https)
}

fn written(value: &str, max_age_seconds: i64, is_https: bool) -> HeaderValue {
    let (name, secure) = if is_https { (UNDER_TLS, "; Secure") } else { (IN_CLEAR, "") };
    // Lax: a link from a chat leads to the page and not to the login; a post from elsewhere comes without the cookie.
    let cookie = format!("{name}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut value = HeaderValue::from_str(&cookie).unwrap_or_else(|_| HeaderValue::from_static(""));
    value.set_sensitive(true);
    value
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECRET: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";

    fn brought(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, line.parse().unwrap());
        }
        read(&headers).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn what_was_set_is_read() {
        let secret = SessionSecret::parse(SECRET).unwrap();
        for is_https in [true, false] {
            let set = set(&secret, is_https);
            let text = set.to_str().unwrap();
            assert!(text.contains("HttpOnly; SameSite=Lax") && text.contains("Max-Age=43200"), "{text}");
            assert_eq!(text.contains("Secure") && text.starts_with("__Host-"), is_https, "{text}");
            assert_eq!(brought(&[text.split(';').next().unwrap()]).as_deref(), Some(SECRET));
            assert!(clear(is_https).to_str().unwrap().contains("=; Path=/; Max-Age=0"));
        }
    }

    #[test]
    fn it_is_found_among_others() {
        assert_eq!(brought(&["a=b; sealock-x=1", &format!("c=d;sealock={SECRET}")]).as_deref(), Some(SECRET));
        // One that came in clear does not push the other aside.
        let other = SECRET.to_lowercase();
        let both = format!("sealock={other}; __Host-sealock={SECRET}");
        assert_eq!(brought(&[&both]).as_deref(), Some(SECRET));
    }

    #[test]
    fn what_can_be_no_session_is_none() {
        for line in
            ["", "sealock", "sealock=", "sealock=x", "other=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"]
        {
            assert_eq!(brought(&[line]), None, "{line}");
        }
    }
}
