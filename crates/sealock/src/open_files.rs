//! How many files and sockets the process may have open: a shell's usual 1,024 would be fewer than `max_connections`.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A connection, and the blob that goes through it.
const FILES_PER_CONNECTION: u64 = 2;
/// The database, the log and what else is open all the time.
const OTHER_FILES: u64 = 128;

/// Takes as many as the system allows, warns where those are fewer than so many connections need, and says how many blobs
/// may be read at once. They are served all the same: what comes above the limit waits.
pub(crate) fn raise_limit(connections: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    // `None` is no limit.
    let allowed = if raised.is_ok() { maximum } else { current };
    let wanted = (connections as u64).saturating_mul(FILES_PER_CONNECTION).saturating_add(OTHER_FILES);
    if let Some(allowed) = allowed.filter(|allowed| *allowed < wanted) {
        tracing::warn!(
            allowed,
            wanted,
            "fewer open files are allowed than max_connections needs; raise the limit (ulimit -Hn, LimitNOFILE=) or lower \
             max_connections"
        );
    }
    readers(allowed, connections)
}

/// How many blobs may be read at once: a connection can ask for more than one and take none, and what is accepted, the
/// database and pushes need files, too.
fn readers(allowed: Option<u64>, connections: usize) -> usize {
    let Some(allowed) = allowed else { return usize::MAX };
    let left = allowed.saturating_sub(OTHER_FILES).saturating_sub(connections as u64);
    // Half of them are for pushes. Where hardly any are left there are too many connections for the files, not for blobs.
    usize::try_from((left / 2).max(allowed / 4)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_the_system_allows_is_taken() {
        raise_limit(10_000);
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, limit.maximum);
    }

    #[test]
    fn blobs_that_nobody_takes_leave_files_for_everything_else() {
        for (allowed, connections, expect) in [
            (Some(65_536), 10_000, 27_704),
            (Some(1024), 100, 398),
            (Some(1024), 10_000, 256),
            (None, 10_000, usize::MAX),
        ] {
            assert_eq!(readers(allowed, connections), expect, "{allowed:?} {connections}");
        }
    }
}
