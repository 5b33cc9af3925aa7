//! The use of tokens (rule 10): noted in memory, written in batches. Never a write per request.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
};

use access::{
    id::{SecretId, TokenId},
    rights::{Principal, Token},
    time::Instant,
};
use storage::{
    db::{DbError, retried},
    usage::{self, Use},
};

use crate::{Registry, grant::Origin};

/// How many secrets are remembered between two batches. Beyond that their use is not noted: memory is bounded, and
/// what is lost is a statistic.
const MAX_SECRETS: usize = 50_000;
/// How many uses one transaction writes: others that want one of its tokens wait for no more than that.
const USES_AT_ONCE: usize = 100;
/// The longest name of a client, in characters.
const MAX_CLIENT_CHARS: usize = 64;
/// The length of a day, in milliseconds.
const DAY_MILLIS: i64 = 86_400_000;

/// What was done with a token, besides asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Done {
    /// A manifest was pulled.
    Pull,
    /// A manifest was pushed.
    Push,
}

/// What has been noted since the last batch.
#[derive(Default)]
pub(crate) struct Usage {
    by_secret: Mutex<HashMap<SecretId, Noted>>,
    /// Held while a batch is written: whoever writes the last one waits for the one before.
    writing: tokio::sync::Mutex<()>,
}

struct Noted {
    token: TokenId,
    at: Instant,
    from: Option<IpAddr>,
    by: String,
    /// Pulls and pushes by day.
    days: BTreeMap<i64, (i64, i64)>,
}

impl Usage {
    /// Notes that the gate let the principal in, if it is a token.
    pub(crate) fn note(&self, principal: &Principal, origin: &Origin, now: Instant) {
        self.update(principal, origin, now, |_| ());
    }

    /// Notes that the principal, if it is a token, has pulled or pushed a manifest.
    pub(crate) fn count(&self, principal: &Principal, origin: &Origin, done: Done, now: Instant) {
        self.update(principal, origin, now, |noted| {
            let (pulls, pushes) = noted.days.entry(day_of(now)).or_default();
            match done {
                Done::Pull => *pulls += 1,
                Done::Push => *pushes += 1,
            }
        });
    }

    fn update(&self, principal: &Principal, origin: &Origin, now: Instant, add: impl FnOnce(&mut Noted)) {
        let Principal::Token(token) = principal else { return };
        let mut noted = self.noted();
        let is_full = noted.len() >= MAX_SECRETS && !noted.contains_key(&token.secret);
        if !is_full {
            let noted = noted.entry(token.secret).or_insert_with(|| Noted::of(token, origin, now));
            noted.see(origin, now);
            add(noted);
        }
    }

    /// Everything that was noted, by token: replicas that write at the same time take the rows in one order, and
    /// never wait for each other in a circle.
    fn take(&self) -> Vec<Use> {
        let noted = std::mem::take(&mut *self.noted());
        let mut uses: Vec<Use> = noted.into_iter().flat_map(|(secret, noted)| noted.uses(secret)).collect();
        uses.sort_by_key(|used| (used.token.to_string(), used.secret.to_string(), used.day));
        uses
    }

    /// Notes again what could not be written. What was noted in the meantime is newer.
    fn give_back(&self, uses: Vec<Use>) {
        let mut noted = self.noted();
        for used in uses {
            if noted.len() >= MAX_SECRETS && !noted.contains_key(&used.secret) {
                continue;
            }
            let noted = noted.entry(used.secret).or_insert_with(|| Noted {
                token: used.token,
                at: used.at,
                from: used.from,
                by: used.by,
                days: BTreeMap::new(),
            });
            let (pulls, pushes) = noted.days.entry(used.day).or_default();
            *pulls += used.pulls;
            *pushes += used.pushes;
        }
    }

    fn noted(&self) -> MutexGuard<'_, HashMap<SecretId, Noted>> {
        self.by_secret.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Noted {
    fn of(token: &Token, origin: &Origin, now: Instant) -> Self {
        let by = client_name(&origin.client).to_owned();
        Self { token: token.id, at: now, from: origin.address, by, days: BTreeMap::new() }
    }

    fn see(&mut self, origin: &Origin, now: Instant) {
        self.at = self.at.max(now);
        self.from = origin.address;
        let client = client_name(&origin.client);
        // Nearly always the same one: nothing is copied then.
        if self.by != client {
            client.clone_into(&mut self.by);
        }
    }

    /// One use for each day on which something was pulled or pushed, or one that only says when last.
    fn uses(self, secret: SecretId) -> Vec<Use> {
        let Self { token, at, from, by, mut days } = self;
        if days.is_empty() {
            days.insert(day_of(at), (0, 0));
        }
        let used =
            |(day, (pulls, pushes))| Use { token, secret, at, from, by: by.clone(), day, pulls, pushes };
        days.into_iter().map(used).collect()
    }
}

/// The day of an instant, counted from 1970-01-01 in UTC.
pub(crate) fn day_of(at: Instant) -> i64 {
    at.as_millis().div_euclid(DAY_MILLIS)
}

/// When a day begins.
pub(crate) fn start_of_day(day: i64) -> Instant {
    Instant::from_millis(day.saturating_mul(DAY_MILLIS))
}

/// What a User-Agent (RFC 9110 §10.1.5) says first, with two parts of its version: `docker/28.2`. More would tell
/// apart what nobody tells apart.
fn client_name(user_agent: &str) -> &str {
    let product = user_agent.split_ascii_whitespace().next().unwrap_or_default();
    let version = product.find('/').map_or(product.len(), |slash| slash + 1);
    let dots = product[version..].match_indices('.');
    let end = dots.map(|(at, _)| version + at).nth(1).unwrap_or(product.len());
    let product = &product[..end];
    product.char_indices().nth(MAX_CLIENT_CHARS).map_or(product, |(end, _)| &product[..end])
}

impl Registry {
    /// Writes what was noted of the use of tokens. To be called every few seconds, and once more when no request can
    /// come any more. What could not be written is kept for the next time; what broke off in its commit may then be
    /// counted twice, which is a smaller lie than not at all.
    pub async fn write_usage(&self) -> Result<(), DbError> {
        let _turn = self.usage.writing.lock().await;
        let mut uses = self.usage.take();
        while !uses.is_empty() {
            let rest = uses.split_off(uses.len().min(USES_AT_ONCE));
            if let Err(error) = retried(|| self.write_uses(&uses)).await {
                self.usage.give_back(uses);
                self.usage.give_back(rest);
                return Err(error);
            }
            uses = rest;
        }
        Ok(())
    }

    async fn write_uses(&self, uses: &[Use]) -> Result<(), DbError> {
        let tx = self.db.begin().await?;
        for used in uses {
            usage::add(&tx, used).await?;
        }
        tx.commit().await
    }

    /// How many times a group of transactions was made durable since the start; `None` on PostgreSQL, where the
    /// server counts.
    pub fn group_commits(&self) -> Option<u64> {
        self.db.group_commits()
    }

    /// How many statements ran since the start.
    pub fn statements(&self) -> u64 {
        self.db.statements()
    }

    /// How often SQLite compiled a cached statement again since the start; `None` on PostgreSQL.
    pub fn recompilations(&self) -> Option<u64> {
        self.db.recompilations()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use access::{
        allowed_addresses::AllowedAddresses, expiry::Expiry, randomness::Randomness, rights::Owner,
        scope::Scopes, time::Length,
    };

    use super::*;

    const NOW: Instant = Instant::from_millis(1_767_225_600_000); // 2026-01-01

    struct Fixed(u8);

    impl Randomness for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(self.0);
        }
    }

    fn token(token: u8, secret: u8) -> Principal {
        Principal::Token(Token {
            id: TokenId::mint(NOW, &Fixed(token)),
            name: "ci-bot".to_owned(),
            owner: Owner::Instance,
            is_enabled: true,
            expiry: Expiry::Never,
            ended: None,
            secret: SecretId::mint(NOW, &Fixed(secret)),
            secret_ends: None,
            scopes: Scopes::default(),
            allowed_addresses: AllowedAddresses::default(),
        })
    }

    fn origin(address: &str, client: &str) -> Origin {
        let address = Some(address.parse().unwrap());
        Origin { address, client: client.to_owned(), request_id: String::new() }
    }

    /// Day since the first, pulls, pushes, address, client.
    fn told(used: &Use) -> (i64, i64, i64, String, &str) {
        (used.day - day_of(NOW), used.pulls, used.pushes, used.from.unwrap().to_string(), &used.by)
    }

    #[test]
    fn a_client_is_called_by_its_product_and_two_parts_of_its_version() {
        let long = "x".repeat(100);
        for (user_agent, name) in [
            ("docker/28.2.2 go/go1.23.8 git-commit/45873be kernel/6.8 os/linux arch/amd64", "docker/28.2"),
            ("containerd/v2.0.1", "containerd/v2.0"),
            ("skopeo/1.14.0-dev", "skopeo/1.14"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla/5.0"),
            ("regclient/regctl (v0.8.0)", "regclient/regctl"),
            ("curl", "curl"),
            ("a.b.c/1", "a.b.c/1"),
            ("", ""),
            ("   ", ""),
            (&long, &long[..64]),
        ] {
            assert_eq!(client_name(user_agent), name, "{user_agent}");
        }
    }

    #[test]
    fn what_was_noted_is_told_once_by_day_and_in_one_order() {
        let (usage, tomorrow) = (Usage::default(), NOW.plus(Length::days(1)));
        let (first, second) = (origin("192.0.2.1", "docker/28.2.2"), origin("192.0.2.2", "curl/8.5"));
        usage.note(&token(9, 1), &first, NOW);
        usage.count(&token(2, 7), &first, Done::Push, NOW);
        usage.count(&token(2, 7), &first, Done::Pull, NOW);
        usage.count(&token(2, 7), &second, Done::Pull, tomorrow);
        usage.note(&token(2, 3), &second, NOW);
        usage.note(&Principal::Anonymous, &first, NOW);
        let uses = usage.take();
        assert_eq!(
            uses.iter().map(told).collect::<Vec<_>>(),
            [
                (0, 0, 0, "192.0.2.2".to_owned(), "curl/8.5"),
                (0, 1, 1, "192.0.2.2".to_owned(), "curl/8.5"),
                (1, 1, 0, "192.0.2.2".to_owned(), "curl/8.5"),
                (0, 0, 0, "192.0.2.1".to_owned(), "docker/28.2"),
            ]
        );
        assert!(usage.take().is_empty());
    }

    #[test]
    fn what_could_not_be_written_is_added_to_what_came_since() {
        let (usage, later) = (Usage::default(), NOW.plus(Length::seconds(5)));
        usage.count(&token(1, 1), &origin("192.0.2.1", "old/1"), Done::Pull, NOW);
        let unwritten = usage.take();
        usage.count(&token(1, 1), &origin("192.0.2.2", "new/1"), Done::Pull, later);
        usage.give_back(unwritten);
        let uses = usage.take();
        assert_eq!(uses.iter().map(told).collect::<Vec<_>>(), [(0, 2, 0, "192.0.2.2".to_owned(), "new/1")]);
        assert_eq!(uses[0].at, later);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_nothing_older() {
        let (usage, anywhere) = (Usage::default(), origin("192.0.2.1", "curl/8.5"));
        usage.note(&token(1, 1), &anywhere, NOW);
        usage.note(&token(1, 1), &anywhere, NOW.minus(Length::hours(1)));
        assert_eq!(usage.take()[0].at, NOW);
    }

    #[test]
    fn memory_is_bounded() {
        let usage = Usage::default();
        let mint = |number: u64| {
            let at = NOW.plus(Length::milliseconds(i64::try_from(number).unwrap()));
            let Principal::Token(mut token) = token(1, 1) else { unreachable!() };
            token.secret = SecretId::mint(at, &Fixed(1));
            Principal::Token(token)
        };
        let anywhere = origin("192.0.2.1", "curl/8.5");
        for number in 0..MAX_SECRETS as u64 + 10 {
            usage.note(&mint(number), &anywhere, NOW);
        }
        usage.count(&mint(0), &anywhere, Done::Pull, NOW);
        let uses = usage.take();
        assert_eq!((uses.len(), uses.iter().map(|used| used.pulls).sum::<i64>()), (MAX_SECRETS, 1));
    }
}
