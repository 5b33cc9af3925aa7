//! Accepting connections. A loop of our own, because axum's sets no deadline for headers (slowloris).

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use http::{Request, StatusCode, header};
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::{app::App, request::Peer, router, usage_writer::write_usage};

/// How long a client may take to send the head of a request (DESIGN §6).
const HEADER_DEADLINE: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes (DESIGN §6).
const MAX_HEADER_BYTES: usize = 32 * 1024;
/// How long running transfers may go on after the order to stop.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(30);
/// How long to wait before accepting again where the system has no more files to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves every face on `listener` until `stop` is done, then lets running requests finish for a while.
pub async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()> + Send) {
    let router = router::router(app.clone());
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_DEADLINE)
        .max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .adaptive_window(true)
        .max_header_list_size(u32::try_from(MAX_HEADER_BYTES).unwrap_or(u32::MAX));
    let builder = Arc::new(builder);
    let graceful = GracefulShutdown::new();
    let mut stop = std::pin::pin!(stop);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let watched = connection(&builder, &graceful, stream, Peer(peer), router.clone());
                    tokio::spawn(watched);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
            () = &mut stop => break,
        }
    }
    drop(listener);
    if tokio::time::timeout(SHUTDOWN_DEADLINE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some transfers were still running at the deadline and were cut off");
    }
    // No request can note any more: this is the last of it.
    write_usage(&app).await;
}

/// A handler that panicked; the log has the place, the client a 500.
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

fn connection(
    builder: &Arc<auto::Builder<TokioExecutor>>,
    graceful: &GracefulShutdown,
    stream: TcpStream,
    peer: Peer,
    router: Router,
) -> impl Future<Output = ()> + Send + use<> {
    // Small answers go out at once: a docker push waits for each of them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(peer);
        let router = router.clone();
        // A task of its own: when a client hangs up hyper drops what it awaits, and a handler dropped between two
        // steps would leave an upload's bytes without a row. As a task it sees its body break, and cleans up.
        let answered = tokio::spawn(router.oneshot(request));
        async move { answered.await.unwrap_or_else(|error| failed(&error)).map(without_false_length) }
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    let watched = graceful.watch(connection);
    async move {
        if let Err(error) = watched.await {
            tracing::debug!(error, "a connection ended early");
        }
    }
}
