//! How often a token was used, day by day (rule 10).

use access::{id::TokenId, operation::Operation, time::Instant};
use storage::usage;

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::ManageError,
    show_tokens::no_token,
    usage::{day_of, start_of_day},
};

/// Look at how often a token was used.
#[derive(Debug, Clone, Copy)]
pub struct ShowActivity {
    /// Which.
    pub token: TokenId,
}

impl Ask for ShowActivity {
    fn operation(&self) -> Operation {
        Operation::ShowActivity(self.token)
    }
}

/// How often a token was used on one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActiveDay {
    /// The day in UTC, such as `2026-12-01`.
    pub day: String,
    /// Manifests pulled.
    pub pulls: i64,
    /// Manifests pushed.
    pub pushes: i64,
}

impl Registry {
    /// The last `days` days, today included, the oldest first; days without any use among them.
    pub async fn show_activity(
        &self,
        grant: &Grant<ShowActivity>,
        days: u32,
        now: Instant,
    ) -> Result<Vec<ActiveDay>, ManageError> {
        let token = grant.target_token().ok_or_else(no_token)?;
        let today = day_of(now);
        let first = today + 1 - i64::from(days);
        let mut known = usage::since(&self.db, token, first).await?.into_iter().peekable();
        let active = (first..=today).map(|day| {
            let used = known.next_if(|used| used.day == day);
            let (pulls, pushes) = used.map_or((0, 0), |used| (used.pulls, used.pushes));
            ActiveDay { day: start_of_day(day).day(), pulls, pushes }
        });
        Ok(active.collect())
    }
}
