//! An ACME server of the test's own: Let's Encrypt's pebble, with a DNS in which every name is this machine.

use std::{path::PathBuf, time::Duration};

use serde_json::json;
use testkit::watchdog::Watchdog;

use crate::{programs, server::free_address};

/// From the start to the first answer.
const START_PATIENCE: Duration = Duration::from_secs(30);
const START_INTERVAL: Duration = Duration::from_millis(50);
/// How long its certificates are valid.
const LIFETIME_SECONDS: u64 = 90 * 24 * 3600;

/// Runs the DNS ($2, at $3, told what to do at $4) and pebble ($5) in the folder $1, until the holder goes. Authorizations
/// are asked for each time, at once, and no nonce is refused for fun.
const KEEPER: &str = r#"cd "$1" || exit
"$2" -dnsserver "$3" -management "$4" -defaultIPv4 127.0.0.1 -defaultIPv6 "" \
    -http01 "" -https01 "" -tlsalpn01 "" -doh "" >dns.log 2>&1 </dev/null &
dns=$!
export PEBBLE_VA_NOSLEEP=1 PEBBLE_AUTHZREUSE=0 PEBBLE_WFE_NONCEREJECT=0
"$5" -config pebble.json -dnsserver "$3" >pebble.log 2>&1 </dev/null &
pebble=$!
cat
kill $dns $pebble
wait
rm -rf "$PWD""#;

/// A running pebble. Gone with its folder when dropped, and when the test process ends.
#[derive(Debug)]
pub struct Pebble {
    /// Its directory.
    pub directory: String,
    folder: PathBuf,
    root_url: String,
    http: reqwest::Client,
    _keeper: Watchdog,
}

impl Pebble {
    /// One that looks for what proves control of a name at `challenged` (`127.0.0.1:PORT`), where the world's look at
    /// port 443. `None` (and "skipped", but a failure in CI) where pebble is missing.
    ///
    /// # Panics
    /// With its log, where it does not start.
    pub async fn that_asks(challenged: &str) -> Option<Self> {
        let programs = [programs::need("pebble-challtestsrv")?, programs::need("pebble")?];
        let folder = tempfile::Builder::new().prefix("sealock-pebble-").tempdir().expect("a folder").keep();
        let [listen, management, dns, dns_management] = std::array::from_fn(|_| free_address());
        let own = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
        let write = |name: &str, text: String| std::fs::write(folder.join(name), text).expect("a file");
        write("own.pem", own.cert.pem());
        write("own.key", own.signing_key.serialize_pem());
        let port: u16 = challenged.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port");
        let config = json!({ "pebble": {
            "listenAddress": listen, "managementListenAddress": management,
            "certificate": "own.pem", "privateKey": "own.key", "tlsPort": port, "keyAlgorithm": "ecdsa",
            "profiles": { "default": { "description": "the only one", "validityPeriod": LIFETIME_SECONDS } },
        }});
        write("pebble.json", config.to_string());
        let [dns_program, pebble] = programs.map(|program| program.display().to_string());
        let arguments = [folder.display().to_string(), dns_program, dns, dns_management, pebble];
        let root = reqwest::Certificate::from_pem(own.cert.pem().as_bytes()).expect("a certificate");
        let http = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build();
        let server = Self {
            directory: format!("https://{listen}/dir"),
            root_url: format!("https://{management}/roots/0"),
            http: http.expect("an HTTP client"),
            _keeper: Watchdog::start(KEEPER, arguments),
            folder,
        };
        server.wait_until_it_answers().await;
        Some(server)
    }

    async fn wait_until_it_answers(&self) {
        let answers = async {
            while self.http.get(&self.directory).send().await.is_err() {
                tokio::time::sleep(START_INTERVAL).await;
            }
        };
        let answered = tokio::time::timeout(START_PATIENCE, answers).await;
        answered.unwrap_or_else(|_| panic!("pebble does not start:\n{}", self.log()));
    }

    /// The file with the certificate by which pebble's own server is known: `acme_ca_file`.
    pub fn ca_file(&self) -> String {
        self.folder.join("own.pem").display().to_string()
    }

    /// The root of the certificates that it issues, in PEM; another one each time that it starts.
    pub async fn root(&self) -> String {
        let answer = self.http.get(&self.root_url).send().await.expect("the root's address answers");
        answer.text().await.expect("the root")
    }

    /// How many certificates it has issued.
    pub fn issued(&self) -> usize {
        self.log().matches("Issued certificate serial").count()
    }

    /// What it has printed so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("pebble.log")).unwrap_or_default()
    }
}
