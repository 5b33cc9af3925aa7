//! Pull and delete of blobs.

use axum::body::Body;
use http::{StatusCode, header};
use registry::{DeleteBlob, PullBlob};

use super::{
    Answered, Exchange,
    answer::{self, CONTENT_DIGEST, WithHeader},
};

/// The blob's bytes, or on HEAD their number alone.
pub(crate) async fn pull(exchange: &mut Exchange<'_>, ask: PullBlob) -> Answered {
    let grant = exchange.may(ask).await?;
    let registry = exchange.app.registry();
    let (size, body) = if exchange.is_head() {
        (registry.blob_size(&grant).await?, Body::empty())
    } else {
        let pulled = registry.pull_blob(&grant).await?;
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

/// Takes the blob out of the repository.
pub(crate) async fn delete(exchange: &mut Exchange<'_>, ask: DeleteBlob) -> Answered {
    let grant = exchange.may(ask).await?;
    exchange.app.registry().delete_blob(&grant, exchange.app.now()).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}
