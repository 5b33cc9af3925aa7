//! Where the clients are that a test wants.

use std::{ffi::OsString, path::PathBuf};

use testkit::missing;

/// Where `program` is: as ./dev/setup built it at its pin, or else on the PATH. `None` (and "skipped", but a failure in
/// CI) where it is missing.
pub(crate) fn need(program: &str) -> Option<PathBuf> {
    let built = built().map(|folder| folder.join(program)).filter(|file| file.is_file());
    built.or_else(|| missing::need(program))
}

/// The PATH of a user who has what ./dev/setup built before anything else.
pub(crate) fn path() -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = built().into_iter().chain(std::env::split_paths(&path));
    std::env::join_paths(folders).expect("no folder of the PATH has a colon in its name")
}

/// The folder of ./dev/setup's own builds (`CLIENTS` there).
fn built() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    cache.map(|cache| cache.join("sealock-dev/bin"))
}
