//! What one connection is doing, so that each state has its own deadline: waiting for a head is not being idle, and
//! waiting for our disk is not the client's fault.

use std::{
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use http::Version;
use tokio::{sync::Notify, time::sleep};

use super::{
    limits::Limits,
    seats::{Line, Standing},
    stage::{Stage, State},
};

/// How many bytes of answers make a step, in bytes: whoever takes fewer in the time for a standstill stands still.
const STEP_BYTES: usize = 64 * 1024;

/// How often an answer is looked at in the time for a standstill, which so begins when something moved last: nobody says
/// when that was, and one look at the end would leave whoever moved right after the look before nearly twice the time.
const LOOKS: u32 = 24;

/// Why a connection has to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Over {
    /// No request for a while.
    Idle,
    /// Others need its place, and it asks for nothing.
    NoRoom,
    /// Others need its place, and it holds up a request of its own or has more than its share.
    Displaced,
    /// The head of a request did not come to its end.
    SlowHead,
    /// The client takes nothing of its answer.
    Stalled,
    /// The goodbye was not answered.
    Closed,
}

/// The state of a connection.
pub(super) struct Pulse {
    state: Mutex<State>,
    line: Arc<Line>,
    /// A request began or the last one ended.
    changed: Notify,
    /// Others need the place.
    told: Arc<Notify>,
}

impl Pulse {
    /// Of a connection from `machine` that was just made; `None` is a proxy's.
    pub(super) fn new(line: Arc<Line>, machine: Option<IpAddr>) -> Arc<Self> {
        let told = Arc::new(Notify::new());
        let state = State::new(line.arrive(&told, machine));
        Arc::new(Self { state: Mutex::new(state), line, changed: Notify::new(), told })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something came from the client.
    pub(super) fn received(&self) {
        let mut state = self.state();
        let is_goodbye = state.is_leaving || state.is_closing;
        if is_goodbye && state.open == 0 && !state.is_unflushed {
            // Whoever still sends is still there, and may read what the network holds. Others get its place all the same.
            state.moves();
            // What comes by HTTP/1 then is the rest of a body that nobody wanted, or one more request.
            state.was_at_rest &= state.is_http2 || !state.was_asked;
        } else if state.open == 0 && state.was_asked && !state.is_http2 && !state.has_begun_head {
            state.has_begun_head = true;
            self.changed.notify_one();
        }
    }

    /// Something was written, or would have been if the client took it. Pings are written, too: that alone is no new
    /// standing in the line.
    pub(super) fn wrote(&self) {
        self.state().is_unflushed = true;
    }

    /// All that was written has gone to the network.
    pub(super) fn flushed(&self) {
        let mut state = self.state();
        if std::mem::take(&mut state.is_unflushed) && state.open == 0 {
            self.settle(&mut state);
            if state.watched == Stage::Sending {
                self.changed.notify_one();
            }
        }
    }

    /// It was told to go.
    pub(super) fn leaves(&self) {
        self.state().leaves();
    }

    /// We have written our last.
    pub(super) fn closes(&self) {
        let mut state = self.state();
        (state.is_closing, state.is_unflushed) = (true, false);
        self.settle(&mut state);
        self.changed.notify_one();
    }

    /// A request is there; to be followed by [`Pulse::end`].
    pub(super) fn begin(&self, version: Version) {
        let mut state = self.state();
        state.open += 1;
        state.working += 1;
        (state.was_asked, state.has_begun_head, state.was_at_rest) = (true, false, false);
        state.is_http2 = version >= Version::HTTP_2;
        self.settle(&mut state);
        self.changed.notify_one();
    }

    /// The answer to a request that does not wait for us is out.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.open -= 1;
        if state.open == 0 {
            self.settle(&mut state);
            self.changed.notify_one();
        }
    }

    /// A request that waited for the client waits for us, or the other way round.
    pub(super) fn works(&self, is_working: bool) {
        let mut state = self.state();
        if is_working {
            state.working += 1;
        } else {
            state.working -= 1;
        }
        self.settle(&mut state);
    }

    /// A piece of an answer was made, or some of a body came.
    pub(super) fn moves(&self) {
        let mut state = self.state();
        state.moves();
        self.settle(&mut state);
    }

    /// The client took so many bytes of an answer.
    pub(super) fn took(&self, bytes: usize) {
        let mut state = self.state();
        state.taken += bytes;
        if state.taken >= STEP_BYTES {
            state.taken = 0;
            state.moves();
            self.settle(&mut state);
        }
    }

    /// The body of a request is waited for, or no more.
    pub(super) fn owes(&self, is_owing: bool) {
        let mut state = self.state();
        if is_owing {
            state.owed += 1;
        } else {
            state.owed -= 1;
        }
        self.settle(&mut state);
    }

    /// Waits until the connection has to go.
    pub(super) async fn over(&self, limits: &Limits) -> Over {
        let mut looks = 0;
        loop {
            let seen = self.watch();
            let over = tokio::select! {
                () = sleep(time_for(seen.0, limits)) => self.over_since(seen, &mut looks),
                () = self.changed.notified() => {
                    looks = 0;
                    None
                }
                () = self.told.notified() => {
                    looks = 0;
                    self.told()
                }
            };
            if let Some(over) = over {
                return over;
            }
        }
    }

    fn watch(&self) -> (Stage, u64) {
        let mut state = self.state();
        state.watched = state.stage();
        (state.watched, state.moved)
    }

    /// What it comes to that the time for a stage has passed, or for a look at an answer, after so many `looks` at which
    /// nothing of it had moved.
    fn over_since(&self, seen: (Stage, u64), looks: &mut u32) -> Option<Over> {
        let mut state = self.state();
        let stands = seen == (state.stage(), state.moved);
        *looks = if stands && seen.0 == Stage::Sending { *looks + 1 } else { 0 };
        if !stands {
            return None;
        }
        match seen.0 {
            Stage::New | Stage::Head => Some(Over::SlowHead),
            Stage::Idle => Some(Over::Idle),
            Stage::Sending => (*looks >= LOOKS).then_some(Over::Stalled),
            Stage::Closing | Stage::Closed => Some(Over::Closed),
            Stage::Working => None,
            Stage::Owing => {
                state.has_owed_long = true;
                self.settle(&mut state);
                None
            }
        }
    }

    /// What it comes to that others need the place; whoever does something else since it was told is served.
    fn told(&self) -> Option<Over> {
        let mut state = self.state();
        if !self.line.has_told(&state.ticket) {
            return None;
        }
        match (state.ticket.standing(), state.stage()) {
            (Standing::Idle, Stage::Sending) => {
                self.line.stand(&mut state.ticket, Standing::Served);
                None
            }
            (Standing::Idle, _) => Some(Over::NoRoom),
            (Standing::Owing | Standing::Served, _) => Some(Over::Displaced),
        }
    }

    /// Stands in the line as what it is by now.
    fn settle(&self, state: &mut State) {
        let standing = state.standing();
        if standing != state.ticket.standing() {
            self.line.stand(&mut state.ticket, standing);
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.line.leave(&self.state().ticket);
    }
}

fn time_for(stage: Stage, limits: &Limits) -> Duration {
    match stage {
        Stage::New | Stage::Head => limits.head,
        Stage::Idle => limits.idle,
        // We end by ourselves; looked at again for what comes after.
        Stage::Working | Stage::Owing => limits.owing,
        Stage::Sending => limits.stall / LOOKS,
        Stage::Closing => limits.linger,
        Stage::Closed => Duration::ZERO,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use tokio::time::timeout;

    use super::*;

    fn line() -> Arc<Line> {
        Arc::new(Line::new(9))
    }

    fn pulse() -> Arc<Pulse> {
        Pulse::new(line(), None)
    }

    /// Its answer is made, and gone.
    fn ends(pulse: &Pulse) {
        pulse.works(false);
        pulse.end();
    }

    /// A connection that has had a request.
    fn asked(version: Version) -> Arc<Pulse> {
        let pulse = pulse();
        pulse.begin(version);
        ends(&pulse);
        pulse
    }

    /// Why the connection is over within so many seconds, by the default limits.
    async fn over_within(pulse: &Pulse, seconds: f64) -> Option<Over> {
        let limits = Limits::default();
        timeout(Duration::from_secs_f64(seconds), pulse.over(&limits)).await.ok()
    }

    async fn is_over_after(pulse: &Pulse, seconds: f64, expect: Over) {
        assert_eq!(over_within(pulse, seconds - 0.01).await, None, "{expect:?}");
        assert_eq!(over_within(pulse, seconds + 0.01).await, Some(expect));
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_head_has_ten_seconds_and_each_later_one_from_its_first_byte() {
        is_over_after(&pulse(), 10.0, Over::SlowHead).await;

        let dripping = pulse();
        dripping.received();
        is_over_after(&dripping, 10.0, Over::SlowHead).await;

        let kept = asked(Version::HTTP_11);
        kept.received();
        is_over_after(&kept, 10.0, Over::SlowHead).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_byte_of_the_next_head_ends_the_idle_time() {
        let kept = asked(Version::HTTP_11);
        let limits = Limits::default();
        let mut over = Box::pin(kept.over(&limits));
        assert!(timeout(Duration::from_secs(50), &mut over).await.is_err());
        kept.received();
        assert!(timeout(Duration::from_millis(9_990), &mut over).await.is_err());
        // More bytes buy no more time.
        kept.received();
        assert_eq!(timeout(Duration::from_millis(20), over).await.unwrap(), Over::SlowHead);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_no_more_has_two_minutes_from_its_last_step_on_and_a_look_at_most() {
        let pulse = pulse();
        pulse.begin(Version::HTTP_11);
        pulse.works(false);
        let limits = Limits::default();
        let mut over = Box::pin(pulse.over(&limits));
        for waits in [1, 119, 62, 3] {
            assert!(timeout(Duration::from_secs(waits), &mut over).await.is_err());
            pulse.took(STEP_BYTES);
        }
        assert!(timeout(Duration::from_millis(119_990), &mut over).await.is_err());
        assert_eq!(timeout(Duration::from_millis(5_100), over).await.unwrap(), Over::Stalled);
    }

    #[tokio::test(start_paused = true)]
    async fn a_kept_connection_is_idle_for_two_minutes() {
        is_over_after(&asked(Version::HTTP_11), 120.0, Over::Idle).await;
        let http2 = asked(Version::HTTP_2);
        // A ping, or an answer to one: no head has begun.
        http2.received();
        is_over_after(&http2, 120.0, Over::Idle).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_we_work_on_is_never_over() {
        let pulse = pulse();
        pulse.begin(Version::HTTP_2);
        pulse.begin(Version::HTTP_2);
        assert_eq!(over_within(&pulse, 86_400.0).await, None);
        ends(&pulse);
        assert_eq!(over_within(&pulse, 86_400.0).await, None);
        ends(&pulse);
        is_over_after(&pulse, 120.0, Over::Idle).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_written_and_not_gone_is_an_answer_that_still_runs() {
        let limits = Limits::default().of_a_goodbye();
        let pulse = asked(Version::HTTP_11);
        pulse.wrote();
        assert!(timeout(Duration::from_secs(100), pulse.over(&limits)).await.is_err());
        // One that nobody takes is over all the same.
        assert_eq!(over_within(&pulse, 120.01).await, Some(Over::Stalled));
        pulse.flushed();
        assert_eq!(timeout(Duration::from_millis(5010), pulse.over(&limits)).await.unwrap(), Over::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_was_told_to_go_and_still_takes_what_the_network_holds_is_not_cut_off() {
        let limits = Limits::default().of_a_goodbye();
        let pulse = asked(Version::HTTP_2);
        pulse.leaves();
        for _ in 0..10 {
            assert!(timeout(Duration::from_secs(4), pulse.over(&limits)).await.is_err());
            // A window update.
            pulse.received();
        }
        assert_eq!(timeout(Duration::from_millis(5010), pulse.over(&limits)).await.unwrap(), Over::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn the_idle_time_begins_when_the_last_byte_is_gone() {
        let kept = asked(Version::HTTP_11);
        kept.wrote();
        let limits = Limits::default();
        let mut over = Box::pin(kept.over(&limits));
        assert!(timeout(Duration::from_secs(100), &mut over).await.is_err());
        kept.flushed();
        assert!(timeout(Duration::from_secs_f64(119.9), &mut over).await.is_err());
        assert_eq!(timeout(Duration::from_millis(200), over).await.unwrap(), Over::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn pings_keep_no_connection() {
        let http2 = asked(Version::HTTP_2);
        let limits = Limits::default();
        let mut over = Box::pin(http2.over(&limits));
        for _ in 0..11 {
            assert!(timeout(Duration::from_secs(10), &mut over).await.is_err());
            http2.received();
            http2.wrote();
            http2.flushed();
        }
        assert_eq!(timeout(Duration::from_secs_f64(10.01), over).await.unwrap(), Over::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_was_told_to_go_and_takes_nothing_is_not_kept_by_pings() {
        let limits = Limits::default().of_a_goodbye();
        let pulse = asked(Version::HTTP_2);
        pulse.leaves();
        pulse.wrote();
        let mut over = Box::pin(pulse.over(&limits));
        for _ in 0..11 {
            assert!(timeout(Duration::from_secs(10), &mut over).await.is_err());
            pulse.received();
        }
        assert_eq!(timeout(Duration::from_secs(11), over).await.unwrap(), Over::Stalled);
    }

    #[tokio::test(start_paused = true)]
    async fn the_other_ends_goodbye_is_waited_for_as_long_as_something_comes() {
        let pulse = asked(Version::HTTP_2);
        pulse.closes();
        for _ in 0..10 {
            assert_eq!(over_within(&pulse, 4.9).await, None);
            pulse.received();
        }
        is_over_after(&pulse, 5.0, Over::Closed).await;
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asked_for_nothing_when_it_was_told_to_go_is_not_waited_for() {
        for (pulse, sends, is_closed_at_once) in [
            // HTTP/2 of which only the greeting has come.
            (pulse(), true, true),
            (asked(Version::HTTP_11), false, true),
            // The rest of a body, or one more request.
            (asked(Version::HTTP_11), true, false),
            // The answer to our ping.
            (asked(Version::HTTP_2), true, true),
        ] {
            pulse.leaves();
            if sends {
                pulse.received();
            }
            pulse.closes();
            assert_eq!(over_within(&pulse, 0.1).await.is_some(), is_closed_at_once, "{sends}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_was_served_when_it_was_told_to_go_says_goodbye_too() {
        let served_since = asked(Version::HTTP_2);
        served_since.leaves();
        served_since.begin(Version::HTTP_2);
        ends(&served_since);

        let served_before = asked(Version::HTTP_11);
        served_before.begin(Version::HTTP_11);
        served_before.leaves();
        ends(&served_before);
        served_before.leaves();

        for pulse in [served_since, served_before] {
            pulse.closes();
            is_over_after(&pulse, 5.0, Over::Closed).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_idles_longest_makes_room_and_whoever_is_served_does_not() {
        let line = line();
        let [first, served, last] = [(); 3].map(|()| Pulse::new(Arc::clone(&line), None));
        served.begin(Version::HTTP_11);
        assert!(line.tell_first(None));
        assert_eq!(over_within(&last, 1.0).await, None);
        assert_eq!(over_within(&first, 1.0).await, Some(Over::NoRoom));
        assert!(line.tell_first(None));
        assert_eq!(over_within(&last, 1.0).await, Some(Over::NoRoom));
        assert!(!line.tell_first(None), "the one that is left has a request");

        // Its answer is made, and still on its way.
        served.wrote();
        ends(&served);
        assert!(!line.tell_first(None));
        served.flushed();
        assert!(line.tell_first(None));
        assert_eq!(over_within(&served, 1.0).await, Some(Over::NoRoom));
        drop(Pulse::new(Arc::clone(&line), None));
        assert!(!line.tell_first(None), "it is gone");
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_that_comes_when_its_connection_is_told_to_go_is_served() {
        let line = line();
        let pulse = Pulse::new(Arc::clone(&line), None);
        assert!(line.tell_first(None));
        pulse.begin(Version::HTTP_11);
        assert_eq!(over_within(&pulse, 100.0).await, None);
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_owes_a_body_makes_room_after_a_while_and_whoever_sends_one_does_not() {
        let line = line();
        let [owing, sending] = [(); 2].map(|()| Pulse::new(Arc::clone(&line), None));
        for pulse in [&owing, &sending] {
            pulse.begin(Version::HTTP_11);
            pulse.owes(true);
        }
        assert_eq!(over_within(&sending, 2.0).await, None);
        assert_eq!(over_within(&owing, 2.0).await, None);
        assert!(!line.tell_first(None), "for less than three seconds");
        for _ in 0..5 {
            sending.moves();
            assert_eq!(over_within(&sending, 2.0).await, None);
        }
        assert_eq!(over_within(&owing, 3.01).await, None);
        assert!(line.tell_first(None));
        assert_eq!(over_within(&owing, 0.1).await, Some(Over::Displaced));
        assert!(!line.tell_first(None), "the other one's comes");
    }
}
