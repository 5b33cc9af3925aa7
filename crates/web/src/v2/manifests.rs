//! Pull, push and delete of manifests.

use axum::body::Body;
use http::{HeaderName, StatusCode, header};
use oci::{ErrorCode, manifest::MAX_MANIFEST_BYTES};
use registry::{DeleteManifest, PullManifest, PushManifest};

use super::{
    Answered, Exchange,
    answer::{self, CONTENT_DIGEST, WithHeader},
    errors::V2Error,
    precondition::{entity_tag, expected, settled},
};
use crate::{
    body::read_to_end,
    server::{InOnePiece, MAX_SMALL_BYTES},
};

/// OCI distribution 1.1, "Pushing Manifests with Subject".
const OCI_SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// The manifest byte for byte, under the type that it was pushed with. `Accept` is not looked at: a registry that
/// converts changes digests, and clients that name types too narrowly are better served than refused.
pub(crate) async fn pull(exchange: &mut Exchange<'_>, ask: PullManifest) -> Answered {
    let grant = exchange.may(ask).await?;
    let (registry, now) = (exchange.app.registry(), exchange.app.now());
    let manifest = registry.find_manifest(&grant).await?;
    let described = |status, body| {
        answer::with_body(status, body)
            .with(header::ETAG, entity_tag(&manifest.digest))
            .with(CONTENT_DIGEST, manifest.digest.as_str())
    };
    if let Some(status) = settled(&exchange.parts.headers, &manifest.digest)? {
        return Ok(described(status, Body::empty()));
    }
    let body = match manifest.size {
        _ if exchange.is_head() => Body::empty(),
        0..=MAX_SMALL_BYTES => Body::from(registry.read_manifest(&grant, &manifest, now).await?),
        // Whoever asks for many and takes none would keep up to 4 MiB of each in memory.
        _ => Body::from_stream(registry.read_manifest_later(&grant, &manifest, now)),
    };
    let mut response = described(StatusCode::OK, body)
        .with(header::CONTENT_TYPE, &manifest.media_type)
        .with(header::CONTENT_LENGTH, manifest.size.to_string());
    response.extensions_mut().insert(InOnePiece { bytes: manifest.size });
    Ok(response)
}

/// Takes a manifest of at most 4 MiB; with `If-Match` or `If-None-Match` only where its name leads to what that says.
pub(crate) async fn push(exchange: &mut Exchange<'_>, ask: PushManifest) -> Answered {
    let grant = exchange.may(ask).await?;
    let content_type = match exchange.parts.headers.get(header::CONTENT_TYPE) {
        None => None,
        Some(value) => Some(value.to_str().map_err(|_| {
            V2Error::Malformed(ErrorCode::ManifestInvalid, "the Content-Type is not ASCII".to_owned())
        })?),
    };
    let (app, expected) = (exchange.app, expected(&exchange.parts.headers));
    let held = app.registry().memory().reservation(grant.memory_holder());
    let payload = read_to_end(exchange.body, MAX_MANIFEST_BYTES, held).await?;
    let pushed = app.registry().push_manifest(&grant, content_type, payload, &expected, app.now()).await?;
    let location = format!("/v2/{}/manifests/{}", grant.asked().repository, pushed.digest);
    let response = answer::empty(StatusCode::CREATED)
        .with(header::LOCATION, location)
        .with(CONTENT_DIGEST, pushed.digest.as_str());
    Ok(match pushed.subject {
        Some(subject) => response.with(OCI_SUBJECT, subject.as_str()),
        None => response,
    })
}

/// Deletes the manifest with its tags, or the tag alone, on the same conditions.
pub(crate) async fn delete(exchange: &mut Exchange<'_>, ask: DeleteManifest) -> Answered {
    let grant = exchange.may(ask).await?;
    let (app, expected) = (exchange.app, expected(&exchange.parts.headers));
    app.registry().delete_manifest(&grant, &expected, app.now()).await?;
    Ok(answer::empty(StatusCode::ACCEPTED))
}
