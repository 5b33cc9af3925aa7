//! What surrounds every request: its id, its log line, its client's address.

use std::{
    net::{IpAddr, SocketAddr},
    panic::AssertUnwindSafe,
};

use access::{randomness::base62, secret::without_secrets};
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use registry::Origin;
use tracing::Instrument;

use crate::{app::App, body::lend};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Characters of a request's id: 95 bits.
const REQUEST_ID_CHARS: usize = 16;
/// The longest User-Agent that is remembered, in bytes.
const MAX_CLIENT_BYTES: usize = 200;

/// The address at the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Peer(pub(crate) SocketAddr);

/// Where the request came from: the peer, or whom the proxies that we trust name.
#[derive(Debug, Clone, Copy)]
struct ClientAddress(IpAddr);

/// The request's id, ours: one that a client brought could be a lie, or somebody else's.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Gives the request an id, says in the log what came of it (never a header, never a query: they carry secrets), looks
/// after what its face left of the body, and answers where its face panicked.
pub(crate) async fn surround(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = base62(app.random(), REQUEST_ID_CHARS);
    let span = tracing::info_span!("request", %id);
    let method = request.method().clone();
    let path = without_secrets(request.uri().path()).into_owned();
    request.extensions_mut().insert(RequestId(id.clone()));
    let began = app.now();
    let peer = request.extensions().get().copied();
    let client = peer.map(|Peer(peer)| app.trusted_proxies().client(peer.ip(), request.headers()));
    if let Some(client) = client {
        request.extensions_mut().insert(ClientAddress(client));
    }
    async move {
        let (request, leftover) = lend(request);
        let mut response = answer_of(next.run(request), &id).await;
        if let Some(leftover) = leftover {
            leftover.drain_behind(&mut response);
        }
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let (status, millis) = (response.status().as_u16(), app.now().as_millis() - began.as_millis());
        tracing::info!(%method, path, status, millis, client = client.map(tracing::field::display), "answered");
        response
    }
    .instrument(span)
    .await
}

/// What a face answers, or 500 where it panics. The place was told on stderr by then; what it panicked with is not
/// repeated, for it may quote what was sent.
async fn answer_of(face: impl Future<Output = Response>, id: &str) -> Response {
    // Nothing is seen of a face that panicked but what it committed.
    AssertUnwindSafe(face).catch_unwind().await.unwrap_or_else(|_panic| {
        tracing::error!("a handler panicked");
        let text = format!("The registry failed; its log says why, under the id {id}.\n");
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    })
}

/// Where a request came from, as the audit keeps it.
pub(crate) fn origin(parts: &http::request::Parts) -> Origin {
    let client = parts.extensions.get::<ClientAddress>();
    let id = parts.extensions.get::<RequestId>();
    Origin {
        address: client.map(|client| client.0),
        client: without_secrets(text_of(&parts.headers, header::USER_AGENT))
            .chars()
            .take(MAX_CLIENT_BYTES)
            .collect(),
        request_id: id.map(|id| id.0.clone()).unwrap_or_default(),
    }
}

/// The authority that the client believes to talk to: `:authority` of HTTP/2, or `Host`.
pub(crate) fn host(parts: &http::request::Parts) -> Option<&str> {
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    authority.or_else(|| parts.headers.get(header::HOST).and_then(|host| host.to_str().ok()))
}

fn text_of(headers: &HeaderMap, name: HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_face_that_panics_is_a_500_that_says_the_id_and_nothing_of_what_was_sent() {
        let secret = "slks_planted";
        let answer = answer_of(async { panic!("no char boundary in {secret}") }, "aB3").await;
        assert_eq!(answer.status(), 500);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "The registry failed; its log says why, under the id aB3.\n");
        let answer = answer_of(async { "ok".into_response() }, "aB3").await;
        assert_eq!(answer.status(), 200);
    }
}
