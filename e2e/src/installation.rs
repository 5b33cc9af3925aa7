//! A folder in which `sealock serve` is started and stopped as a person does it, with nothing configured but a port.

use std::{
    ffi::OsString,
    fs::{self, File},
    os::unix::fs::{PermissionsExt as _, chown},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tempfile::TempDir;
use testkit::missing;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

use crate::{
    Outcome, clock,
    server::{Settings, binary, free_address},
};

/// From the start to the line that says "ready", or to the end of a server that refuses to start.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// For a stop: what runs has 30 s, and what is left over 5 s more.
const STOP_PATIENCE: Duration = Duration::from_secs(60);
/// Until something stands in the log, on a busy machine and with whatever looks only every 20 s.
const LOG_PATIENCE: Duration = Duration::from_secs(90);
const LOG_INTERVAL: Duration = Duration::from_millis(50);
/// What the last line of a successful start begins with.
const READY: &str = "Sealock is ready at ";

/// The user and the group to whom nothing belongs.
pub const NOBODY: u32 = 65534;

/// Where a server lives between its runs: a folder, which goes with this value, and an address of its own.
#[derive(Debug)]
pub struct Installation {
    /// `127.0.0.1:PORT` of [`Self::start`].
    pub host: String,
    folder: TempDir,
    /// Of the servers' environment, which is empty otherwise.
    variables: Settings,
    /// How many files a server may have open, where that is not what this process may.
    files: Option<u64>,
    /// Whether the servers are nobody's, and not this process's user's.
    is_nobodys: bool,
    /// The program to start, if it is not the one of this workspace.
    program: Option<PathBuf>,
    /// Whether the servers can write to nothing but [`Self::data_folder`].
    is_read_only: bool,
}

/// A server that was started, and what it has printed until it was ready or ended. Killed when dropped.
#[derive(Debug)]
pub struct Run {
    /// `127.0.0.1:PORT`, as clients name it.
    pub host: String,
    /// What it printed.
    pub stdout: String,
    /// Whether it serves; if not, it has ended.
    pub is_ready: bool,
    errors: PathBuf,
    child: Child,
}

impl Installation {
    /// An empty folder.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("sealock-first-start-").tempdir().expect("a folder");
        Self {
            host: free_address(),
            folder,
            variables: Settings::new(),
            files: None,
            is_nobodys: false,
            program: None,
            is_read_only: false,
        }
    }

    /// The same, with servers whose clock the test moves ([`Self::move_clock`]). `None` (and "skipped", but a failure in
    /// CI) where libfaketime is missing.
    pub fn with_clock() -> Option<Self> {
        let library = clock::library()?;
        let mut installation = Self::new();
        installation.variables = clock::settings(installation.folder.path(), &library);
        Some(installation)
    }

    /// An empty folder of [`NOBODY`], as whom its servers run; operators' commands run as root. `None` (and "skipped", but a
    /// failure in CI) where this process is not root.
    pub fn of_nobody() -> Option<Self> {
        let installation = Self { is_nobodys: true, ..Self::new() };
        if chown(installation.folder.path(), Some(NOBODY), Some(NOBODY)).is_err() {
            missing::skip(&missing::this_test(), "nothing can be given to another user here; it takes root");
            return None;
        }
        // The way to the program itself may be closed to that user.
        let copy = installation.path("sealock");
        fs::copy(binary(), &copy).expect("a copy of sealock");
        fs::set_permissions(&copy, fs::Permissions::from_mode(0o755)).expect("its mode");
        Some(installation)
    }

    /// An empty folder, whose servers can write nowhere but in the data folder: neither to `/tmp` nor to the folder in which
    /// they run. `None` (and "skipped", but a failure in CI) where nothing can be mounted.
    pub fn read_only() -> Option<Self> {
        let installation = Self { is_read_only: true, ..Self::new() };
        fs::create_dir(installation.data_folder()).expect("a folder");
        let mut words = installation.read_only_root().into_iter();
        let mut command = std::process::Command::new(words.next().expect("a program"));
        let mounted = command.args(words).arg("true").output();
        if !mounted.is_ok_and(|output| output.status.success()) {
            missing::skip(&missing::this_test(), "nothing can be mounted here; it takes root");
            return None;
        }
        Some(installation)
    }

    fn data_folder(&self) -> PathBuf {
        self.path("sealock-data")
    }

    /// Runs the command that follows with everything but the data folder mounted read-only, for itself alone.
    fn read_only_root(&self) -> Vec<OsString> {
        const MOUNTS: &str = "set -e; data=$1; shift
            folders=/; for folder in /tmp /var/tmp /usr/tmp; do
                if [ -d $folder ]; then mount --bind $folder $folder; folders=\"$folders $folder\"; fi
            done
            mount --bind \"$data\" \"$data\"
            for folder in $folders; do mount -o remount,bind,ro $folder; done
            cd \"$PWD\" # into the mounts
            exec \"$@\"";
        let words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNTS, "sh"];
        words.into_iter().map(OsString::from).chain([self.data_folder().into()]).collect()
    }

    /// Gives the servers a variable.
    pub fn set(&mut self, name: &'static str, value: &str) {
        self.variables.push((name, value.to_owned()));
    }

    /// Allows each server no more than so many open files.
    pub fn allow_files(&mut self, files: u64) {
        self.files = Some(files);
    }

    /// Starts `program` instead of this workspace's: another release, to compare with.
    pub fn set_program(&mut self, program: &Path) {
        self.program = Some(program.to_owned());
    }

    /// Sets the servers' clock `seconds` ahead of the real one.
    pub fn move_clock(&self, seconds: u64) {
        clock::set(self.folder.path(), seconds);
    }

    /// A file in the folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// `sealock serve --listen HOST OPTIONS…` in the folder, until it serves or has ended.
    pub async fn start(&self, options: &[&str]) -> Run {
        self.start_at(&self.host, options).await
    }

    /// The same at another address: a second server on the same data.
    pub async fn start_beside(&self, options: &[&str]) -> Run {
        self.start_at(&free_address(), options).await
    }

    async fn start_at(&self, host: &str, options: &[&str]) -> Run {
        let errors = self.path(&format!("stderr-{host}"));
        let mut child = self.serve(host, options, &errors, Stdio::piped());
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut run = Run { host: host.to_owned(), stdout: String::new(), is_ready: false, errors, child };
        let read = async {
            while let Some(line) = lines.next_line().await.expect("its output") {
                run.stdout += &format!("{line}\n");
                if line.starts_with(READY) {
                    run.is_ready = true;
                    return;
                }
            }
        };
        let ended = tokio::time::timeout(START_PATIENCE, read).await;
        assert!(ended.is_ok(), "neither ready nor ended: {run}");
        run
    }

    /// `sealock serve >/dev/full`, to its end; whether it ended well, and what it complained.
    pub async fn start_with_full_stdout(&self) -> (bool, String) {
        let full = File::options().write(true).open("/dev/full").expect("/dev/full");
        let errors = self.path("stderr-full");
        let mut child = self.serve(&self.host, &[], &errors, full.into());
        let status = tokio::time::timeout(START_PATIENCE, child.wait()).await.expect("it does not end");
        (status.expect("its end").success(), std::fs::read_to_string(errors).expect("its complaints"))
    }

    /// `sealock fsck OPTIONS…` in the folder: whether it ended well, and what it said.
    pub async fn fsck(&self, options: &[&str]) -> (bool, String) {
        let mut command = Command::new(binary());
        command.arg("fsck").args(options).current_dir(self.folder.path()).env_clear();
        let output = command.output().await.expect("sealock starts");
        let said = [output.stdout, output.stderr].concat();
        (output.status.success(), String::from_utf8_lossy(&said).into_owned())
    }

    /// An operator's command (`sealock ARGUMENTS…`) in the folder, to its end.
    pub async fn operator(&self, arguments: &[&str]) -> Outcome {
        let mut command = Command::new(binary());
        command.args(arguments).current_dir(self.folder.path()).env_clear();
        Outcome::of(command, "").await
    }

    /// The program itself.
    pub fn binary(&self) -> PathBuf {
        binary()
    }

    fn serve(&self, host: &str, options: &[&str], errors: &Path, stdout: Stdio) -> Child {
        let mut words = Vec::new();
        if let Some(files) = self.files {
            words.extend(["prlimit".to_owned(), format!("--nofile={files}")]);
        }
        let mut program = self.program.clone().unwrap_or_else(binary);
        if self.is_nobodys {
            let ids = [format!("--reuid={NOBODY}"), format!("--regid={NOBODY}")];
            words.extend(["setpriv".to_owned(), "--clear-groups".to_owned()].into_iter().chain(ids));
            program = self.path("sealock");
        }
        let root = if self.is_read_only { self.read_only_root() } else { Vec::new() };
        let words = words.into_iter().map(OsString::from).chain([program.into()]);
        let mut words = root.into_iter().chain(words);
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words);
        command.args(["serve", "--listen", host]).args(options).current_dir(self.folder.path());
        command.env_clear().envs(self.variables.iter().cloned()).kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(stdout).stderr(File::create(errors).expect("a file"));
        command.spawn().expect("sealock starts")
    }
}

impl Default for Installation {
    fn default() -> Self {
        Self::new()
    }
}

impl Run {
    /// The server must be ready.
    #[track_caller]
    pub fn ready(self) -> Self {
        assert!(self.is_ready, "did not start: {self}");
        self
    }

    /// The password of the user admin, where it was printed.
    pub fn password(&self) -> Option<String> {
        let line = self.stdout.lines().find_map(|line| line.trim().strip_prefix("password "))?;
        line.split_whitespace().next().map(str::to_owned)
    }

    /// The indented lines below "Next": what a person is told to type.
    pub fn next_commands(&self) -> Vec<String> {
        let below = self.stdout.lines().skip_while(|line| !line.starts_with("Next")).skip(1);
        below.take_while(|line| line.starts_with("    ")).map(|line| line.trim().to_owned()).collect()
    }

    /// Whether the server takes `password` for the user admin's.
    pub async fn accepts(&self, password: &str) -> bool {
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let me = http.get(format!("http://{}/api/v1/me", self.host)).basic_auth("admin", Some(password));
        me.send().await.expect("an answer").status() == 200
    }

    /// What it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.errors).unwrap_or_default()
    }

    /// The id of its process, which runs.
    pub fn id(&self) -> u32 {
        self.child.id().expect("it runs")
    }

    /// Sends the server the signal of this name, such as `HUP`.
    pub async fn signal(&self, name: &str) {
        let id = self.id().to_string();
        let told = Command::new("kill").args([&format!("-{name}"), &id]).status().await.expect("kill");
        assert!(told.success(), "gone before it was told: {self}");
    }

    /// Waits until the log says `text`.
    pub async fn logs(&self, text: &str) {
        let said = async {
            while !self.log().contains(text) {
                tokio::time::sleep(LOG_INTERVAL).await;
            }
        };
        let said = tokio::time::timeout(LOG_PATIENCE, said).await;
        assert!(said.is_ok(), "not logged: {text:?}\n{self}");
    }

    /// Ends the server as a power cut does (SIGKILL) and waits until it is gone, and what it held with it.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("SIGKILL");
    }

    /// Tells the server to stop (SIGTERM) and waits until it has.
    pub async fn stop(mut self) {
        self.signal("TERM").await;
        let ended = tokio::time::timeout(STOP_PATIENCE, self.child.wait()).await;
        assert!(ended.is_ok_and(|status| status.is_ok_and(|status| status.success())), "{self}");
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sealock serve at {}\nstdout: {}\nstderr: {}", self.host, self.stdout, self.log())
    }
}
