//! `/api/v1`: management.

use crate::app::App;

pub(crate) fn router() -> (axum::Router<App>, utoipa::openapi::OpenApi) {
    (axum::Router::new(), utoipa::openapi::OpenApi::default())
}
