//! The forms of a `/v2/` answer.

use axum::{body::Body, response::Response};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::headers::sandbox;

pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// What every `/v2/` answer carries: what was pushed is somebody else's bytes on the console's origin (DESIGN §3.1).
pub(crate) fn harden(headers: &mut HeaderMap) {
    sandbox(headers);
    // Docker's registry API V2, "API Version Check": older clients look for it.
    headers.insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
}

pub(crate) fn empty(status: StatusCode) -> Response {
    with_body(status, Body::empty())
}

pub(crate) fn with_body(status: StatusCode, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
}

pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response {
    let text = serde_json::to_vec(value).unwrap_or_default();
    let mut response = with_body(status, Body::from(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) trait WithHeader {
    /// The answer with one more header. What can't stand in a header becomes `?`.
    fn with(self, name: HeaderName, value: impl AsRef<str>) -> Self;
}

impl WithHeader for Response {
    fn with(mut self, name: HeaderName, value: impl AsRef<str>) -> Self {
        self.headers_mut().insert(name, crate::headers::value(value.as_ref()));
        self
    }
}
