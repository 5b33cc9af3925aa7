//! Decisions about many targets take turns: they never use all of the async threads, and none for long.

use tokio::sync::Semaphore;

/// Turns for computations on the async threads that are longer than a lookup. One thread is always left to others.
#[derive(Debug)]
pub(crate) struct LongDecisions(Semaphore);

impl Default for LongDecisions {
    fn default() -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self(Semaphore::new(threads.saturating_sub(1).max(1)))
    }
}

impl LongDecisions {
    /// Computes in turn, first come, first served, and lets other tasks run afterwards. `compute` takes less than a
    /// millisecond.
    pub(crate) async fn take_turn<T>(&self, compute: impl FnOnce() -> T) -> T {
        let computed = {
            // It is never closed.
            let _turn = self.0.acquire().await;
            compute()
        };
        tokio::task::yield_now().await;
        computed
    }
}
