//! Programs that a test wants and a machine may not have: skipped by name on a laptop, a failure in CI.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

/// Where `program` is, or `None` after saying `skipped: TEST: no PROGRAM here (./dev/setup installs it)`.
/// TEST is the running test's name.
///
/// # Panics
/// With the same sentence where the variable `CI` is set: there a skipped test is a failure.
pub fn need(program: &str) -> Option<PathBuf> {
    let found = find(program);
    if found.is_none() {
        skip(&this_test(), &format!("no {program} here (./dev/setup installs it)"));
    }
    found
}

pub(crate) const NO_POSTGRESQL: &str = "no PostgreSQL here (./dev/setup installs it)";

/// The running test's name, as the test harness names its thread.
pub fn this_test() -> String {
    std::thread::current().name().unwrap_or("a test").to_owned()
}

/// Says that `test` is skipped and why; the caller then returns.
///
/// # Panics
/// Where the variable `CI` is set.
pub fn skip(test: &str, why: &str) {
    let sentence = sentence(test, why, std::env::var_os("CI").is_some_and(|value| !value.is_empty()));
    // Not eprintln: the test harness swallows what a passing test prints, and a skip must be seen.
    let _ = writeln!(std::io::stderr(), "{sentence}");
}

fn sentence(test: &str, why: &str, is_ci: bool) -> String {
    assert!(!is_ci, "{test}: {why}; nothing is skipped in CI");
    format!("skipped: {test}: {why}")
}

/// Where `program` is on the PATH, or in a folder where Debian keeps what is not on everybody's.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(system)
        .map(|folder| folder.join(program))
        .find(|file| is_program(file))
}

pub(crate) fn is_program(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_on_the_path_is_found() {
        assert!(need("sh").is_some_and(|file| file.is_absolute()));
    }

    #[test]
    fn what_is_not_there_is_not_found() {
        assert_eq!(find("no-such-program-anywhere"), None);
        assert_eq!(find("etc"), None, "a folder is no program");
    }

    #[test]
    fn a_skip_names_the_test_and_the_way_out() {
        let said = sentence("a_test", "no skopeo here (./dev/setup installs it)", false);
        assert_eq!(said, "skipped: a_test: no skopeo here (./dev/setup installs it)");
    }

    #[test]
    #[should_panic(expected = "nothing is skipped in CI")]
    fn a_skip_in_ci_is_a_failure() {
        sentence("a_test", "no skopeo here", true);
    }
}
