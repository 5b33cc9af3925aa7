//! Under which addresses the registry is reached. Clients send credentials to the realm, so it is one of these,
//! whatever `Host` or `X-Forwarded-*` a request brings (DESIGN §3.2).

use http::{Uri, uri::Authority};

/// The addresses, the first being the one for callers that name none of them. Never empty.
#[derive(Debug, Clone)]
pub struct PublicUrls(Vec<PublicUrl>);

#[derive(Debug, Clone)]
struct PublicUrl {
    authority: Authority,
    origin: String,
}

/// The text is no public URL.
#[derive(Debug, thiserror::Error)]
#[error(
    "{text:?} is no public URL; one is http:// or https:// with a host and maybe a port, such as https://registry.example.com"
)]
pub struct InvalidPublicUrl {
    text: String,
}

impl PublicUrls {
    /// Reads the configured addresses; `None` where there is none.
    pub fn parse(texts: &[String]) -> Result<Option<Self>, InvalidPublicUrl> {
        let urls = texts.iter().map(|text| PublicUrl::parse(text)).collect::<Result<Vec<_>, _>>()?;
        Ok(Some(Self(urls)).filter(|urls| !urls.0.is_empty()))
    }

    /// The origin (`https://registry.example.com`) whose authority `host` names, or else the first.
    pub fn origin_for(&self, host: Option<&str>) -> &str {
        self.entry_for(host).map_or("", |url| url.origin.as_str())
    }

    /// What stands behind `docker login` for callers of that `host`.
    pub fn authority_for(&self, host: Option<&str>) -> &str {
        self.entry_for(host).map_or("", |url| url.authority.as_str())
    }

    fn entry_for(&self, host: Option<&str>) -> Option<&PublicUrl> {
        let named =
            host.and_then(|host| self.0.iter().find(|url| url.authority.as_str().eq_ignore_ascii_case(host)));
        named.or_else(|| self.0.first())
    }
}

impl PublicUrl {
    fn parse(text: &str) -> Result<Self, InvalidPublicUrl> {
        let invalid = || InvalidPublicUrl { text: text.to_owned() };
        let uri: Uri = text.parse().map_err(|_| invalid())?;
        let scheme =
            uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme)).ok_or_else(invalid)?;
        let authority =
            uri.authority().filter(|authority| !authority.as_str().contains('@')).ok_or_else(invalid)?;
        if uri.query().is_some() || !matches!(uri.path(), "" | "/") {
            return Err(invalid());
        }
        Ok(Self { origin: format!("{scheme}://{authority}"), authority: authority.clone() })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_realm_is_one_of_ours_whatever_the_host_says() {
        let texts = ["https://registry.example.com".to_owned(), "http://10.0.0.1:5000/".to_owned()];
        let urls = PublicUrls::parse(&texts).unwrap().unwrap();
        assert_eq!(urls.origin_for(Some("10.0.0.1:5000")), "http://10.0.0.1:5000");
        assert_eq!(urls.origin_for(Some("REGISTRY.example.com")), "https://registry.example.com");
        for host in [None, Some("evil.example"), Some("10.0.0.1"), Some("registry.example.com:443"), Some("")]
        {
            assert_eq!(urls.origin_for(host), "https://registry.example.com", "{host:?}");
        }
    }

    #[test]
    fn other_urls_are_refused() {
        for text in [
            "",
            "registry.example.com",
            "ftp://x",
            "https://u:p@x",
            "https://x/path",
            "https://x?q",
            "http://",
        ] {
            assert!(PublicUrls::parse(&[text.to_owned()]).is_err(), "{text}");
        }
        assert!(PublicUrls::parse(&[]).unwrap().is_none());
    }
}
