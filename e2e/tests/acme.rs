//! Certificates by ACME, of the released binary, from a real issuer (Let's Encrypt's pebble) on this machine.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{net::SocketAddr, process::Stdio, time::Duration};

use e2e::{Installation, Pebble, Run};
use reqwest::tls::TlsInfo;
use testkit::{missing, postgres::Postgres, tampering::tamper_with};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

const NAMES: &str = "registry.sealock.test,registry.example.test";
const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;
/// For an order, and for a look at the clock every 20 s before it, on a busy machine.
const ORDER_PATIENCE: Duration = Duration::from_secs(90);
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// The options of a server at `host` that orders from `pebble`.
fn options(pebble: &Pebble, host: &str, names: &str) -> Vec<String> {
    let (name, port) = (names.split(',').next().unwrap(), host.rsplit(':').next().unwrap());
    let options: [(&str, &str); 5] = [
        ("--acme-domains", names),
        ("--acme-directory", &pebble.directory),
        ("--acme-ca-file", &pebble.ca_file()),
        ("--acme-email", "ada@sealock.test"),
        ("--public-urls", &format!("https://{name}:{port}")),
    ];
    options.iter().flat_map(|(flag, value)| [(*flag).to_owned(), (*value).to_owned()]).collect()
}

fn borrowed(options: &[String]) -> Vec<&str> {
    options.iter().map(String::as_str).collect()
}

/// Where a server lives that has a clock to be moved, an issuer that asks there, and the options to order from it.
async fn house_and_issuer() -> Option<(Installation, Pebble, Vec<String>)> {
    let house = Installation::with_clock()?;
    let pebble = Pebble::that_asks(&house.host).await?;
    let options = options(&pebble, &house.host, NAMES);
    Some((house, pebble, options))
}

/// A client that trusts `root` alone, and for whom `name` is the server at `host`.
fn client(root: &str, name: &str, host: &str) -> (reqwest::Client, String) {
    let address: SocketAddr = host.parse().unwrap();
    let root = reqwest::Certificate::from_pem(root.as_bytes()).unwrap();
    let http =
        reqwest::Client::builder().no_proxy().tls_certs_only([root]).tls_info(true).resolve(name, address);
    (http.build().unwrap(), format!("https://{name}:{}", address.port()))
}

/// The certificate that `run` shows to a client who trusts the issuer, once it does and it is not `before`.
async fn certificate(pebble: &Pebble, run: &Run, name: &str, before: Option<&[u8]>) -> Vec<u8> {
    let root = pebble.root().await;
    let shown = async {
        loop {
            // A client of its own for each look: one that has a connection goes on with what that was shown.
            let (http, url) = client(&root, name, &run.host);
            if let Ok(answer) = http.get(format!("{url}/readyz")).send().await {
                let shown = answer.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
                let shown = shown.expect("TLS").to_vec();
                if before != Some(&shown) {
                    assert_eq!(answer.text().await.unwrap(), "ready\n");
                    return shown;
                }
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    let shown = tokio::time::timeout(ORDER_PATIENCE, shown).await;
    shown.unwrap_or_else(|_| panic!("no (other) certificate: {run}\npebble: {}", pebble.log()))
}

/// A connection that is kept open, by `openssl s_client`.
struct KeptOpen {
    _child: Child,
    input: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl KeptOpen {
    async fn to(host: &str, name: &str, root: &std::path::Path) -> Option<Self> {
        let openssl = missing::need("openssl")?;
        let mut child = Command::new(openssl)
            .args(["s_client", "-quiet", "-verify_return_error", "-connect", host, "-servername", name])
            .args(["-verify_hostname", name, "-CAfile"])
            .arg(root)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        Some(Self { _child: child, input, lines: BufReader::new(output).lines() })
    }

    /// The status line that the server answers on this connection.
    async fn asks(&mut self) -> Option<String> {
        let request = b"HEAD /healthz HTTP/1.1\r\nHost: registry.sealock.test\r\n\r\n";
        self.input.write_all(request).await.ok()?;
        let status = self.lines.next_line().await.ok()??;
        while !self.lines.next_line().await.ok()??.trim().is_empty() {}
        Some(status)
    }
}

#[tokio::test]
async fn a_certificate_is_ordered_kept_over_a_restart_and_renewed_without_dropping_a_connection() {
    let Some((house, pebble, options)) = house_and_issuer().await else { return };
    let options = borrowed(&options);

    let run = house.start(&options).await.ready();
    let first = certificate(&pebble, &run, "registry.sealock.test", None).await;
    assert_eq!(certificate(&pebble, &run, "registry.example.test", None).await, first);
    assert_eq!(pebble.issued(), 1);
    run.stop().await;

    let run = house.start(&options).await.ready();
    assert_eq!(certificate(&pebble, &run, "registry.sealock.test", None).await, first);
    house.move_clock(59 * DAY);
    assert_eq!(certificate(&pebble, &run, "registry.sealock.test", None).await, first);
    assert_eq!(pebble.issued(), 1, "a restart orders nothing");

    let root = house.path("root.pem");
    std::fs::write(&root, pebble.root().await).unwrap();
    let Some(mut kept) = KeptOpen::to(&house.host, "registry.sealock.test", &root).await else { return };
    assert_eq!(kept.asks().await.as_deref(), Some("HTTP/1.1 200 OK"), "{run}");
    house.move_clock(61 * DAY);
    let second = certificate(&pebble, &run, "registry.sealock.test", Some(&first)).await;
    assert_ne!(second, first);
    assert_eq!(kept.asks().await.as_deref(), Some("HTTP/1.1 200 OK"), "{run}");
    assert_eq!(pebble.issued(), 2);
    run.stop().await;
}

#[tokio::test]
async fn what_was_damaged_in_the_database_stops_no_start_and_is_ordered_anew() {
    let Some((house, pebble, options)) = house_and_issuer().await else { return };
    let options = borrowed(&options);
    let run = house.start(&options).await.ready();
    let first = certificate(&pebble, &run, "registry.sealock.test", None).await;
    run.stop().await;

    let database = house.path("sealock-data/sealock.db");
    for statement in
        ["UPDATE certificates SET sealed_key = x'00'", "UPDATE certificate_accounts SET sealed = x'00'"]
    {
        tamper_with(&database, statement).await;
    }
    let run = house.start(&options).await.ready();
    assert!(run.log().contains("the certificate that is kept in the database can't be shown"), "{run}");
    // Whatever became of a certificate, its successor is not ordered within the hour.
    house.move_clock(2 * HOUR);
    let second = certificate(&pebble, &run, "registry.sealock.test", None).await;
    assert_ne!(second, first);
    assert!(run.log().contains("our account at the ACME server is damaged"), "{run}");
    assert_eq!(pebble.issued(), 2);
    run.stop().await;
}

#[tokio::test]
async fn a_replica_answers_for_another_ones_order_and_shows_what_came_of_it() {
    let Some(cluster) = Postgres::own() else { return };
    let house = Installation::new();
    std::fs::write(house.path("key"), "5e".repeat(32)).unwrap();
    let Some(pebble) = Pebble::that_asks(&house.host).await else { return };
    let database = cluster.database().await;
    let replica = |host: &str, names: &str| {
        let mut all = options(&pebble, host, names);
        all.extend(["--database", &database, "--key-file", "key"].map(str::to_owned));
        all
    };
    // The issuer looks at the port of this one, which orders for another name itself.
    let asked = house.start(&borrowed(&replica(&house.host, "other.sealock.test"))).await.ready();
    certificate(&pebble, &asked, "other.sealock.test", None).await;

    let orders = house.start_beside(&borrowed(&replica(&house.host, NAMES))).await.ready();
    let ordered = certificate(&pebble, &orders, "registry.sealock.test", None).await;
    let third = house.start_beside(&borrowed(&replica(&house.host, NAMES))).await.ready();
    assert_eq!(certificate(&pebble, &third, "registry.sealock.test", None).await, ordered);
    assert_eq!(pebble.issued(), 2, "one for each set of names");
    for run in [asked, orders, third] {
        run.stop().await;
    }
}

#[tokio::test]
async fn an_order_that_fails_is_told_in_the_issuers_words_and_not_tried_again_at_once() {
    let house = Installation::new();
    // Where the issuer looks nobody listens.
    let Some(pebble) = Pebble::that_asks("127.0.0.1:9").await else { return };
    let options = options(&pebble, &house.host, NAMES);
    let run = house.start(&borrowed(&options)).await.ready();
    let failed = async {
        while !run.log().contains("no certificate came of the order") {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    tokio::time::timeout(ORDER_PATIENCE, failed).await.unwrap_or_else(|_| panic!("{run}"));
    let log = run.log();
    for said in
        ["registry.sealock.test: the ACME server says: Failed to connect", "(urn:ietf:params:acme:error:"]
    {
        assert!(log.contains(said), "{said}: {log}");
    }

    // Who looks without asking who answers is told what is missing.
    let http = reqwest::Client::builder().no_proxy().tls_danger_accept_invalid_certs(true).build().unwrap();
    let ready = http.get(format!("https://{}/readyz", run.host)).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    assert!(ready.text().await.unwrap().contains("certificate: there is none that clients accept yet"));
    assert_eq!(http.get(format!("https://{}/healthz", run.host)).send().await.unwrap().status(), 200);
    // A client that asks does not take the stand-in.
    let (http, url) = client(&pebble.root().await, "registry.sealock.test", &run.host);
    assert!(http.get(format!("{url}/healthz")).send().await.is_err());
    run.stop().await;

    let run = house.start(&borrowed(&options)).await.ready();
    let told = async {
        while !run.log().contains("there is no certificate yet") {
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
    };
    tokio::time::timeout(ORDER_PATIENCE, told).await.unwrap_or_else(|_| panic!("{run}"));
    assert!(!run.log().contains("ordering a certificate"), "a restart does not hasten it: {run}");
    run.stop().await;
}
