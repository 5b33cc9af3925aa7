//! How many files and sockets the process may have open: a shell's usual 1,024 would be fewer than `max_connections`.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use web::MAX_IN_LOBBY;

/// What two connections need: one each, and one for a blob that goes through either. Idle ones move none.
const FILES_PER_PAIR: u64 = 3;
/// The database, the log and what else is open all the time, and whoever waits for a connection.
const OTHER_FILES: u64 = 128 + MAX_IN_LOBBY as u64;
/// Where not even those fit, connections get one file in so many.
const LEAST_SHARE: u64 = 8;

/// What may be open at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capacity {
    /// Connections, at least 1.
    pub(crate) connections: usize,
    /// Blobs that are read.
    pub(crate) readers: usize,
}

/// Takes as many files as the system allows, and says what they are enough for. Where those are fewer than so many
/// connections need there are fewer connections: with a connection that has no file left for its blob, or none left to take
/// the next connection, nobody would be served. That is warned of.
pub(crate) fn raise_limit(connections: usize) -> Capacity {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    // `None` is no limit.
    let allowed = if raised.is_ok() { maximum } else { current };
    let capacity = capacity(allowed, connections);
    if capacity.connections < connections {
        tracing::warn!(
            allowed,
            wanted = (connections as u64).div_ceil(2) * FILES_PER_PAIR + OTHER_FILES,
            "fewer open files are allowed than max_connections needs, so max_connections is {} and not {connections}; raise \
             the limit (ulimit -Hn, LimitNOFILE=) or lower max_connections",
            capacity.connections
        );
    }
    capacity
}

fn capacity(allowed: Option<u64>, connections: usize) -> Capacity {
    let Some(allowed) = allowed else { return Capacity { connections, readers: usize::MAX } };
    let left = allowed.saturating_sub(OTHER_FILES);
    let fitting = (left / FILES_PER_PAIR * 2).max(allowed / LEAST_SHARE).max(1);
    let connections = connections.min(usize::try_from(fitting).unwrap_or(usize::MAX));
    // A connection can ask for more than one blob and take none. Half of what is left is for pushes.
    let left = left.saturating_sub(connections as u64);
    let readers = (left / 2).max(allowed / LEAST_SHARE).max(1);
    Capacity { connections, readers: usize::try_from(readers).unwrap_or(usize::MAX) }
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
    fn connections_and_blobs_that_nobody_takes_leave_files_for_everything_else() {
        for (allowed, wanted, connections, readers) in [
            (Some(65_536), 10_000, 10_000, 27_576),
            (Some(15_384), 10_000, 10_000, 2_500),
            (Some(15_383), 10_000, 9_998, 2_500),
            (Some(1024), 100, 100, 270),
            (Some(1024), 10_000, 426, 128),
            (Some(512), 10_000, 84, 64),
            (Some(64), 10_000, 8, 8),
            (Some(1), 10_000, 1, 1),
            (None, 10_000, 10_000, usize::MAX),
        ] {
            let expect = Capacity { connections, readers };
            assert_eq!(capacity(allowed, wanted), expect, "{allowed:?} {wanted}");
        }
    }
}
