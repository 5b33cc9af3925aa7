//! How many wrong passwords are taken (DESIGN §6). Passwords of people alone: the secret of a token is beyond guessing,
//! and a broken node that sends a dead one must lock nobody out.
//!
//! A table of our own rather than `governor`: that counts whenever it is asked, with no way to take a count back, and
//! here a guess counts only where it was wrong; nor does it bound how many keys it holds.

use std::{
    collections::HashMap,
    hash::Hash,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use access::time::{Instant, Length};
use sha2::{Digest, Sha256};

/// Wrong passwords for one account from one network in a [`WINDOW`] (DESIGN §6).
const MOST_FOR_ACCOUNT: u32 = 5;
/// Wrong passwords from one address in a [`WINDOW`], for whichever accounts (DESIGN §6).
const MOST_FROM_ADDRESS: u32 = 300;
/// How long wrong passwords count, from the first on (DESIGN §6).
const WINDOW: Length = Length::seconds(60);
/// The networks that share a count for an account: whoever has one address of an IPv4 /24 can often have others of it,
/// and one machine has a whole IPv6 /64 (RFC 4291 §2.5.1).
const IPV4_NETWORK_BITS: u32 = 24;
const IPV6_NETWORK_BITS: u32 = 64;
/// How many counts of each kind are kept, some 2 MiB. Checking a password takes tens of milliseconds on each of two
/// threads, so a window sees fewer wrong ones. Beyond it the oldest count goes: whoever wants five more guesses by that
/// has to spend as many as there are counts.
const MAX_COUNTS: usize = 16_384;

/// Too many wrong passwords came; nobody looked at this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{most} wrong passwords within a minute came {about}; try again in {retry_after_seconds} s (secrets of tokens are \
     taken all the while)"
)]
pub struct TooManyGuesses {
    most: u32,
    about: &'static str,
    /// After how many whole seconds the next guess is taken, at least 1.
    pub retry_after_seconds: u32,
}

/// Whoever sends a password: for which account, and from where. Accounts that don't exist count like those that do, or
/// the sixth answer would tell them apart.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guesser {
    /// The SHA-256 of the name as it was sent, for that has no bound of its own.
    account: [u8; 32],
    address: Option<IpAddr>,
}

impl Guesser {
    pub(crate) fn of(username: &str, address: Option<IpAddr>) -> Self {
        let address = address.map(|address| address.to_canonical());
        Self { account: Sha256::digest(username.as_bytes()).into(), address }
    }

    fn by_account(&self) -> ([u8; 32], Option<IpAddr>) {
        (self.account, self.address.map(|address| network_of(address, IPV4_NETWORK_BITS)))
    }

    /// A whole IPv6 /64 counts as one address, for it is one machine's to choose from.
    fn by_address(&self) -> Option<IpAddr> {
        self.address.map(machine_of)
    }
}

/// What counts as one machine: an IPv4 address, or the first of an IPv6 /64.
pub fn machine_of(address: IpAddr) -> IpAddr {
    network_of(address.to_canonical(), Ipv4Addr::BITS)
}

/// The first address of the network that an address is in: an IPv4 network of `ipv4_bits`, or an IPv6 /64.
fn network_of(address: IpAddr, ipv4_bits: u32) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX << (Ipv4Addr::BITS - ipv4_bits);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX << (Ipv6Addr::BITS - IPV6_NETWORK_BITS);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

/// The wrong passwords of the last minute. Each replica counts for itself.
#[derive(Debug)]
pub(crate) struct Guessing(Mutex<Tables>);

#[derive(Debug)]
struct Tables {
    for_account: Counts<([u8; 32], Option<IpAddr>)>,
    from_address: Counts<Option<IpAddr>>,
}

impl Default for Guessing {
    fn default() -> Self {
        Self(Mutex::new(Tables {
            for_account: Counts::new(MOST_FOR_ACCOUNT, "for this account from your network"),
            from_address: Counts::new(MOST_FROM_ADDRESS, "from your address"),
        }))
    }
}

impl Guessing {
    /// Whether another guess would be taken now.
    pub(crate) fn check(&self, guesser: &Guesser, now: Instant) -> Result<(), TooManyGuesses> {
        self.with(|tables| tables.check(guesser, now))
    }

    /// Counts a guess before anybody knows whether it is right: of many that are sent at once none must slip through
    /// while the others are being checked.
    pub(crate) fn begin(&self, guesser: &Guesser, now: Instant) -> Result<(), TooManyGuesses> {
        self.with(|tables| {
            tables.check(guesser, now)?;
            tables.for_account.add(guesser.by_account(), now);
            tables.from_address.add(guesser.by_address(), now);
            Ok(())
        })
    }

    /// The guess was none: the password was right, or nobody could tell. The wrong ones before it go on counting, or
    /// whoever guesses at one account would log in to another, or wait for its owner, and begin anew.
    pub(crate) fn take_back(&self, guesser: &Guesser) {
        self.with(|tables| {
            tables.for_account.take_back(&guesser.by_account());
            tables.from_address.take_back(&guesser.by_address());
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut Tables) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tables {
    fn check(&self, guesser: &Guesser, now: Instant) -> Result<(), TooManyGuesses> {
        self.for_account.check(&guesser.by_account(), now)?;
        self.from_address.check(&guesser.by_address(), now)
    }
}

/// One kind of count.
#[derive(Debug)]
struct Counts<K> {
    most: u32,
    about: &'static str,
    by_key: HashMap<K, Count>,
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since: Instant,
    guesses: u32,
}

impl Count {
    /// Not over, and not begun by a clock that was set back since.
    fn counts(&self, now: Instant) -> bool {
        self.since <= now && now < self.since.plus(WINDOW)
    }
}

impl<K: Hash + Eq + Copy> Counts<K> {
    fn new(most: u32, about: &'static str) -> Self {
        Self { most, about, by_key: HashMap::new() }
    }

    fn check(&self, key: &K, now: Instant) -> Result<(), TooManyGuesses> {
        match self.by_key.get(key) {
            Some(count) if count.counts(now) && count.guesses >= self.most => {
                let left = count.since.plus(WINDOW).as_millis() - now.as_millis();
                // Rounded up: whoever comes back when they are told is not refused again.
                let retry_after_seconds = u32::try_from((left + 999) / 1000).unwrap_or(u32::MAX);
                Err(TooManyGuesses { most: self.most, about: self.about, retry_after_seconds })
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, key: K, now: Instant) {
        if !self.by_key.contains_key(&key) {
            self.make_room(now);
        }
        let count = self.by_key.entry(key).or_insert(Count { since: now, guesses: 0 });
        if !count.counts(now) {
            *count = Count { since: now, guesses: 0 };
        }
        count.guesses += 1;
    }

    fn take_back(&mut self, key: &K) {
        let Some(count) = self.by_key.get_mut(key) else { return };
        count.guesses = count.guesses.saturating_sub(1);
        if count.guesses == 0 {
            self.by_key.remove(key);
        }
    }

    fn make_room(&mut self, now: Instant) {
        if self.by_key.len() < MAX_COUNTS {
            return;
        }
        self.by_key.retain(|_, count| count.counts(now));
        if self.by_key.len() >= MAX_COUNTS {
            let oldest = self.by_key.iter().min_by_key(|(_, count)| count.since).map(|(key, _)| *key);
            oldest.and_then(|key| self.by_key.remove(&key));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    const NOW: Instant = Instant::from_millis(1_767_225_600_000);

    fn guesser(username: &str, address: &str) -> Guesser {
        Guesser::of(username, Some(address.parse().unwrap()))
    }

    /// How many guesses in a row are taken, up to `most`.
    fn taken(guessing: &Guessing, guesser: Guesser, most: usize, now: Instant) -> usize {
        (0..most).take_while(|_| guessing.begin(&guesser, now).is_ok()).count()
    }

    #[test]
    fn five_wrong_ones_count_for_an_account_and_its_network_and_no_other() {
        let guessing = Guessing::default();
        assert_eq!(taken(&guessing, guesser("ann", "192.0.2.1"), 100, NOW), 5);
        for (username, address, expect) in [
            ("ann", "192.0.2.255", 0),
            ("ann", "::ffff:192.0.2.7", 0),
            ("ann", "192.0.3.1", 5),
            ("Ann", "192.0.2.1", 5),
            ("bob", "192.0.2.1", 5),
            ("ann", "2001:db8::1", 5),
            ("ann", "2001:db8::ffff:ffff:ffff:ffff", 0),
            ("ann", "2001:db8:0:1::1", 5),
        ] {
            let taken = taken(&guessing, guesser(username, address), 100, NOW);
            assert_eq!(taken, expect, "{username} from {address}");
        }
        assert_eq!(taken(&guessing, Guesser::of("ann", None), 100, NOW), 5);
    }

    #[test]
    fn three_hundred_wrong_ones_count_for_an_address_whichever_the_accounts() {
        for (address, neighbour, same) in [
            ("192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1"),
            ("2001:db8::1", "2001:db8:0:1::1", "2001:db8::2"),
        ] {
            let guessing = Guessing::default();
            let by_many = |address| {
                (0..400)
                    .filter(|account| guessing.begin(&guesser(&account.to_string(), address), NOW).is_ok())
                    .count()
            };
            assert_eq!(by_many(address), 300, "{address}");
            let refused = guessing.check(&guesser("one more", same), NOW).unwrap_err();
            assert!(
                refused.to_string().starts_with("300 wrong passwords within a minute came from your address")
            );
            assert_eq!(taken(&guessing, guesser("one more", neighbour), 100, NOW), 5);
        }
    }

    #[test]
    fn a_minute_after_the_first_all_are_forgotten() {
        let guessing = Guessing::default();
        let ann = guesser("ann", "192.0.2.1");
        assert_eq!(taken(&guessing, ann, 1, NOW), 1);
        let later = NOW.plus(Length::seconds(30));
        assert_eq!(taken(&guessing, ann, 100, later), 4);
        for (millis, retry_after_seconds) in [(30_000, 30), (58_999, 2), (59_000, 1), (59_999, 1)] {
            let now = NOW.plus(Length::milliseconds(millis));
            let refused = guessing.begin(&ann, now).unwrap_err();
            assert_eq!(refused.retry_after_seconds, retry_after_seconds, "{refused}");
        }
        assert_eq!(taken(&guessing, ann, 100, NOW.plus(WINDOW)), 5);
    }

    #[test]
    fn a_clock_that_was_set_back_locks_nobody_out() {
        let guessing = Guessing::default();
        let ann = guesser("ann", "192.0.2.1");
        assert_eq!(taken(&guessing, ann, 100, NOW), 5);
        assert_eq!(taken(&guessing, ann, 100, NOW.minus(Length::days(1))), 5);
    }

    #[test]
    fn a_right_one_is_not_counted_and_takes_no_wrong_one_back() {
        let guessing = Guessing::default();
        let ann = guesser("ann", "192.0.2.1");
        for _ in 0..1000 {
            guessing.begin(&ann, NOW).unwrap();
            guessing.take_back(&ann);
        }
        assert!(guessing.with(|tables| tables.for_account.by_key.is_empty()), "it leaves no trace");
        assert_eq!(taken(&guessing, ann, 4, NOW), 4);
        guessing.begin(&ann, NOW).unwrap();
        guessing.take_back(&ann);
        assert_eq!(taken(&guessing, ann, 100, NOW), 1);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_count_goes_first() {
        let guessing = Guessing::default();
        let first = guesser("first", "192.0.2.1");
        assert_eq!(taken(&guessing, first, 100, NOW), 5);
        let later = NOW.plus(Length::seconds(1));
        let last = guesser("last", "192.0.2.1");
        assert_eq!(taken(&guessing, last, 100, later), 5);
        let many = 20 + u32::try_from(MAX_COUNTS).unwrap();
        let others = (0..many).map(|other| IpAddr::from(Ipv4Addr::from_bits(0x0a00_0000 + other)));
        for (count, address) in others.enumerate().skip(2) {
            guessing.begin(&Guesser::of(&count.to_string(), Some(address)), later).unwrap();
            if count == MAX_COUNTS {
                assert!(guessing.check(&first, later).is_ok(), "the oldest went");
                assert!(guessing.check(&last, later).is_err(), "and nothing more than it");
            }
        }
        let kept =
            guessing.with(|tables| (tables.for_account.by_key.len(), tables.from_address.by_key.len()));
        assert_eq!(kept, (MAX_COUNTS, MAX_COUNTS));
        let over = later.plus(WINDOW);
        assert_eq!(taken(&guessing, first, 1, over), 1);
        assert_eq!(guessing.with(|tables| tables.for_account.by_key.len()), 1, "what is over goes together");
    }
}
