//! The released binary, started for one test.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    time::Duration,
};

use testkit::{Engine, postgres::Postgres, watchdog::Watchdog};
use tokio::process::Command;

use crate::{Outcome, clock};

/// The password that the first start reads for `admin`.
pub const ADMIN_PASSWORD: &str = "correct horse battery staple";
/// From its start to the first `GET /healthz` that answers 200, on a busy machine.
const START_PATIENCE: Duration = Duration::from_secs(30);
const HEALTH_INTERVAL: Duration = Duration::from_millis(20);
/// Another process may take the port between its choice and the start.
const START_ATTEMPTS: u32 = 5;

/// Runs `"$@"` in the folder $1; TERM when the holder goes, KILL after 10 s. The folder goes with the holder.
const KEEPER: &str = r#"cd "$1" || exit; shift
exec 3<&0
"$@" >stdout 2>stderr 3<&- </dev/null &
server=$!
(
    cat <&3
    [ -e ended ] || kill -TERM $server
    for tenth in $(seq 100); do
        [ -e ended ] && exit
        sleep 0.1
    done
    kill -KILL $server
) &
wait $server
echo $? >ended
wait
rm -rf "$PWD""#;

/// A running `sealock serve` with a data folder and a database of its own. Stopped (SIGTERM) and gone with its
/// folder when dropped, and when the test process ends, however it ends. A test that fails shows its log.
#[derive(Debug)]
pub struct Sealock {
    /// `127.0.0.1:PORT`, as clients name it.
    pub host: String,
    folder: PathBuf,
    /// What it was told through variables, all but where to listen.
    settings: Settings,
    http: reqwest::Client,
    _keeper: Watchdog,
}

/// Names and values of a server's variables.
pub(crate) type Settings = Vec<(&'static str, String)>;

impl Sealock {
    /// A server on `engine`, that answers `GET /healthz` with 200.
    ///
    /// # Panics
    /// With its log, where it does not start; and where the release binary is missing.
    pub async fn on(engine: Engine) -> Self {
        Self::with(engine, None).await
    }

    /// A server whose clock the test moves ([`Self::move_clock`]): the real one, through libfaketime. `None` (and
    /// "skipped", but a failure in CI) where that is missing.
    pub async fn with_clock(engine: Engine) -> Option<Self> {
        let library = clock::library()?;
        Some(Self::with(engine, Some(&library)).await)
    }

    async fn with(engine: Engine, faketime: Option<&Path>) -> Self {
        let start = async || {
            let folder = new_folder();
            let settings = settings(&folder, engine, faketime).await;
            Self::start(folder, settings)
        };
        Self::healthy(start).await
    }

    /// A second server on the same database, data folder, key file and clock: another replica. Drop it first: what
    /// they share goes with `self`.
    pub async fn replica(&self) -> Self {
        Self::healthy(async || Self::start(new_folder(), self.settings.clone())).await
    }

    async fn healthy(start: impl AsyncFn() -> Self) -> Self {
        let mut log = String::new();
        for _ in 0..START_ATTEMPTS {
            let server = start().await;
            if server.is_healthy().await {
                return server;
            }
            log = server.log();
            if !log.contains("in use") {
                break;
            }
        }
        panic!("sealock does not start:\n{log}");
    }

    fn start(folder: PathBuf, settings: Settings) -> Self {
        let host = free_address();
        let mut arguments = vec![folder.display().to_string(), "env".into(), "-i".into()];
        arguments.push(format!("SEALOCK_LISTEN={host}"));
        arguments.extend(settings.iter().map(|(name, value)| format!("{name}={value}")));
        arguments.extend([binary().display().to_string(), "serve".into()]);
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        Self { host, folder, settings, http, _keeper: Watchdog::start(KEEPER, arguments) }
    }

    /// Sets the server's clock `seconds` ahead of the real one.
    pub fn move_clock(&self, seconds: u64) {
        clock::set(&self.folder, seconds);
    }

    async fn is_healthy(&self) -> bool {
        let answers = async {
            while !self.folder.join("ended").exists() {
                if self.get("/healthz").send().await.is_ok_and(|answer| answer.status() == 200) {
                    return true;
                }
                tokio::time::sleep(HEALTH_INTERVAL).await;
            }
            false
        };
        tokio::time::timeout(START_PATIENCE, answers).await.unwrap_or(false)
    }

    /// A GET of `path` at this server, to be given a credential and sent.
    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.request(reqwest::Method::GET, path)
    }

    /// The same with any method.
    pub fn request(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.host))
    }

    /// The bearer that the token endpoint gives to `name` for `scope`, as docker would ask for it.
    ///
    /// # Panics
    /// With the answer, where it is not 200.
    pub async fn bearer(&self, name: &str, secret: &str, scope: &str) -> String {
        let question = [("service", "sealock"), ("scope", scope)];
        let asked = self.get("/auth/token").query(&question).basic_auth(name, Some(secret)).send().await;
        let answer = asked.expect("an answer of the token endpoint");
        let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
        let body: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
        let bearer = body["token"].as_str().filter(|_| status == 200);
        bearer.unwrap_or_else(|| panic!("no bearer for {name}: {status} {text}")).to_owned()
    }

    /// Runs the client (`sealock ARGUMENTS…`) in a configuration of this server's own.
    pub async fn cli(&self, arguments: &[&str]) -> Outcome {
        self.cli_with_input(arguments, "").await
    }

    /// The same, with `input` on its standard input.
    pub async fn cli_with_input(&self, arguments: &[&str], input: &str) -> Outcome {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(&self.folder).env_clear();
        command.env("HOME", &self.folder).env("SEALOCK_CONFIG_DIR", self.folder.join("client"));
        Outcome::of(command, input).await
    }

    /// Runs an operator's command (`sealock ARGUMENTS…`) where the server runs, with the server's settings and clock.
    pub async fn operator(&self, arguments: &[&str]) -> Outcome {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(&self.folder).env_clear().envs(self.settings.iter().cloned());
        Outcome::of(command, "").await
    }

    /// Logs the client in as the administrator.
    pub async fn log_in_as_admin(&self) {
        self.log_in("admin", ADMIN_PASSWORD).await;
    }

    /// Logs the client in with a login name and a password or a token's secret.
    pub async fn log_in(&self, name: &str, secret: &str) {
        let arguments = ["login", &self.host, "-u", name, "--password-stdin"];
        self.cli_with_input(&arguments, secret).await.succeeded();
    }

    /// Makes a service token through the client, which must be logged in; gives its secret.
    pub async fn token(&self, namespace: &str, name: &str, options: &[&str]) -> String {
        let arguments = [&["token", "create", namespace, name, "-o", "json"], options].concat();
        let made = self.cli(&arguments).await.json();
        made["secret"].as_str().unwrap_or_else(|| panic!("no secret in {made}")).to_owned()
    }

    /// What the server has printed so far, on both outputs.
    pub fn log(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.folder.join(name)).unwrap_or_default();
        read("stdout") + &read("stderr")
    }
}

impl Drop for Sealock {
    #[allow(clippy::print_stderr)] // The test harness shows it below the failure, and only there.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("---- the server's log\n{}----", self.log());
        }
    }
}

/// A folder that the keeper removes.
fn new_folder() -> PathBuf {
    tempfile::Builder::new().prefix("sealock-e2e-").tempdir().expect("a folder").keep()
}

/// The settings of a server whose data are in `folder`, with a database of its own.
pub(crate) async fn settings(folder: &Path, engine: Engine, faketime: Option<&Path>) -> Settings {
    let password = folder.join("admin-password");
    std::fs::write(&password, ADMIN_PASSWORD).expect("the password's file");
    // PostgreSQL wants a key file that is there already: replicas must not each make their own.
    let key = folder.join("key");
    std::fs::write(&key, "5e".repeat(32)).expect("the key file");
    let mut settings = vec![
        ("PATH", std::env::var("PATH").unwrap_or_default()),
        ("SEALOCK_DATA_DIR", folder.join("data").display().to_string()),
        ("SEALOCK_KEY_FILE", key.display().to_string()),
        ("SEALOCK_ADMIN_PASSWORD_FILE", password.display().to_string()),
    ];
    if engine == Engine::Postgres {
        let cluster = Postgres::shared().expect("#[both_engines] skips where there is no PostgreSQL");
        settings.push(("SEALOCK_DATABASE", cluster.database().await));
    }
    if let Some(library) = faketime {
        settings.extend(clock::settings(folder, library));
    }
    settings
}

/// The released binary of this workspace: `target/release/sealock`, or under `CARGO_TARGET_DIR`.
pub(crate) fn binary() -> PathBuf {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
    let binary = workspace.join(target).join("release/sealock");
    let found = binary.canonicalize();
    found.unwrap_or_else(|_| panic!("no {} here; ./dev/test builds it first", binary.display()))
}

pub(crate) fn free_address() -> String {
    let address = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    address.expect("a free loopback port").to_string()
}
