//! TLS-ALPN-01 (RFC 8737): how a certificate's issuer sees that a name leads to this server.

use std::{future::Future, pin::Pin, sync::Arc};

use rustls::{
    ServerConfig,
    crypto::aws_lc_rs,
    server::ClientHello,
    sign::{CertifiedKey, SingleCertAndKey},
};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::tls::{self, CertificateError};

/// What an issuer offers in place of a protocol, and nothing beside it (RFC 8737 §3).
const PROTOCOL: &[u8] = b"acme-tls/1";

/// A certificate, or a chain that begins with it, and its private key, both PEM.
pub struct PemPair {
    /// The certificate.
    pub chain: String,
    /// The key.
    pub key: Zeroizing<String>,
}

/// Where what is not read from files was kept.
const PLACE: &str = "the database";

impl PemPair {
    /// Whether it can be shown: all of it is PEM, and the key is the certificate's.
    pub fn check(&self) -> Result<(), CertificateError> {
        self.read().map(drop)
    }

    pub(super) fn read(&self) -> Result<CertifiedKey, CertificateError> {
        tls::pair(self.chain.as_bytes(), PLACE, self.key.as_bytes(), PLACE)
    }

    /// The same without a look at the certificate: no client but an issuer takes one with the extension of RFC 8737 §3,
    /// which is critical, and neither does the look.
    fn read_proof(&self) -> Result<CertifiedKey, CertificateError> {
        let (chain, key) = tls::parsed(self.chain.as_bytes(), PLACE, self.key.as_bytes(), PLACE)?;
        let key = aws_lc_rs::sign::any_supported_type(&key);
        let key = key.map_err(|error| CertificateError::Unfit(PLACE.to_owned(), error))?;
        Ok(CertifiedKey::new(chain, key))
    }
}

impl std::fmt::Debug for PemPair {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PemPair").field("chain", &self.chain).finish_non_exhaustive()
    }
}

/// The most questions that are looked into at once. Anybody may ask, before any credential, and each costs a read of the
/// database; an issuer asks from a handful of places. The others wait, no longer than a handshake may take.
const MAX_QUESTIONS_AT_ONCE: usize = 4;

/// Answers an issuer.
pub trait Challenges: Send + Sync {
    /// The certificate that proves control of `domain` while an order for it is under way; `None` at all other times.
    /// Anybody may ask, for any name: it has to be cheap.
    fn certificate_for<'a>(
        &'a self,
        domain: &'a str,
    ) -> Pin<Box<dyn Future<Output = Option<PemPair>> + Send + 'a>>;
}

/// The name that an issuer asks about; `None` where somebody else opens a connection.
pub(super) fn asked(hello: &ClientHello<'_>) -> Option<String> {
    let mut offered = hello.alpn()?;
    let is_issuer = offered.next() == Some(PROTOCOL) && offered.next().is_none();
    hello.server_name().filter(|_| is_issuer).map(str::to_owned)
}

/// Who answers issuers, a few at a time.
pub(super) struct Answerer {
    challenges: Arc<dyn Challenges>,
    turns: Semaphore,
}

impl Answerer {
    pub(super) fn new(challenges: Arc<dyn Challenges>) -> Self {
        Self { challenges, turns: Semaphore::new(MAX_QUESTIONS_AT_ONCE) }
    }

    /// How to answer about `domain`; `None` where there is nothing to prove, and the client is told that nobody speaks
    /// what it offers.
    pub(super) async fn answer(&self, domain: &str) -> Option<ServerConfig> {
        let _turn = self.turns.acquire().await.ok()?;
        let proof = self.challenges.certificate_for(domain).await?.read_proof();
        let config = proof.and_then(|proof| tls::config(Arc::new(SingleCertAndKey::from(proof))));
        let mut config =
            config.inspect_err(|error| tracing::warn!(%error, "no proof for the issuer")).ok()?;
        config.alpn_protocols = vec![PROTOCOL.to_vec()];
        Some(config)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::future::join_all;
    use tokio::task::yield_now;

    use super::*;

    /// Counts who is asked at once.
    #[derive(Default)]
    struct Counting {
        now: AtomicUsize,
        most: AtomicUsize,
        all: AtomicUsize,
    }

    impl Challenges for Counting {
        fn certificate_for<'a>(
            &'a self,
            _domain: &'a str,
        ) -> Pin<Box<dyn Future<Output = Option<PemPair>> + Send + 'a>> {
            Box::pin(async {
                let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
                self.most.fetch_max(now, Ordering::SeqCst);
                yield_now().await;
                self.now.fetch_sub(1, Ordering::SeqCst);
                self.all.fetch_add(1, Ordering::SeqCst);
                None
            })
        }
    }

    #[tokio::test]
    async fn many_who_ask_at_once_are_answered_a_few_at_a_time() {
        let counting = Arc::new(Counting::default());
        let answerer = Answerer::new(Arc::clone(&counting) as Arc<dyn Challenges>);
        join_all((0..100).map(|_| answerer.answer("registry.example.com"))).await;
        assert_eq!(counting.all.load(Ordering::SeqCst), 100);
        assert_eq!(counting.most.load(Ordering::SeqCst), MAX_QUESTIONS_AT_ONCE);
    }
}
