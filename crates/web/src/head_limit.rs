//! How large the head of a request may be, said in words.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::headers::sandbox;

/// The largest head of a request, in bytes of its target, names and values (DESIGN §6).
const MAX_HEAD_BYTES: usize = 32 * 1024;
/// The largest that is taken apart, in bytes, so that it can be answered with words: what is larger still is answered by
/// the protocol's own 431 without any.
pub(crate) const MAX_PARSED_HEAD_BYTES: usize = 2 * MAX_HEAD_BYTES;

/// Refuses a head that is too large with 431 (RFC 6585 §5).
pub(crate) async fn refuse_large(request: Request, next: Next) -> Response {
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len());
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    let bytes = target + fields.sum::<usize>();
    if bytes <= MAX_HEAD_BYTES {
        return next.run(request).await;
    }
    let text = format!(
        "The head of this request has {bytes} bytes; the limit is {MAX_HEAD_BYTES}. Cookies or a bearer of another \
         service may have come along: leave out what is not for this registry.\n"
    );
    let mut answer = (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text).into_response();
    sandbox(answer.headers_mut());
    answer
}
