//! A containerd of one test's own, which needs no root: it fetches and pushes, and starts nothing.

use std::{os::unix::fs::MetadataExt, path::Path, time::Duration};

use testkit::watchdog::Watchdog;

use crate::{Machine, Outcome, programs};

const START_PATIENCE: Duration = Duration::from_secs(30);
const START_INTERVAL: Duration = Duration::from_millis(50);

/// Runs containerd with the configuration $2 in the folder $1 until the holder goes.
const KEEPER: &str = r#"cd "$1" || exit
containerd --config "$2" >containerd.log 2>&1 </dev/null &
cat
kill $!
wait"#;

/// A running containerd, and `ctr` on the machine that it was started on. It ends when dropped.
#[derive(Debug)]
pub struct Containerd<'m> {
    machine: &'m Machine,
    _keeper: Watchdog,
}

impl<'m> Containerd<'m> {
    /// Starts it on `machine`; `None` (and "skipped", but a failure in CI) where it is missing.
    pub async fn on(machine: &'m Machine) -> Option<Self> {
        programs::need("containerd")?;
        programs::need("ctr")?;
        let home = machine.home();
        std::fs::write(home.join("containerd.toml"), configuration(home)).expect("its configuration");
        let arguments = [home.as_os_str(), "containerd.toml".as_ref()];
        let started = Self { machine, _keeper: Watchdog::start(KEEPER, arguments) };
        let answers = async {
            while !home.join("containerd.sock").exists() {
                tokio::time::sleep(START_INTERVAL).await;
            }
        };
        if tokio::time::timeout(START_PATIENCE, answers).await.is_err() {
            let log = std::fs::read_to_string(home.join("containerd.log"));
            panic!("containerd does not start: {}", log.unwrap_or_default());
        }
        Some(started)
    }

    /// `ctr ARGUMENTS…` as the machine's shell reads them.
    pub async fn ctr(&self, arguments: &str) -> Outcome {
        self.machine.shell(&format!("ctr --address containerd.sock {arguments}"), "").await
    }
}

/// Everything in the machine's folder, sockets of whoever runs the test, and nothing of what only root may do.
fn configuration(home: &Path) -> String {
    let owner = std::fs::metadata(home).expect("the machine's folder");
    let (folder, uid, gid) = (home.display(), owner.uid(), owner.gid());
    format!(
        r#"version = 2
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
disabled_plugins = [
    "io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt",
    "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs",
    "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.overlayfs",
]
[grpc]
address = "{folder}/containerd.sock"
uid = {uid}
gid = {gid}
[ttrpc]
uid = {uid}
gid = {gid}
"#
    )
}
