//! A clock that moves when the test says so.

use std::sync::atomic::{AtomicI64, Ordering};

use access::time::{Clock, Instant, Length};

/// A clock that stands still until it is moved. Share it by reference or `Arc`; every holder sees the move.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// Where [`ManualClock::default`] stands: 2026-01-01T00:00:00Z.
    pub const START: Instant = Instant::from_millis(1_767_225_600_000);

    /// A clock that stands at `now`.
    pub const fn at(now: Instant) -> Self {
        Self(AtomicI64::new(now.as_millis()))
    }

    /// Moves the clock to `now`, backwards too.
    pub fn set(&self, now: Instant) {
        self.0.store(now.as_millis(), Ordering::SeqCst);
    }

    /// Moves the clock by `length` and tells where it stands then.
    pub fn advance(&self, length: Length) -> Instant {
        let before = self.0.fetch_add(length.as_millis(), Ordering::SeqCst);
        Instant::from_millis(before).plus(length)
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::at(Self::START)
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_with_the_year_2026() {
        assert_eq!(ManualClock::default().now().to_string(), "2026-01-01T00:00:00Z");
    }

    #[test]
    fn it_moves_only_when_told() {
        let clock = ManualClock::default();
        assert_eq!(clock.now(), clock.now());
        assert_eq!(clock.advance(Length::hours(1)), ManualClock::START.plus(Length::hours(1)));
        assert_eq!(clock.now().to_string(), "2026-01-01T01:00:00Z");
        clock.set(Instant::from_millis(0));
        assert_eq!(clock.now(), Instant::from_millis(0));
    }
}
