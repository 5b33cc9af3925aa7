//! Certificates that the server makes itself: what proves control of a name to an issuer, and what is shown until there
//! is one of the issuer's.

use rcgen::{CertificateParams, CustomExtension, DistinguishedName, Error, KeyPair};
use web::PemPair;
use zeroize::Zeroizing;

/// The length of the digest that is shown, in bytes: SHA-256.
const DIGEST_BYTES: usize = 32;

/// A certificate for `domain` alone that shows `digest` (RFC 8737 §3), of a key made for it. `None` where the digest has
/// another length.
pub(super) fn proof_of(domain: &str, digest: &[u8]) -> Result<Option<PemPair>, Error> {
    if digest.len() != DIGEST_BYTES {
        return Ok(None);
    }
    let mut params = CertificateParams::new(vec![domain.to_owned()])?;
    params.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    self_signed(params).map(Some)
}

/// A certificate that no client trusts, for `domains`.
pub(super) fn stand_in(domains: &[String]) -> Result<PemPair, Error> {
    self_signed(CertificateParams::new(domains)?)
}

fn self_signed(mut params: CertificateParams) -> Result<PemPair, Error> {
    params.distinguished_name = DistinguishedName::new();
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(PemPair { chain: certificate.pem(), key: Zeroizing::new(key.serialize_pem()) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use x509_cert::{
        Certificate,
        der::{DecodePem, Encode},
        ext::pkix::{SubjectAltName, name::GeneralName},
    };

    use super::*;

    #[test]
    fn a_proof_names_one_domain_and_shows_the_digest_in_a_critical_extension() {
        let proof = proof_of("registry.example.com", &[7; 32]).unwrap().unwrap();
        let certificate = Certificate::from_pem(&proof.chain).unwrap().tbs_certificate;
        let (_, names) = certificate.get::<SubjectAltName>().unwrap().unwrap();
        assert!(
            matches!(&names.0[..], [GeneralName::DnsName(name)] if name.as_str() == "registry.example.com"),
            "{names:?}"
        );
        let extensions = certificate.extensions.unwrap();
        // RFC 8737 §6.1: id-pe-acmeIdentifier.
        let shown =
            extensions.iter().find(|shown| shown.extn_id.to_string() == "1.3.6.1.5.5.7.1.31").unwrap();
        assert!(shown.critical);
        let expected = [&[0x04, 0x20][..], &[7; 32]].concat();
        assert_eq!(shown.extn_value.as_bytes(), expected);
        assert_eq!(certificate.subject.to_der().unwrap(), certificate.issuer.to_der().unwrap());
    }

    #[test]
    fn a_digest_of_another_length_proves_nothing() {
        for length in [0, 31, 33] {
            assert!(proof_of("registry.example.com", &vec![7; length]).unwrap().is_none(), "{length}");
        }
    }
}
