//! Under which addresses the registry is reached. Clients send credentials to the realm, so it is one of these,
//! whatever `Host` or `X-Forwarded-*` a request brings (DESIGN §3.2).

/// One address of the registry; whoever makes it has checked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    /// Whether clients speak TLS to it.
    pub is_https: bool,
    /// Its host, and its port where that isn't the scheme's own: what clients send as `Host`.
    pub authority: String,
}

/// The addresses, the first being the one for callers that name none of them.
#[derive(Debug, Clone)]
pub struct PublicUrls {
    first: PublicUrl,
    others: Vec<PublicUrl>,
}

impl PublicUrls {
    /// The addresses; `None` where there is none.
    pub fn new(urls: impl IntoIterator<Item = PublicUrl>) -> Option<Self> {
        let mut urls = urls.into_iter();
        Some(Self { first: urls.next()?, others: urls.collect() })
    }

    /// The origin (`https://registry.example.com`) whose authority `host` names, or else the first.
    pub fn origin_for(&self, host: Option<&str>) -> String {
        let PublicUrl { is_https, authority } = self.entry_for(host);
        format!("{}://{authority}", if *is_https { "https" } else { "http" })
    }

    /// What stands behind `docker login` for callers of that `host`.
    pub fn authority_for(&self, host: Option<&str>) -> &str {
        &self.entry_for(host).authority
    }

    /// Whether callers of that `host` come by TLS.
    pub fn is_https_for(&self, host: Option<&str>) -> bool {
        self.entry_for(host).is_https
    }

    /// Whether `origin` (`https://registry.example.com`) is one of ours.
    pub fn has_origin(&self, origin: &str) -> bool {
        let written =
            |url: &PublicUrl| format!("{}://{}", if url.is_https { "https" } else { "http" }, url.authority);
        std::iter::once(&self.first).chain(&self.others).any(|url| written(url).eq_ignore_ascii_case(origin))
    }

    /// Whether `host` is the authority of one of ours.
    pub fn names(&self, host: Option<&str>) -> bool {
        host.is_some_and(|host| self.entry_for(Some(host)).authority.eq_ignore_ascii_case(host))
    }

    fn entry_for(&self, host: Option<&str>) -> &PublicUrl {
        let named = |url: &&PublicUrl| host.is_some_and(|host| url.authority.eq_ignore_ascii_case(host));
        std::iter::once(&self.first).chain(&self.others).find(named).unwrap_or(&self.first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_realm_is_one_of_ours_whatever_the_host_says() {
        let url = |is_https, authority: &str| PublicUrl { is_https, authority: authority.to_owned() };
        let urls = PublicUrls::new([url(true, "registry.example.com"), url(false, "10.0.0.1:5000")]).unwrap();
        assert_eq!(urls.origin_for(Some("10.0.0.1:5000")), "http://10.0.0.1:5000");
        assert_eq!(urls.origin_for(Some("REGISTRY.example.com")), "https://registry.example.com");
        for host in [None, Some("evil.example"), Some("10.0.0.1"), Some("registry.example.com:443"), Some("")]
        {
            assert_eq!(urls.origin_for(host), "https://registry.example.com", "{host:?}");
        }
        assert!(PublicUrls::new([]).is_none());
    }
}
