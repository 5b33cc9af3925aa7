//! What surrounds every request: its id, its log line, its client's address.

use std::net::SocketAddr;

use access::randomness::base62;
use axum::{
    extract::{Request, State},
    middleware::Next,
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};
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

/// The request's id, ours: one that a client brought could be a lie, or somebody else's.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Gives the request an id, says in the log what came of it (never a header, never a query: they carry secrets), and
/// looks after what its face left of the body.
pub(crate) async fn surround(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let id = base62(app.random(), REQUEST_ID_CHARS);
    let span = tracing::info_span!("request", %id);
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(RequestId(id.clone()));
    async move {
        let (request, leftover) = lend(request);
        let mut response = next.run(request).await;
        if let Some(leftover) = leftover {
            leftover.drain_behind(&mut response);
        }
        if let Ok(value) = HeaderValue::from_str(&id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        tracing::info!(%method, path, status = response.status().as_u16(), "answered");
        response
    }
    .instrument(span)
    .await
}

/// Where a request came from, as the audit keeps it.
pub(crate) fn origin(parts: &http::request::Parts) -> Origin {
    let peer = parts.extensions.get::<Peer>();
    let id = parts.extensions.get::<RequestId>();
    Origin {
        address: peer.map(|peer| peer.0.ip().to_canonical()),
        client: text_of(&parts.headers, header::USER_AGENT).chars().take(MAX_CLIENT_BYTES).collect(),
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
