//! Reading request bodies, always with a bound; and what becomes of what nobody read.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use axum::{body::Body, extract::Request, response::Response};
use bytes::Bytes;
use futures_util::{
    FutureExt, StreamExt,
    stream::{self, BoxStream},
};
use http::{HeaderValue, Version, header};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt;
use registry::{HeldBytes, MemoryFull, Reservation};
use tokio::{sync::oneshot, time::timeout};

use crate::server::TooSlow;

/// What is read of a body that nobody wants, in bytes, so that the client sees the refusal and not a reset (DESIGN §3.1).
const MAX_DRAINED_BYTES: usize = 256 * 1024;
/// What is allocated for the first bytes of a body that is read whole, in bytes: most need no more.
const FIRST_BYTES: usize = 4 * 1024;
/// How long the connection stays open for the client to see the answer, while it still has something to send.
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// Why a body could not be had.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BodyRefused {
    /// It is longer than `limit` bytes.
    #[error("the body is longer than {limit} bytes, which is the limit here")]
    TooLarge { limit: usize },
    /// The client broke off.
    #[error("the body broke off: {0}")]
    Broken(axum::Error),
    /// The requests that are being read hold as much memory as they may.
    #[error(transparent)]
    MemoryFull(#[from] MemoryFull),
    /// The client stopped sending, or nearly.
    #[error("hardly anything of the body came for a while; send it again")]
    Stalled,
}

impl From<axum::Error> for BodyRefused {
    fn from(error: axum::Error) -> Self {
        // Each layer that the body came through has wrapped it.
        let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
        while let Some(error) = cause {
            if error.is::<TooSlow>() {
                return Self::Stalled;
            }
            cause = error.source();
        }
        Self::Broken(error)
    }
}

/// Reads the whole body, if it has at most `limit` bytes. A body whose announced length is longer is not read at all. The
/// server ends a body that hardly comes.
///
/// `reservation` grows with what has come, because an announced length costs a client nothing. The answer holds it.
pub(crate) async fn read_to_end(
    body: &mut Body,
    limit: usize,
    mut reservation: Reservation,
) -> Result<HeldBytes, BodyRefused> {
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyRefused::TooLarge { limit });
    }
    let most =
        body.size_hint().upper().map_or(limit, |length| usize::try_from(length).unwrap_or(limit).min(limit));
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(BodyRefused::TooLarge { limit });
        }
        allocate(&mut whole, data.len(), most, &mut reservation)?;
        whole.extend_from_slice(&data);
    }
    Ok(HeldBytes { bytes: whole.into(), reservation })
}

/// Allocates space for `more` bytes, and reserves it: the next power of two, but not beyond `most` bytes.
fn allocate(
    whole: &mut Vec<u8>,
    more: usize,
    most: usize,
    reservation: &mut Reservation,
) -> Result<(), MemoryFull> {
    let needed = whole.len() + more;
    if needed > whole.capacity() {
        let capacity = needed.next_power_of_two().max(FIRST_BYTES).min(most).max(needed);
        reservation.grow(capacity - whole.capacity())?;
        whole.reserve_exact(capacity - whole.len());
    }
    Ok(())
}

/// The body as the blob store takes it, frame by frame.
pub(crate) fn as_stream(body: &mut Body) -> BoxStream<'_, Result<Bytes, registry::BodyError>> {
    stream::unfold(body, |body| async move {
        loop {
            match body.frame().await? {
                Ok(frame) => match frame.into_data() {
                    Ok(data) => return Some((Ok(data), body)),
                    Err(_trailers) => {}
                },
                Err(error) => {
                    let cause = match BodyRefused::from(error) {
                        // The blob store says itself that it broke off.
                        BodyRefused::Broken(error) => registry::BodyError::from(error),
                        refused => refused.into(),
                    };
                    return Some((Err(cause), body));
                }
            }
        }
    })
    .boxed()
}

/// A body in the hands of whoever answers. Dropped, read or not, it goes back to where its `Leftover` waits.
struct Lent {
    body: Body,
    back: Option<oneshot::Sender<Body>>,
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let Some(back) = self.back.take() {
            // Where nobody waits for it any more, nobody waits for an answer.
            let _ = back.send(std::mem::take(&mut self.body));
        }
    }
}

/// What a face leaves of a request's body, whichever way it came to its answer.
pub(crate) struct Leftover {
    back: oneshot::Receiver<Body>,
    /// The client waits for "100 Continue" (RFC 9110 §10.1.1): it has sent nothing yet, and reading would ask for it.
    is_asked_for: bool,
    version: Version,
}

/// The request with its body lent out; `None` beside one that has no body.
pub(crate) fn lend(request: Request) -> (Request, Option<Leftover>) {
    let (parts, body) = request.into_parts();
    if body.is_end_stream() {
        return (Request::from_parts(parts, body), None);
    }
    let (back, waiting) = oneshot::channel();
    let is_asked_for = parts.headers.contains_key(header::EXPECT);
    let leftover = Leftover { back: waiting, is_asked_for, version: parts.version };
    (Request::from_parts(parts, Body::new(Lent { body, back: Some(back) })), Some(leftover))
}

impl Leftover {
    /// Looks after what is left of the body while `answer` goes out, and says there where the connection ends with it:
    /// the next request must not stand behind bytes that nobody reads. Returns at once.
    pub(crate) fn drain_behind(mut self, answer: &mut Response) {
        // Whoever answered is done with the body.
        let Ok(body) = self.back.try_recv() else { return };
        // HTTP/2 has streams for that, and knows no such header (RFC 9113 §8.2.2).
        if drain(body, self.is_asked_for) == Afterwards::Closed && self.version < Version::HTTP_2 {
            answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
    }
}

/// What becomes of a connection whose request's body was not wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Afterwards {
    /// It can carry the next request.
    Usable,
    /// It is closed, maybe with bytes of the body unread.
    Closed,
}

/// Reads a little of a body that nobody wants, and lets the rest wait until the client had time to see the answer. A
/// connection closed on unread bytes is reset, and the reset overtakes the answer.
fn drain(mut body: Body, is_asked_for: bool) -> Afterwards {
    if body.is_end_stream() {
        return Afterwards::Usable;
    }
    if is_asked_for {
        return Afterwards::Closed;
    }
    // A chunked body that was read to its end does not know it (hyper tells only whoever asks for the next frame).
    if matches!(body.frame().now_or_never(), Some(None)) {
        return Afterwards::Usable;
    }
    let is_short = body.size_hint().upper().is_some_and(|length| length <= MAX_DRAINED_BYTES as u64);
    tokio::spawn(async move {
        let drained = async {
            if !reads_to_end(&mut body).await {
                std::future::pending::<()>().await;
            }
        };
        // Either way nothing is left to do: the answer is out.
        let _ = timeout(DRAIN_TIME, drained).await;
    });
    if is_short { Afterwards::Usable } else { Afterwards::Closed }
}

/// Reads at most 256 KiB; whether the body ended by then.
async fn reads_to_end(body: &mut Body) -> bool {
    let mut left = MAX_DRAINED_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use std::sync::Arc;

    use registry::{Holder, Memory};

    use super::*;

    async fn read(memory: &Arc<Memory>, body: &mut Body, limit: usize) -> Result<HeldBytes, BodyRefused> {
        read_to_end(body, limit, memory.reservation(Holder::anonymous(None))).await
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_its_limit_and_no_further() {
        for (limit, is_read) in [(4, true), (3, false)] {
            let pieces = stream::iter([Ok::<_, axum::Error>("ab"), Ok("cd")]);
            let read = read(&Arc::default(), &mut Body::from_stream(pieces), limit).await;
            assert_eq!(read.is_ok_and(|held| held.bytes == "abcd"), is_read, "{limit}");
        }
    }

    #[tokio::test]
    async fn what_has_come_of_a_body_is_counted_until_it_is_dropped() {
        let memory = Arc::<Memory>::default();
        // 100 KiB come, and then nothing for ever.
        let first = stream::iter([Ok::<_, axum::Error>(vec![7; 100 * 1024])]);
        let mut body = Body::from_stream(first.chain(stream::pending()));
        let mut reading = Box::pin(read(&memory, &mut body, 4 * 1024 * 1024));
        assert!((&mut reading).now_or_never().is_none());
        assert_eq!(memory.held(), 128 * 1024);
        drop(reading);
        assert_eq!(memory.held(), 0);
    }

    #[tokio::test]
    async fn an_announced_length_alone_counts_nothing_and_bounds_what_is_allocated() {
        let memory = Arc::<Memory>::default();
        let held = read(&memory, &mut Body::from(vec![7; 5000]), 4 * 1024 * 1024).await.unwrap();
        assert_eq!((held.bytes.len(), memory.held()), (5000, 5000));
        let full = Arc::new(Memory::of(9999));
        let refused = read(&full, &mut Body::from(vec![7; 5000]), 1024 * 1024).await;
        assert!(matches!(refused, Err(BodyRefused::MemoryFull(_))), "{refused:?}");
    }
}
