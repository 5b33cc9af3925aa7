//! What a test started must end with it, also when the test process is killed: no destructor runs then, but
//! the kernel closes its pipes. A `sh` that reads such a pipe sees the end and cleans up.

use std::{
    ffi::OsStr,
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

/// A `sh` that lives exactly as long as its holder: dropped, or the process gone, its input ends.
#[derive(Debug)]
pub struct Watchdog(Child);

impl Watchdog {
    /// Starts `sh -c SCRIPT sh ARGUMENTS…`. The script reads its input to the end (it never gets a byte) and
    /// cleans up after that. What it prints goes nowhere.
    pub fn start(script: &str, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", script, "sh"]).args(arguments);
        // A group of its own: Ctrl-C in the terminal ends the tests, not the one who cleans up after them.
        command.process_group(0);
        // Not the test's output either: whoever reads that waits until the last holder has closed it.
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("sh starts"))
    }
}

impl Drop for Watchdog {
    /// Ends the script's input and waits until it has cleaned up.
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_cleans_up_when_its_holder_goes() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("cleaned");
        let watchdog = Watchdog::start("cat; touch \"$1\"", [&mark]);
        assert!(!mark.exists());
        drop(watchdog);
        assert!(mark.exists());
    }
}
