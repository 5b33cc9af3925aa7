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
/// Wrong passwords for one account from all networks together in an [`ACCOUNT_WINDOW`]: a guesser with many networks gets
/// 4,800 a day. Networks that the account is known at are neither counted nor refused.
const MOST_FOR_ACCOUNT_ANYWHERE: u32 = 50;
/// How long those count, from the first on. It is also how long the owner waits at most, at a network where they are not
/// known.
const ACCOUNT_WINDOW: Length = Length::seconds(15 * 60);
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
    "{most} wrong passwords within {within} came {about}; try again in {retry_after_seconds} s (secrets of tokens are \
     taken all the while)"
)]
pub struct TooManyGuesses {
    most: u32,
    within: &'static str,
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
    for_account_anywhere: Counts<[u8; 32]>,
    known: KnownPlaces,
}

/// A password as a guesser sent it: half of a keyed hash, which is enough to tell a guesser's few passwords apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PasswordMark([u8; 16]);

impl PasswordMark {
    pub(crate) fn of(keyed_hash: &[u8; 32]) -> Self {
        let mut mark = [0; 16];
        mark.copy_from_slice(&keyed_hash[..16]);
        Self(mark)
    }
}

/// In which tables a guess was counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Counted {
    here: bool,
    anywhere: bool,
}

impl Default for Guessing {
    fn default() -> Self {
        Self(Mutex::new(Tables {
            for_account: Counts::new(
                MOST_FOR_ACCOUNT,
                WINDOW,
                "a minute",
                "for this account from your network",
            ),
            from_address: Counts::new(MOST_FROM_ADDRESS, WINDOW, "a minute", "from your address"),
            for_account_anywhere: Counts::new(
                MOST_FOR_ACCOUNT_ANYWHERE,
                ACCOUNT_WINDOW,
                "15 minutes",
                "for this account from networks where it did not log in before",
            ),
            known: KnownPlaces::default(),
        }))
    }
}

impl Guessing {
    /// Whether another guess would be taken now.
    pub(crate) fn check(
        &self,
        guesser: &Guesser,
        mark: PasswordMark,
        now: Instant,
    ) -> Result<(), TooManyGuesses> {
        self.with(|tables| tables.check(guesser, mark, now))
    }

    /// Whether this guesser sent this password within the window, and it was found wrong.
    pub(crate) fn is_known_wrong(&self, guesser: &Guesser, mark: PasswordMark, now: Instant) -> bool {
        self.with(|tables| tables.sent_before(guesser, mark, now).is_some_and(|sent| sent.is_wrong))
    }

    /// Counts a guess before it is checked: of many that are sent at once none must slip through while the others are
    /// being checked. The same password of the same guesser counts once, so that a forgotten client does not lock its
    /// owner out.
    pub(crate) fn begin(
        &self,
        guesser: &Guesser,
        mark: PasswordMark,
        now: Instant,
    ) -> Result<Counted, TooManyGuesses> {
        self.with(|tables| {
            if tables.sent_before(guesser, mark, now).is_some() {
                return Ok(Counted { here: false, anywhere: false });
            }
            tables.check(guesser, mark, now)?;
            let sent = Sent { mark, is_wrong: false };
            tables.for_account.add(guesser.by_account(), now).sent.push(sent);
            tables.from_address.add(guesser.by_address(), now);
            let anywhere = !tables.known.knows(guesser, now);
            if anywhere {
                tables.for_account_anywhere.add(guesser.account, now);
            }
            Ok(Counted { here: true, anywhere })
        })
    }

    /// The password was wrong.
    pub(crate) fn found_wrong(&self, guesser: &Guesser, mark: PasswordMark) {
        self.with(|tables| {
            let count = tables.for_account.by_key.get_mut(&guesser.by_account());
            let mut sent = count.into_iter().flat_map(|count| &mut count.sent);
            if let Some(sent) = sent.find(|sent| sent.mark == mark) {
                sent.is_wrong = true;
            }
        });
    }

    /// The guess was none: the password was right, or could not be checked. The wrong ones before it still count: a
    /// guesser must not begin anew by a login to another account, or with a login of the owner.
    pub(crate) fn take_back(&self, guesser: &Guesser, mark: PasswordMark, counted: Counted) {
        self.with(|tables| {
            if counted.here {
                if let Some(count) = tables.for_account.by_key.get_mut(&guesser.by_account()) {
                    count.sent.retain(|sent| sent.mark != mark);
                }
                tables.for_account.take_back(&guesser.by_account());
                tables.from_address.take_back(&guesser.by_address());
            }
            if counted.anywhere {
                tables.for_account_anywhere.take_back(&guesser.account);
            }
        });
    }

    /// The owner of the account logged in from there.
    pub(crate) fn know(&self, guesser: &Guesser, now: Instant) {
        self.with(|tables| tables.known.add(guesser, now));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Tables) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Tables {
    fn check(&self, guesser: &Guesser, mark: PasswordMark, now: Instant) -> Result<(), TooManyGuesses> {
        if self.sent_before(guesser, mark, now).is_some() {
            return Ok(());
        }
        self.for_account.check(&guesser.by_account(), now)?;
        self.from_address.check(&guesser.by_address(), now)?;
        if self.known.knows(guesser, now) {
            return Ok(());
        }
        self.for_account_anywhere.check(&guesser.account, now)
    }

    fn sent_before(&self, guesser: &Guesser, mark: PasswordMark, now: Instant) -> Option<&Sent> {
        let count = self.for_account.by_key.get(&guesser.by_account())?;
        let is_over = !count.counts(now, self.for_account.window);
        count.sent.iter().find(|sent| !is_over && sent.mark == mark)
    }
}

/// One kind of count.
#[derive(Debug)]
struct Counts<K> {
    most: u32,
    window: Length,
    /// The window in words.
    within: &'static str,
    about: &'static str,
    by_key: HashMap<K, Count>,
}

#[derive(Debug)]
struct Count {
    since: Instant,
    guesses: u32,
    /// The passwords that were counted, in the table that tells them apart; at most [`MOST_FOR_ACCOUNT`].
    sent: Vec<Sent>,
}

/// A password that a guesser sent.
#[derive(Debug, Clone, Copy)]
struct Sent {
    mark: PasswordMark,
    /// False while it is being checked.
    is_wrong: bool,
}

impl Count {
    /// Not over, and not begun by a clock that was set back since.
    fn counts(&self, now: Instant, window: Length) -> bool {
        self.since <= now && now < self.since.plus(window)
    }

    fn since(now: Instant) -> Self {
        Self { since: now, guesses: 0, sent: Vec::new() }
    }
}

impl<K: Hash + Eq + Copy> Counts<K> {
    fn new(most: u32, window: Length, within: &'static str, about: &'static str) -> Self {
        Self { most, window, within, about, by_key: HashMap::new() }
    }

    fn check(&self, key: &K, now: Instant) -> Result<(), TooManyGuesses> {
        match self.by_key.get(key) {
            Some(count) if count.counts(now, self.window) && count.guesses >= self.most => {
                let left = count.since.plus(self.window).as_millis() - now.as_millis();
                // Rounded up: whoever comes back when they are told is not refused again.
                let retry_after_seconds = u32::try_from((left + 999) / 1000).unwrap_or(u32::MAX);
                let Self { most, within, about, .. } = *self;
                Err(TooManyGuesses { most, within, about, retry_after_seconds })
            }
            _ => Ok(()),
        }
    }

    fn add(&mut self, key: K, now: Instant) -> &mut Count {
        if !self.by_key.contains_key(&key) {
            self.make_room(now);
        }
        let window = self.window;
        let count = self.by_key.entry(key).or_insert_with(|| Count::since(now));
        if !count.counts(now, window) {
            *count = Count::since(now);
        }
        count.guesses += 1;
        count
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
        let window = self.window;
        self.by_key.retain(|_, count| count.counts(now, window));
        if self.by_key.len() >= MAX_COUNTS {
            let oldest = self.by_key.iter().min_by_key(|(_, count)| count.since).map(|(key, _)| *key);
            oldest.and_then(|key| self.by_key.remove(&key));
        }
    }
}

/// The networks that accounts logged in from: the owner of an account that is being guessed at still logs in there. Kept
/// in memory, so a restart forgets them; it also forgets the guesses.
#[derive(Debug, Default)]
struct KnownPlaces(HashMap<[u8; 32], Vec<KnownPlace>>);

#[derive(Debug)]
struct KnownPlace {
    network: Option<IpAddr>,
    seen: Instant,
}

/// How long a network is known after the last login.
const KNOWN_FOR: Length = Length::days(30);
/// How many networks an account is known at, so that one account cannot use the memory up. The oldest is forgotten.
const MAX_KNOWN_PLACES: usize = 8;
/// How many accounts are kept, some 300 bytes each. The one that did not log in for the longest is forgotten.
const MAX_KNOWN_ACCOUNTS: usize = 4_096;

impl KnownPlaces {
    fn knows(&self, guesser: &Guesser, now: Instant) -> bool {
        let (account, network) = guesser.by_account();
        let places = self.0.get(&account).into_iter().flatten();
        places.filter(|place| place.network == network).any(|place| now < place.seen.plus(KNOWN_FOR))
    }

    fn add(&mut self, guesser: &Guesser, now: Instant) {
        let (account, network) = guesser.by_account();
        if self.0.len() >= MAX_KNOWN_ACCOUNTS && !self.0.contains_key(&account) {
            let latest = |places: &[KnownPlace]| places.iter().map(|place| place.seen).max();
            let oldest = self.0.iter().min_by_key(|(_, places)| latest(places)).map(|(account, _)| *account);
            oldest.and_then(|account| self.0.remove(&account));
        }
        let places = self.0.entry(account).or_default();
        // The latest is last, so the first is the oldest.
        places.retain(|place| place.network != network);
        if places.len() >= MAX_KNOWN_PLACES {
            places.remove(0);
        }
        places.push(KnownPlace { network, seen: now });
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

    fn mark(number: usize) -> PasswordMark {
        let mut mark = [0; 16];
        mark[..8].copy_from_slice(&number.to_le_bytes());
        PasswordMark(mark)
    }

    /// A password that nothing else in a test sends.
    fn another() -> PasswordMark {
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1_000_000);
        mark(COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
    }

    /// How many guesses in a row, each with another password, are taken, up to `most`.
    fn taken(guessing: &Guessing, guesser: Guesser, most: usize, now: Instant) -> usize {
        (0..most).take_while(|_| guessing.begin(&guesser, another(), now).is_ok()).count()
    }

    #[test]
    fn the_same_wrong_password_from_the_same_place_counts_once() {
        let guessing = Guessing::default();
        let (ann, same) = (guesser("ann", "192.0.2.1"), mark(1));
        for _ in 0..1000 {
            guessing.begin(&ann, same, NOW).unwrap();
            guessing.found_wrong(&ann, same);
            assert!(guessing.is_known_wrong(&ann, same, NOW));
        }
        for (username, address) in [("ann", "192.0.3.1"), ("bob", "192.0.2.1")] {
            assert!(!guessing.is_known_wrong(&guesser(username, address), same, NOW));
        }
        assert_eq!(taken(&guessing, ann, 100, NOW), 4);
        assert!(guessing.begin(&ann, same, NOW).is_ok(), "also behind the limit");
        assert!(!guessing.is_known_wrong(&ann, same, NOW.plus(WINDOW)), "and in the next minute once more");
        assert_eq!(taken(&guessing, ann, 100, NOW.plus(WINDOW)), 5);
    }

    #[test]
    fn of_the_same_password_sent_twice_at_once_and_found_right_no_count_stays() {
        let guessing = Guessing::default();
        let (ann, same) = (guesser("ann", "192.0.2.1"), mark(1));
        let counted = [(); 2].map(|()| guessing.begin(&ann, same, NOW).unwrap());
        assert!(!guessing.is_known_wrong(&ann, same, NOW), "it is being checked");
        for counted in counted {
            guessing.take_back(&ann, same, counted);
        }
        assert_eq!(taken(&guessing, ann, 100, NOW), 5);
    }

    #[test]
    fn guesses_from_many_networks_are_refused_and_the_owner_is_not() {
        let guessing = Guessing::default();
        let home = guesser("ann", "192.0.2.1");
        guessing.know(&home, NOW);
        let from_many = |username: &str, now| -> usize {
            let networks = (0..100_u32).map(|network| Ipv4Addr::from_bits(0x0a00_0000 + (network << 8)));
            networks.map(|from| taken(&guessing, Guesser::of(username, Some(from.into())), 1, now)).sum()
        };
        assert_eq!(from_many("ann", NOW), 50);
        let elsewhere = guesser("ann", "198.51.100.7");
        let refused = guessing.check(&elsewhere, another(), NOW.plus(Length::seconds(60))).unwrap_err();
        assert!(
            refused.to_string().starts_with("50 wrong passwords within 15 minutes came for this account")
        );
        assert_eq!(refused.retry_after_seconds, 14 * 60);
        assert_eq!(taken(&guessing, home, 100, NOW), 5, "at home the limit of a network counts alone");
        assert_eq!(from_many("nobody", NOW), 50, "accounts that do not exist count alike");
        assert_eq!(taken(&guessing, elsewhere, 100, NOW.plus(ACCOUNT_WINDOW)), 5);
        // A home that was not seen for long is none.
        let late = NOW.plus(KNOWN_FOR);
        assert_eq!(from_many("ann", late), 50);
        assert!(guessing.check(&home, another(), late).is_err());
    }

    #[test]
    fn an_account_with_many_networks_makes_the_memory_forget_no_other() {
        let guessing = Guessing::default();
        let home = guesser("ann", "192.0.2.1");
        guessing.know(&home, NOW);
        let networks = (0..MAX_KNOWN_ACCOUNTS as u128 + 10)
            .map(|network| Ipv6Addr::from_bits((0x2001_0db8 << 96) + (network << 64)));
        let later = NOW.plus(Length::seconds(1));
        for network in networks.clone() {
            guessing.know(&Guesser::of("mallory", Some(network.into())), later);
        }
        assert!(guessing.with(|tables| tables.known.knows(&home, later)));
        let kept = guessing.with(|tables| tables.known.0.values().map(Vec::len).max());
        assert_eq!(kept, Some(MAX_KNOWN_PLACES));
        for (number, network) in networks.enumerate() {
            guessing.know(&Guesser::of(&number.to_string(), Some(network.into())), later);
        }
        assert_eq!(guessing.with(|tables| tables.known.0.len()), MAX_KNOWN_ACCOUNTS);
        assert!(!guessing.with(|tables| tables.known.knows(&home, later)), "the oldest went");
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
                    .filter(|account| {
                        guessing.begin(&guesser(&account.to_string(), address), mark(0), NOW).is_ok()
                    })
                    .count()
            };
            assert_eq!(by_many(address), 300, "{address}");
            let refused = guessing.check(&guesser("one more", same), mark(0), NOW).unwrap_err();
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
            let refused = guessing.begin(&ann, another(), now).unwrap_err();
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
            let counted = guessing.begin(&ann, mark(0), NOW).unwrap();
            guessing.take_back(&ann, mark(0), counted);
        }
        assert!(guessing.with(|tables| tables.for_account.by_key.is_empty()), "it leaves no trace");
        assert_eq!(taken(&guessing, ann, 4, NOW), 4);
        let counted = guessing.begin(&ann, mark(0), NOW).unwrap();
        guessing.take_back(&ann, mark(0), counted);
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
            guessing.begin(&Guesser::of(&count.to_string(), Some(address)), mark(0), later).unwrap();
            if count == MAX_COUNTS {
                assert!(guessing.check(&first, mark(0), later).is_ok(), "the oldest went");
                assert!(guessing.check(&last, mark(0), later).is_err(), "and nothing more than it");
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
