//! An answer on its way: it runs until the client has its last byte, and a connection keeps few of them in memory.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use axum::{body::Body, response::Response};
use bytes::{Buf, Bytes};
use http::Version;
use http_body::{Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::PollSemaphore;

use super::pulse::Pulse;

/// Pieces of large answers that a connection keeps for its client at once. A piece of a blob has 256 KiB, so these are
/// 4 MiB: HTTP/2 asks each stream for its next piece before the client has room for it. As many more are for answers in
/// one piece.
const MAX_PIECES: u32 = 16;
/// How much of such an answer takes one place, in bytes.
const PIECE_BYTES: u64 = 256 * 1024;
/// The longest answer that needs no such place, in bytes: as many as there may be streams come to 2 MiB. A manifest that is
/// longer is read when there is room for it.
pub(crate) const MAX_SMALL_BYTES: u64 = 64 * 1024;

/// Said by a large answer, among its extensions, whose body is one piece that is read when it is asked for.
#[derive(Clone, Copy)]
pub(crate) struct InOnePiece {
    /// How long it is.
    pub(crate) bytes: u64,
}

/// What the large answers of a connection share.
#[derive(Clone)]
pub(super) struct Room {
    pieces: Arc<Semaphore>,
    /// Places of their own: one that takes many would wait for each blob that the client lets stand meanwhile.
    in_one_piece: Arc<Semaphore>,
}

impl Default for Room {
    fn default() -> Self {
        let places = || Arc::new(Semaphore::new(MAX_PIECES as usize));
        Self { pieces: places(), in_one_piece: places() }
    }
}

impl Room {
    /// Where the answer gets its places.
    fn places_for(&self, response: &Response) -> Places {
        let hint = http_body::Body::size_hint(response.body());
        if hint.upper().is_some_and(|length| length <= MAX_SMALL_BYTES) {
            return Places::NotNeeded;
        }
        match response.extensions().get() {
            Some(InOnePiece { bytes }) => {
                let needed = u32::try_from(bytes.div_ceil(PIECE_BYTES)).unwrap_or(MAX_PIECES);
                Places::AtOnce(PollSemaphore::new(Arc::clone(&self.in_one_piece)), needed.min(MAX_PIECES))
            }
            None => Places::OneByOne(PollSemaphore::new(Arc::clone(&self.pieces))),
        }
    }
}

/// Where the places for an answer's pieces come from.
enum Places {
    /// It is small, or its one piece has gone.
    NotNeeded,
    /// One for each piece.
    OneByOne(PollSemaphore),
    /// So many for its one piece.
    AtOnce(PollSemaphore, u32),
}

/// A request and its answer, until the last byte of that has gone.
pub(super) struct Exchange {
    open: Arc<Open>,
    /// Whether it waits for us rather than for the client.
    is_ours: bool,
}

/// Held by whatever is left of an exchange.
struct Open(Arc<Pulse>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.end();
    }
}

impl Exchange {
    /// A request is there.
    pub(super) fn begin(pulse: &Arc<Pulse>, version: Version) -> Self {
        pulse.begin(version);
        Self { open: Arc::new(Open(Arc::clone(pulse))), is_ours: true }
    }

    /// The answer, which carries the exchange to its end.
    pub(super) fn carried_by(mut self, response: Response, room: &Room) -> http::Response<Answer> {
        self.moves(false);
        let places = room.places_for(&response);
        response.map(|body| Answer { body, places, place: None, exchange: self })
    }

    fn moves(&mut self, is_ours: bool) {
        self.open.0.moves();
        self.is_ours(is_ours);
    }

    fn is_ours(&mut self, is_ours: bool) {
        if self.is_ours != is_ours {
            self.open.0.works(is_ours);
        }
        self.is_ours = is_ours;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.is_ours(false);
    }
}

/// The body of an answer.
pub(super) struct Answer {
    body: Body,
    places: Places,
    /// The place, or places, of the next piece.
    place: Option<OwnedSemaphorePermit>,
    exchange: Exchange,
}

impl Answer {
    /// Waits until there is room for one more piece: until the client takes one.
    fn poll_place(&mut self, context: &mut Context<'_>) -> Poll<()> {
        if self.place.is_some() {
            return Poll::Ready(());
        }
        let polled = match &mut self.places {
            Places::NotNeeded => return Poll::Ready(()),
            Places::OneByOne(places) => places.poll_acquire(context),
            Places::AtOnce(places, needed) => places.poll_acquire_many(context, *needed),
        };
        if polled.is_pending() {
            self.exchange.is_ours(false);
        }
        self.place = ready!(polled);
        Poll::Ready(())
    }
}

impl http_body::Body for Answer {
    type Data = Piece;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, axum::Error>>> {
        ready!(self.poll_place(context));
        let polled = Pin::new(&mut self.body).poll_frame(context);
        self.exchange.moves(polled.is_pending());
        if polled.is_ready() && matches!(self.places, Places::AtOnce(..)) {
            // Its end waits for nobody.
            self.places = Places::NotNeeded;
        }
        polled.map_ok(|frame| {
            frame.map_data(|bytes| Piece {
                bytes,
                open: Arc::clone(&self.exchange.open),
                _place: self.place.take(),
            })
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// A piece of an answer. Until it is dropped the client has not got it all: HTTP/2 keeps it when the body is long gone.
pub(super) struct Piece {
    bytes: Bytes,
    open: Arc<Open>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
        self.open.0.took(count);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::{
        convert::Infallible,
        sync::atomic::{AtomicBool, Ordering},
        time::Duration,
    };

    use futures_util::{FutureExt, StreamExt, stream};
    use http_body_util::BodyExt;
    use tokio::time::timeout;

    use super::{
        super::{limits::Limits, pulse::Over, seats::Line},
        *,
    };

    fn pulse() -> Arc<Pulse> {
        Pulse::new(Arc::new(Line::new(9)), None)
    }

    /// A blob without an end, on its way over the connection.
    fn endless(pulse: &Arc<Pulse>, room: &Room) -> Answer {
        let pieces = stream::repeat(Ok::<_, Infallible>(Bytes::from_static(&[7; 1024])));
        let response = Response::new(Body::from_stream(pieces));
        Exchange::begin(pulse, Version::HTTP_2).carried_by(response, room).into_body()
    }

    async fn piece_of(answer: &mut Answer) -> Piece {
        answer.frame().await.unwrap().unwrap().into_data().ok().unwrap()
    }

    /// Why the connection is over within so many seconds, once it was told to go.
    async fn over_within(pulse: &Pulse, seconds: u64) -> Option<Over> {
        let limits = Limits::default().of_a_goodbye();
        timeout(Duration::from_secs(seconds), pulse.over(&limits)).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_that_nobody_takes_is_over_and_one_that_moves_is_not() {
        let pulse = pulse();
        let mut answer = endless(&pulse, &Room::default());
        for _ in 0..10 {
            piece_of(&mut answer).await;
            assert_eq!(over_within(&pulse, 119).await, None);
        }
        assert_eq!(over_within(&pulse, 121).await, Some(Over::Stalled));
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_is_slow_is_not_the_clients_fault() {
        let pulse = pulse();
        let nothing = stream::pending::<Result<Bytes, Infallible>>().boxed();
        let response = Response::new(Body::from_stream(nothing));
        let exchange = Exchange::begin(&pulse, Version::HTTP_11);
        let mut answer = exchange.carried_by(response, &Room::default()).into_body();
        let read = tokio::spawn(async move { answer.frame().await.is_some() });
        assert_eq!(over_within(&pulse, 86_400).await, None);
        read.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_runs_until_its_last_piece_is_taken() {
        let pulse = pulse();
        let response = Response::new(Body::from(vec![7; 300_000]));
        let exchange = Exchange::begin(&pulse, Version::HTTP_2);
        let mut answer = exchange.carried_by(response, &Room::default()).into_body();
        let mut piece = piece_of(&mut answer).await;
        drop(answer);
        // The client takes 64 KiB in less than two minutes, and again.
        for _ in 0..4 {
            assert_eq!(over_within(&pulse, 110).await, None);
            piece.advance(64 * 1024);
        }
        assert_eq!(over_within(&pulse, 121).await, Some(Over::Stalled));
        drop(piece);
        assert_eq!(over_within(&pulse, 6).await, Some(Over::Idle));
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_takes_a_byte_now_and_then_stands_still() {
        let pulse = pulse();
        let mut piece = piece_of(&mut endless(&pulse, &Room::default())).await;
        let limits = Limits::default();
        let mut over = Box::pin(pulse.over(&limits));
        for _ in 0..11 {
            assert!(timeout(Duration::from_secs(10), &mut over).await.is_err());
            piece.advance(1);
        }
        assert_eq!(timeout(Duration::from_secs(11), over).await, Ok(Over::Stalled));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_keeps_so_many_pieces_however_many_answers_it_asks_for() {
        let (pulse, room) = (pulse(), Room::default());
        let mut answers: Vec<Answer> = (0..100).map(|_| endless(&pulse, &room)).collect();
        let mut pieces = Vec::new();
        for answer in &mut answers {
            pieces.extend(answer.frame().now_or_never());
        }
        assert_eq!(pieces.len(), MAX_PIECES as usize);
        // That is the client's doing, not ours.
        assert_eq!(over_within(&pulse, 121).await, Some(Over::Stalled));
        let small = Response::new(Body::from("ok\n"));
        let small = Exchange::begin(&pulse, Version::HTTP_2).carried_by(small, &room).into_body();
        assert!(small.collect().now_or_never().is_some(), "a small answer waits for nobody");
        drop(pieces.pop());
        for answer in &mut answers[MAX_PIECES as usize..] {
            pieces.extend(answer.frame().now_or_never());
        }
        assert_eq!(pieces.len(), MAX_PIECES as usize, "one was taken, one comes");
    }

    /// A manifest, which says so when it is read.
    fn manifest(room: &Room, bytes: u64, was_read: &Arc<AtomicBool>) -> Answer {
        let was_read = Arc::clone(was_read);
        let read = async move {
            was_read.store(true, Ordering::Relaxed);
            Ok::<_, Infallible>(Bytes::from_static(b"{}"))
        };
        let mut response = Response::new(Body::from_stream(stream::once(read)));
        response.extensions_mut().insert(InOnePiece { bytes });
        Exchange::begin(&pulse(), Version::HTTP_2).carried_by(response, room).into_body()
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_in_one_piece_is_read_when_there_is_room_for_all_of_it() {
        let room = Room::default();
        for (bytes, beside) in [(MAX_SMALL_BYTES + 1, 15), (PIECE_BYTES + 1, 14), (16 * PIECE_BYTES, 0)] {
            let was_read = Arc::new(AtomicBool::new(false));
            let mut first = manifest(&room, bytes, &was_read);
            let piece = piece_of(&mut first).await;
            // Nobody waits for what was read to be taken but those that need its room.
            assert!(first.frame().now_or_never().expect("its end").is_none());
            assert!(
                endless(&pulse(), &room).frame().now_or_never().is_some(),
                "a blob waits for no manifest"
            );
            assert_eq!(room.in_one_piece.available_permits(), beside, "{bytes}");

            was_read.store(false, Ordering::Relaxed);
            let mut largest = manifest(&room, u64::MAX, &was_read);
            assert!(largest.frame().now_or_never().is_none());
            assert!(!was_read.load(Ordering::Relaxed), "{bytes}: read without room");
            drop(piece);
            piece_of(&mut largest).await;
            assert!(was_read.load(Ordering::Relaxed));
        }
    }
}
