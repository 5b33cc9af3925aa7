//! kill -9 at random instants (issue 7), for as long as a test may take; `./dev/soak kill` goes on for longer.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use e2e::soak::{self, Report, Until};
use testkit::{Engine, both_engines};

/// Of two engines together a minute.
const LENGTH: Duration = Duration::from_secs(30);
const SEED: u64 = 7;

struct Soaked(Report);

impl Soaked {
    async fn on(engine: Engine) -> Self {
        Self(soak::kill(engine, SEED, Until::Time(LENGTH), &|_| ()).await)
    }
}

#[both_engines]
async fn what_was_acknowledged_survives_every_kill(soaked: Soaked) {
    let Soaked(report) = soaked;
    assert!(report.defects.is_empty(), "{report}");
    // A run in which nobody was interrupted would show nothing.
    let kinds = report.acknowledged.len();
    assert!(report.cycles > 0 && kinds > 10 && report.unanswered.iter().all(|count| *count > 0), "{report}");
    assert!(report.clean_stores > 0, "no store was checked: {report}");
}
