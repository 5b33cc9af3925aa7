//! TLS 1.2 and 1.3, with a certificate that may be replaced while the server runs.

use std::{
    io,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use access::time::Instant;
use rustls::{
    InconsistentKeys, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{Acceptor, ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
    version::{TLS12, TLS13},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{LazyConfigAcceptor, server::TlsStream};

use super::challenges::{self, Answerer, Challenges, PemPair};

/// What is read of somebody who speaks HTTP where TLS is spoken, in bytes, and for how long: so that the answer is seen.
const MAX_PLAIN_BYTES: u64 = 64 * 1024;
const PLAIN_TIME: Duration = Duration::from_secs(2);
/// The first byte of a TLS handshake (RFC 8446 §5.1).
const HANDSHAKE: u8 = 22;
/// What whoever speaks HTTP where TLS is spoken is told.
const USE_HTTPS: &[u8] = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 61\r\nConnection: close\r\n\r\n\
    This port speaks TLS: use https:// in front of the address.\r\n";

/// Why a certificate can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file could not be read.
    #[error("{0} could not be read: {1}")]
    Unreadable(String, io::Error),
    /// What should be a certificate is something else.
    #[error("{0} holds no certificate in PEM (BEGIN CERTIFICATE), the server's first and then the chain")]
    NoCertificate(String),
    /// What should be a key is something else.
    #[error(
        "{0} holds no private key in PEM (BEGIN PRIVATE KEY, RSA or EC PRIVATE KEY; not an encrypted one)"
    )]
    NoKey(String),
    /// The key is another one's.
    #[error(
        "the key in {key} does not belong to the first certificate in {certificate}; give the pair that was issued \
             together"
    )]
    Mismatch {
        /// Where the certificate is.
        certificate: String,
        /// Where the key is.
        key: String,
    },
    /// TLS can't work with it.
    #[error("the certificate in {0} can't be used: {1}")]
    Unfit(String, rustls::Error),
    /// It is over, and what is shown is not.
    #[error(
        "the certificate in {0} is over since {1}, and the one before it is valid; put another in its place"
    )]
    Over(String, Instant),
    /// TLS can't be spoken on this machine at all.
    #[error("TLS can't be spoken: {0}")]
    NoTls(rustls::Error),
}

/// What the server shows to whoever opens a connection.
pub struct Certificate {
    tls: Arc<ServerConfig>,
    shown: Arc<Shown>,
    /// Whether clients can do something with it.
    is_fit: AtomicBool,
    answerer: Option<Answerer>,
}

/// What new connections are shown; the others go on with what they were.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl Certificate {
    pub(super) fn of(pair: CertifiedKey) -> Result<Self, CertificateError> {
        let shown = Arc::new(Shown(RwLock::new(Arc::new(pair))));
        let mut tls = config(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>)?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Self { tls: Arc::new(tls), shown, is_fit: AtomicBool::new(true), answerer: None })
    }

    /// One that an issuer is still to give, and asks for by `challenges`. Until it is there `stand_in` is shown, which no
    /// client trusts: whoever looks whether the server lives (and does not ask who it is) gets an answer, and `/readyz`
    /// says what is missing.
    pub fn awaited(
        stand_in: &PemPair,
        challenges: Arc<dyn Challenges>,
    ) -> Result<Arc<Self>, CertificateError> {
        let certificate = Self::of(stand_in.read()?)?;
        certificate.is_over();
        Ok(Arc::new(Self { answerer: Some(Answerer::new(challenges)), ..certificate }))
    }

    /// Shows another one to new connections. Where it is no pair, what was shown stays.
    pub fn show(&self, pair: &PemPair) -> Result<(), CertificateError> {
        self.replace(pair.read()?);
        Ok(())
    }

    /// What is shown is worth nothing to clients, or nothing any more: `/readyz` says so until another is shown.
    pub fn is_over(&self) {
        self.judge(false);
    }

    /// Says whether clients can do something with what is shown.
    pub(super) fn judge(&self, is_fit: bool) {
        self.is_fit.store(is_fit, Ordering::Relaxed);
    }

    /// Whether clients can do something with what is shown, as far as is known.
    pub(crate) fn is_fit(&self) -> bool {
        self.is_fit.load(Ordering::Relaxed)
    }

    pub(super) fn replace(&self, pair: CertifiedKey) {
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(pair);
        self.judge(true);
    }
}

/// What TLS is with us, whatever is shown.
pub(super) fn config(shown: Arc<dyn ResolvesServerCert>) -> Result<ServerConfig, CertificateError> {
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_protocol_versions(&[&TLS13, &TLS12]).map_err(CertificateError::NoTls)?;
    Ok(builder.with_no_client_auth().with_cert_resolver(shown))
}

/// What two PEM texts hold, with the places that they come from for those who have to mend them.
pub(super) fn parsed(
    certificate: &[u8],
    certificate_place: &str,
    key: &[u8],
    key_place: &str,
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), CertificateError> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(certificate).collect();
    let chain = chain.ok().filter(|chain| !chain.is_empty());
    let chain = chain.ok_or_else(|| CertificateError::NoCertificate(certificate_place.to_owned()))?;
    let key =
        PrivateKeyDer::from_pem_slice(key).map_err(|_| CertificateError::NoKey(key_place.to_owned()))?;
    Ok((chain, key))
}

/// The same, if the key is the certificate's.
pub(super) fn pair(
    certificate: &[u8],
    certificate_place: &str,
    key: &[u8],
    key_place: &str,
) -> Result<CertifiedKey, CertificateError> {
    let (chain, key) = parsed(certificate, certificate_place, key, key_place)?;
    CertifiedKey::from_der(chain, key, &aws_lc_rs::default_provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => CertificateError::Mismatch {
            certificate: certificate_place.to_owned(),
            key: key_place.to_owned(),
        },
        error => CertificateError::Unfit(certificate_place.to_owned(), error),
    })
}

/// The connection with TLS on it; `None`, and closed, where its client can't speak that. How long it may take is the
/// caller's business.
pub(super) async fn accept(stream: TcpStream, certificate: &Certificate) -> Option<TlsStream<TcpStream>> {
    let mut first = [0];
    stream.peek(&mut first).await.ok()?;
    match first {
        [HANDSHAKE] => handshake(stream, certificate)
            .await
            .inspect_err(|error| tracing::debug!(%error, "a TLS handshake failed"))
            .ok()
            .flatten(),
        // Methods of HTTP are upper case.
        [b'A'..=b'Z'] => {
            let _ = timeout(PLAIN_TIME, tell_to_use_https(stream)).await;
            None
        }
        _ => None,
    }
}

async fn handshake(stream: TcpStream, certificate: &Certificate) -> io::Result<Option<TlsStream<TcpStream>>> {
    let begun = LazyConfigAcceptor::new(Acceptor::default(), stream).await?;
    let asked = challenges::asked(&begun.client_hello());
    let answer = match (asked, &certificate.answerer) {
        (Some(domain), Some(answerer)) => answerer.answer(&domain).await,
        _ => None,
    };
    let Some(answer) = answer else { return begun.into_stream(Arc::clone(&certificate.tls)).await.map(Some) };
    // RFC 8737 §3: the handshake is all of it.
    begun.into_stream(Arc::new(answer)).await?.shutdown().await?;
    Ok(None)
}

async fn tell_to_use_https(mut stream: TcpStream) -> io::Result<()> {
    stream.write_all(USE_HTTPS).await?;
    stream.shutdown().await?;
    // A connection closed on unread bytes is reset, and the reset overtakes the answer.
    tokio::io::copy(&mut stream.take(MAX_PLAIN_BYTES), &mut tokio::io::sink()).await?;
    Ok(())
}
