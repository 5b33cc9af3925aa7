//! The only file that reads the system's clock; everything else is told what time it is.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use access::time::{Clock, Instant};

/// The clock of this machine: wall time, as far as its administrator keeps it right.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods)] // the one place: `now` enters the program here
    fn now(&self) -> Instant {
        let now = SystemTime::now();
        // A clock before 1970 (no battery, no NTP yet) is an early time, not a crash.
        let millis = match now.duration_since(UNIX_EPOCH) {
            Ok(since) => saturating_millis(since),
            Err(before) => -saturating_millis(before.duration()),
        };
        Instant::from_millis(millis)
    }
}

fn saturating_millis(length: Duration) -> i64 {
    i64::try_from(length.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn now_is_after_this_was_written_and_before_the_latest_instant() {
        let now = SystemClock.now();
        assert!(Some(now) > Instant::parse_rfc3339("2025-01-01T00:00:00Z") && now < Instant::LATEST, "{now}");
    }
}
