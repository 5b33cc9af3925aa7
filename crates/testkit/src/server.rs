//! A whole server in the test's process: the real router on a real socket, with a clock and randomness of the test's.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use access::{
    randomness::Randomness,
    time::{Clock, Instant},
};
use registry::{
    Certificates, CheckError, Checked, CommitWatch, DatabaseLocation, Db, DbOptions, Disk, FileStore,
    HowToCheck, KeyFile, Memory, Password, Problem, Registry, Swept,
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use web::{App, Certificate, Limits, PublicUrl, PublicUrls, TrustedProxies, TrustedProxy};

use crate::{
    Actor, Answer, Engine, Faults, Listener, clock::ManualClock, postgres::Postgres,
    randomness::SeededRandomness, tampering,
};

/// The password of the user `admin` of every test server.
pub const ADMIN_PASSWORD: &str = "correct horse battery";

/// A server of the test's own; it stops when this is dropped.
pub struct TestServer {
    /// Its authority, such as `127.0.0.1:40123`.
    pub host: String,
    /// Its clock, which stands still until the test moves it.
    pub clock: Arc<ManualClock>,
    /// Where its database is, for a second server on the same.
    pub database: DatabaseLocation,
    folder: Arc<tempfile::TempDir>,
    http: reqwest::Client,
    app: App,
    listener: Listener,
    /// What operators' commands have, from a seed that no server has: two must not mint the same.
    operator_random: Arc<SeededRandomness>,
}

/// What lasts of a server, opened.
struct Store {
    database: DatabaseLocation,
    folder: Arc<tempfile::TempDir>,
    db: Db,
    blobs: FileStore,
}

impl Store {
    async fn open(
        database: DatabaseLocation,
        folder: Arc<tempfile::TempDir>,
        random: &Arc<dyn Randomness>,
    ) -> Self {
        let blobs = FileStore::open(&folder.path().join("blobs"), Arc::clone(random)).expect("a blob store");
        let db = Db::open(&database, DbOptions::default()).await.expect("a database");
        Self { database, folder, db, blobs }
    }
}

/// What stands between a server and its clients; by default nothing.
#[derive(Default)]
struct Front<'a> {
    proxies: Vec<&'a str>,
    public_url: Option<PublicUrl>,
    /// What requests may hold in memory, if it is not what a server allows.
    memory: Option<Memory>,
}

/// A service token with its secret.
#[derive(Debug, Clone)]
pub struct ServiceToken {
    /// Its id.
    pub id: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name, which is its login name.
    pub name: String,
    /// Its secret.
    pub secret: String,
}

impl TestServer {
    /// A fresh server on a database and a data folder of its own, with the user `admin`.
    pub async fn on(engine: Engine) -> Self {
        match engine {
            Engine::Sqlite => {
                let folder = Arc::new(tempfile::tempdir().expect("a folder"));
                let database = DatabaseLocation::Sqlite { path: folder.path().join("sealock.db") };
                Self::start(database, folder, Arc::default(), 1, Front::default()).await
            }
            Engine::Postgres => {
                let cluster = Postgres::shared().expect("#[both_engines] skips where there is no PostgreSQL");
                Self::on_cluster(cluster).await
            }
        }
    }

    /// A fresh server on a cluster of the test's own, which the test may take away.
    pub async fn on_cluster(cluster: &Postgres) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let database = DatabaseLocation::Postgres { url: cluster.database().await };
        Self::start(database, folder, Arc::default(), 1, Front::default()).await
    }

    /// A fresh server on SQLite whose disk and database fail when the test says so.
    pub async fn with_faults() -> (Self, Arc<Faults>) {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let faults = Faults::new(folder.path());
        let random: Arc<dyn Randomness> = Arc::new(SeededRandomness::new(1));
        let disk = Arc::clone(&faults) as Arc<dyn Disk>;
        let blobs = FileStore::open_on(disk, &folder.path().join("blobs"), Arc::clone(&random));
        let database = DatabaseLocation::Sqlite { path: folder.path().join("sealock.db") };
        let db = Db::open(&database, DbOptions::default()).await.expect("a database");
        let watch = Arc::clone(&faults) as Arc<dyn CommitWatch>;
        let (blobs, db) = (blobs.expect("a blob store"), db.watched(watch));
        let store = Store { database, folder, db, blobs };
        (Self::serve(store, Arc::default(), random, Front::default()).await, faults)
    }

    /// A fresh server on SQLite that reads so many blobs at once.
    pub async fn with_readers(readers: usize) -> Self {
        let folder = Arc::new(tempfile::tempdir().expect("a folder"));
        let database = DatabaseLocation::Sqlite { path: folder.path().join("sealock.db") };
        let random: Arc<dyn Randomness> = Arc::new(SeededRandomness::new(1));
        let store = Store::open(database, folder, &random).await;
        let store = Store { blobs: store.blobs.with_readers(readers), ..store };
        Self::serve(store, Arc::default(), random, Front::default()).await
    }

    /// A server on what is found in a data folder (SQLite), after a crash say.
    pub async fn found_in(folder: tempfile::TempDir) -> Self {
        let database = DatabaseLocation::Sqlite { path: folder.path().join("sealock.db") };
        Self::start(database, Arc::new(folder), Arc::default(), 3, Front::default()).await
    }

    /// A second server on the same database, blobs and clock: another replica.
    pub async fn replica(&self) -> Self {
        self.replica_with_clock(Arc::clone(&self.clock)).await
    }

    /// A second server on the same database and blobs, whose machine has a clock of its own.
    pub async fn replica_with_clock(&self, clock: Arc<ManualClock>) -> Self {
        Self::start(self.database.clone(), Arc::clone(&self.folder), clock, 2, Front::default()).await
    }

    /// A second server on the same database, blobs and clock that trusts these proxies.
    pub async fn replica_behind(&self, proxies: &[&str]) -> Self {
        let (folder, clock) = (Arc::clone(&self.folder), Arc::clone(&self.clock));
        let front = Front { proxies: proxies.to_vec(), ..Front::default() };
        Self::start(self.database.clone(), folder, clock, 2, front).await
    }

    /// A second server on the same database, blobs and clock, whose requests may hold `bytes` in memory and come through
    /// these proxies.
    pub async fn replica_with_memory(&self, bytes: usize, proxies: &[&str]) -> Self {
        let (folder, clock) = (Arc::clone(&self.folder), Arc::clone(&self.clock));
        let memory = Some(Memory::of(bytes));
        let front = Front { proxies: proxies.to_vec(), memory, ..Front::default() };
        Self::start(self.database.clone(), folder, clock, 2, front).await
    }

    /// The number of bytes that its requests hold in memory.
    pub fn held_memory(&self) -> usize {
        self.app.registry().memory().held()
    }

    /// A second server on the same database, blobs and clock, which clients reach at this address by TLS alone. It
    /// listens without: something in front of it is to end the TLS.
    pub async fn replica_behind_tls(&self, authority: &str) -> Self {
        let url = PublicUrl { is_https: true, authority: authority.to_owned() };
        let (folder, clock) = (Arc::clone(&self.folder), Arc::clone(&self.clock));
        let front = Front { public_url: Some(url), ..Front::default() };
        Self::start(self.database.clone(), folder, clock, 2, front).await
    }

    async fn start(
        database: DatabaseLocation,
        folder: Arc<tempfile::TempDir>,
        clock: Arc<ManualClock>,
        seed: u64,
        front: Front<'_>,
    ) -> Self {
        let random: Arc<dyn Randomness> = Arc::new(SeededRandomness::new(seed));
        let store = Store::open(database, folder, &random).await;
        Self::serve(store, clock, random, front).await
    }

    async fn serve(
        Store { database, folder, db, blobs }: Store,
        clock: Arc<ManualClock>,
        random: Arc<dyn Randomness>,
        front: Front<'_>,
    ) -> Self {
        let registry = Registry::open(db, Arc::new(blobs), key_file(), Arc::clone(&random), clock.now())
            .await
            .expect("a registry");
        let registry = match front.memory {
            Some(memory) => registry.with_memory(memory),
            None => registry,
        };
        let password = Password::new(ADMIN_PASSWORD.to_owned());
        if registry.wants_administrator().await.expect("a database") {
            let first =
                registry.prepare_administrator(Some(password), clock.now()).await.expect("a password");
            registry.keep_administrator(&first, clock.now()).await.expect("an administrator");
        }
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let host = listener.local_addr().expect("an address").to_string();
        let own = || PublicUrl { is_https: false, authority: host.clone() };
        let public_urls = PublicUrls::new([front.public_url.unwrap_or_else(own)]).expect("one URL");
        let proxies = front.proxies.iter().map(|text| TrustedProxy::parse(text).expect("a network"));
        let proxies = TrustedProxies::new(proxies);
        let app = App::new(registry, Arc::clone(&clock) as Arc<dyn Clock>, random, public_urls, proxies);
        let listener = Listener::at(listener, app.clone(), Limits::default(), None);
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let operator_random = Arc::new(SeededRandomness::new(u64::MAX));
        Self { host, clock, database, folder, http, app, listener, operator_random }
    }

    /// Stops the server as an operator does, and waits until it has.
    pub async fn stop(self) {
        self.listener.stop().await;
    }

    /// Sets the clock to the database's; whether that has one of its own. Without it `/readyz` says how far off it is.
    pub async fn agree_on_the_time(&self) -> bool {
        let db = Db::open(&self.database, DbOptions::default()).await.expect("a database");
        let theirs = db.clock().await.expect("a time");
        if let Some(theirs) = theirs {
            self.clock.set(theirs);
        }
        theirs.is_some()
    }

    /// Another listener of this server, with limits and maybe a certificate of its own.
    pub async fn listener(&self, limits: Limits, certificate: Option<Arc<Certificate>>) -> Listener {
        Listener::start(self.app.clone(), limits, certificate).await
    }

    /// A listener that serves the metrics of this server.
    pub async fn metrics_listener(&self) -> Listener {
        Listener::of_metrics(self.app.clone()).await
    }

    /// Writes what is noted of the use of tokens, which a server does every few seconds by itself.
    pub async fn write_usage(&self) {
        self.app.registry().write_usage().await.expect("a batch");
    }

    /// How many times something was made durable; `None` on PostgreSQL.
    pub fn group_commits(&self) -> Option<u64> {
        self.app.registry().group_commits()
    }

    /// How many statements the server ran.
    pub fn statements(&self) -> u64 {
        self.app.registry().statements()
    }

    /// How often SQLite compiled a cached statement again; `None` on PostgreSQL.
    pub fn recompilations(&self) -> Option<u64> {
        self.app.registry().recompilations()
    }

    /// Sweeps now: no test server does so by itself.
    pub async fn sweep(&self) -> Swept {
        web::sweep(&self.app).await.expect("a sweep")
    }

    /// The certificates for `domains` from `issuer`, as this server sees them.
    pub fn certificates(&self, issuer: &str, domains: &[&str]) -> Certificates {
        let domains = domains.iter().map(|domain| (*domain).to_owned()).collect();
        self.app.registry().certificates(issuer, Some("ada@example.com"), domains)
    }

    /// What an operator's command opens beside the running server: its database and its key file.
    pub async fn operator(&self) -> (Db, KeyFile) {
        (Db::open(&self.database, DbOptions::default()).await.expect("a database"), key_file())
    }

    /// Checks its store as `sealock fsck` does, beside the running server; tells what was found.
    pub async fn check_store(&self, how: HowToCheck, now: Instant) -> (Vec<Problem>, Checked) {
        let mut problems = Vec::new();
        let mut tell = |problem: &Problem| problems.push(problem.clone());
        let checked = self.check_telling(how, now, &mut tell).await.expect("a check");
        (problems, checked)
    }

    /// The same, with `tell` called as each problem is found.
    pub async fn check_telling(
        &self,
        how: HowToCheck,
        now: Instant,
        tell: &mut (dyn FnMut(&Problem) + Send),
    ) -> Result<Checked, CheckError> {
        let random = Arc::clone(&self.operator_random);
        let folder = self.folder.path().join("blobs");
        let blobs = FileStore::open(&folder, random.clone()).expect("a blob store");
        let db = Db::open(&self.database, DbOptions::default()).await.expect("a database");
        registry::check_store(&db, &blobs, how, &ManualClock::at(now), random.as_ref(), tell).await
    }

    /// Runs a statement on its database, behind its back.
    pub async fn tamper(&self, statement: &'static str) {
        tampering::tamper(&self.database, statement).await;
    }

    /// The folder of its data, to look at what lies there.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Whether `text` stands anywhere in what the server keeps: in any table, or in any file of its data folder.
    pub async fn keeps(&self, text: &str) -> bool {
        let in_files = fs_holds(self.folder.path(), text);
        match &self.database {
            DatabaseLocation::Sqlite { .. } => in_files,
            DatabaseLocation::Postgres { url } => in_files || crate::postgres::dump(url).await.contains(text),
        }
    }

    /// How many files lie in the blob store, unfinished uploads included.
    pub fn blob_files(&self) -> usize {
        self.blob_paths().len()
    }

    /// The files of the blob store, unfinished uploads included.
    pub fn blob_paths(&self) -> Vec<PathBuf> {
        fn files(folder: &Path) -> Vec<PathBuf> {
            let entries = std::fs::read_dir(folder).expect("a folder");
            entries
                .map(|entry| entry.expect("an entry").path())
                .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
                .collect()
        }
        let is_of_an_upload_or_a_blob = |path: &PathBuf| !path.ends_with("store-id");
        files(&self.folder.path().join("blobs")).into_iter().filter(is_of_an_upload_or_a_blob).collect()
    }

    /// Whoever sends no credential.
    pub fn anonymous(&self) -> Actor {
        Actor::new(&self.host, &self.http, None)
    }

    /// Whoever sends this name and password with every request.
    pub fn basic(&self, username: &str, password: &str) -> Actor {
        Actor::new(&self.host, &self.http, Some(crate::actor::basic(username, password)))
    }

    /// Whoever sends this bearer with every request.
    pub fn bearer(&self, text: &str) -> Actor {
        Actor::new(&self.host, &self.http, Some(format!("Bearer {text}")))
    }

    /// The administrator, by password.
    pub fn admin(&self) -> Actor {
        self.basic("admin", ADMIN_PASSWORD)
    }

    /// Whoever holds the token, by Basic.
    pub fn with(&self, token: &ServiceToken) -> Actor {
        self.basic(&token.name, &token.secret)
    }

    /// Makes a private namespace, unless it is there.
    pub async fn namespace(&self, name: &str) {
        let answer = self.admin().post_json("/api/v1/namespaces", &json!({ "name": name })).await;
        assert!([201, 409].contains(&answer.status), "{answer:?}");
    }

    /// Makes a service token with a body beyond its name, and its namespace where there is none.
    pub async fn service_token(&self, namespace: &str, name: &str, body: Value) -> ServiceToken {
        self.namespace(namespace).await;
        let mut body = body;
        body["name"] = json!(name);
        let path = format!("/api/v1/namespaces/{namespace}/tokens");
        let made = self.admin().post_json(&path, &body).await.is(201).json();
        ServiceToken {
            id: made["id"].as_str().expect("an id").to_owned(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            secret: made["secret"].as_str().expect("a secret").to_owned(),
        }
    }

    /// Makes a personal token of a user, as the administrator. Its login name is the username.
    pub async fn personal_token(&self, username: &str, body: Value) -> ServiceToken {
        let path = format!("/api/v1/users/{username}/tokens");
        let made = self.admin().post_json(&path, &body).await.is(201).json();
        ServiceToken {
            id: made["id"].as_str().expect("an id").to_owned(),
            namespace: String::new(),
            name: username.to_owned(),
            secret: made["secret"].as_str().expect("a secret").to_owned(),
        }
    }

    /// Changes a token as the administrator.
    pub async fn edit(&self, token: &ServiceToken, change: Value) -> Answer {
        self.admin().patch_json(&format!("/api/v1/tokens/{}", token.id), &change).await
    }
}

/// The key file of every test server.
fn key_file() -> KeyFile {
    KeyFile::parse(&"5e".repeat(32)).expect("a key")
}

fn fs_holds(folder: &Path, text: &str) -> bool {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries.map(|entry| entry.expect("an entry").path()).any(|path| {
        if path.is_dir() {
            return fs_holds(&path, text);
        }
        // A file of a running server may be gone by now.
        String::from_utf8_lossy(&std::fs::read(&path).unwrap_or_default()).contains(text)
    })
}
