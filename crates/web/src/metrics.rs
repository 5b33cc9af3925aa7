//! What is counted for whoever watches the server: `/metrics`, in the text of OpenMetrics 1.0, on a listener of its own.
//! Labels are words of ours, never names, addresses or credentials: there is a bounded number of them, and no secret.

use std::{fmt, sync::Arc};

use access::time::Instant;
use axum::{
    Router,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{Method, StatusCode, header};
use prometheus_client::{
    encoding::{EncodeLabelSet, text},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::{Registry, Unit},
};

use crate::app::App;

/// The media type of what is answered (OpenMetrics 1.0, "Protocol Negotiation").
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
/// Upper bounds of the times in the histogram, in seconds: a look at the database takes 1 to 10 ms, a password half a
/// second, a large chunk on a slow link minutes.
const TIMES: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0, 300.0];

/// The counts of one server.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    times: Family<At, Histogram>,
    uploads: Gauge,
    connections: Gauge,
    refused: Counter,
    received: Counter,
    sent: Counter,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    face: &'static str,
    method: &'static str,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct At {
    face: &'static str,
}

impl Default for Metrics {
    fn default() -> Self {
        let counts = Self {
            registry: Registry::with_prefix("sealock"),
            requests: Family::default(),
            times: Family::new_with_constructor(|| Histogram::new(TIMES)),
            uploads: Gauge::default(),
            connections: Gauge::default(),
            refused: Counter::default(),
            received: Counter::default(),
            sent: Counter::default(),
        };
        counts.registered()
    }
}

impl Metrics {
    fn registered(mut self) -> Self {
        let registry = &mut self.registry;
        registry.register("requests", "Requests answered", self.requests.clone());
        let until = "From the head of a request to the head of its answer";
        registry.register_with_unit("request", until, Unit::Seconds, self.times.clone());
        registry.register("uploads", "Requests that bring bytes of blobs, under way", self.uploads.clone());
        registry.register("connections", "Connections that are open", self.connections.clone());
        let refused = "Connections for which there was no room (max_connections)";
        registry.register("connections_refused", refused, self.refused.clone());
        let received = "Bytes from clients, heads and bodies, without those of TLS";
        registry.register_with_unit("received", received, Unit::Bytes, self.received.clone());
        let sent = "Bytes to clients, heads and bodies, without those of TLS";
        registry.register_with_unit("sent", sent, Unit::Bytes, self.sent.clone());
        self
    }

    /// A connection is open until what this answers is dropped.
    pub(crate) fn connection(&self) -> UnderWay {
        UnderWay::of(&self.connections)
    }

    /// There was no room for a connection.
    pub(crate) fn refused_connection(&self) {
        self.refused.inc();
    }

    /// So many bytes came.
    pub(crate) fn received(&self, bytes: usize) {
        self.received.inc_by(bytes as u64);
    }

    /// So many bytes went.
    pub(crate) fn sent(&self, bytes: usize) {
        self.sent.inc_by(bytes as u64);
    }

    fn answered(
        &self,
        face: &'static str,
        method: &Method,
        status: StatusCode,
        began: Instant,
        now: Instant,
    ) {
        let method = class_of(method);
        self.requests.get_or_create(&Answered { face, method, status: status.as_u16() }).inc();
        // A clock that was set back in between: no time is less than none.
        let millis = (now.as_millis() - began.as_millis()).max(0);
        self.times.get_or_create(&At { face }).observe(millis as f64 / 1000.0);
    }

    fn text(&self) -> Result<String, fmt::Error> {
        let mut text = String::new();
        text::encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

/// Something that is counted as long as it lasts.
pub(crate) struct UnderWay(Gauge);

impl UnderWay {
    fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts a request and how long it took.
pub(crate) async fn count(State(app): State<App>, request: Request, next: Next) -> Response {
    let metrics = Arc::clone(app.metrics());
    let (method, face) = (request.method().clone(), face_of(request.uri().path()));
    let _upload = is_upload(&method, request.uri().path()).then(|| UnderWay::of(&metrics.uploads));
    let began = app.now();
    let response = next.run(request).await;
    metrics.answered(face, &method, response.status(), began, app.now());
    response
}

/// The room that a path leads to.
fn face_of(path: &str) -> &'static str {
    match path.split('/').nth(1) {
        Some("v2") => "v2",
        Some("auth") => "auth",
        Some("api") => "api",
        Some("healthz" | "readyz") => "health",
        _ => "console",
    }
}

/// What a method does: a client's own word is no label of ours.
fn class_of(method: &Method) -> &'static str {
    match *method {
        Method::GET | Method::HEAD => "read",
        Method::POST | Method::PUT | Method::PATCH => "write",
        Method::DELETE => "delete",
        _ => "other",
    }
}

fn is_upload(method: &Method, path: &str) -> bool {
    class_of(method) == "write" && path.starts_with("/v2/") && path.contains("/blobs/uploads/")
}

/// What is served on the metrics' own listener.
pub(crate) fn router(app: App) -> Router {
    Router::new().route("/metrics", get(show)).with_state(app)
}

async fn show(State(app): State<App>) -> Response {
    match app.metrics().text() {
        Ok(text) => ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Err(error) => {
            tracing::error!(%error, "the metrics could not be written down");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn every_request_falls_into_one_of_a_few_words() {
        for (path, face) in [
            ("/v2/acme/api/manifests/1.0", "v2"),
            ("/v2", "v2"),
            ("/auth/token", "auth"),
            ("/api/v1/me", "api"),
            ("/readyz", "health"),
            ("/", "console"),
            ("/v2evil/slks_secret", "console"),
            ("", "console"),
        ] {
            assert_eq!(face_of(path), face, "{path}");
        }
        for (method, class) in
            [("HEAD", "read"), ("PATCH", "write"), ("DELETE", "delete"), ("SLKS_X", "other")]
        {
            assert_eq!(class_of(&method.parse().unwrap()), class, "{method}");
        }
    }

    #[test]
    fn only_what_brings_bytes_of_blobs_is_an_upload() {
        for (method, path, is) in [
            (Method::PATCH, "/v2/acme/api/blobs/uploads/1", true),
            (Method::POST, "/v2/acme/api/blobs/uploads/", true),
            (Method::GET, "/v2/acme/api/blobs/uploads/1", false),
            (Method::PUT, "/v2/acme/api/manifests/1.0", false),
            (Method::POST, "/api/v1/blobs/uploads/", false),
        ] {
            assert_eq!(is_upload(&method, path), is, "{method} {path}");
        }
    }

    #[test]
    fn what_is_counted_is_written_in_open_metrics() {
        let metrics = Metrics::default();
        let at = Instant::from_millis;
        metrics.answered("v2", &Method::GET, StatusCode::OK, at(1000), at(1007));
        metrics.answered("v2", &Method::GET, StatusCode::OK, at(1000), at(900));
        metrics.received(5);
        metrics.refused_connection();
        let open = metrics.connection();
        drop(metrics.connection());
        let text = metrics.text().unwrap();
        for line in [
            "sealock_requests_total{face=\"v2\",method=\"read\",status=\"200\"} 2",
            "sealock_request_seconds_bucket{le=\"0.005\",face=\"v2\"} 1",
            "sealock_request_seconds_bucket{le=\"0.01\",face=\"v2\"} 2",
            "sealock_request_seconds_sum{face=\"v2\"} 0.007",
            "sealock_received_bytes_total 5",
            "sealock_sent_bytes_total 0",
            "sealock_connections 1",
            "sealock_connections_refused_total 1",
            "sealock_uploads 0",
        ] {
            assert!(text.lines().any(|written| written == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"), "{text}");
        drop(open);
        assert!(metrics.text().unwrap().contains("sealock_connections 0\n"));
    }
}
