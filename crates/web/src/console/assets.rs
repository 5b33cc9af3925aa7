//! The console's own files: one sheet, one script, one icon, inside the binary. Nothing is loaded from elsewhere.

use axum::{
    extract::Path,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};

const STYLE: &str = include_str!("../../assets/console.css");
const SCRIPT: &str = include_str!("../../assets/console.js");
const ICON: &str = include_str!("../../assets/icon.svg");

/// Changes with each release, so that browsers may keep the files for good.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The path of an asset, as pages name it.
pub(super) fn path(name: &str) -> String {
    format!("/assets/{VERSION}/{name}")
}

/// Answers with an asset. Whatever the version in the path: an old page may ask a newer replica.
pub(super) async fn asset(Path((_, name)): Path<(String, String)>) -> Response {
    let (media_type, text) = match name.as_str() {
        "console.css" => ("text/css; charset=utf-8", STYLE),
        "console.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, text).into_response()
}
