//! The one place that does a transaction again.

use std::{
    future::Future,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::DbError;

/// How often a transaction is tried before its error is handed on.
pub const MAX_TRIES: u32 = 5;

/// The wait before the second try; it doubles with each try, and jitter adds up to as much again.
const FIRST_WAIT: Duration = Duration::from_millis(5);

/// An error that may have come from two transactions getting in each other's way.
pub trait Transient {
    /// Whether the whole transaction, done again, may succeed.
    fn is_transient(&self) -> bool;
}

impl Transient for DbError {
    fn is_transient(&self) -> bool {
        DbError::is_transient(self)
    }
}

/// Runs `transaction` (from `begin` to `commit`) until it succeeds, fails for good, or was tried
/// [`MAX_TRIES`] times. It must do nothing outside the database, for it may do it again.
pub async fn retried<T, E, F>(mut transaction: impl FnMut() -> F) -> Result<T, E>
where
    E: Transient,
    F: Future<Output = Result<T, E>>,
{
    for tried in 1..MAX_TRIES {
        match transaction().await {
            Err(error) if error.is_transient() => tokio::time::sleep(wait(tried)).await,
            outcome => return outcome,
        }
    }
    transaction().await
}

/// Those who collided must not come back at the same moment. A counter is random enough for that, and no
/// randomness is spent.
fn wait(tried: u32) -> Duration {
    static WAITS: AtomicU64 = AtomicU64::new(0);
    // 2^64 ÷ the golden ratio spreads consecutive numbers evenly (Knuth, TAOCP vol. 3, §6.4).
    let spread = WAITS.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let base = FIRST_WAIT * 2u32.pow(tried - 1);
    base + base * ((spread >> 56) as u32) / 256
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use std::cell::Cell;

    use super::*;

    /// How often a transaction runs that fails with `error` the first `failures` times.
    async fn tries(error: DbError, failures: u32) -> (u32, Result<(), DbError>) {
        let tries = Cell::new(0);
        let outcome = retried(|| {
            tries.set(tries.get() + 1);
            let outcome = if tries.get() > failures { Ok(()) } else { Err(error.clone()) };
            async { outcome }
        })
        .await;
        (tries.get(), outcome)
    }

    #[tokio::test]
    async fn a_collision_is_tried_again_until_it_succeeds() {
        assert_eq!(tries(DbError::Serialization, 3).await, (4, Ok(())));
    }

    #[tokio::test]
    async fn a_collision_that_never_ends_is_handed_on() {
        assert_eq!(tries(DbError::Serialization, 99).await, (MAX_TRIES, Err(DbError::Serialization)));
    }

    #[tokio::test]
    async fn nothing_else_is_tried_again() {
        let text = || "gone".to_owned();
        for error in [
            DbError::Unavailable(text()),
            DbError::CommitUnknown(text()),
            DbError::Busy(text()),
            DbError::NoRow,
        ] {
            assert_eq!(tries(error.clone(), 1).await, (1, Err(error)));
        }
    }

    #[test]
    fn waits_differ_and_stay_below_twice_their_base() {
        let waits: std::collections::BTreeSet<_> = (0..8).map(|_| wait(3)).collect();
        assert_eq!(waits.len(), 8);
        assert!(waits.iter().all(|wait| (FIRST_WAIT * 4..FIRST_WAIT * 8).contains(wait)));
    }
}
