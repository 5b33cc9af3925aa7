//! A server's clock that the test moves: the real one, through libfaketime.

use std::path::{Path, PathBuf};

use testkit::missing;

use crate::server::Settings;

/// The file that libfaketime reads, in the server's folder.
const CLOCK: &str = "clock";

/// The variables of a server whose clock stands in `folder`, and shows the real time at first.
pub(crate) fn settings(folder: &Path, library: &Path) -> Settings {
    set(folder, 0);
    vec![
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME_TIMESTAMP_FILE", folder.join(CLOCK).display().to_string()),
        // Read the file at every look at the clock; deadlines of connections stay real.
        ("FAKETIME_NO_CACHE", "1".to_owned()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
}

/// Sets the clock in `folder` `seconds` ahead of the real one.
pub(crate) fn set(folder: &Path, seconds: u64) {
    // Renamed into place: the server looks at it all the time and must never find half a number.
    let next = folder.join("clock.next");
    std::fs::write(&next, format!("+{seconds}")).expect("the clock's file");
    std::fs::rename(&next, folder.join(CLOCK)).expect("the clock's file");
}

/// The library that moves a process's clock, for many threads; `None` (and "skipped", but a failure in CI) where it is
/// missing.
pub(crate) fn library() -> Option<PathBuf> {
    missing::need("faketime")?;
    let folders =
        ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib/faketime"];
    let library =
        folders.iter().map(|folder| Path::new(folder).join("libfaketimeMT.so.1")).find(|file| file.exists());
    if library.is_none() {
        missing::skip("a test with a moved clock", "faketime is here, but not its library");
    }
    library
}
