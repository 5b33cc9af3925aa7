//! TLS from files, as an operator sets it up: a certificate of an authority that clients trust, renewed in place.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{path::PathBuf, process::Command, time::Duration};

use e2e::{Installation, Run};
use reqwest::Client;
use testkit::missing;

/// The files are looked at every few seconds; what is not seen by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);

/// In seconds.
const HOUR: u64 = 3600;

/// An authority, and what it issues, in an installation's folder.
struct Authority<'a> {
    openssl: PathBuf,
    installation: &'a Installation,
}

impl<'a> Authority<'a> {
    fn new(installation: &'a Installation) -> Option<Self> {
        let authority = Self { openssl: missing::need("openssl")?, installation };
        authority.run("req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.crt");
        std::fs::write(installation.path("names"), "subjectAltName=IP:127.0.0.1,DNS:localhost").unwrap();
        Some(authority)
    }

    fn run(&self, arguments: &str) {
        let mut command = Command::new(&self.openssl);
        command.args(arguments.split(' ')).current_dir(self.installation.path(""));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Makes tls.crt and tls.key, each put in its place when it is whole.
    fn issue(&self) {
        self.run("req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=sealock -keyout new.key -out new.csr");
        self.run("x509 -req -in new.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile names -out new.crt");
        for file in ["crt", "key"] {
            let path = |name| self.installation.path(&format!("{name}.{file}"));
            std::fs::rename(path("new"), path("tls")).unwrap();
        }
    }

    /// A client that trusts nobody but this authority.
    fn client(&self) -> Client {
        let root = std::fs::read(self.installation.path("ca.crt")).unwrap();
        let root = reqwest::Certificate::from_pem(&root).unwrap();
        Client::builder().no_proxy().tls_certs_only([root]).tls_info(true).build().unwrap()
    }
}

const TLS: [&str; 4] = ["--tls-cert", "tls.crt", "--tls-key", "tls.key"];

/// The certificate that a client of `run` is shown, once it has checked it.
async fn shown(client: &Client, run: &Run) -> Vec<u8> {
    let answer = client.get(format!("https://{}/healthz", run.host)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.extensions().get::<reqwest::tls::TlsInfo>().unwrap().peer_certificate().unwrap().to_vec()
}

#[tokio::test]
async fn clients_log_in_over_tls_and_a_renewed_certificate_is_shown_without_a_restart() {
    let installation = Installation::new();
    let Some(authority) = Authority::new(&installation) else { return };
    authority.issue();
    let run = installation.start(&TLS).await.ready();
    assert!(run.stdout.ends_with(&format!("Sealock is ready at https://{}\n", run.host)), "{run}");

    let client = authority.client();
    let challenge = client.get(format!("https://{}/v2/", run.host)).send().await.unwrap();
    let challenge = challenge.headers()["www-authenticate"].to_str().unwrap().to_owned();
    assert!(challenge.contains(&format!("realm=\"https://{}/auth/token\"", run.host)), "{challenge}");
    let bearer = client.get(format!("https://{}/auth/token?service=sealock", run.host));
    let bearer = bearer.basic_auth("admin", run.password()).send().await.unwrap();
    assert_eq!(bearer.status(), 200);

    let first = shown(&client, &run).await;
    authority.issue();
    let renewed = async {
        // Each asks on a connection of its own.
        while shown(&authority.client(), &run).await == first {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(PATIENCE, renewed).await.expect("the renewed certificate is shown");
    assert_eq!(shown(&client, &run).await, first, "the connection that was there lives on");
    run.stop().await;
}

#[tokio::test]
async fn the_files_are_read_again_when_the_operator_says_so() {
    let installation = Installation::new();
    let Some(authority) = Authority::new(&installation) else { return };
    authority.issue();
    let run = installation.start(&TLS).await.ready();
    run.signal("HUP").await;
    run.logs("the TLS certificate was read again").await;
    shown(&authority.client(), &run).await;
    run.stop().await;
}

#[tokio::test]
async fn a_certificate_is_spoken_of_before_its_end_and_when_it_is_over() {
    let Some(installation) = Installation::with_clock() else { return };
    let Some(authority) = Authority::new(&installation) else { return };
    // For two days, the last eight hours of which are the last sixth.
    authority.issue();
    let run = installation.start(&TLS).await.ready();
    installation.move_clock(39 * HOUR);
    shown(&authority.client(), &run).await;
    assert!(!run.log().contains("the TLS certificate in"), "{run}");
    installation.move_clock(41 * HOUR);
    run.logs("the TLS certificate in tls.crt ends on ").await;
    installation.move_clock(49 * HOUR);
    run.logs("the TLS certificate in tls.crt is over since ").await;
    let ready = authority.client().get(format!("https://{}/readyz", run.host)).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    assert!(
        ready
            .text()
            .await
            .unwrap()
            .contains("certificate: there is none that clients accept yet, or it is over")
    );
    run.stop().await;
}

#[tokio::test]
async fn a_certificate_with_anothers_key_stops_the_start_and_says_so() {
    let installation = Installation::new();
    let Some(authority) = Authority::new(&installation) else { return };
    authority.issue();
    let refused = installation.start(&["--tls-cert", "tls.crt", "--tls-key", "ca.key"]).await;
    assert!(!refused.is_ready, "{refused}");
    let says = "the key in ca.key does not belong to the first certificate in tls.crt";
    assert!(refused.to_string().contains(says), "{refused}");
    assert!(!installation.path("sealock-data").exists(), "nothing was made");
}
