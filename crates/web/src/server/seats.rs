//! How many connections there are at once. Whoever asks for nothing makes room for whoever comes: idle connections, however
//! many, keep nobody out. Then goes whoever asked and does not send what it asked with, and at last a machine that holds
//! more than its share.

use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// How many connections above the limit wait for room or are being told 503; beyond that they are closed without a word.
/// Each takes some KiB and a few seconds.
pub const MAX_IN_LOBBY: usize = 256;
/// How often whoever waits for room looks for another to give way: the one that was told may have got a request in that
/// moment, and stays.
const LOOK_AGAIN: Duration = Duration::from_millis(250);
/// One machine keeps at most one part in so many of the seats when others find none.
const SHARES: usize = 2;

/// The places of a listener.
pub(super) struct Seats {
    seats: Arc<Semaphore>,
    lobby: Arc<Semaphore>,
    line: Arc<Line>,
}

/// What somebody who comes is given; it is free again when this is dropped.
pub(super) struct Place {
    /// Whether it is a seat, or one in the lobby: maybe something is free soon, see [`Seats::room`].
    pub(super) is_seat: bool,
    _held: OwnedSemaphorePermit,
}

impl Seats {
    /// So many.
    pub(super) fn new(count: usize) -> Self {
        let count = count.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            seats: Arc::new(Semaphore::new(count)),
            lobby: Arc::new(Semaphore::new(MAX_IN_LOBBY)),
            line: Arc::new(Line::new((count / SHARES).max(1))),
        }
    }

    /// The connections that have a seat.
    pub(super) fn line(&self) -> &Arc<Line> {
        &self.line
    }

    /// A place, at once; `None` where even the lobby is full.
    pub(super) fn enter(&self) -> Option<Place> {
        let place = |of: &Arc<Semaphore>| Arc::clone(of).try_acquire_owned().ok();
        let seat = place(&self.seats).map(|held| Place { is_seat: true, _held: held });
        seat.or_else(|| place(&self.lobby).map(|held| Place { is_seat: false, _held: held }))
    }

    /// A seat for somebody in the lobby, who comes from `machine`: tells the first in the line to go, and waits. `None`
    /// where nobody gave way for that long.
    pub(super) async fn room(&self, patience: Duration, machine: Option<IpAddr>) -> Option<Place> {
        let seat = Arc::clone(&self.seats).acquire_owned();
        let told = async {
            loop {
                self.line.tell_first(machine);
                tokio::time::sleep(LOOK_AGAIN).await;
            }
        };
        let free = async {
            tokio::select! {
                held = seat => held.ok(),
                () = told => None,
            }
        };
        let held = timeout(patience, free).await.ok()??;
        Some(Place { is_seat: true, _held: held })
    }
}

/// Who goes first when there is no seat left, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// Asks for nothing.
    Idle,
    /// Has asked, and for a while nothing came of what it asked with.
    Owing,
    /// Is served: goes only where its machine has more than its share.
    Served,
}

/// The connections that have a seat, in the order in which they go; among equals, whoever stands there longest is first.
pub(super) struct Line {
    /// How many connections a machine keeps in any case.
    share: usize,
    connections: Mutex<Connections>,
}

#[derive(Default)]
struct Connections {
    next: u64,
    in_line: BTreeMap<(Standing, u64), Arc<Connection>>,
    of_machine: HashMap<IpAddr, usize>,
    /// The machine with more than its share; of more than half there can't be two.
    greedy: Option<IpAddr>,
}

struct Connection {
    told: Arc<Notify>,
    /// Whose it is; `None` where it is many people's (a proxy).
    machine: Option<IpAddr>,
}

/// A connection's place in the line.
pub(super) struct Ticket {
    standing: Standing,
    number: u64,
    connection: Arc<Connection>,
}

impl Ticket {
    /// As what it stands there.
    pub(super) const fn standing(&self) -> Standing {
        self.standing
    }

    const fn place(&self) -> (Standing, u64) {
        (self.standing, self.number)
    }
}

impl Line {
    /// In which a machine keeps `share` connections in any case.
    pub(super) fn new(share: usize) -> Self {
        Self { share, connections: Mutex::default() }
    }

    fn connections(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection is there, and asks for nothing yet; `told` wakes it when it has to go.
    pub(super) fn arrive(&self, told: &Arc<Notify>, machine: Option<IpAddr>) -> Ticket {
        let mut connections = self.connections();
        if let Some(machine) = machine {
            let count = connections.of_machine.entry(machine).or_default();
            *count += 1;
            if *count > self.share {
                connections.greedy = Some(machine);
            }
        }
        let connection = Arc::new(Connection { told: Arc::clone(told), machine });
        connections.stand(connection, Standing::Idle)
    }

    /// It stands there as something else now, behind its equals; if it was told to go it is back.
    pub(super) fn stand(&self, ticket: &mut Ticket, standing: Standing) {
        let mut connections = self.connections();
        connections.in_line.remove(&ticket.place());
        *ticket = connections.stand(Arc::clone(&ticket.connection), standing);
    }

    /// Whether it was told to go since it stands there as what it is.
    pub(super) fn has_told(&self, ticket: &Ticket) -> bool {
        !self.connections().in_line.contains_key(&ticket.place())
    }

    /// It is gone.
    pub(super) fn leave(&self, ticket: &Ticket) {
        let mut connections = self.connections();
        connections.in_line.remove(&ticket.place());
        let Some(machine) = ticket.connection.machine else { return };
        let left = connections.of_machine.get(&machine).map_or(0, |count| count - 1);
        if left == 0 {
            connections.of_machine.remove(&machine);
        } else {
            connections.of_machine.insert(machine, left);
        }
        if left <= self.share && connections.greedy == Some(machine) {
            connections.greedy = None;
        }
    }

    /// Tells the first in the line to go, for somebody who comes from `newcomer`; whether there was one. It is told once.
    pub(super) fn tell_first(&self, newcomer: Option<IpAddr>) -> bool {
        let mut connections = self.connections();
        let first = connections.first(newcomer);
        let connection = first.and_then(|place| connections.in_line.remove(&place));
        connection.is_some_and(|connection| {
            connection.told.notify_one();
            true
        })
    }
}

impl Connections {
    fn stand(&mut self, connection: Arc<Connection>, standing: Standing) -> Ticket {
        let number = self.next;
        self.next += 1;
        self.in_line.insert((standing, number), Arc::clone(&connection));
        Ticket { standing, number, connection }
    }

    fn first(&self, newcomer: Option<IpAddr>) -> Option<(Standing, u64)> {
        let (first, _) = self.in_line.first_key_value()?;
        if first.0 != Standing::Served {
            return Some(*first);
        }
        // Whoever has more than its share itself gains nothing by coming again.
        let greedy = self.greedy.filter(|greedy| newcomer != Some(*greedy))?;
        let theirs = self.in_line.iter().find(|(_, connection)| connection.machine == Some(greedy));
        theirs.map(|(place, _)| *place)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use futures_util::FutureExt;

    use super::*;

    const GREEDY: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

    /// A connection of `machine`, and what tells it to go.
    fn arrived(line: &Line, machine: Option<IpAddr>, standing: Standing) -> (Ticket, Arc<Notify>) {
        let told = Arc::default();
        let mut ticket = line.arrive(&told, machine);
        line.stand(&mut ticket, standing);
        (ticket, told)
    }

    fn was_told(told: &Notify) -> bool {
        told.notified().now_or_never().is_some()
    }

    #[test]
    fn the_idle_go_first_then_those_that_owe_and_those_that_are_served_stay() {
        let line = Line::new(9);
        let [served, owing, idle, last] = [Standing::Served, Standing::Owing, Standing::Idle, Standing::Idle]
            .map(|standing| arrived(&line, Some(GREEDY), standing));
        for (ticket, told) in [&idle, &last, &owing] {
            assert!(!line.has_told(ticket));
            assert!(line.tell_first(Some(OTHER)));
            assert!(line.has_told(ticket) && was_told(told), "{:?}", ticket.standing());
        }
        assert!(!line.tell_first(Some(OTHER)));
        assert!(!line.has_told(&served.0));
    }

    #[test]
    fn whoever_was_told_and_got_a_request_is_back_in_the_line() {
        let line = Line::new(9);
        let (mut ticket, _told) = arrived(&line, None, Standing::Idle);
        assert!(line.tell_first(None));
        line.stand(&mut ticket, Standing::Served);
        assert!(!line.has_told(&ticket));
    }

    #[test]
    fn a_machine_with_more_than_its_share_makes_room_for_others_alone() {
        let line = Line::new(2);
        let [first, second, third] = [(); 3].map(|()| arrived(&line, Some(GREEDY), Standing::Served));
        let proxied = [(); 3].map(|()| arrived(&line, None, Standing::Served));
        assert!(!line.tell_first(Some(GREEDY)));
        assert!(line.tell_first(Some(OTHER)));
        assert!(was_told(&first.1) && !was_told(&second.1));
        line.leave(&first.0);
        // Two are its share, and nobody's are a proxy's.
        assert!(!line.tell_first(Some(OTHER)));
        for (ticket, told) in proxied.iter().chain([&second, &third]) {
            assert!(!line.has_told(ticket) && !was_told(told));
        }
    }

    #[test]
    fn nothing_is_kept_of_a_machine_that_is_gone() {
        let line = Line::new(1);
        let connections = [(); 3].map(|()| arrived(&line, Some(GREEDY), Standing::Served));
        for (ticket, _) in &connections {
            line.leave(ticket);
        }
        let left = line.connections();
        assert!(left.of_machine.is_empty() && left.in_line.is_empty() && left.greedy.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_next_is_told_where_the_first_stays() {
        let seats = Seats::new(1);
        let place = seats.enter().unwrap();
        let [(mut first, _), (_, last)] = [(); 2].map(|()| arrived(seats.line(), None, Standing::Idle));
        let room = seats.room(Duration::from_secs(1), None);
        let gives_way = async {
            while !seats.line().has_told(&first) {
                tokio::task::yield_now().await;
            }
            // A request came.
            seats.line().stand(&mut first, Standing::Served);
            last.notified().await;
            drop(place);
        };
        let (room, ()) = tokio::join!(room, gives_way);
        assert!(room.is_some_and(|place| place.is_seat));
    }
}
