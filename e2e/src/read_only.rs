//! A folder that shows another one and can't be written to, as containers are given volumes. It takes root.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use testkit::missing;

/// A mount, which ends when this is dropped.
pub struct ReadOnly(PathBuf);

impl ReadOnly {
    /// Shows `folder` at `at`, which may be the same one. `None` (and "skipped", but a failure in CI) where nothing can be
    /// mounted.
    pub fn mount(folder: &Path, at: &Path) -> Option<Self> {
        let mount = |options: &[&str], paths: &[&Path]| {
            let mounted = Command::new("mount").args(options).args(paths).output();
            mounted.is_ok_and(|output| output.status.success())
        };
        if !mount(&["--bind"], &[folder, at]) {
            missing::skip(&missing::this_test(), "nothing can be mounted here; it takes root");
            return None;
        }
        let mounted = Self(at.to_owned());
        assert!(mount(&["-o", "remount,bind,ro"], &[at]), "{} can't be made read-only", at.display());
        Some(mounted)
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        // Lazily: a server may still look at it.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
