//! The console's own files: one sheet, one script, one icon, inside the binary. Nothing is loaded from elsewhere.

use std::sync::LazyLock;

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

use super::{address::Path, frame};

/// Name, media type and content of each file.
const FILES: [(&str, &str, &str); 3] = [
    ("console.css", "text/css; charset=utf-8", include_str!("../../assets/console.css")),
    ("console.js", "text/javascript; charset=utf-8", include_str!("../../assets/console.js")),
    ("icon.svg", "image/svg+xml", include_str!("../../assets/icon.svg")),
];

/// How much of the hash stands in a path, in bytes: enough to tell builds apart; nobody gains by two that are alike.
const EDITION_BYTES: usize = 8;

/// What the files are, as a hash of all of them: another build with other files has another one, whatever its version.
static EDITION: LazyLock<String> = LazyLock::new(|| {
    let hash = FILES.iter().fold(Sha256::new(), |hash, (.., text)| hash.chain_update(text));
    hash.finalize().iter().take(EDITION_BYTES).map(|byte| format!("{byte:02x}")).collect()
});

/// The path of an asset, as pages name it.
pub(super) fn path(name: &str) -> String {
    format!("/assets/{}/{name}", *EDITION)
}

/// Answers with an asset. While replicas are upgraded one by one, a page of another build may ask this one: it is given
/// what there is here, and must not keep it as what it asked for.
pub(super) async fn asset(Path((edition, name)): Path<(String, String)>) -> Response {
    let Some((_, media_type, text)) = FILES.iter().find(|(known, ..)| *known == name) else {
        let mut absent = StatusCode::NOT_FOUND.into_response();
        frame::guard(absent.headers_mut());
        return absent;
    };
    let is_ours = edition == *EDITION;
    let keeping = if is_ours { "public, max-age=31536000, immutable" } else { "no-store" };
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keeping));
    frame::guard(headers);
    response
}
