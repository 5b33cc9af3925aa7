//! A database of its own for each test, on either engine. The PostgreSQL cluster has an ICU en-US collation,
//! which shows where bytes and letters would be ordered differently.

use std::{
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use storage::db::{DatabaseLocation, Db, DbOptions};

/// A database, and what keeps it alive.
pub(crate) struct Engine {
    pub(crate) location: DatabaseLocation,
    _folder: Option<tempfile::TempDir>,
}

impl Engine {
    pub(crate) async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self {
            location: DatabaseLocation::Sqlite { path: folder.path().join("sealock.db") },
            _folder: Some(folder),
        }
    }

    pub(crate) async fn postgres() -> Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        static DATABASES: AtomicU32 = AtomicU32::new(0);
        let cluster = CLUSTER.get_or_init(Cluster::start);
        let name = format!("test_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
        cluster.create_database(&name).await;
        Self { location: cluster.location(&name), _folder: None }
    }

    pub(crate) async fn open(&self) -> Db {
        Db::open(&self.location, DbOptions::default()).await.unwrap()
    }

    /// Opens it with little patience and one connection for transactions.
    pub(crate) async fn open_narrow(&self) -> Db {
        let options = DbOptions { wait: Duration::from_millis(200), transactions: 1 };
        Db::open(&self.location, options).await.unwrap()
    }
}

const BINARIES: &str = "/usr/lib/postgresql/15/bin";

/// A throw-away PostgreSQL. It ends with the process that started it, however that ends: a shell holds the
/// server and waits for its standard input to close.
pub(crate) struct Cluster {
    folder: PathBuf,
    port: u16,
    keeper: Option<Child>,
}

impl Cluster {
    pub(crate) fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("sealock-pg-").tempdir().unwrap().keep();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut cluster = Self { folder, port, keeper: None };
        if is_root() {
            let done = Command::new("chown").arg("postgres").arg(&cluster.folder).status().unwrap();
            assert!(done.success());
        }
        let made = as_postgres(&format!("{BINARIES}/initdb"))
            .args(["-A", "trust", "--no-sync", "-E", "UTF8", "--locale-provider=icu", "--icu-locale=en-US"])
            .args(["-U", "postgres", "-D"])
            .arg(cluster.folder.join("data"))
            .stdout(Stdio::null())
            .status()
            .unwrap();
        assert!(made.success(), "initdb");
        cluster.resume();
        cluster
    }

    /// Starts the server; it answers when this returns.
    pub(crate) fn resume(&mut self) {
        const KEEP: &str = r#""$1/postgres" -D "$2/data" -p "$3" -k "$2" -c listen_addresses=127.0.0.1 \
            -c fsync=off -c deadlock_timeout=100ms -c max_connections=400 >"$2/log" 2>&1 &
            server=$!; read -r line; kill -QUIT $server; wait $server; [ "$line" = keep ] || rm -rf "$2""#;
        let port = self.port.to_string();
        let keeper = as_postgres("sh")
            .args(["-c", KEEP, "sh", BINARIES])
            .args([self.folder.as_os_str(), port.as_ref()])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        self.keeper = Some(keeper);
        let is_ready = || {
            let mut asks = Command::new(Path::new(BINARIES).join("pg_isready"));
            let asks = asks.args(["-q", "-h", "127.0.0.1", "-p", &port]);
            asks.status().unwrap().success()
        };
        for _ in 0..600 {
            if is_ready() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the cluster in {} did not start", self.folder.display());
    }

    /// Stops the server at once, as a crash would; its data stay.
    pub(crate) fn stop(&mut self) {
        let mut keeper = self.keeper.take().unwrap();
        keeper.stdin.take().unwrap().write_all(b"keep\n").unwrap();
        keeper.wait().unwrap();
    }

    pub(crate) fn location(&self, name: &str) -> DatabaseLocation {
        DatabaseLocation::Postgres { url: format!("postgres://postgres@127.0.0.1:{}/{name}", self.port) }
    }

    async fn create_database(&self, name: &str) {
        let url = format!("postgres://postgres@127.0.0.1:{}/postgres", self.port);
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute(&format!("CREATE DATABASE {name}")).await.unwrap();
        drop(client);
        connection.await.unwrap().unwrap();
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let Some(mut keeper) = self.keeper.take() else { return };
        drop(keeper.stdin.take());
        keeper.wait().unwrap();
    }
}

/// PostgreSQL refuses to run as root.
fn as_postgres(program: &str) -> Command {
    if !is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", program]);
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    std::os::unix::fs::MetadataExt::uid(&std::fs::metadata("/proc/self").unwrap()) == 0
}
