//! The names that a certificate is ordered for.

use std::net::Ipv4Addr;

/// The longest name, in characters (RFC 1035 §2.3.4, as it is written).
const MAX_NAME: usize = 253;
/// The longest label, in characters (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// A DNS name whose control can be proved by TLS-ALPN-01: no wildcard, no address. In lower case.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DomainName(String);

/// Why a text is not a [`DomainName`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidDomainName {
    #[error(
        "a wildcard can't be proved by TLS-ALPN-01 (RFC 8737); name each host, such as registry.example.com"
    )]
    Wildcard,
    #[error(
        "a certificate is ordered for names, not for addresses; name the host, such as registry.example.com"
    )]
    Address,
    #[error(
        "it takes DNS names such as registry.example.com, without https:// and port; others than ASCII are written \
         xn--…"
    )]
    Malformed,
}

impl DomainName {
    /// Reads a name.
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidDomainName> {
        let name = text.to_ascii_lowercase();
        if name.contains('*') {
            return Err(InvalidDomainName::Wildcard);
        }
        if name.parse::<Ipv4Addr>().is_ok() || name.matches(':').count() > 1 {
            return Err(InvalidDomainName::Address);
        }
        // A last label of digits alone makes an address of the whole name, to those who read URLs.
        let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
        let is_name = name.len() <= MAX_NAME
            && name.split('.').all(is_label)
            && !name.rsplit('.').next().is_some_and(is_number);
        if is_name { Ok(Self(name)) } else { Err(InvalidDomainName::Malformed) }
    }

    /// The name.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Letters, digits and hyphens, these not at the ends (RFC 1123 §2.1).
fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !label.starts_with('-')
        && !label.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_taken_in_lower_case() {
        let long = format!("{}.example", "a".repeat(63));
        for text in [
            "registry.example.com",
            "Registry.Example.COM",
            "localhost",
            "1.a",
            "xn--bcher-kva.example",
            &long,
        ] {
            assert_eq!(DomainName::parse(text).map(|name| name.0), Ok(text.to_ascii_lowercase()));
        }
    }

    #[test]
    fn what_is_no_name_of_a_host_is_refused() {
        use InvalidDomainName::*;
        let (label, name) = ("a".repeat(64), "a.".repeat(127) + "a");
        for (text, why) in [
            ("*.example.com", Wildcard),
            ("*", Wildcard),
            ("192.0.2.1", Address),
            ("2001:db8::1", Address),
            ("[::1]", Address),
            ("", Malformed),
            (".", Malformed),
            ("example.com.", Malformed),
            (".example.com", Malformed),
            ("a..b", Malformed),
            ("-a.example", Malformed),
            ("a-.example", Malformed),
            ("a_b.example", Malformed),
            ("bücher.example", Malformed),
            ("a b.example", Malformed),
            ("a\n.example", Malformed),
            ("https://example.com", Malformed),
            ("example.com:443", Malformed),
            ("example.com/path", Malformed),
            ("1.2.3", Malformed),
            (&label, Malformed),
            (&name, Malformed),
        ] {
            assert_eq!(DomainName::parse(text), Err(why), "{text:?}");
        }
    }
}
