//! TLS from files, which change while the server runs.

use std::{
    error::Error,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use access::time::{Clock, Instant, Length};

use reqwest::{Client, ClientBuilder, Response, Version, tls};
use tempfile::TempDir;
use testkit::{Engine, TestServer, clock::ManualClock, listener::Listener, missing};
use web::{CertificateError, CertificateFiles, Limits};

use crate::{
    bytes::{Bytes, HEALTHZ, NEVER, SOON},
    self_signed,
};

/// A name that leads to the test's server.
const NAME: &str = "registry.example.com";

/// A folder with pairs that `openssl` made.
struct Pairs {
    openssl: PathBuf,
    folder: TempDir,
}

impl Pairs {
    fn new() -> Option<Self> {
        Some(Self { openssl: missing::need("openssl")?, folder: tempfile::tempdir().unwrap() })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes NAME.crt and NAME.key.
    fn make(&self, name: &str) -> (PathBuf, PathBuf) {
        self.make_for(2, name)
    }

    /// The same, valid for so many days.
    fn make_for(&self, days: u32, name: &str) -> (PathBuf, PathBuf) {
        let (certificate, key) = (self.path(&format!("{name}.crt")), self.path(&format!("{name}.key")));
        let called = format!("subjectAltName=DNS:{NAME}");
        self_signed::make_for(days, &self.openssl, name, &[&called], &certificate, &key);
        (certificate, key)
    }

    /// Puts a pair in the place of another, as one renames files that are complete.
    fn replace(&self, old: &(PathBuf, PathBuf), new: &(PathBuf, PathBuf)) {
        std::fs::rename(&new.0, &old.0).unwrap();
        std::fs::rename(&new.1, &old.1).unwrap();
    }
}

/// A client that takes any certificate and remembers which one it was: who issued it is not this test's business.
fn client(server: &Listener) -> ClientBuilder {
    let address: SocketAddr = server.host.parse().unwrap();
    Client::builder().no_proxy().resolve(NAME, address).tls_danger_accept_invalid_certs(true).tls_info(true)
}

/// What the files hold, by a clock for which it is new.
fn load(certificate: &Path, key: &Path) -> Result<Arc<CertificateFiles>, CertificateError> {
    CertificateFiles::load(certificate, key, Arc::new(ManualClock::default()))
}

async fn healthz(client: &Client, server: &Listener) -> Response {
    let port = server.host.rsplit_once(':').unwrap().1;
    client.get(format!("https://{NAME}:{port}/healthz")).send().await.unwrap()
}

/// The certificate that was shown, in DER.
fn shown(response: &Response) -> Vec<u8> {
    let info = response.extensions().get::<tls::TlsInfo>().unwrap();
    info.peer_certificate().unwrap().to_vec()
}

async fn shown_to_a_newcomer(server: &Listener) -> Vec<u8> {
    shown(&healthz(&client(server).build().unwrap(), server).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn both_protocols_are_spoken_over_both_versions_of_tls_and_no_older_one() {
    let Some(pairs) = Pairs::new() else { return };
    let (certificate, key) = pairs.make("one");
    let t = TestServer::on(Engine::Sqlite).await;
    let certificate = load(&certificate, &key).unwrap();
    let server = t.listener(Limits::default(), Some(certificate.shown())).await;
    for version in [tls::Version::TLS_1_2, tls::Version::TLS_1_3] {
        let only = || client(&server).tls_version_min(version).tls_version_max(version);
        let answer = healthz(&only().build().unwrap(), &server).await;
        assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_2), "{version:?}");
        // RFC 6797: the name is kept by TLS from now on.
        assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
        let answer = healthz(&only().http1_only().build().unwrap(), &server).await;
        assert_eq!((answer.status().as_u16(), answer.version()), (200, Version::HTTP_11), "{version:?}");
    }
    for old in ["-tls1", "-tls1_1"] {
        let refused = Command::new(&pairs.openssl)
            .args(["s_client", old, "-cipher", "DEFAULT@SECLEVEL=0", "-connect", &server.host])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && said.contains(" alert "), "{old}: {said}");
    }
    let plain = t.anonymous().get("/healthz").await.is(200);
    assert_eq!(plain.header("strict-transport-security"), "", "not in the clear (RFC 6797 §7.2)");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_pair_is_shown_to_newcomers_and_no_connection_is_dropped() {
    let Some(pairs) = Pairs::new() else { return };
    let old = pairs.make("old");
    let t = TestServer::on(Engine::Sqlite).await;
    let certificate = load(&old.0, &old.1).unwrap();
    let server = t.listener(Limits::default(), Some(certificate.shown())).await;
    let kept = client(&server).build().unwrap();
    let before = shown(&healthz(&kept, &server).await);

    pairs.replace(&old, &pairs.make("new"));
    assert_eq!(shown_to_a_newcomer(&server).await, before, "nobody has looked at the files yet");
    certificate.reload().unwrap();
    assert_ne!(shown_to_a_newcomer(&server).await, before);
    // The connection that was there goes on, with what it was shown.
    assert_eq!(shown(&healthz(&kept, &server).await), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_does_not_fit_is_refused_with_the_files_names_and_the_old_one_stays() {
    let Some(pairs) = Pairs::new() else { return };
    let (one, other) = (pairs.make("one"), pairs.make("other"));
    let nothing = pairs.path("nothing");
    std::fs::write(&nothing, "").unwrap();
    for (certificate, key, says) in [
        (&one.0, &other.1, "one.crt; give the pair that was issued together"),
        (&nothing, &one.1, "nothing holds no certificate in PEM"),
        (&one.0, &nothing, "nothing holds no private key in PEM"),
        (&one.1, &one.1, "one.key holds no certificate in PEM"),
        (&one.0, &one.0, "one.crt holds no private key in PEM"),
        (&pairs.path("absent"), &one.1, "absent could not be read: No such file"),
    ] {
        let error = refused(certificate, key);
        assert!(error.source().is_none(), "its cause would be said twice");
        let error = error.to_string();
        assert!(error.contains(says), "{error}");
        assert!(!error.contains("PRIVATE KEY-----"), "{error}");
    }

    let t = TestServer::on(Engine::Sqlite).await;
    let certificate = load(&one.0, &one.1).unwrap();
    let server = t.listener(Limits::default(), Some(certificate.shown())).await;
    let before = shown_to_a_newcomer(&server).await;
    std::fs::rename(&other.0, &one.0).unwrap();
    assert!(matches!(certificate.reload(), Err(CertificateError::Mismatch { .. })));
    assert_eq!(shown_to_a_newcomer(&server).await, before);
    // The second half comes a moment later, as tools that write one file after the other do it.
    std::fs::rename(&other.1, &one.1).unwrap();
    certificate.reload().unwrap();
    assert_ne!(shown_to_a_newcomer(&server).await, before);
}

fn refused(certificate: &Path, key: &Path) -> CertificateError {
    load(certificate, key).err().expect("no pair")
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_speaks_no_tls_is_told_or_closed_and_a_handshake_has_its_deadline() {
    let Some(pairs) = Pairs::new() else { return };
    let (certificate, key) = pairs.make("one");
    let t = TestServer::on(Engine::Sqlite).await;
    let certificate = load(&certificate, &key).unwrap();
    let server = t.listener(Limits { head: NEVER, ..Limits::default() }, Some(certificate.shown())).await;
    let told = Bytes::sent(&server.host, HEALTHZ).await.text_until_its_end().await;
    assert!(told.starts_with("HTTP/1.1 400 ") && told.contains("use https://"), "{told}");
    for garbage in [b"\0\0\0\0".as_slice(), b"\x16\x03\x01\0\x05hello", b"hello\r\n\r\n", b"\xff"] {
        let answer = Bytes::sent(&server.host, garbage).await.text_until_its_end().await;
        assert!(!answer.contains("HTTP"), "{answer}");
    }
    shown_to_a_newcomer(&server).await;

    let server = t.listener(Limits { head: SOON, ..Limits::default() }, Some(certificate.shown())).await;
    for begun in [b"".as_slice(), b"\x16\x03\x01\x02\0\x01"] {
        assert_eq!(Bytes::sent(&server.host, begun).await.text_until_its_end().await, "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_is_over_is_said_by_readyz_until_there_is_another() {
    let Some(pairs) = Pairs::new() else { return };
    let (file, key) = pairs.make("one");
    let t = TestServer::on(Engine::Sqlite).await;
    let clock = Arc::new(ManualClock::default());
    let load = || CertificateFiles::load(&file, &key, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    let certificate = load();
    let server = t.listener(Limits::default(), Some(certificate.shown())).await;
    let client = client(&server).build().unwrap();
    let port = server.host.rsplit_once(':').unwrap().1;
    let readyz = async || {
        let answer = client.get(format!("https://{NAME}:{port}/readyz")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    };
    assert_eq!(readyz().await, (200, "ready\n".to_owned()));
    let new = clock.now();
    clock.set(Instant::LATEST);
    certificate.mind_its_end();
    let over = "not ready\ncertificate: there is none that clients accept yet, or it is over\n";
    assert_eq!(readyz().await, (503, over.to_owned()));
    // Read again, it is no younger.
    certificate.reload().unwrap();
    assert_eq!(readyz().await, (503, over.to_owned()));
    // A clock that was wrong and was set.
    clock.set(new.plus(Length::days(1)));
    certificate.mind_its_end();
    assert_eq!(readyz().await.0, 200);

    clock.set(Instant::LATEST);
    let server = t.listener(Limits::default(), Some(load().shown())).await;
    let port = server.host.rsplit_once(':').unwrap().1;
    let answer = client.get(format!("https://127.0.0.1:{port}/readyz")).send().await.unwrap();
    assert_eq!(answer.status(), 503, "from its first connection on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_is_over_takes_no_place_of_one_that_is_valid() {
    let Some(pairs) = Pairs::new() else { return };
    let (long, short, longest) =
        (pairs.make_for(9, "long"), pairs.make("short"), pairs.make_for(19, "longest"));
    let t = TestServer::on(Engine::Sqlite).await;
    let clock = Arc::new(ManualClock::default());
    let certificate = CertificateFiles::load(&long.0, &long.1, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    let server = t.listener(Limits::default(), Some(certificate.shown())).await;
    let before = shown_to_a_newcomer(&server).await;

    // openssl goes by this machine's clock.
    let made = std::fs::metadata(&short.0).unwrap().modified().unwrap();
    let made = made.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    clock.set(Instant::from_millis(i64::try_from(made).unwrap() * 1000).plus(Length::days(5)));
    pairs.replace(&long, &short);
    let refused = certificate.reload().unwrap_err();
    assert!(matches!(refused, CertificateError::Over(..)), "{refused}");
    for says in ["long.crt is over since ", "the one before it is valid; put another in its place"] {
        assert!(refused.to_string().contains(says), "{refused}");
    }
    certificate.mind_its_end();
    assert_eq!(shown_to_a_newcomer(&server).await, before);
    let port = server.host.rsplit_once(':').unwrap().1;
    let readyz = client(&server).build().unwrap().get(format!("https://{NAME}:{port}/readyz"));
    assert_eq!(readyz.send().await.unwrap().status(), 200);

    pairs.replace(&long, &longest);
    certificate.reload().unwrap();
    assert_ne!(shown_to_a_newcomer(&server).await, before);
}

#[test]
fn a_key_that_anybody_may_read_is_noticed() {
    use std::os::unix::fs::PermissionsExt;
    let Some(pairs) = Pairs::new() else { return };
    let (certificate, key) = pairs.make("one");
    let certificate = load(&certificate, &key).unwrap();
    for (mode, is_open) in [(0o600, false), (0o640, false), (0o644, true), (0o604, true)] {
        std::fs::set_permissions(&key, PermissionsExt::from_mode(mode)).unwrap();
        assert_eq!(certificate.is_key_open_to_anybody(), is_open, "{mode:o}");
    }
}
