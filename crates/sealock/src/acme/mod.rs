//! Certificates by ACME (RFC 8555): ordered at the first start, renewed when two thirds of their lifetime are over,
//! shared by all replicas through the database. Control of the names is proved by TLS-ALPN-01 (RFC 8737) on the port
//! that is served anyway.

mod chain;
mod domain;
mod issuer_http;
mod order;
mod self_signed;
mod settings;

use std::{fs::File, future::Future, io::Read, path::Path, pin::Pin, sync::Arc, time::Duration};

use access::time::{Clock, Instant};
use anyhow::Context;
use registry::{Begun, Certificates, DbError, IssuedCertificate, Order, Registry};
use tokio::time::{sleep, timeout};
use web::{Challenges, PemPair};

pub(crate) use self::{
    domain::DomainName,
    settings::{AcmeSettings, MAX_DOMAINS, parse_directory, parse_email},
};
use self::{
    issuer_http::IssuerHttp,
    order::{Issuer, OrderError, order},
    self_signed::{proof_of, stand_in},
};

/// How often the database is asked for a newer certificate, and the clock whether it is time for one: one read of one
/// row. No replica shows an old certificate longer than this.
const LOOK_EVERY: Duration = Duration::from_secs(20);
/// How long an order may take: less than its lease ([`registry::ORDER_LEASE`]) by more than clocks differ.
const ORDER_DEADLINE: Duration = Duration::from_secs(4 * 60);
/// The most bytes of `acme_ca_file`.
const MAX_CA_FILE_BYTES: u64 = 1024 * 1024;
/// The most characters of an issuer's reason that the log gets.
const MAX_REASON: usize = 1000;

/// All that ordering certificates takes and no store: what the configuration may have wrong shows before one is opened.
pub(crate) struct Prepared {
    domains: Vec<String>,
    email: Option<String>,
    issuer: Issuer,
    stand_in: PemPair,
}

impl Prepared {
    /// Reads `acme_ca_file`, and makes what is shown until there is a certificate.
    pub(crate) fn new(settings: &AcmeSettings) -> anyhow::Result<Self> {
        let domains: Vec<_> = settings.domains.iter().map(|name| name.as_str().to_owned()).collect();
        let extra_roots = settings.ca_file.as_deref().map(read_ca_file).transpose()?.unwrap_or_default();
        let http = IssuerHttp::new(&settings.directory, extra_roots)
            .context("no HTTP client for the ACME server")?;
        let stand_in = stand_in(&domains).context("no self-signed certificate could be made")?;
        stand_in.check().context("the self-signed certificate can't be shown")?;
        let issuer = Issuer {
            http,
            directory: settings.directory.clone(),
            contact: settings.email.as_ref().map(|email| format!("mailto:{email}")),
        };
        Ok(Self { domains, email: settings.email.clone(), issuer, stand_in })
    }
}

/// Shows a certificate to clients, and orders the next one in time.
pub(crate) struct Keeper {
    certificates: Arc<Certificates>,
    issuer: Issuer,
    clock: Arc<dyn Clock>,
    shown: Arc<web::Certificate>,
    /// The newest that was looked at in the database; 0 before the first.
    revision: i64,
    /// Whether that one can't be shown.
    is_damaged: bool,
    /// The certificate that is shown; `None` where it is the stand-in.
    current: Option<IssuedCertificate>,
    /// What was last said about waiting, so that it is said once.
    said_not_before: Option<Instant>,
}

impl Keeper {
    /// Reads what is kept already, so that a restart shows it from its first connection on. Where nothing is, a stand-in
    /// is shown.
    pub(crate) async fn new(
        prepared: Prepared,
        registry: &Registry,
        clock: Arc<dyn Clock>,
    ) -> anyhow::Result<Self> {
        let Prepared { domains, email, issuer, stand_in } = prepared;
        let certificates = registry.certificates(issuer.directory.as_str(), email.as_deref(), domains);
        let certificates = Arc::new(certificates);
        let answers = Answers { certificates: Arc::clone(&certificates), clock: Arc::clone(&clock) };
        let shown = web::Certificate::awaited(&stand_in, Arc::new(answers))?;
        let mut keeper = Self {
            certificates,
            issuer,
            clock,
            shown,
            revision: 0,
            is_damaged: false,
            current: None,
            said_not_before: None,
        };
        keeper.take_newer().await?;
        Ok(keeper)
    }

    /// What clients are shown.
    pub(crate) fn shown(&self) -> Arc<web::Certificate> {
        Arc::clone(&self.shown)
    }

    /// Looks after the certificate until it is dropped.
    pub(crate) async fn keep(mut self) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "the certificate could not be looked after; trying again soon"
                );
            }
            sleep(LOOK_EVERY).await;
        }
    }

    async fn look(&mut self) -> anyhow::Result<()> {
        self.take_newer().await?;
        let (now, current) = (self.clock.now(), self.current.as_ref());
        if current.is_some_and(|certificate| certificate.valid_until <= now) {
            self.shown.is_over();
        }
        if !self.is_damaged && current.is_some_and(|certificate| !certificate.is_due(now)) {
            return Ok(());
        }
        match self.certificates.begin_order(self.revision, now).await? {
            Begun::Order(begun) => self.order(&begun).await,
            Begun::NotBefore(at) => {
                self.say_not_before(at);
                Ok(())
            }
        }
    }

    /// Shows what is newer in the database. What is damaged there stops nothing: it is ordered anew, and until that is
    /// there clients are shown what they were.
    async fn take_newer(&mut self) -> Result<(), DbError> {
        let Some(kept) = self.certificates.newer(self.revision).await? else { return Ok(()) };
        let shown = kept.certificate.map_err(anyhow::Error::from).and_then(|certificate| {
            self.shown.show(&pem_pair(&certificate))?;
            Ok(certificate)
        });
        (self.revision, self.is_damaged) = (kept.revision, shown.is_err());
        match shown {
            Ok(certificate) => {
                tracing::info!(valid_until = %certificate.valid_until, "showing the certificate that the ACME server issued");
                self.current = Some(certificate);
            }
            Err(damage) => tracing::error!(
                damage = format!("{damage:#}"),
                "the certificate that is kept in the database can't be shown; another is ordered when it is time"
            ),
        }
        Ok(())
    }

    /// Orders a certificate, keeps it and shows it; or says why not, and leaves the issuer alone for a while.
    async fn order(&mut self, begun: &Order) -> anyhow::Result<()> {
        tracing::info!(directory = %self.issuer.directory, "ordering a certificate");
        let ordered = timeout(ORDER_DEADLINE, self.order_and_keep(begun)).await;
        // Whatever came of it, nobody has to wait for the lease, and no proof is shown any longer.
        let ended = self.certificates.end_order(begun).await;
        let failed = match ordered {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("the ACME server took longer than {} s", ORDER_DEADLINE.as_secs())),
        };
        if let Some(reason) = failed {
            tracing::error!(
                reason = readable(&reason),
                next_attempt = %begun.next_at,
                "no certificate came of the order; a restart does not hasten the next attempt"
            );
            self.said_not_before = Some(begun.next_at);
        }
        ended?;
        Ok(self.take_newer().await?)
    }

    async fn order_and_keep(&self, begun: &Order) -> Result<(), OrderError> {
        let issued = order(&self.certificates, begun, &self.issuer, self.clock.as_ref()).await?;
        // Kept is only what every replica can show.
        pem_pair(&issued).check()?;
        Ok(self.certificates.finish_order(begun, &issued, self.clock.now()).await?)
    }

    /// Whoever starts a server that has nothing to show must not wonder.
    fn say_not_before(&mut self, at: Instant) {
        if self.current.is_none() && self.said_not_before != Some(at) {
            tracing::warn!(
                not_before = %at,
                "there is no certificate yet; another server orders one, or an order failed a while ago"
            );
            self.said_not_before = Some(at);
        }
    }
}

fn pem_pair(certificate: &IssuedCertificate) -> PemPair {
    PemPair { chain: certificate.chain.clone(), key: certificate.key.clone() }
}

fn read_ca_file(path: &Path) -> anyhow::Result<Vec<reqwest::Certificate>> {
    let mut pem = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_CA_FILE_BYTES).read_to_end(&mut pem));
    read.with_context(|| format!("acme_ca_file {} can't be read", path.display()))?;
    let roots = reqwest::Certificate::from_pem_bundle(&pem).ok().filter(|roots| !roots.is_empty());
    roots.with_context(|| format!("acme_ca_file {} holds no certificate in PEM", path.display()))
}

/// A reason from outside, fit for a line of the log.
fn readable(reason: &str) -> String {
    reason.chars().take(MAX_REASON).map(|shown| if shown.is_control() { ' ' } else { shown }).collect()
}

/// Answers the issuer, on whichever replica it asks.
struct Answers {
    certificates: Arc<Certificates>,
    clock: Arc<dyn Clock>,
}

impl Challenges for Answers {
    fn certificate_for<'a>(
        &'a self,
        domain: &'a str,
    ) -> Pin<Box<dyn Future<Output = Option<PemPair>> + Send + 'a>> {
        Box::pin(async move {
            let domain = domain.to_ascii_lowercase();
            let digest = self.certificates.proof(&domain, self.clock.now()).await;
            let digest = digest
                .inspect_err(|error| tracing::warn!(%error, "the ACME server could not be answered"))
                .ok()??;
            let proof = proof_of(&domain, &digest);
            proof.inspect_err(|error| tracing::warn!(%error, "no proof for the ACME server")).ok()?
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_root_is_a_certificate_in_pem() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("root.pem");
        let refused =
            |path: &Path| read_ca_file(path).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused(&path).contains("can't be read"));
        for text in [
            "",
            "root",
            "-----BEGIN CERTIFICATE-----\n",
            "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----",
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(refused(&path).contains("holds no certificate in PEM"), "{text:?}: {}", refused(&path));
        }
        std::fs::write(&path, stand_in(&["acme.example".to_owned()]).unwrap().chain).unwrap();
        assert_eq!(read_ca_file(&path).unwrap().len(), 1);
    }

    #[test]
    fn a_reason_from_outside_stays_on_one_line_of_the_log() {
        assert_eq!(readable("first\nsecond\u{1b}[31m"), "first second [31m");
        assert_eq!(readable(&"ü".repeat(2000)).chars().count(), MAX_REASON);
    }
}
