//! The keys about TLS from files, which make sense together or not at all.

use std::path::PathBuf;

use super::layers::Given;
use super::{ConfigError, keys, path};
use crate::origin::Origin;

/// A certificate and its key.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TlsFiles {
    /// The certificate, and behind it its chain.
    pub(crate) certificate: PathBuf,
    /// The key.
    pub(crate) key: PathBuf,
}

/// The files, where both were named and no certificate is ordered.
pub(super) fn files(given: &Given) -> Result<Option<TlsFiles>, ConfigError> {
    match (given.one(&keys::TLS_CERT, path)?, given.one(&keys::TLS_KEY, path)?) {
        (Some(_), Some(_)) if given.has(&keys::ACME_DOMAINS) => Err(ConfigError::TwoCertificates),
        (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(ConfigError::HalfOfTls(keys::TLS_CERT.name, keys::TLS_KEY.name)),
        (None, Some(_)) => Err(ConfigError::HalfOfTls(keys::TLS_KEY.name, keys::TLS_CERT.name)),
    }
}

/// Where clients reach a server that speaks TLS with these files: what was `given`. The threat: a challenge whose realm is
/// an address in the clear sends the password there.
pub(super) fn public_urls(given: Vec<Origin>) -> Result<Vec<Origin>, ConfigError> {
    match given.iter().find(|origin| !origin.is_https()) {
        Some(origin) => Err(ConfigError::PlainBesideTls(origin.clone())),
        None => Ok(given),
    }
}
