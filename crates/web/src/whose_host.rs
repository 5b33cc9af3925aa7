//! For whom a request is, said once.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{StatusCode, Version, header};

use crate::headers::sandbox;

/// Refuses a request that names no host, or several, with 400 (RFC 9112 §3.2). The threat: a proxy in front reads one of
/// two, and we the other.
pub(crate) async fn refuse_unclear(request: Request, next: Next) -> Response {
    let hosts = request.headers().get_all(header::HOST).iter().count();
    // HTTP/1.0 needs none, and HTTP/2 has a field of its own.
    if hosts == 1 || (hosts == 0 && request.version() != Version::HTTP_11) {
        return next.run(request).await;
    }
    let text = format!("This request has {hosts} Host headers; send one (RFC 9112, section 3.2).\n");
    let mut answer = (StatusCode::BAD_REQUEST, text).into_response();
    sandbox(answer.headers_mut());
    answer
}
