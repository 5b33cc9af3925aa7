//! TLS-ALPN-01 (RFC 8737): an issuer is shown a proof, everybody else the certificate.

use std::{
    future::Future,
    path::{Path, PathBuf},
    pin::Pin,
    sync::Arc,
};

use testkit::{Engine, TestServer, listener::Listener, missing};
use tokio::process::Command;
use web::{Certificate, Challenges, Limits, PemPair};

use crate::self_signed;

/// The extension of RFC 8737 §3, with a digest of zeros; a critical one, which only issuers know.
const PROOF: &str = "1.3.6.1.5.5.7.1.31=critical,DER:\
    04:20:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00";

/// What other certificates say of themselves.
const SERVER: &str = "extendedKeyUsage=serverAuth";

/// What `openssl` makes for `name`, with one more extension.
fn pair(openssl: &Path, name: &str, extension: &str) -> PemPair {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("crt"), folder.path().join("key"));
    let also_called = format!("subjectAltName=DNS:{name}.example");
    self_signed::make(openssl, name, &[&also_called, extension], &certificate, &key);
    let read = |path| std::fs::read_to_string(path).unwrap();
    PemPair { chain: read(certificate), key: read(key).into() }
}

/// One name is being proved.
struct OneOrder {
    openssl: PathBuf,
}

impl Challenges for OneOrder {
    fn certificate_for<'a>(
        &'a self,
        domain: &'a str,
    ) -> Pin<Box<dyn Future<Output = Option<PemPair>> + Send + 'a>> {
        Box::pin(async move { (domain == "registry.example").then(|| pair(&self.openssl, "proof", PROOF)) })
    }
}

/// What a client is shown that says `alpn` and asks for `name`: both outputs of `openssl s_client`.
async fn shown(openssl: &PathBuf, server: &Listener, alpn: &str, name: &str) -> String {
    let client = Command::new(openssl)
        .args(["s_client", "-connect", &server.host, "-alpn", alpn, "-servername", name])
        .stdin(std::process::Stdio::null())
        .output()
        .await
        .unwrap();
    String::from_utf8_lossy(&[client.stdout, client.stderr].concat()).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_whoever_offers_nothing_but_the_challenge_is_shown_the_proof() {
    let Some(openssl) = missing::need("openssl") else { return };
    let t = TestServer::on(Engine::Sqlite).await;
    let order = Arc::new(OneOrder { openssl: openssl.clone() });
    let certificate = Certificate::awaited(&pair(&openssl, "stand-in", SERVER), order).unwrap();
    let server = t.listener(Limits::default(), Some(Arc::clone(&certificate))).await;
    for (alpn, name, expected) in [
        ("acme-tls/1", "registry.example", "CN = proof"),
        ("acme-tls/1,http/1.1", "registry.example", "CN = stand-in"),
        ("http/1.1", "registry.example", "CN = stand-in"),
        // RFC 7301 §3.2: nobody speaks that here.
        ("acme-tls/1", "other.example", "no application protocol"),
    ] {
        let shown = shown(&openssl, &server, alpn, name).await.replace("CN=", "CN = ");
        assert!(shown.contains(expected), "{alpn} {name}: {shown}");
        assert_eq!(shown.contains("CN = proof"), expected == "CN = proof", "{alpn} {name}: {shown}");
    }
    certificate.show(&pair(&openssl, "issued", SERVER)).unwrap();
    assert!(shown(&openssl, &server, "http/1.1", "registry.example").await.contains("issued"));
    let broken = PemPair { chain: "no certificate".to_owned(), key: String::new().into() };
    assert!(certificate.show(&broken).unwrap_err().to_string().contains("the database holds no certificate"));
    assert!(shown(&openssl, &server, "http/1.1", "registry.example").await.contains("issued"), "it stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stand_in_and_a_certificate_that_is_over_are_said_by_readyz() {
    let Some(openssl) = missing::need("openssl") else { return };
    let t = TestServer::on(Engine::Sqlite).await;
    let order = Arc::new(OneOrder { openssl: openssl.clone() });
    let certificate = Certificate::awaited(&pair(&openssl, "stand-in", SERVER), order).unwrap();
    let server = t.listener(Limits::default(), Some(Arc::clone(&certificate))).await;
    let http = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build().unwrap();
    let readyz = async || {
        let answer = http.get(format!("https://{}/readyz", server.host)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    const NOT_READY: &str = "not ready\ncertificate: there is none that clients accept yet, or it is over\n";
    assert_eq!(readyz().await, (503, NOT_READY.to_owned()));
    certificate.show(&pair(&openssl, "issued", SERVER)).unwrap();
    assert_eq!(readyz().await, (200, "ready\n".to_owned()));
    certificate.is_over();
    assert_eq!(readyz().await, (503, NOT_READY.to_owned()));
}
