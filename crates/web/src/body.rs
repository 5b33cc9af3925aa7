//! Reading request bodies, always with a bound.

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;

/// What is read of a body that nobody wants, in bytes, so that the client sees the refusal and not a reset (DESIGN §3.1).
const MAX_DRAINED_BYTES: usize = 256 * 1024;
/// How long that may take.
const DRAIN_TIME: std::time::Duration = std::time::Duration::from_secs(2);

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

/// The whole body, if it has at most `limit` bytes.
pub(crate) async fn read_to_end(body: &mut Body, limit: usize) -> Result<Bytes, BodyRefused> {
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
pub(crate) fn as_stream(body: &mut Body) -> futures_util::stream::BoxStream<'_, Result<Bytes, registry::BodyError>> {
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

/// Reads a little of what the client still sends, after a refusal.
pub(crate) async fn drain(body: &mut Body) {
    let drained = async {
        let mut left = MAX_DRAINED_BYTES;
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            left = match left.checked_sub(length) {
                Some(left) => left,
                None => return,
            };
        }
    };
    // However it ends, the answer goes out.
    let _ = tokio::time::timeout(DRAIN_TIME, drained).await;
}
