//! How many names a caller may try where the answer tells which users and teams exist. Only administrators may list them;
//! an admin of a namespace has to name whom they add.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use access::time::{Instant, Length};

use crate::{
    Registry,
    authorize::acts_as_administrator,
    grant::{Ask, Grant},
    manage::ManageError,
};

/// Names that are not as the caller thought, for one person in a [`WINDOW`]: typing errors are fewer, and a list of names
/// takes days.
const MOST: u32 = 20;
/// How long a name counts, from the first one on.
const WINDOW: Length = Length::seconds(60);
/// How many callers are counted at once, less than 1 MiB; beyond it the oldest count is forgotten.
const MAX_CALLERS: usize = 4_096;

/// A caller tried too many names; this one was not looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{MOST} names that do not fit were tried within a minute; try again in {retry_after_seconds} s, or ask an instance \
     administrator for the name"
)]
pub struct TooManyNames {
    /// After how many whole seconds the next name is looked up, at least 1.
    pub retry_after_seconds: u32,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since: Instant,
    names: u32,
}

impl Count {
    /// Not over, and not begun by a clock that was set back since.
    fn counts(&self, now: Instant) -> bool {
        self.since <= now && now < self.since.plus(WINDOW)
    }
}

/// The names of the last minute, by caller. Each replica counts for itself.
#[derive(Debug, Default)]
pub(crate) struct UnknownNames(Mutex<HashMap<String, Count>>);

impl UnknownNames {
    /// Counts a name before it is looked up: of many that come at once none must slip through.
    fn begin(&self, caller: &str, now: Instant) -> Result<(), TooManyNames> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !counts.contains_key(caller) && counts.len() >= MAX_CALLERS {
            counts.retain(|_, count| count.counts(now));
            if counts.len() >= MAX_CALLERS {
                let oldest =
                    counts.iter().min_by_key(|(_, count)| count.since).map(|(caller, _)| caller.clone());
                oldest.and_then(|oldest| counts.remove(&oldest));
            }
        }
        let fresh = Count { since: now, names: 0 };
        let count = counts.entry(caller.to_owned()).or_insert(fresh);
        if !count.counts(now) {
            *count = fresh;
        }
        if count.names >= MOST {
            let left = count.since.plus(WINDOW).as_millis() - now.as_millis();
            let retry_after_seconds = u32::try_from((left + 999) / 1000).unwrap_or(u32::MAX);
            return Err(TooManyNames { retry_after_seconds });
        }
        count.names += 1;
        Ok(())
    }

    fn take_back(&self, caller: &str) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(caller) {
            count.names = count.names.saturating_sub(1);
        }
    }
}

impl Registry {
    /// Does `act`, whose answer tells whether a name exists, unless the caller tried too many names before. What succeeds
    /// does not count. All tokens of a user count as that user; administrators see the names anyway.
    pub(crate) async fn trying_a_name<A: Ask, T>(
        &self,
        grant: &Grant<A>,
        now: Instant,
        act: impl Future<Output = Result<T, ManageError>>,
    ) -> Result<T, ManageError> {
        if acts_as_administrator(grant.principal()) {
            return act.await;
        }
        let caller = grant.creator().0;
        self.unknown_names.begin(&caller, now)?;
        let done = act.await;
        if !matches!(done, Err(ManageError::Absent(_) | ManageError::NameTaken(_))) {
            self.unknown_names.take_back(&caller);
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Instant = Instant::from_millis(1_795_000_000_000);

    #[test]
    fn memory_is_bounded_and_the_oldest_count_goes_first() {
        let names = UnknownNames::default();
        for number in 0..=MAX_CALLERS {
            let at = NOW.plus(Length::milliseconds(i64::try_from(number).unwrap_or_default()));
            assert_eq!(names.begin(&number.to_string(), at), Ok(()));
        }
        let counts = names.0.lock().unwrap_or_else(PoisonError::into_inner);
        assert_eq!((counts.len(), counts.contains_key("0")), (MAX_CALLERS, false));
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let names = UnknownNames::default();
        for _ in 0..MOST {
            assert_eq!(names.begin("ann", NOW), Ok(()));
        }
        assert_eq!(names.begin("ann", NOW), Err(TooManyNames { retry_after_seconds: 60 }));
        assert_eq!(names.begin("ann", NOW.minus(Length::days(1))), Ok(()));
    }
}
