//! Whose password is hashed next. Hashing is expensive, so only a few run at once and the others wait. Addresses take
//! turns, so that one address with many requests delays the others by a few hashes at most and never by its whole line.

use std::{
    collections::VecDeque,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

use crate::guessing::machine_of;

/// How many passwords are hashed at once: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;
/// How many requests of one address (IPv6: of one /64) may wait. A proxy or an office behind one address may log in
/// together; they delay only each other.
const MAX_WAITING_OF_ADDRESS: usize = 32;
/// How many requests may wait in all, some 100 bytes each.
const MAX_WAITING: usize = 1_024;

/// Too many requests wait, or this one was pushed out by an address that had fewer waiting.
#[derive(Debug)]
pub(crate) struct Busy;

/// The right to hash one password. Dropping it gives it to the next request.
pub(crate) struct Turn(Option<Arc<Turns>>);

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(turns) = self.0.take() {
            turns.pass_on();
        }
    }
}

/// The requests that hash a password or wait for it.
pub(crate) struct Turns(Mutex<Lines>);

struct Lines {
    /// Above 0 only while no request waits.
    free: usize,
    /// One for each address that waits; the first is served next. None is empty.
    lines: VecDeque<Line>,
}

/// The requests of one address, the oldest first. Requests without an address share one line.
struct Line {
    machine: Option<IpAddr>,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

impl Default for Turns {
    fn default() -> Self {
        Self(Mutex::new(Lines { free: AT_ONCE, lines: VecDeque::new() }))
    }
}

impl Turns {
    /// Waits for a turn. Dropping the future gives the place up.
    pub(crate) async fn take(self: &Arc<Self>, from: Option<IpAddr>) -> Result<Turn, Busy> {
        let turn = {
            let mut lines = self.lock();
            if lines.free > 0 {
                lines.free -= 1;
                return Ok(Turn(Some(Arc::clone(self))));
            }
            lines.join(from.map(machine_of))?
        };
        turn.await.map_err(|_| Busy)
    }

    /// Gives a turn to the next request that still waits.
    fn pass_on(self: Arc<Self>) {
        loop {
            let Some(next) = self.lock().next() else { return };
            // The lock is free here: a turn that nobody takes comes back by this loop, not by its `Drop`.
            match next.send(Turn(Some(Arc::clone(&self)))) {
                Ok(()) => return,
                Err(mut turn) => turn.0 = None,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    /// Adds a request at the end of the line of its address.
    fn join(&mut self, machine: Option<IpAddr>) -> Result<oneshot::Receiver<Turn>, Busy> {
        self.forget_those_who_left();
        let own = self.lines.iter().position(|line| line.machine == machine);
        let waiting = own.map_or(0, |own| self.lines[own].waiting.len());
        if waiting >= MAX_WAITING_OF_ADDRESS {
            return Err(Busy);
        }
        if self.lines.iter().map(|line| line.waiting.len()).sum::<usize>() >= MAX_WAITING {
            // It has two or more left out of at least three, so no line becomes empty and `own` stays right.
            let longest = self.lines.iter_mut().max_by_key(|line| line.waiting.len());
            let longest = longest.filter(|line| line.waiting.len() > waiting + 1).ok_or(Busy)?;
            longest.waiting.pop_back();
        }
        let (sender, receiver) = oneshot::channel();
        match own {
            Some(own) => self.lines[own].waiting.push_back(sender),
            None => self.lines.push_back(Line { machine, waiting: VecDeque::from([sender]) }),
        }
        Ok(receiver)
    }

    /// The request whose turn is next; its address goes to the end. Without one, a turn is free.
    fn next(&mut self) -> Option<oneshot::Sender<Turn>> {
        while let Some(mut line) = self.lines.pop_front() {
            let next = line.waiting.pop_front();
            if !line.waiting.is_empty() {
                self.lines.push_back(line);
            }
            if next.is_some() {
                return next;
            }
        }
        self.free += 1;
        None
    }

    fn forget_those_who_left(&mut self) {
        for line in &mut self.lines {
            line.waiting.retain(|sender| !sender.is_closed());
        }
        self.lines.retain(|line| !line.waiting.is_empty());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::{future::Future, pin::Pin};

    use futures_util::{FutureExt, poll};

    use super::*;

    type Waiting = Pin<Box<dyn Future<Output = Result<Turn, Busy>>>>;

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    /// A request that has begun to wait.
    async fn waiting(turns: &Arc<Turns>, from: Option<IpAddr>) -> Waiting {
        let turns = Arc::clone(turns);
        let mut waiting: Waiting = Box::pin(async move { turns.take(from).await });
        assert!(poll!(&mut waiting).is_pending());
        waiting
    }

    /// Turns that an attacker holds, with its line as long as it may be.
    async fn attacked() -> (Arc<Turns>, Vec<Turn>, Vec<Waiting>) {
        let turns = Arc::new(Turns::default());
        let mut held = Vec::new();
        for _ in 0..AT_ONCE {
            held.push(turns.take(address("192.0.2.1")).await.ok().unwrap());
        }
        let mut line = Vec::new();
        for _ in 0..MAX_WAITING_OF_ADDRESS {
            line.push(waiting(&turns, address("192.0.2.1")).await);
        }
        assert!(turns.take(address("192.0.2.1")).await.is_err(), "its line is full");
        (turns, held, line)
    }

    #[tokio::test]
    async fn an_address_with_many_requests_delays_another_by_one_turn() {
        let (turns, mut held, mut line) = attacked().await;
        for from in [address("198.51.100.7"), address("2001:db8::1"), None] {
            let mut other = waiting(&turns, from).await;
            drop(held.pop());
            held.extend(line.remove(0).now_or_never().unwrap());
            assert!(poll!(&mut other).is_pending());
            drop(held.pop());
            held.extend(other.now_or_never().unwrap());
        }
    }

    #[tokio::test]
    async fn the_oldest_request_of_an_address_is_first_and_a_network_of_ipv6_is_one_address() {
        let turns = Arc::new(Turns::default());
        let held = [turns.take(None).await.ok().unwrap(), turns.take(None).await.ok().unwrap()];
        let mut first = waiting(&turns, address("2001:db8::1")).await;
        let mut second = waiting(&turns, address("2001:db8::2")).await;
        let mut other = waiting(&turns, address("2001:db8:0:1::1")).await;
        let [one, two] = held;
        drop(one);
        let turn = (&mut first).now_or_never().unwrap().ok().unwrap();
        drop(two);
        let turn_of_other = (&mut other).now_or_never().unwrap().ok().unwrap();
        assert!(poll!(&mut second).is_pending());
        drop((turn, turn_of_other));
        assert!(second.now_or_never().unwrap().is_ok());
    }

    #[tokio::test]
    async fn who_leaves_frees_the_place_and_loses_no_turn() {
        let (turns, held, mut line) = attacked().await;
        drop(line.pop());
        line.push(waiting(&turns, address("192.0.2.1")).await);
        // Also one that was given its turn and never looked at it.
        let last = line.pop().unwrap();
        drop(line);
        drop(held);
        drop(last);
        let all = [turns.take(None).now_or_never(), turns.take(None).now_or_never()];
        assert!(all.iter().all(|turn| matches!(turn, Some(Ok(_)))));
        assert!(turns.take(None).now_or_never().is_none(), "and no turn was made up");
    }

    #[tokio::test]
    async fn a_full_queue_refuses_the_newest_of_the_longest_line() {
        let (turns, _held, mut line) = attacked().await;
        let address = |other: usize| {
            let other = u32::try_from(other).unwrap();
            Some(IpAddr::from(std::net::Ipv4Addr::from_bits(0x0a00_0001 + other)))
        };
        let room = MAX_WAITING - line.len();
        let mut others = Vec::new();
        for other in 0..room {
            others.push(waiting(&turns, address(other)).await);
        }
        others.push(waiting(&turns, address(room)).await);
        assert!(line.pop().unwrap().now_or_never().unwrap().is_err(), "refused");
        assert!(line.iter_mut().all(|waiting| waiting.now_or_never().is_none()));
        let kept: usize = turns.lock().lines.iter().map(|line| line.waiting.len()).sum();
        assert_eq!(kept, MAX_WAITING);
    }
}
