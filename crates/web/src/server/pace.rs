//! The least rate of a request's body: one that drips would hold its connection, its upload and its file for as long as it
//! likes (slowloris on bodies).

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::BoxError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use super::{limits::Pace, pulse::Pulse};

/// What has to come at once to count as sending, in bytes: as much as has to come in a second.
const LEAST_PIECE_BYTES: usize = 1024;

/// The body came more slowly than any link in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("less than {bytes} bytes of the body came in {} s; send it again over a faster link", .window.as_secs())]
pub(crate) struct TooSlow {
    bytes: u64,
    window: Duration,
}

/// A body that is cut where less than so many bytes come in a window of time. What its reader does between two pieces is
/// not held against the client.
pub(super) struct Paced<B> {
    body: B,
    least: TooSlow,
    /// The end of the window that runs.
    ends: Option<Pin<Box<Sleep>>>,
    /// What came in it.
    received: u64,
    /// The client was waited for when the body was last asked.
    is_awaited: bool,
    is_cut: bool,
    debt: Debt,
}

/// Whether the connection counts as one that owes the body.
struct Debt {
    pulse: Arc<Pulse>,
    is_owed: bool,
}

impl Debt {
    fn is_owed(&mut self, is_owed: bool) {
        if self.is_owed != is_owed {
            self.pulse.owes(is_owed);
        }
        self.is_owed = is_owed;
    }
}

impl Drop for Debt {
    fn drop(&mut self) {
        self.is_owed(false);
    }
}

impl<B> Paced<B> {
    /// At least as fast as `pace`, over the connection of that pulse.
    pub(super) fn new(body: B, pace: Pace, pulse: Arc<Pulse>) -> Self {
        let least = TooSlow { bytes: pace.bytes, window: pace.window };
        let debt = Debt { pulse, is_owed: false };
        Self { body, least, ends: None, received: 0, is_awaited: false, is_cut: false, debt }
    }

    /// So much came, `None` at the end. A drip pays nothing back.
    fn came(&mut self, bytes: Option<usize>) {
        self.is_awaited = false;
        self.received += bytes.unwrap_or_default() as u64;
        if bytes.is_none_or(|bytes| bytes >= LEAST_PIECE_BYTES) {
            self.debt.is_owed(false);
            self.debt.pulse.moves();
        }
    }

    /// Whether the window that runs has ended; the reader is woken when it does.
    fn has_ended(&mut self, context: &mut Context<'_>) -> bool {
        self.ends.as_mut().is_some_and(|ends| ends.as_mut().poll(context).is_ready())
    }

    fn begin_window(&mut self) {
        (self.ends, self.received) = (Some(Box::pin(sleep(self.least.window))), 0);
    }

    /// Nothing is there: the client is waited for from now on.
    fn wait(&mut self, context: &mut Context<'_>) {
        // A window that ended while its reader was busy says nothing about the client.
        if self.ends.is_none() || (!self.is_awaited && self.has_ended(context)) {
            self.begin_window();
        }
        self.is_awaited = true;
        self.debt.is_owed(true);
        if self.has_ended(context) {
            context.waker().wake_by_ref();
        }
    }
}

impl<B> Body for Paced<B>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Unpin,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        // Looked at before what comes: a drip that arrives at the very end buys no further window.
        if self.is_awaited && self.has_ended(context) {
            self.is_cut |= self.received < self.least.bytes;
            self.begin_window();
        }
        if self.is_cut {
            return Poll::Ready(Some(Err(self.least.into())));
        }
        match Pin::new(&mut self.body).poll_frame(context) {
            Poll::Ready(polled) => {
                let data = polled.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref());
                let is_last = self.body.is_end_stream();
                self.came(data.map(Bytes::len).filter(|_| !is_last));
                Poll::Ready(polled.map(|frame| frame.map_err(Into::into)))
            }
            Poll::Pending => {
                self.wait(context);
                Poll::Pending
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use axum::body::Body as AnyBody;
    use futures_util::{StreamExt, stream};
    use http_body_util::BodyExt;

    use super::*;

    use super::super::{limits::Limits, seats::Line};

    const WINDOW: Duration = Duration::from_secs(60);

    fn pulse() -> Arc<Pulse> {
        Pulse::new(Arc::new(Line::new(9)), None)
    }

    /// `pieces` of so many bytes, each after so many seconds; then nothing, for ever.
    fn sent(pieces: &[(u64, usize)]) -> Paced<AnyBody> {
        let pieces = stream::iter(pieces.to_vec()).then(|(seconds, bytes)| async move {
            sleep(Duration::from_secs(seconds)).await;
            Ok::<_, axum::Error>(Bytes::from(vec![0; bytes]))
        });
        let body = AnyBody::from_stream(pieces.chain(stream::pending()));
        Paced::new(body, Pace { bytes: 100, window: WINDOW }, pulse())
    }

    /// How many bytes come before the body is cut.
    async fn received_of(mut body: impl Body<Data = Bytes, Error = BoxError> + Unpin) -> usize {
        let mut received = 0;
        loop {
            match body.frame().await.expect("it never ends by itself") {
                Ok(frame) => received += frame.into_data().unwrap().len(),
                Err(error) => {
                    assert!(error.is::<TooSlow>(), "{error}");
                    return received;
                }
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_drips_is_cut_and_one_on_a_slow_link_lives() {
        for (name, pieces, expect) in [
            ("nothing at all", vec![], 0),
            ("a byte every second", vec![(1, 1); 1000], 59),
            ("much at once, then a drip", [vec![(1, 5000)], vec![(58, 1); 1000]].concat(), 5002),
            ("two bytes every second", vec![(1, 2); 1000], 2000),
            ("all of it in the last second", vec![(59, 100); 20], 2000),
            ("gone for half a minute", vec![(29, 60); 50], 3000),
        ] {
            assert_eq!(received_of(sent(&pieces)).await, expect, "{name}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_is_busy_is_not_the_clients_fault() {
        let mut body = sent(&[(0, 1), (0, 1), (1, 1), (1, 500)]);
        for _ in 0..4 {
            let frame = body.frame().await.unwrap();
            assert!(frame.is_ok(), "{frame:?}");
            sleep(10 * WINDOW).await; // A disk that is slow.
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_was_cut_stays_cut_and_says_the_rule() {
        let mut body = sent(&[(61, 500)]);
        for _ in 0..2 {
            let error = body.frame().await.unwrap().unwrap_err().to_string();
            assert_eq!(
                error,
                "less than 100 bytes of the body came in 60 s; send it again over a faster link"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_drips_owes_the_body_and_whoever_sends_does_not() {
        for (piece, owes) in [(100, true), (LEAST_PIECE_BYTES, false)] {
            let line = Arc::new(Line::new(9));
            let pulse = Pulse::new(Arc::clone(&line), None);
            pulse.begin(http::Version::HTTP_11);
            let pieces = stream::iter(vec![Bytes::from(vec![0; piece]); 100]).then(|bytes| async {
                sleep(Duration::from_secs(1)).await;
                Ok::<_, axum::Error>(bytes)
            });
            let pace = Pace { bytes: 0, window: WINDOW };
            let mut body = Paced::new(AnyBody::from_stream(pieces.boxed()), pace, Arc::clone(&pulse));
            let read = async { while body.frame().await.is_some() {} };
            let limits = Limits::default();
            tokio::select! {
                () = read => panic!("too early"),
                over = pulse.over(&limits) => panic!("{over:?}"),
                () = sleep(Duration::from_secs(20)) => {}
            }
            assert_eq!(line.tell_first(None), owes, "{piece} bytes a second");
        }
    }
}
