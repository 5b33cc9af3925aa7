//! What an issuer sent, checked before it is kept: a certificate for our names, valid now.

use access::time::Instant;
use web::Validity;
use x509_cert::{
    Certificate,
    der::DecodePem,
    ext::pkix::{SubjectAltName, name::GeneralName},
};

/// What a certificate lies between (RFC 7468 §5.1).
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Why a chain is not kept.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ChainError {
    #[error("the ACME server sent something that is no chain of certificates in PEM")]
    Malformed,
    #[error("the ACME server sent a certificate that is not for {0}")]
    NotFor(String),
    #[error(
        "the ACME server sent a certificate that is valid until {until}, and it is {now}; is a clock wrong?"
    )]
    Over { until: Instant, now: Instant },
}

/// The validity of the certificate that `chain` (PEM) begins with, if it is for every one of `domains` and not over.
pub(super) fn checked(chain: &str, domains: &[String], now: Instant) -> Result<Validity, ChainError> {
    let first = first(chain).ok_or(ChainError::Malformed)?.tbs_certificate;
    let names = match first.get::<SubjectAltName>() {
        Ok(Some((_, names))) => names.0,
        Ok(None) => Vec::new(),
        Err(_) => return Err(ChainError::Malformed),
    };
    let is_named = |domain: &str| {
        names.iter().any(
            |name| matches!(name, GeneralName::DnsName(name) if name.as_str().eq_ignore_ascii_case(domain)),
        )
    };
    if let Some(domain) = domains.iter().find(|domain| !is_named(domain)) {
        return Err(ChainError::NotFor(domain.clone()));
    }
    let validity = Validity::of(&first);
    if validity.until <= now {
        return Err(ChainError::Over { until: validity.until, now });
    }
    Ok(validity)
}

/// The certificate that a chain begins with. (The crate's own reader of chains panics where there is none.)
fn first(chain: &str) -> Option<Certificate> {
    let begin = chain.find(BEGIN)?;
    let length = chain[begin..].find(END)? + END.len();
    Certificate::from_pem(&chain[begin..begin + length]).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn at(text: &str) -> Instant {
        Instant::parse_rfc3339(text).unwrap()
    }

    fn chain(domains: &[&str]) -> String {
        let domains: Vec<String> = domains.iter().map(|domain| (*domain).to_owned()).collect();
        let mut params = CertificateParams::new(domains).unwrap();
        (params.not_before, params.not_after) = (date_time_ymd(2026, 1, 1), date_time_ymd(2026, 4, 1));
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
    }

    fn check(chain: &str, domains: &[&str], now: &str) -> Result<Validity, ChainError> {
        let domains: Vec<String> = domains.iter().map(|domain| (*domain).to_owned()).collect();
        checked(chain, &domains, at(now))
    }

    #[test]
    fn the_first_certificate_of_a_chain_says_how_long_it_is_valid() {
        let chain = chain(&["a.example", "B.example"]) + &chain(&["issuer.example"]);
        let validity = Validity { from: at("2026-01-01T00:00:00Z"), until: at("2026-04-01T00:00:00Z") };
        assert_eq!(check(&chain, &["a.example", "b.example"], "2026-01-01T00:00:01Z"), Ok(validity));
        assert_eq!(check(&chain, &["a.example"], "2026-03-31T23:59:59Z"), Ok(validity));
    }

    #[test]
    fn what_would_not_serve_is_not_kept() {
        let now = "2026-02-01T00:00:00Z";
        let good = chain(&["a.example"]);
        for (chain, domains, now, expected) in [
            ("", ["a.example"], now, ChainError::Malformed),
            (END, ["a.example"], now, ChainError::Malformed),
            (&format!("{END}{BEGIN}"), ["a.example"], now, ChainError::Malformed),
            (&format!("{BEGIN}{END}"), ["a.example"], now, ChainError::Malformed),
            (
                "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
                ["a.example"],
                now,
                ChainError::Malformed,
            ),
            ("<html>", ["a.example"], now, ChainError::Malformed),
            (&good, ["b.example"], now, ChainError::NotFor("b.example".into())),
            (&chain(&[]), ["a.example"], now, ChainError::NotFor("a.example".into())),
            (
                &good,
                ["a.example"],
                "2026-04-01T00:00:00Z",
                ChainError::Over { until: at("2026-04-01T00:00:00Z"), now: at("2026-04-01T00:00:00Z") },
            ),
        ] {
            assert_eq!(check(chain, &domains, now), Err(expected), "{chain}");
        }
    }
}
