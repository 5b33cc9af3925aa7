//! Pull and delete of blobs.

use axum::{body::Body, response::Response};
use http::{HeaderMap, StatusCode, header};
use oci::{
    Digest,
    byte_range::{ByteRange, Selected, select},
};
use registry::{DeleteBlob, PullBlob};

use super::{
    Answered, Exchange,
    answer::{self, CONTENT_DIGEST, WithHeader},
    errors::V2Error,
    precondition::{entity_tag, range_counts, settled},
};

/// The blob's bytes, or the part of them that `Range` selects; on HEAD their number alone (RFC 9110 §14.2: only GET
/// has ranges).
pub(crate) async fn pull(exchange: &mut Exchange<'_>, ask: PullBlob) -> Answered {
    let grant = exchange.may(ask).await?;
    let registry = exchange.app.registry();
    let (headers, digest) = (&exchange.parts.headers, &grant.asked().digest);
    let blob = registry.find_blob(&grant).await?;
    if let Some(status) = settled(headers, digest)? {
        return Ok(described(status, Body::empty(), digest));
    }
    let selected = if exchange.is_head() { Selected::Whole } else { selected(headers, digest, blob.size()) };
    let part = match selected {
        Selected::Whole => None,
        Selected::Part(part) => Some(part),
        Selected::Nothing => return Err(V2Error::RangeBehindEnd { size: blob.size() }),
    };
    let body = match exchange.is_head() {
        true => Body::empty(),
        false => Body::from_stream(registry.read_blob(&grant, &blob, part).await?),
    };
    let response = match part {
        None => described(StatusCode::OK, body, digest),
        Some(part) => described(StatusCode::PARTIAL_CONTENT, body, digest)
            .with(header::CONTENT_RANGE, part.content_range(blob.size())),
    };
    let length = part.map_or(blob.size(), ByteRange::length);
    Ok(response
        // Somebody else's bytes: never a type that a browser would show (DESIGN §3.1).
        .with(header::CONTENT_TYPE, "application/octet-stream")
        .with(header::CONTENT_LENGTH, length.to_string()))
}

fn described(status: StatusCode, body: Body, digest: &Digest) -> Response {
    answer::with_body(status, body)
        .with(header::ACCEPT_RANGES, "bytes")
        .with(header::ETAG, entity_tag(digest))
        .with(CONTENT_DIGEST, digest.as_str())
}

/// What `Range` selects of a blob of `size` bytes. Two of them say nothing that could be relied on.
fn selected(headers: &HeaderMap, digest: &Digest, size: u64) -> Selected {
    let mut ranges = headers.get_all(header::RANGE).iter();
    match (ranges.next().and_then(|value| value.to_str().ok()), ranges.next()) {
        (Some(range), None) if range_counts(headers, digest) => select(range, size),
        _ => Selected::Whole,
    }
}

/// Takes the blob out of the repository.
pub(crate) async fn delete(exchange: &mut Exchange<'_>, ask: DeleteBlob) -> Answered {
    let grant = exchange.may(ask).await?;
    exchange.app.registry().delete_blob(&grant, exchange.app.now()).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}
