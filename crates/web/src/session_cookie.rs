//! The cookie of a console session (RFC 6265). Its name says that no other host and no plain HTTP can have set it,
//! where the console is reached by TLS.

use access::session::{SESSION_LIFETIME, SessionSecret};
use http::{HeaderMap, HeaderValue, header};

/// By TLS: browsers take a `__Host-` cookie only from this host, with `Secure` and for every path.
const UNDER_TLS: &str = "__Host-sealock";
/// By plain HTTP, as on one's own machine, where browsers would drop the other.
const IN_CLEAR: &str = "sealock";

/// The session that the browser brings; `None` where it brings none, or nothing that could be one. By TLS the cookie of
/// plain HTTP does not count: a sibling host, or whoever answers HTTP for this one, could have planted it.
pub(crate) fn read(headers: &HeaderMap, is_https: bool) -> Option<SessionSecret> {
    let lines = headers.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes);
    // Pair by pair: browsers bring here what any program on this host has set, on whatever port and in whatever bytes.
    let texts =
        lines.flat_map(|line| line.split(|byte| *byte == b';')).filter_map(|pair| str::from_utf8(pair).ok());
    let mut ours =
        texts.filter_map(|pair| pair.trim().split_once('=')).filter(|(name, _)| *name == name_of(is_https));
    ours.find_map(|(_, value)| SessionSecret::parse(value).ok())
}

const fn name_of(is_https: bool) -> &'static str {
    if is_https { UNDER_TLS } else { IN_CLEAR }
}

/// Gives the browser the cookie of a new session along with an answer.
pub(crate) fn set(headers: &mut HeaderMap, secret: &SessionSecret, is_https: bool) {
    write(headers, secret.expose(), SESSION_LIFETIME.as_millis() / 1000, is_https);
}

/// Takes it away again.
pub(crate) fn clear(headers: &mut HeaderMap, is_https: bool) {
    write(headers, "", 0, is_https);
}

fn write(headers: &mut HeaderMap, value: &str, max_age_seconds: i64, is_https: bool) {
    let (name, secure) = (name_of(is_https), if is_https { "; Secure" } else { "" });
    // Lax: a link from a chat leads to the page and not to the login; a post from elsewhere comes without the cookie.
    let cookie = format!("{name}={value}; Path=/; Max-Age={max_age_seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut cookie = HeaderValue::from_str(&cookie).unwrap_or_else(|_| HeaderValue::from_static(""));
    cookie.set_sensitive(true);
    headers.insert(header::SET_COOKIE, cookie);
    // RFC 9111 §7.3: a cookie alone keeps no cache from storing an answer, and handing it to whoever asks next.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SECRET: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ";

    fn brought(lines: &[impl AsRef<[u8]>], is_https: bool) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_bytes(line.as_ref()).unwrap());
        }
        read(&headers, is_https).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn what_was_set_is_read() {
        let secret = SessionSecret::parse(SECRET).unwrap();
        for is_https in [true, false] {
            let mut headers = HeaderMap::new();
            set(&mut headers, &secret, is_https);
            assert_eq!(headers[header::CACHE_CONTROL], "no-store");
            let text = headers[header::SET_COOKIE].to_str().unwrap();
            assert!(text.contains("HttpOnly; SameSite=Lax") && text.contains("Max-Age=43200"), "{text}");
            assert_eq!(text.contains("Secure") && text.starts_with("__Host-"), is_https, "{text}");
            assert_eq!(brought(&[text.split(';').next().unwrap()], is_https).as_deref(), Some(SECRET));
            clear(&mut headers, is_https);
            assert!(headers[header::SET_COOKIE].to_str().unwrap().contains("=; Path=/; Max-Age=0"));
        }
    }

    #[test]
    fn it_is_found_among_others() {
        let ours = format!("c=d;sealock={SECRET}");
        for theirs in [
            &b"a=b; sealock-x=1"[..],
            "theme=gr\u{f6}\u{df}e".as_bytes(),
            b"theme=gr\xf6\xdfe",
            b"sealock\xff=x",
            b"sealock=x",
            b";;=",
        ] {
            let one_line = [theirs, b"; ", ours.as_bytes()].concat();
            for lines in [vec![theirs, ours.as_bytes()], vec![&one_line]] {
                assert_eq!(brought(&lines, false).as_deref(), Some(SECRET), "{lines:?}");
            }
        }
    }

    #[test]
    fn under_tls_only_the_cookie_counts_that_nobody_else_can_have_set() {
        let planted = format!("sealock={SECRET}");
        assert_eq!(brought(&[&planted], true), None);
        let own = SECRET.to_lowercase();
        assert_eq!(brought(&[&planted, &format!("__Host-sealock={own}")], true), Some(own));
    }

    #[test]
    fn what_can_be_no_session_is_none() {
        for line in
            ["", "sealock", "sealock=", "sealock=x", "other=abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQ"]
        {
            assert_eq!(brought(&[line], false), None, "{line}");
        }
    }
}
