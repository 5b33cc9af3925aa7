//! What the configuration says about ordering certificates, checked.

use std::path::PathBuf;

use url::Url;

use super::domain::DomainName;

/// The most names of one certificate: what Let's Encrypt takes.
pub(crate) const MAX_DOMAINS: usize = 100;
/// The longest address of a person, in characters (RFC 5321 §4.5.3.1.3, without its angle brackets).
const MAX_EMAIL: usize = 254;
/// The longest URL of a directory, in characters: longer ones are somebody's joke.
const MAX_DIRECTORY: usize = 1000;

/// From whom certificates are ordered, and for what.
#[derive(Debug)]
pub(crate) struct AcmeSettings {
    /// The names, at least one, at most [`MAX_DOMAINS`].
    pub(crate) domains: Vec<DomainName>,
    /// Whom the issuer may write to.
    pub(crate) email: Option<String>,
    /// The issuer's directory (RFC 8555 §7.1.1).
    pub(crate) directory: Url,
    /// A root certificate, in PEM, that the issuer's own server is trusted by as well.
    pub(crate) ca_file: Option<PathBuf>,
}

/// Reads the URL of a directory.
pub(crate) fn parse_directory(text: &str) -> Result<Url, &'static str> {
    let rule = "it takes the https:// URL of an ACME server's directory, without a user or a fragment";
    let url = Url::parse(text).map_err(|_| rule)?;
    // RFC 8555 §6.1: only over TLS.
    let is_right = url.scheme() == "https"
        && text.len() <= MAX_DIRECTORY
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    if is_right { Ok(url) } else { Err(rule) }
}

/// Reads an e-mail address as far as the issuer would refuse it otherwise.
pub(crate) fn parse_email(text: &str) -> Result<String, &'static str> {
    let rule = "it takes one e-mail address, such as admin@example.com, without mailto:";
    let (person, host) = text.split_once('@').ok_or(rule)?;
    // RFC 8555 §7.3: exactly one address, and no header fields (which `?` would begin).
    let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b",?:%<>\"()\\".contains(&byte));
    let is_right =
        is_plain && !person.is_empty() && DomainName::parse(host).is_ok() && text.len() <= MAX_EMAIL;
    if is_right { Ok(text.to_owned()) } else { Err(rule) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_directory_is_reached_over_tls() {
        assert_eq!(
            parse_directory("https://127.0.0.1:14000/dir").unwrap().as_str(),
            "https://127.0.0.1:14000/dir"
        );
        let long = format!("https://acme.example/{}", "a".repeat(1000));
        for text in [
            "http://acme.example/dir",
            "ftp://acme.example/dir",
            "https://user@acme.example/dir",
            "https://:secret@acme.example/dir",
            "https://acme.example/dir#part",
            "acme.example/dir",
            "https://",
            "",
            &long,
        ] {
            assert!(parse_directory(text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_plain_address_can_be_written_to() {
        assert_eq!(parse_email("Ada.L+acme@example.com").unwrap(), "Ada.L+acme@example.com");
        let long = format!("{}@example.com", "a".repeat(250));
        for text in [
            "",
            "ada",
            "@example.com",
            "ada@",
            "ada@bert@example.com",
            "ada@*.example.com",
            "ada@example.com,bert@example.com",
            "ada@example.com?subject=x",
            "mailto:ada@example.com",
            "ada lovelace@example.com",
            "ada\n@example.com",
            &long,
        ] {
            assert!(parse_email(text).is_err(), "{text:?}");
        }
    }
}
