//! The keys about certificates by ACME, which make sense together or not at all.

use super::layers::Given;
use super::{ConfigError, keys, path};
use crate::acme::{AcmeSettings, DomainName, MAX_DOMAINS, parse_directory, parse_email};
use crate::origin::{InvalidOrigin, Origin};

/// What was said about ordering certificates; `None` where `acme_domains` is not given.
pub(super) fn settings(given: &Given) -> Result<Option<AcmeSettings>, ConfigError> {
    let domains = given.many(&keys::ACME_DOMAINS, DomainName::parse)?;
    if domains.is_empty() {
        let others = [&keys::ACME_EMAIL, &keys::ACME_DIRECTORY, &keys::ACME_CA_FILE];
        return match others.into_iter().find(|key| given.has(key)) {
            Some(key) => Err(ConfigError::AcmeDomainsMissing(key.name)),
            None => Ok(None),
        };
    }
    if domains.len() > MAX_DOMAINS {
        return Err(ConfigError::TooManyAcmeDomains(domains.len()));
    }
    Ok(Some(AcmeSettings {
        domains,
        email: given.one(&keys::ACME_EMAIL, parse_email)?,
        directory: given.one_or_default(&keys::ACME_DIRECTORY, parse_directory)?,
        ca_file: given.one(&keys::ACME_CA_FILE, path)?,
    }))
}

/// Where clients reach a server with this certificate: what was `given`, which the certificate must cover, or else its
/// names, on the port that issuers ask on (RFC 8737 §3: 443).
pub(super) fn public_urls(settings: &AcmeSettings, given: Vec<Origin>) -> Result<Vec<Origin>, ConfigError> {
    if given.is_empty() {
        let origins =
            settings.domains.iter().map(|name| Origin::parse(&format!("https://{}", name.as_str())));
        let origins: Result<_, InvalidOrigin> = origins.collect();
        return origins.map_err(ConfigError::AcmeDomainNoOrigin);
    }
    let covers = |origin: &Origin| settings.domains.iter().any(|name| name.as_str() == origin.host());
    match given.iter().find(|origin| !origin.is_https() || !covers(origin)) {
        Some(origin) => Err(ConfigError::NotInAcmeDomains(origin.clone())),
        None => Ok(given),
    }
}
