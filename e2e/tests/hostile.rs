//! A server under hostile load serves honest clients, for as long as a test may take; `./dev/soak hostile` runs longer
//! and compares latencies, which a test must not.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use clap::ValueEnum;
use e2e::hostile::{self, Attack};

const LENGTH: Duration = Duration::from_secs(20);

/// The attackers have to be served or refused for the test to show anything.
const LEAST_ATTACKS: u64 = 100;

#[tokio::test]
async fn hostile_load_fails_no_honest_request_and_stays_within_512_mib() {
    let report = hostile::attack(&hostile::program(), Attack::value_variants(), LENGTH, &|_| ()).await;
    assert!(report.failures().is_empty(), "{report}");
    let answered = |statuses: &std::collections::BTreeMap<u16, u64>| {
        statuses.iter().filter(|(status, _)| **status > 0).map(|(_, count)| count).sum::<u64>()
    };
    assert!(report.attacks.values().map(answered).sum::<u64>() > LEAST_ATTACKS, "{report}");
}
