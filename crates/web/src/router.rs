//! Every path that there is, on one screen.

use axum::{
    Json, Router,
    extract::State,
    http::StatusCode,
    middleware,
    response::IntoResponse,
    routing::{any, get},
};

use crate::{api, app::App, auth, console, dtr, request, v2};

/// All faces. Catch-alls come last: `/v2/` is parsed from the right by `oci::route`. What no path leads to is the
/// console's to tell.
pub(crate) fn router(app: App) -> Router {
    let (api, document) = api::router();
    let document = Json(document);
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(ready))
        .route("/auth/token", any(auth::token))
        .route("/auth/jwks.json", get(auth::jwks))
        .route("/api/openapi.json", get(async move || document))
        .nest("/api/v1", api)
        .route("/api/v0/repositories", get(dtr::repositories))
        .route("/v2", any(v2::handle))
        .route("/v2/", any(v2::handle))
        .route("/v2/{*rest}", any(v2::handle))
        .merge(console::router())
        .layer(middleware::from_fn_with_state(app.clone(), request::surround))
        .with_state(app)
}

/// The OpenAPI document of the management API, as `/api/openapi.json` answers with it.
pub fn openapi() -> utoipa::openapi::OpenApi {
    api::router().1
}

/// Whether requests can be answered: the database is there.
async fn ready(State(app): State<App>) -> impl IntoResponse {
    match app.registry().ready().await {
        Ok(()) => (StatusCode::OK, "ready\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}
