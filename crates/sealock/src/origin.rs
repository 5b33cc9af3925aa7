//! Where a server is reached: a scheme and an authority (RFC 6454 §4), and nothing after them.

use url::{Host, Url};

/// A checked `http://` or `https://` address without user, path, query or fragment. The host is in lower case and
/// the scheme's own port is left out, so that two spellings of one address compare equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Origin(Url);

/// Why a text is not an [`Origin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidOrigin {
    #[error("an address begins with http:// or https://, such as https://registry.example.com")]
    Scheme,
    #[error("a user or a password does not belong in the address")]
    UserInfo,
    #[error("an address ends after host and port; a path, query or fragment does not belong there")]
    Path,
    #[error("it is not an address such as https://registry.example.com or http://127.0.0.1:5000")]
    Malformed,
}

impl Origin {
    /// Reads an address with its scheme. A single `/` at the end is taken, as people copy it from a browser.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidOrigin> {
        let lower = text.to_ascii_lowercase();
        let authority = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
        let authority = authority.ok_or(InvalidOrigin::Scheme)?;
        // Url repairs what a browser would (tabs, backslashes, full-width letters): here it is a mistake to show.
        if authority.contains('\\') || !authority.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidOrigin::Malformed);
        }
        if authority.contains('@') {
            return Err(InvalidOrigin::UserInfo);
        }
        let url = Url::parse(&lower).map_err(|_| InvalidOrigin::Malformed)?;
        if url.path() != "/" || authority.ends_with("//") || url.query().is_some() || url.fragment().is_some()
        {
            return Err(InvalidOrigin::Path);
        }
        // Url also rewrites hosts (`1.2.3` is `1.2.0.3` to it, `exa%6Dple` is `example`): somebody meant something else.
        let typed = authority.strip_suffix('/').unwrap_or(authority);
        let is_as_typed = typed.strip_suffix(scheme_port(url.scheme())).unwrap_or(typed) == url.authority();
        if !is_as_typed || url.port() == Some(0) || authority.contains("..") {
            return Err(InvalidOrigin::Malformed);
        }
        Ok(Self(url))
    }

    /// Reads what is typed after `sealock login`: an address, or a bare host as docker takes it, which means http on
    /// this machine and https everywhere else.
    pub(crate) fn parse_server(text: &str) -> Result<Self, InvalidOrigin> {
        if text.contains("://") {
            return Self::parse(text);
        }
        let plain = Self::parse(&format!("http://{text}"))?;
        if plain.is_loopback() { Ok(plain) } else { Self::parse(&format!("https://{text}")) }
    }

    /// `host` or `host:port`: what a client sends as `Host`, and what `docker login` is given.
    pub(crate) fn authority(&self) -> &str {
        self.0.authority()
    }

    /// The host alone, as a client looks it up.
    pub(crate) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    /// Whether the host is this machine: 127.0.0.0/8, `::1`, `localhost` and names below it (RFC 6761 §6.3).
    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// Whether what is sent there is encrypted.
    pub(crate) fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// The address of a resource; every segment is escaped.
    /// `None` for a segment that would not arrive as it is: an empty one, `.` and `..` are removed on the way
    /// (RFC 3986 §5.2.4), so that `DELETE …/tokens/..` would hit something else.
    pub(crate) fn resource(&self, segments: &[&str]) -> Option<Url> {
        if segments.iter().any(|segment| ["", ".", ".."].contains(segment)) {
            return None;
        }
        let mut url = self.0.clone();
        url.path_segments_mut().ok()?.clear().extend(segments);
        Some(url)
    }
}

/// How a scheme's own port is written behind a host.
fn scheme_port(scheme: &str) -> &'static str {
    if scheme == "https" { ":443" } else { ":80" }
}

/// `scheme://authority`, without a slash at the end.
impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}://{}", self.0.scheme(), self.0.authority())
    }
}

impl std::fmt::Debug for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn check(text: &str, expect: Result<&str, InvalidOrigin>) {
        assert_eq!(Origin::parse(text).map(|origin| origin.to_string()), expect.map(str::to_owned), "{text}");
    }

    #[test]
    fn one_address_has_one_spelling() {
        check("https://registry.example.com", Ok("https://registry.example.com"));
        check("HTTPS://Registry.Example.com:443/", Ok("https://registry.example.com"));
        check("http://127.0.0.1:5000", Ok("http://127.0.0.1:5000"));
        check("http://[::1]:5000", Ok("http://[::1]:5000"));
    }

    #[test]
    fn whatever_is_more_than_scheme_and_authority_is_refused() {
        for text in ["registry.example.com", "ftp://a.example", "//a.example", ""] {
            check(text, Err(InvalidOrigin::Scheme));
        }
        for text in ["https://user@a.example", "https://user:pw@a.example", "https://@a.example"] {
            check(text, Err(InvalidOrigin::UserInfo));
        }
        for text in
            ["https://a.example/v2", "https://a.example//", "https://a.example/?q", "https://a.example#f"]
        {
            check(text, Err(InvalidOrigin::Path));
        }
        for text in
            ["https://", "https://a b", "https://a\\b", "https://a.example:port", "https://bücher.example"]
        {
            check(text, Err(InvalidOrigin::Malformed));
        }
    }

    #[test]
    fn a_bare_host_is_http_on_this_machine_and_https_elsewhere() {
        for (typed, expect) in [
            ("127.0.0.1:5000", "http://127.0.0.1:5000"),
            ("localhost:5000", "http://localhost:5000"),
            ("[::1]:5000", "http://[::1]:5000"),
            ("127.0.0.1.example.com", "https://127.0.0.1.example.com"),
            ("10.0.0.5:5000", "https://10.0.0.5:5000"),
            ("registry.example.com", "https://registry.example.com"),
            ("http://registry.example.com:8080", "http://registry.example.com:8080"),
            ("https://localhost", "https://localhost"),
        ] {
            assert_eq!(Origin::parse_server(typed).unwrap().to_string(), expect, "{typed}");
        }
    }

    #[test]
    fn a_resource_cannot_be_steered_out_of_its_path() {
        let origin = Origin::parse("http://127.0.0.1:5000").unwrap();
        let resource = |segments: &[&str]| origin.resource(segments).map(|url| url.to_string());
        let escaped = "http://127.0.0.1:5000/namespaces/a%2F..%2Fb%3Fq/tokens";
        assert_eq!(resource(&["namespaces", "a/../b?q", "tokens"]).as_deref(), Some(escaped));
        for segment in ["", ".", ".."] {
            assert_eq!(resource(&["namespaces", segment]), None, "{segment}");
        }
    }
}
