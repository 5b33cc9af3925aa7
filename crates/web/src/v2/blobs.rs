//! Pull of blobs.

use axum::{body::Body, response::Response};
use http::{StatusCode, header};
use registry::{Grant, PullBlob};

use super::{
    Exchange,
    answer::{self, CONTENT_DIGEST, WithHeader},
    errors::V2Error,
};

/// The blob's bytes, or on HEAD their number alone.
pub(crate) async fn pull(exchange: &mut Exchange<'_>, grant: &Grant<PullBlob>) -> Result<Response, V2Error> {
    let registry = exchange.app.registry();
    let (size, body) = if exchange.is_head {
        (registry.blob_size(grant).await?, Body::empty())
    } else {
        let pulled = registry.pull_blob(grant).await?;
        (pulled.size, Body::from_stream(pulled.bytes))
    };
    let digest = grant.asked().digest.as_str();
    Ok(answer::with_body(StatusCode::OK, body)
        // Somebody else's bytes: never a type that a browser would show (DESIGN §3.1).
        .with(header::CONTENT_TYPE, "application/octet-stream")
        .with(header::CONTENT_LENGTH, size.to_string())
        .with(header::ETAG, format!("\"{digest}\""))
        .with(CONTENT_DIGEST, digest))
}
