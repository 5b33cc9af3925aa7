//! Latencies and failures of honest clients.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

/// Measures how long something takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stopwatch(Instant);

#[allow(clippy::disallowed_methods)] // A measurement reads the clock.
impl Stopwatch {
    pub(super) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// What honest clients saw.
#[derive(Debug, Default)]
pub struct Measured {
    times: BTreeMap<&'static str, Vec<Duration>>,
    failures: Vec<String>,
}

impl Measured {
    pub(super) fn succeeded(&mut self, action: &'static str, took: Duration) {
        self.times.entry(action).or_default().push(took);
    }

    pub(super) fn failed(&mut self, failure: String) {
        self.failures.push(failure);
    }

    pub(super) fn add(&mut self, other: Self) {
        for (action, times) in other.times {
            self.times.entry(action).or_default().extend(times);
        }
        self.failures.extend(other.failures);
    }

    /// Requests that were not answered as they must be.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// How many requests of this action succeeded.
    pub fn count(&self, action: &str) -> usize {
        self.times.get(action).map_or(0, Vec::len)
    }

    /// The median latency of an action; `None` if none succeeded.
    pub fn median(&self, action: &str) -> Option<Duration> {
        let mut times = self.times.get(action)?.clone();
        times.sort_unstable();
        times.get(times.len() / 2).copied()
    }

    /// The median latency of every action.
    pub fn medians(&self) -> impl Iterator<Item = (&'static str, Duration)> + '_ {
        self.times.keys().filter_map(|action| Some((*action, self.median(action)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_what_succeeded() {
        let mut measured = Measured::default();
        for millis in [9, 1, 2] {
            measured.succeeded("pull", Duration::from_millis(millis));
        }
        assert_eq!(measured.median("pull"), Some(Duration::from_millis(2)));
        assert_eq!(measured.median("push"), None);
        assert_eq!(measured.count("pull"), 3);
    }
}
