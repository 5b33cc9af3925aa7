//! From a request of a connection to its answer.

use std::{convert::Infallible, future::Future, sync::Arc};

use axum::{
    BoxError,
    body::Body,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::future::Either;
use http::{Request, StatusCode, Uri, header, uri::PathAndQuery};
use oci::route;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use super::{
    answer::{Answer, Exchange, Room},
    connection::Visit,
    pace::Paced,
    strict_transport,
};
use crate::request::Peer;

/// Requests of one connection that are answered at once, which is the streams of HTTP/2. Each may hold a file and an answer
/// of some MiB, so they are fewer than RFC 9113 §6.5.2 would like (100): clients of registries ask for a handful.
pub(super) const MAX_AT_ONCE: usize = 32;

/// Asks the router for a connection.
pub(super) struct Asker {
    visit: Visit,
    is_tls: bool,
    /// Handlers that may still begin. A stream that its client resets is over for HTTP/2, its handler is not: without
    /// this, resets would pile up handlers (CVE-2023-44487, "rapid reset").
    handlers: Arc<Semaphore>,
    /// What the answers may hold.
    room: Room,
}

impl Asker {
    /// For that connection.
    pub(super) fn new(visit: Visit, is_tls: bool) -> Self {
        Self { visit, is_tls, handlers: Arc::new(Semaphore::new(MAX_AT_ONCE)), room: Room::default() }
    }

    /// Asks, and follows the answer until it is out.
    pub(super) fn answer<B>(
        &self,
        request: Request<B>,
    ) -> impl Future<Output = Result<http::Response<Answer>, Infallible>> + use<B>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + Unpin + 'static,
    {
        let Visit { peer, pulse, limits, router, busy, tasks } = &self.visit;
        let request = in_normal_form(request);
        let exchange = Exchange::begin(pulse, request.version());
        let strict_transport = self.is_tls.then(|| strict_transport::for_host(&request)).flatten();
        let pace = limits.pace(request.uri().path());
        let mut request = request.map(|body| Body::new(Paced::new(body, pace, Arc::clone(pulse))));
        request.extensions_mut().insert(Peer(*peer));
        // A task of its own: when a client hangs up hyper drops what it awaits, and a handler dropped between two
        // steps would leave an upload's bytes without a row. As a task it sees its body break, and cleans up.
        let handler = match Arc::clone(&self.handlers).try_acquire_owned() {
            Ok(turn) => {
                let asked = router.clone().oneshot(request);
                Either::Left(tasks.spawn(async move {
                    let _turn = turn;
                    asked.await
                }))
            }
            Err(_) => Either::Right(busy.clone().oneshot(request)),
        };
        let room = self.room.clone();
        async move {
            let answered = match handler {
                Either::Left(task) => task.await.unwrap_or_else(|error| failed(&error)),
                Either::Right(refusal) => refusal.await,
            };
            let mut response = answered.map(without_false_length)?;
            if let Some(value) = strict_transport {
                response.headers_mut().insert(header::STRICT_TRANSPORT_SECURITY, value);
            }
            Ok(exchange.carried_by(response, &room))
        }
    }
}

/// The request with one slash in front of `v2` where it has several: everything behind this sees the normal form only.
fn in_normal_form<B>(mut request: Request<B>) -> Request<B> {
    let Some(path) = route::without_leading_slashes(request.uri().path()) else { return request };
    let target = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = PathAndQuery::try_from(target).ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    request
}

/// What surrounds every request failed itself; the log has the place, the client a 500.
fn failed(error: &tokio::task::JoinError) -> Result<Response, Infallible> {
    tracing::error!(%error, "a handler failed");
    Ok(StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

/// RFC 9110 §8.6: a 204 has no Content-Length, and a 304 that of the answer it stands for. axum writes `0` to both where
/// they answer HEAD, and a cache would take what it has for something else.
fn without_false_length(mut response: Response) -> Response {
    if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use axum::{Router, routing::get};
    use futures_util::FutureExt;
    use tokio_util::task::TaskTracker;

    use super::*;
    use crate::server::{limits::Limits, pulse::Pulse, seats::Line};

    fn asker(router: Router, tasks: &TaskTracker) -> Asker {
        let visit = Visit {
            peer: ([127, 0, 0, 1], 1).into(),
            pulse: Pulse::new(Arc::new(Line::new(9)), None),
            limits: Limits::default(),
            router,
            busy: Router::new().fallback(async || StatusCode::SERVICE_UNAVAILABLE),
            tasks: tasks.clone(),
        };
        Asker::new(visit, false)
    }

    fn ask(asker: &Asker, path: &str) -> impl Future<Output = StatusCode> + use<> {
        let answered = asker.answer(Request::get(path).body(Body::empty()).unwrap());
        async { answered.await.unwrap().status() }
    }

    /// Answers `/slow` when the door is open, and everything else at once.
    fn router(door: &Arc<Semaphore>) -> Router {
        let closed = Arc::clone(door);
        let slow = move || {
            let closed = Arc::clone(&closed);
            async move { closed.acquire().await.is_ok().to_string() }
        };
        Router::new().route("/slow", get(slow)).fallback(async || "quick")
    }

    #[tokio::test]
    async fn resets_pile_up_no_handlers() {
        let door = Arc::new(Semaphore::new(0));
        let asker = asker(router(&door), &TaskTracker::new());
        for _ in 0..MAX_AT_ONCE {
            // Reset as soon as it is sent; the handler goes on.
            assert!(ask(&asker, "/slow").now_or_never().is_none());
        }
        assert_eq!(ask(&asker, "/").await, 503);
        door.close();
        let all = u32::try_from(MAX_AT_ONCE).unwrap();
        drop(asker.handlers.acquire_many(all).await.unwrap());
        assert_eq!(ask(&asker, "/").await, 200);
    }

    #[tokio::test]
    async fn a_handler_that_outlives_its_connection_is_known() {
        let (door, tasks) = (Arc::new(Semaphore::new(0)), TaskTracker::new());
        let asker = asker(router(&door), &tasks);
        assert!(ask(&asker, "/slow").now_or_never().is_none());
        drop(asker);
        tasks.close();
        assert!(tasks.wait().now_or_never().is_none());
        door.close();
        tasks.wait().await;
    }
}
