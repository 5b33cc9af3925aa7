//! Every path that there is, on one screen.

use axum::{
    Router,
    http::{HeaderValue, StatusCode, Version, header},
    middleware,
    response::{IntoResponse, Response},
    routing::{any, get},
};

use bytes::Bytes;

use crate::{
    api, app::App, auth, console, dtr, head_limit, headers, metrics, ready, request, v2, whose_host,
};

/// When to come back, for whom there was no room, in seconds: transfers end all the time.
const NO_ROOM_RETRY_SECONDS: HeaderValue = HeaderValue::from_static("5");
/// When to ask again, for a connection that asks too much at once, in seconds.
const TOO_MANY_RETRY_SECONDS: HeaderValue = HeaderValue::from_static("1");

const TOO_MANY_AT_ONCE: &str =
    "Too many requests of this connection are still being worked on. Try again soon.\n";

/// All faces. Catch-alls come last: `/v2/` is parsed from the right by `oci::route`. What no path leads to is the
/// console's to tell.
pub(crate) fn router(app: App) -> Router {
    let (api, document) = api::router();
    // Written down once: everybody may have it, and as often as they like.
    let document = Bytes::from(serde_json::to_vec(&document).unwrap_or_default());
    let document = ([(header::CONTENT_TYPE, "application/json")], document);
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready::ready))
        .route("/auth/token", any(auth::token))
        .route("/auth/jwks.json", get(auth::jwks))
        .route("/api/openapi.json", get(async move || document))
        .nest("/api/v1", api)
        .route("/api/v0/repositories", get(dtr::repositories))
        .route("/v2", any(v2::handle))
        .route("/v2/", any(v2::handle))
        .route("/v2/{*rest}", any(v2::handle))
        .merge(console::router())
        .layer(middleware::from_fn(whose_host::refuse_unclear))
        .layer(middleware::from_fn(head_limit::refuse_large))
        .layer(middleware::from_fn_with_state(app.clone(), request::surround))
        .layer(middleware::from_fn_with_state(app.clone(), metrics::count))
        .with_state(app)
}

/// Answers everybody for whom there is no room.
pub(crate) fn without_room(app: App) -> Router {
    surrounded(Router::new().fallback(no_room), app)
}

/// Answers what a connection asks beyond what it may ask at once.
pub(crate) fn too_many_at_once(app: App) -> Router {
    surrounded(
        Router::new().fallback(async || refused_for_now(TOO_MANY_AT_ONCE, TOO_MANY_RETRY_SECONDS)),
        app,
    )
}

fn surrounded(router: Router, app: App) -> Router {
    router
        .layer(middleware::from_fn_with_state(app.clone(), request::surround))
        .layer(middleware::from_fn_with_state(app, metrics::count))
}

fn refused_for_now(text: &'static str, retry_seconds: HeaderValue) -> Response {
    let mut answer = (StatusCode::SERVICE_UNAVAILABLE, text).into_response();
    headers::sandbox(answer.headers_mut());
    answer.headers_mut().insert(header::RETRY_AFTER, retry_seconds);
    answer
}

async fn no_room(version: Version) -> Response {
    let text = "The server has as many connections as it may have (max_connections), and none is idle. Try again soon.\n";
    let mut answer = refused_for_now(text, NO_ROOM_RETRY_SECONDS);
    // HTTP/2 ends by GOAWAY, and knows no such header (RFC 9113 §8.2.2).
    if version < Version::HTTP_2 {
        answer.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    answer
}

/// The OpenAPI document of the management API, as `/api/openapi.json` answers with it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api::router().1
}
