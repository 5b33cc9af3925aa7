//! Reading request bodies, always with a bound.

use std::time::Duration;

use axum::{body::Body, response::Response};
use bytes::{Bytes, BytesMut};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use http::{HeaderValue, Version, header, request::Parts};
use http_body::Body as _;
use http_body_util::BodyExt;

/// What is read of a body that nobody wants, in bytes, so that the client sees the refusal and not a reset (DESIGN §3.1).
const MAX_DRAINED_BYTES: usize = 256 * 1024;
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
    Broken(#[from] axum::Error),
}

/// The whole body, if it has at most `limit` bytes. One whose announced length is longer is not read at all.
pub(crate) async fn read_to_end(body: &mut Body, limit: usize) -> Result<Bytes, BodyRefused> {
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyRefused::TooLarge { limit });
    }
    let mut whole = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if whole.len() + data.len() > limit {
            return Err(BodyRefused::TooLarge { limit });
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
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
                Err(error) => return Some((Err(registry::BodyError::from(error)), body)),
            }
        }
    })
    .boxed()
}

/// Looks after what is left of a body while its answer goes out: reads a little of it, and lets the rest wait until
/// the client had time to see the answer. A connection closed on unread bytes is reset, and the reset overtakes
/// the answer. Returns at once.
pub(crate) fn drain_behind_answer(parts: &Parts, mut body: Body, answer: &mut Response) {
    if body.is_end_stream() {
        return;
    }
    // Whoever waits for "100 Continue" (RFC 9110 §10.1.1) has sent nothing yet, and reading would ask for it.
    let is_waiting = parts.headers.contains_key(header::EXPECT);
    let ends_soon = body.size_hint().upper().is_some_and(|length| length <= MAX_DRAINED_BYTES as u64);
    if parts.version < Version::HTTP_2 && (is_waiting || !ends_soon) {
        // The client must not send its next request behind bytes that nobody reads.
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    if is_waiting {
        return;
    }
    tokio::spawn(async move {
        let drained = async {
            if !reads_to_end(&mut body).await {
                std::future::pending::<()>().await;
            }
        };
        // Either way nothing is left to do: the answer is out.
        let _ = tokio::time::timeout(DRAIN_TIME, drained).await;
    });
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
