//! How often a token was used, day by day (rule 10).

use std::{collections::HashMap, ops::RangeInclusive};

use access::{id::TokenId, operation::Operation, time::Instant};
use storage::usage::{self, DayOfUse};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::ManageError,
    show_tokens::{ListedTokens, no_token},
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
        let shown = span(days, now);
        let known = usage::since(&self.db, token, *shown.start()).await?;
        Ok(by_day(shown, &known))
    }

    /// The same of every token on a page, in the page's order. The page is the proof: whoever was given it may look at
    /// each token on it, and nobody else can put one there.
    pub async fn show_activity_of_page(
        &self,
        listed: &ListedTokens,
        days: u32,
        now: Instant,
    ) -> Result<Vec<Vec<ActiveDay>>, ManageError> {
        let ids: Vec<_> = listed.page().items.iter().map(|token| token.id).collect();
        let shown = span(days, now);
        let mut known: HashMap<_, Vec<_>> = HashMap::new();
        for (token, used) in usage::since_of_several(&self.db, &ids, *shown.start()).await? {
            known.entry(token).or_default().push(used);
        }
        let of = |id| by_day(shown.clone(), known.get(id).map(Vec::as_slice).unwrap_or_default());
        Ok(ids.iter().map(of).collect())
    }
}

/// The last `days` days, today included, counted from 1970-01-01.
fn span(days: u32, now: Instant) -> RangeInclusive<i64> {
    let today = day_of(now);
    today + 1 - i64::from(days)..=today
}

/// Every day of the span, with what is known of it; `known` is in order.
fn by_day(span: RangeInclusive<i64>, known: &[DayOfUse]) -> Vec<ActiveDay> {
    let mut known = known.iter().peekable();
    let active = span.map(|day| {
        let used = known.next_if(|used| used.day == day);
        let (pulls, pushes) = used.map_or((0, 0), |used| (used.pulls, used.pushes));
        ActiveDay { day: start_of_day(day).day(), pulls, pushes }
    });
    active.collect()
}
