//! A store, and the processes that serve it one after the other until each is killed.

use std::{
    fs::{File, OpenOptions},
    path::Path,
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tempfile::TempDir;
use testkit::Engine;
use tokio::process::{Child, Command};

use super::line::Line;
use crate::{
    Outcome,
    server::{Settings, binary, free_address, settings},
};

/// From a start to being ready, on a busy machine.
const START_PATIENCE: Duration = Duration::from_secs(30);
const READY_INTERVAL: Duration = Duration::from_millis(5);
/// Another process may take the port between its choice and the start.
const START_ATTEMPTS: u32 = 5;
/// What a server says on its way out, at most, in a defect's text.
const TOLD_LOG_BYTES: usize = 4000;

/// A data folder and a database.
pub(super) struct Store {
    folder: TempDir,
    settings: Settings,
}

/// A process that serves a store.
pub(super) struct Running {
    child: Child,
    host: String,
    /// How long the log was before it.
    log_bytes: usize,
    is_killed: Arc<AtomicBool>,
}

impl Store {
    pub(super) async fn fresh(engine: Engine) -> Self {
        let folder = tempfile::Builder::new().prefix("sealock-soak-").tempdir().expect("a folder");
        let mut settings = settings(folder.path(), engine, None).await;
        settings.push(("SEALOCK_LOG_LEVEL", "warn".to_owned()));
        Self { folder, settings }
    }

    /// A process, as it begins: it may be killed before it answers anything.
    pub(super) fn begin(&self) -> Running {
        let (host, log_bytes) = (free_address(), self.log_text().len());
        let mut command = Command::new(binary());
        command.arg("serve").current_dir(self.folder.path()).env_clear();
        command.envs(self.settings.iter().cloned()).env("SEALOCK_LISTEN", &host);
        command.stdin(Stdio::null()).stdout(self.log()).stderr(self.log()).kill_on_drop(true);
        let child = command.spawn().expect("a process");
        Running { child, host, log_bytes, is_killed: Arc::default() }
    }

    /// A process that accepts connections; or why there is none.
    pub(super) async fn start(&self) -> Result<Running, String> {
        for _ in 0..START_ATTEMPTS {
            let mut running = self.begin();
            if tokio::time::timeout(START_PATIENCE, self.is_ready(&mut running)).await.unwrap_or(false) {
                return Ok(running);
            }
            if !self.said().contains("in use") {
                break;
            }
        }
        Err(format!("the server does not start again: {}", self.said()))
    }

    fn log(&self) -> File {
        let path = self.folder.path().join("log");
        OpenOptions::new().create(true).append(true).open(path).expect("the log")
    }

    /// Whether it says itself that it is ready. That something answers at its address would not do: where another
    /// process was faster to take the port, that is what answers.
    async fn is_ready(&self, running: &mut Running) -> bool {
        let ready = format!("Sealock is ready at http://{}\n", running.host);
        loop {
            let has_ended = !matches!(running.child.try_wait(), Ok(None));
            if self.log_text().get(running.log_bytes..).is_some_and(|said| said.contains(&ready)) {
                return !has_ended;
            }
            if has_ended {
                return false;
            }
            tokio::time::sleep(READY_INTERVAL).await;
        }
    }

    fn log_text(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// The end of what its processes said.
    fn said(&self) -> String {
        let log = self.log_text();
        log[log.floor_char_boundary(log.len().saturating_sub(TOLD_LOG_BYTES))..].to_owned()
    }

    /// What the log has that must not come about by being killed: faults of ours.
    pub(super) fn faults(&self) -> Vec<String> {
        let log = self.log_text();
        let is_fault = |line: &&str| line.contains(" ERROR ") || line.contains("panicked at");
        log.lines().filter(is_fault).map(str::to_owned).collect()
    }

    /// `sealock fsck --read` on the store, which nobody serves.
    pub(super) async fn fsck(&self) -> Outcome {
        let mut command = Command::new(binary());
        command.args(["fsck", "--read"]).current_dir(self.folder.path()).env_clear();
        command.envs(self.settings.iter().cloned());
        Outcome::of(command, "").await
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Leaves the folder for whoever looks for the cause.
    pub(super) fn keep(self) {
        let _ = self.folder.keep();
    }
}

impl Running {
    /// A line of a client's own.
    pub(super) fn line(&self) -> Line {
        Line::to(&self.host, &self.is_killed)
    }

    /// kill -9; the process is gone when this returns.
    pub(super) async fn kill(mut self) {
        self.is_killed.store(true, Ordering::SeqCst);
        self.child.kill().await.expect("a process to kill");
    }
}
