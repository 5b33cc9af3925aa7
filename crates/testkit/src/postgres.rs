//! Throw-away PostgreSQL clusters. They collate by ICU en-US, so that a column which forgot `COLLATE "C"` sorts
//! differently from SQLite and a test sees it (DESIGN §5). A power cut would ruin them, which makes them quick.

use std::{
    io::Write,
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
};

use crate::{missing, watchdog::Watchdog};

/// The first release that has `initdb --locale-provider=icu` and `CREATE DATABASE … STRATEGY`.
const OLDEST_VERSION: u32 = 15;
/// Another process may take the port between its choice and the start.
const START_ATTEMPTS: u32 = 5;
const SETTINGS: &str = "
listen_addresses = '127.0.0.1'
max_connections = 200
fsync = off
synchronous_commit = off
full_page_writes = off
";
/// PostgreSQL refuses to run as root.
const AS_USER_POSTGRES: &[&str] = &["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"];
// A paused cluster could not even stop.
const CLEAN_UP: &str = r#"cat
read -r PID <"$FOLDER/data/postmaster.pid" && kill -CONT "$PID"
"$@" stop -D "$FOLDER/data" -m immediate
rm -rf "$FOLDER""#;

/// A running cluster with a folder of its own. Gone with its folder when dropped, and when the process ends,
/// however it ends.
#[derive(Debug)]
pub struct Postgres {
    /// What to put before a program to run it as the cluster's owner.
    as_owner: &'static [&'static str],
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    databases: AtomicU32,
    _watchdog: Watchdog,
}

impl Postgres {
    /// The cluster that all tests of this process share, started at first use (about 2 s); `None` where
    /// PostgreSQL 15 or newer is not installed.
    pub fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Option<Postgres>> = OnceLock::new();
        SHARED.get_or_init(|| programs().map(Self::start_new)).as_ref()
    }

    /// A cluster of the caller's own, for tests that take the database away; `None` as for [`Self::shared`],
    /// after saying `skipped: TEST: …`.
    ///
    /// # Panics
    /// With what PostgreSQL said, where it is installed and will not start; where it is not, if the variable `CI`
    /// is set.
    pub fn own() -> Option<Self> {
        let cluster = programs().map(Self::start_new);
        if cluster.is_none() {
            missing::skip(&missing::this_test(), missing::NO_POSTGRESQL);
        }
        cluster
    }

    fn start_new(programs: PathBuf) -> Self {
        let folder = tempfile::Builder::new().prefix("sealock-pg-").tempdir().expect("a folder").keep();
        let is_root = folder.metadata().expect("the folder").uid() == 0;
        let as_owner = if is_root { AS_USER_POSTGRES } else { &[] };
        // First the one who cleans up, then what may fail.
        let watchdog = watch(&folder, as_owner, &programs);
        let databases = AtomicU32::new(0);
        let mut cluster = Self { as_owner, programs, folder, port: 0, databases, _watchdog: watchdog };
        cluster.initialise();
        cluster.start_on_a_free_port();
        cluster
    }

    /// A fresh, empty database of the cluster's collation: its `postgres://` URL, on the loopback address.
    ///
    /// # Panics
    /// With what PostgreSQL said, where it refuses.
    pub async fn database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let connected = tokio_postgres::connect(&self.url("postgres"), tokio_postgres::NoTls).await;
        let (client, connection) = connected.unwrap_or_else(|error| panic!("no test cluster: {error:?}"));
        let connection = tokio::spawn(connection);
        // FILE_COPY takes a checkpoint of the whole cluster; template1 may be in use by somebody.
        let create = format!("CREATE DATABASE {name} TEMPLATE template0 STRATEGY wal_log");
        client.batch_execute(&create).await.unwrap_or_else(|error| panic!("no database {name}: {error:?}"));
        drop(client);
        connection.await.expect("the connection's task").expect("the connection ends in peace");
        self.url(&name)
    }

    /// Takes the databases away at once, as a crash would; connections break. They come back with
    /// [`Self::start`], under the same URLs.
    ///
    /// # Panics
    /// With what PostgreSQL said, where it was not running.
    pub fn stop(&self) {
        self.pg_ctl(&["stop", "-w", "-m", "immediate"])
            .unwrap_or_else(|said| panic!("PostgreSQL does not stop: {said}"));
    }

    /// Brings the databases back after [`Self::stop`]; they take connections when it returns.
    ///
    /// # Panics
    /// With the server's log, where it will not start.
    pub fn start(&self) {
        self.try_start().unwrap_or_else(|said| panic!("PostgreSQL does not start: {said}"));
    }

    /// Lets the databases hang, as a machine does that is stopped: connections stay, the system accepts new ones, and
    /// nobody answers on any. They go on when what this returns is dropped.
    ///
    /// # Panics
    /// Where the cluster is not running.
    pub async fn pause(&self) -> Paused {
        const OTHERS: &str = "SELECT pid FROM pg_stat_activity";
        let connected = tokio_postgres::connect(&self.url("postgres"), tokio_postgres::NoTls).await;
        let (client, connection) = connected.expect("a running cluster");
        tokio::spawn(connection);
        let first =
            std::fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("its first process");
        let mut paused = Paused(vec![first.lines().next().unwrap_or_default().to_owned()]);
        // The one that starts the others first: from then on they are all that there are.
        paused.signal("STOP");
        let others = client.query(OTHERS, &[]).await.expect("its other processes");
        paused.0.extend(others.iter().map(|row| row.get::<_, i32>(0).to_string()));
        paused.signal("STOP");
        paused
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    fn initialise(&self) {
        if !self.as_owner.is_empty() {
            run(Command::new("chown").arg("postgres").arg(&self.folder)).expect("the user postgres is there");
        }
        let data = self.folder.join("data");
        let collation = ["--encoding=UTF8", "--locale=C", "--locale-provider=icu", "--icu-locale=en-US"];
        let mut initdb = self.program("initdb");
        initdb
            .args(["--username=postgres", "--auth=trust", "--no-sync"])
            .args(collation)
            .arg("-D")
            .arg(&data);
        run(&mut initdb).unwrap_or_else(|said| panic!("no cluster for the tests: {said}"));
        let settings = format!("{SETTINGS}unix_socket_directories = '{}'\n", self.folder.display());
        let file = std::fs::OpenOptions::new().append(true).open(data.join("postgresql.conf"));
        file.and_then(|mut file| file.write_all(settings.as_bytes())).expect("the cluster's settings");
    }

    fn start_on_a_free_port(&mut self) {
        let mut said = String::new();
        for _ in 0..START_ATTEMPTS {
            self.port = free_port();
            match self.try_start() {
                Ok(()) => return,
                Err(output) => said = output,
            }
        }
        panic!("PostgreSQL does not start: {said}");
    }

    fn try_start(&self) -> Result<(), String> {
        let log = self.folder.join("log");
        let port = format!("-p {}", self.port);
        self.pg_ctl(&["start", "-w", "-l", &log.to_string_lossy(), "-o", &port])
            .map_err(|said| format!("{said}\n{}", std::fs::read_to_string(&log).unwrap_or_default()))
    }

    fn pg_ctl(&self, arguments: &[&str]) -> Result<(), String> {
        run(self.program("pg_ctl").args(arguments).arg("-D").arg(self.folder.join("data")))
    }

    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        // env runs the program as it is, so that both cases are one command line.
        let mut command = Command::new("env");
        // Not where the tests stand: the owner may not be allowed in.
        command.args(self.as_owner).arg(program).current_dir("/");
        command
    }
}

/// The processes of a cluster that hangs; they go on when this is dropped.
#[derive(Debug)]
#[must_use = "what is dropped at once pauses nothing"]
pub struct Paused(Vec<String>);

impl Paused {
    fn signal(&self, name: &str) {
        // Built into every shell; the program is not on every machine.
        let mut kill = Command::new("sh");
        kill.args(["-c", r#"kill -s "$@""#, "sh", name]).args(&self.0);
        // Those that have ended meanwhile are no loss, and the others get it all the same.
        let _ = run(&mut kill);
    }
}

impl Drop for Paused {
    fn drop(&mut self) {
        self.signal("CONT");
    }
}

fn watch(folder: &Path, as_owner: &[&str], programs: &Path) -> Watchdog {
    let script = format!("FOLDER=$1; shift; {CLEAN_UP}");
    let owner = as_owner.iter().map(Into::into);
    let arguments = [folder.to_owned()].into_iter().chain(owner).chain([programs.join("pg_ctl")]);
    Watchdog::start(&script, arguments)
}

/// The folder with `initdb` and `pg_ctl`: the newest under Debian's, else one on the PATH; new enough, or `None`.
fn programs() -> Option<PathBuf> {
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = debian.map(|version| version.path().join("bin/initdb"));
    let found = debian.chain(missing::find("initdb")).filter(|initdb| missing::is_program(initdb));
    let (_, initdb) = found
        .filter_map(|initdb| Some((version(&initdb)?, initdb)))
        .filter(|(version, _)| *version >= OLDEST_VERSION)
        .max()?;
    // A link on the PATH (Homebrew's) need not have the other programs beside it.
    initdb.canonicalize().ok()?.parent().map(Path::to_owned)
}

/// Every row of every table of the database at `url`, as XML.
///
/// # Panics
/// Where there is no such database, or it does not answer.
pub async fn dump(url: &str) -> String {
    let (client, connection) =
        tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    // In base64 a line ends wherever it likes.
    client.batch_execute("SET xmlbinary = hex").await.expect("a setting");
    let dumped = client.query_one("SELECT database_to_xml(true, false, '')::text", &[]).await;
    dumped.expect("the database as XML").get(0)
}

fn version(initdb: &Path) -> Option<u32> {
    let output = Command::new(initdb).arg("--version").output().ok()?;
    major_version(&String::from_utf8_lossy(&output.stdout))
}

/// `15` in `initdb (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major_version(text: &str) -> Option<u32> {
    let version =
        text.split_whitespace().find(|word| word.starts_with(|first: char| first.is_ascii_digit()))?;
    version.split(|character: char| !character.is_ascii_digit()).next()?.parse().ok()
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.expect("a free loopback port").port()
}

/// Runs to the end; what it said, where it failed. `pg_ctl start` leaves a server behind that inherits its
/// output, so that goes to a file and not into a pipe that would never end.
fn run(command: &mut Command) -> Result<(), String> {
    let said = tempfile::NamedTempFile::new().expect("a file");
    let (stdout, stderr) = (said.as_file().try_clone(), said.as_file().try_clone());
    let status = command
        .stdin(std::process::Stdio::null())
        .stdout(stdout.expect("a file"))
        .stderr(stderr.expect("a file"))
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{status}: {}", std::fs::read_to_string(said.path()).unwrap_or_default())),
        Err(error) => Err(format!("{command:?}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    async fn ask(url: &str, question: &str) -> Result<String, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        client.query_one(question, &[]).await.map(|row| row.get(0))
    }

    #[tokio::test]
    async fn a_database_sorts_as_people_do_and_not_as_bytes() {
        let Some(cluster) = Postgres::own() else { return };
        let url = cluster.database().await;
        let smaller = ask(&url, "SELECT min(t) FROM (VALUES ('B'), ('a')) v(t)").await.unwrap();
        assert_eq!(smaller, "a", "by bytes it would be B");
    }

    #[tokio::test]
    async fn databases_come_and_go_with_the_cluster() {
        let Some(cluster) = Postgres::own() else { return };
        let (one, other) = (cluster.database().await, cluster.database().await);
        assert_ne!(one, other);
        cluster.stop();
        ask(&one, "SELECT 'here'").await.unwrap_err();
        cluster.start();
        assert_eq!(ask(&one, "SELECT 'here'").await.unwrap(), "here");
        let folder = cluster.folder.clone();
        drop(cluster);
        ask(&other, "SELECT 'here'").await.unwrap_err();
        assert!(!folder.exists());
    }

    #[tokio::test]
    async fn a_paused_cluster_answers_when_it_goes_on_and_is_cleaned_up_even_if_it_never_does() {
        let Some(cluster) = Postgres::own() else { return };
        let url = cluster.database().await;
        let paused = cluster.pause().await;
        let mut asked = std::pin::pin!(ask(&url, "SELECT 'here'"));
        let answer = tokio::time::timeout(Duration::from_millis(100), &mut asked).await;
        assert!(answer.is_err(), "{answer:?}");
        drop(paused);
        assert_eq!(asked.await.unwrap(), "here");

        std::mem::forget(cluster.pause().await);
        let folder = cluster.folder.clone();
        drop(cluster);
        ask(&url, "SELECT 'here'").await.unwrap_err();
        assert!(!folder.exists());
    }

    #[test]
    fn versions_are_read_from_what_initdb_says() {
        assert_eq!(major_version("initdb (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major_version("initdb (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major_version("no version"), None);
    }
}
