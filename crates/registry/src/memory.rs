//! What requests may hold in memory: bodies that are read whole, and the documents that are parsed from them. One budget
//! for the process, which the registry owns and every interface takes from.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use access::rights::{Owner, Principal};
use bytes::Bytes;
use tokio::{
    sync::{Notify, Semaphore},
    task::spawn_blocking,
    time::timeout,
};

use crate::guessing::machine_of;

/// What all requests together may hold, in bytes: 32 manifests of 4 MiB on their way, or tens of thousands of usual ones.
const MAX_HELD_BYTES: usize = 128 * 1024 * 1024;
/// How many long documents are parsed at once. The others wait; what they hold meanwhile is counted.
const DOCUMENTS_AT_ONCE: usize = 2;
/// The longest document that is parsed on the thread that serves other requests as well, in bytes.
const MAX_PARSED_AT_ONCE_BYTES: usize = 16 * 1024;
/// The part of what is left that an anonymous caller's address may hold is one of so many.
const ANONYMOUS_SHARES: usize = 2;
/// An address may hold so many times what is left: a company or a proxy may be behind it.
const ADDRESS_FACTOR: usize = 3;

/// How long an answer waits for its part of the budget. Clients that take nothing are disconnected after 120 s, and
/// the others give theirs back much earlier.
const ROOM_PATIENCE: Duration = Duration::from_secs(30);

/// What requests hold in memory, counted in bytes.
///
/// **Fairness.** A holder may never hold more than what is left to the others: one alone gets half of everything, two get
/// a third each, and so on, so something is left for whoever has not asked yet. A holder is the owner of the credential
/// (a user, a namespace), so further tokens give no further share. All anonymous callers together count as one more
/// holder, and each of their addresses may hold half of what is left. An address (IPv6: a /64) may hold three times what
/// is left.
#[derive(Debug)]
pub struct Memory {
    limit: usize,
    held: Mutex<Held>,
    documents: Semaphore,
    /// Wakes answers that wait when bytes are given back.
    freed: Notify,
}

#[derive(Debug, Default)]
struct Held {
    total: usize,
    /// Only accounts that hold something, so there are no more than a few for each reservation.
    by_account: HashMap<Account, usize>,
}

/// Who is counted.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Account {
    User(String),
    Namespace(String),
    Instance,
    Anonymous,
    AnonymousAt(Option<IpAddr>),
    Address(IpAddr),
}

/// Whom a reservation is counted for.
#[derive(Debug, Clone)]
pub struct Holder(Vec<Account>);

/// The budget has not as many bytes left as the request needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the requests that are being read hold as much memory as they may; try again in a moment")]
pub struct MemoryFull;

/// Bytes of the budget, given back when this is dropped.
#[derive(Debug)]
pub struct Reservation {
    memory: Arc<Memory>,
    holder: Holder,
    bytes: usize,
}

/// A whole body in memory, with the reservation that counts it.
#[derive(Debug)]
pub struct HeldBytes {
    /// The bytes.
    pub bytes: Bytes,
    /// Counts them, and what is made of them.
    pub reservation: Reservation,
}

impl Default for Memory {
    fn default() -> Self {
        Self::of(MAX_HELD_BYTES)
    }
}

impl Memory {
    /// A budget of `limit` bytes.
    pub fn of(limit: usize) -> Self {
        Self {
            limit,
            held: Mutex::default(),
            documents: Semaphore::new(DOCUMENTS_AT_ONCE),
            freed: Notify::new(),
        }
    }

    /// A reservation of nothing yet, counted for `holder`.
    pub fn reservation(self: &Arc<Self>, holder: Holder) -> Reservation {
        Reservation { memory: Arc::clone(self), holder, bytes: 0 }
    }

    /// Parses a document of `bytes` bytes: a short one at once, a long one on a thread of its own and when its turn comes.
    ///
    /// # Panics
    /// If `parse` panics.
    pub async fn parse<T: Send + 'static>(
        &self,
        bytes: usize,
        parse: impl FnOnce() -> T + Send + 'static,
    ) -> T {
        if bytes <= MAX_PARSED_AT_ONCE_BYTES {
            return parse();
        }
        // The semaphore is never closed.
        let _turn = self.documents.acquire().await;
        spawn_blocking(parse).await.unwrap_or_else(|stopped| std::panic::resume_unwind(stopped.into_panic()))
    }

    /// The number of bytes that are held now.
    pub fn held(&self) -> usize {
        self.locked().total
    }

    fn locked(&self) -> std::sync::MutexGuard<'_, Held> {
        // Each change is complete before a panic could come.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Account {
    /// How much it may hold while `left` bytes are free.
    fn share(&self, left: usize) -> usize {
        match self {
            Self::User(_) | Self::Namespace(_) | Self::Instance | Self::Anonymous => left,
            Self::AnonymousAt(_) => left / ANONYMOUS_SHARES,
            Self::Address(_) => left.saturating_mul(ADDRESS_FACTOR),
        }
    }
}

impl Holder {
    /// The principal of a request, at the address that it came from.
    pub fn of(principal: &Principal, address: Option<IpAddr>) -> Self {
        match principal {
            Principal::Anonymous => Self::anonymous(address),
            Principal::User(user) => Self::user(user.username.as_str(), address),
            Principal::Token(token) => Self::at(owner(&token.owner), address),
        }
    }

    /// A user.
    pub fn user(username: &str, address: Option<IpAddr>) -> Self {
        Self::at(Account::User(username.to_owned()), address)
    }

    /// A caller without a credential, or with one that is not checked yet.
    pub fn anonymous(address: Option<IpAddr>) -> Self {
        let mut holder = Self::at(Account::AnonymousAt(address.map(machine_of)), address);
        holder.0.push(Account::Anonymous);
        holder
    }

    fn at(account: Account, address: Option<IpAddr>) -> Self {
        Self(
            [Some(account), address.map(|address| Account::Address(machine_of(address)))]
                .into_iter()
                .flatten()
                .collect(),
        )
    }
}

fn owner(owner: &Owner) -> Account {
    match owner {
        Owner::Namespace { id, .. } => Account::Namespace(id.to_string()),
        Owner::User { user, .. } => Account::User(user.username.to_string()),
        // The token of a user who was deleted ended with them, and no request of it gets here.
        Owner::Instance | Owner::FormerUser => Account::Instance,
    }
}

impl Reservation {
    /// Reserves `bytes` more, or nothing.
    ///
    /// # Errors
    /// [`MemoryFull`] if the budget has not as many left, or the holder would have more than its share.
    pub fn grow(&mut self, bytes: usize) -> Result<(), MemoryFull> {
        let mut held = self.memory.locked();
        let total = held.total.saturating_add(bytes);
        let left = self.memory.limit.checked_sub(total).ok_or(MemoryFull)?;
        let has_room = |account: &Account| {
            let holds = held.by_account.get(account).copied().unwrap_or_default();
            holds.saturating_add(bytes) <= account.share(left)
        };
        if !self.holder.0.iter().all(has_room) {
            return Err(MemoryFull);
        }
        held.total = total;
        for account in &self.holder.0 {
            *held.by_account.entry(account.clone()).or_default() += bytes;
        }
        drop(held);
        self.bytes += bytes;
        Ok(())
    }

    /// Reserves `bytes` more as soon as there is room: for an answer whose head is sent already.
    ///
    /// # Errors
    /// [`MemoryFull`] if there is none for 30 s.
    pub(crate) async fn grow_when_possible(&mut self, bytes: usize) -> Result<(), MemoryFull> {
        let memory = Arc::clone(&self.memory);
        let grown = async {
            loop {
                // Before the try, so that bytes which are given back in between wake it.
                let freed = memory.freed.notified();
                if self.grow(bytes).is_ok() {
                    return;
                }
                freed.await;
            }
        };
        timeout(ROOM_PATIENCE, grown).await.map_err(|_| MemoryFull)
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut held = self.memory.locked();
        held.total = held.total.saturating_sub(self.bytes);
        for account in &self.holder.0 {
            if let Some(holds) = held.by_account.get_mut(account) {
                *holds = holds.saturating_sub(self.bytes);
                if *holds == 0 {
                    held.by_account.remove(account);
                }
            }
        }
        drop(held);
        self.memory.freed.notify_waiters();
    }
}

impl HeldBytes {
    /// Reserves as much again, so that `copies` times the bytes are counted from now on.
    ///
    /// # Errors
    /// [`MemoryFull`] if the budget has not as many left.
    pub fn count_copies(&mut self, copies: usize) -> Result<(), MemoryFull> {
        self.reservation.grow(self.bytes.len().saturating_mul(copies.saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn address(last: u8) -> Option<IpAddr> {
        Some([192, 0, 2, last].into())
    }

    fn user(name: &str, last: u8) -> Holder {
        Holder::user(name, address(last))
    }

    #[tokio::test]
    async fn an_answer_waits_until_others_give_bytes_back() {
        let memory = Arc::new(Memory::of(10 * MIB));
        let mut first = memory.reservation(user("anna", 1));
        first.grow(5 * MIB).unwrap();
        let mut second = memory.reservation(user("anna", 1));
        let waiting = tokio::spawn(async move { second.grow_when_possible(4 * MIB).await.map(|()| second) });
        tokio::task::yield_now().await;
        assert_eq!(memory.held(), 5 * MIB);
        drop(first);
        let second = waiting.await.unwrap().unwrap();
        assert_eq!(memory.held(), 4 * MIB);
        drop(second);
        assert_eq!(memory.held(), 0);
    }

    /// Reserves one MiB after the other until it is refused; returns the reservations and their number.
    fn fill(memory: &Arc<Memory>, holder: &Holder) -> (Vec<Reservation>, usize) {
        let mut all = Vec::new();
        loop {
            let mut one = memory.reservation(holder.clone());
            if one.grow(MIB).is_err() {
                let count = all.len();
                return (all, count);
            }
            all.push(one);
        }
    }

    #[test]
    fn an_owner_never_holds_more_than_is_left_to_others() {
        let memory = Arc::new(Memory::of(128 * MIB));
        let mut kept = Vec::new();
        for (name, last, expect) in [("a", 1, 64), ("b", 2, 32), ("c", 3, 16)] {
            let (reserved, count) = fill(&memory, &user(name, last));
            assert_eq!(count, expect, "{name}");
            // From another address it is the same owner.
            assert_eq!(fill(&memory, &user(name, 100)).1, 0, "{name}");
            kept.push(reserved);
        }
        assert!(memory.reservation(user("honest", 9)).grow(8 * MIB).is_ok());
        drop(kept);
        assert_eq!((memory.held(), memory.locked().by_account.len()), (0, 0));
    }

    #[test]
    fn an_address_leaves_a_quarter_however_many_owners_it_has() {
        let memory = Arc::new(Memory::of(128 * MIB));
        let kept: Vec<_> = (0..50).map(|owner| fill(&memory, &user(&owner.to_string(), 1)).0).collect();
        assert_eq!(memory.held(), 96 * MIB);
        assert!(memory.reservation(user("new", 1)).grow(MIB).is_err());
        assert!(memory.reservation(user("new", 2)).grow(16 * MIB).is_ok());
        drop(kept);
        assert_eq!(memory.held(), 0);
    }

    #[test]
    fn anonymous_callers_share_what_one_owner_may_hold() {
        let memory = Arc::new(Memory::of(128 * MIB));
        let kept: Vec<_> = (1..50).map(|last| fill(&memory, &Holder::anonymous(address(last))).0).collect();
        assert_eq!((kept[0].len(), memory.held()), (42, 64 * MIB));
        assert!(memory.reservation(user("honest", 1)).grow(16 * MIB).is_ok());
    }

    #[test]
    fn addresses_of_one_ipv6_network_are_one() {
        let memory = Arc::new(Memory::of(128 * MIB));
        let at = |text: &str| Holder::anonymous(Some(text.parse().unwrap()));
        let kept = fill(&memory, &at("2001:db8::1")).0;
        assert_eq!((kept.len(), fill(&memory, &at("2001:db8::2")).1), (42, 0));
        assert!(fill(&memory, &at("2001:db8:0:1::1")).1 > 0);
    }

    #[test]
    fn a_refused_growth_changes_nothing() {
        let memory = Arc::new(Memory::of(10));
        let mut reservation = memory.reservation(user("a", 1));
        reservation.grow(3).unwrap();
        for bytes in [3, 8, usize::MAX] {
            assert_eq!(reservation.grow(bytes), Err(MemoryFull), "{bytes}");
        }
        assert_eq!(memory.held(), 3);
        reservation.grow(2).unwrap();
        drop(reservation);
        assert_eq!(memory.held(), 0);
    }

    #[tokio::test]
    async fn a_document_is_parsed_whatever_its_length() {
        let memory = Memory::of(1);
        for bytes in [0, MAX_PARSED_AT_ONCE_BYTES, MAX_PARSED_AT_ONCE_BYTES + 1] {
            assert_eq!(memory.parse(bytes, move || bytes).await, bytes);
        }
    }
}
