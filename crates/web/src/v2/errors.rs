//! Which status and code a refusal or an error is on `/v2/`: the table of DESIGN §3.1 and OCI distribution 1.1,
//! "Error Codes". The core says what happened; only here it becomes HTTP.

use axum::response::Response;
use http::{StatusCode, header};
use oci::{ErrorCode, ManifestError, RouteError};
use registry::{BlobError, ContentError, DbError, Refusal};

use super::{
    answer::{self, WithHeader},
    challenge::{BearerFault, challenge},
};
use crate::body::BodyRefused;

/// Whatever ends a `/v2/` request early.
#[derive(Debug)]
pub(crate) enum V2Error {
    /// The path or the method.
    Route(RouteError),
    /// The gate.
    Refused(Refusal),
    /// A use case.
    Content(ContentError),
    /// The body.
    Body(BodyRefused),
    /// A header or query parameter.
    Malformed(ErrorCode, String),
    /// A call that this version does not serve yet.
    NotServed,
}

impl From<RouteError> for V2Error {
    fn from(error: RouteError) -> Self {
        Self::Route(error)
    }
}

impl From<Refusal> for V2Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ContentError> for V2Error {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Refused(refusal) => Self::Refused(refusal),
            error => Self::Content(error),
        }
    }
}

impl From<BodyRefused> for V2Error {
    fn from(error: BodyRefused) -> Self {
        Self::Body(error)
    }
}

/// The answer to an error. `origin` is where bearers are fetched.
pub(crate) fn answer(error: &V2Error, origin: &str, carries_bearer: bool) -> Response {
    match error {
        V2Error::Route(error) => of_route(error),
        V2Error::Refused(refusal) => of_refusal(refusal, origin, carries_bearer),
        V2Error::Content(error) => of_content(error),
        V2Error::Body(BodyRefused::TooLarge { .. }) => {
            of(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::ManifestInvalid, &message(error))
        }
        V2Error::Body(BodyRefused::Broken(_)) => {
            of(StatusCode::BAD_REQUEST, ErrorCode::ManifestInvalid, &message(error))
        }
        V2Error::Malformed(code, text) => of(StatusCode::BAD_REQUEST, *code, text),
        V2Error::NotServed => {
            of(StatusCode::NOT_FOUND, ErrorCode::Unsupported, "this version does not serve this call yet")
        }
    }
}

fn message(error: &V2Error) -> String {
    match error {
        V2Error::Body(error) => error.to_string(),
        other => format!("{other:?}"),
    }
}

fn of(status: StatusCode, code: ErrorCode, message: &str) -> Response {
    let error = serde_json::json!({ "errors": [{ "code": code.as_str(), "message": message }] });
    answer::json(status, &error)
}

fn of_route(error: &RouteError) -> Response {
    match error {
        RouteError::Unknown => of(StatusCode::NOT_FOUND, ErrorCode::Unsupported, &error.to_string()),
        RouteError::Malformed { code: code @ (ErrorCode::ManifestUnknown | ErrorCode::BlobUploadUnknown), message } => {
            of(StatusCode::NOT_FOUND, *code, message)
        }
        RouteError::Malformed { code, message } => of(StatusCode::BAD_REQUEST, *code, message),
        RouteError::MethodNotAllowed { allow } => {
            of(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported, &error.to_string())
                .with(header::ALLOW, allow.join(", "))
        }
    }
}

fn of_refusal(refusal: &Refusal, origin: &str, carries_bearer: bool) -> Response {
    let text = refusal.to_string();
    let unauthorized = |scope: Option<&str>, fault| {
        of(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, &text)
            .with(header::WWW_AUTHENTICATE, challenge(origin, scope, fault))
    };
    match refusal {
        Refusal::SignIn { scope } => {
            // An anonymous bearer that no longer does is as good as none: fetching one again does not help it.
            let fault = if carries_bearer { BearerFault::InsufficientScope(&text) } else { BearerFault::None };
            unauthorized(scope.as_deref(), fault)
        }
        Refusal::BadCredential(reason) => unauthorized(None, BearerFault::Invalid(reason)),
        Refusal::BearerTooNarrow { scope } => {
            unauthorized(scope.as_deref(), BearerFault::InsufficientScope(&text))
        }
        Refusal::Denied(reason) => of(StatusCode::FORBIDDEN, ErrorCode::Denied, reason),
        Refusal::Unseen(reason) => of(StatusCode::NOT_FOUND, ErrorCode::NameUnknown, reason),
        Refusal::Busy => {
            of(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TooManyRequests, &text).with(header::RETRY_AFTER, "1")
        }
        Refusal::Storage(error) => of_storage(error),
    }
}

fn of_content(error: &ContentError) -> Response {
    let text = error.to_string();
    let bad = |code| of(StatusCode::BAD_REQUEST, code, &text);
    match error {
        ContentError::Refused(_) => of(StatusCode::FORBIDDEN, ErrorCode::Denied, &text),
        ContentError::RepositoryUnknown(_) => of(StatusCode::NOT_FOUND, ErrorCode::NameUnknown, &text),
        ContentError::ManifestUnknown { .. } => of(StatusCode::NOT_FOUND, ErrorCode::ManifestUnknown, &text),
        ContentError::BlobUnknown { .. } => of(StatusCode::NOT_FOUND, ErrorCode::BlobUnknown, &text),
        ContentError::UploadUnknown => of(StatusCode::NOT_FOUND, ErrorCode::BlobUploadUnknown, &text),
        // OCI distribution 1.1, "Pushing a blob in chunks": a chunk out of order is 416.
        ContentError::UploadTakenOver => {
            of(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::BlobUploadInvalid, &text)
        }
        ContentError::WrongOffset { offset, .. } => {
            of(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::BlobUploadInvalid, &text)
                .with(header::RANGE, super::uploads::progress(*offset))
        }
        ContentError::WrongLength { .. } => bad(ErrorCode::SizeInvalid),
        ContentError::ManifestInvalid(ManifestError::TooLarge(_)) => {
            of(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::ManifestInvalid, &text)
        }
        ContentError::ManifestInvalid(_) => bad(ErrorCode::ManifestInvalid),
        ContentError::ManifestDigest { .. } => bad(ErrorCode::DigestInvalid),
        // The specification has 404 for a manifest whose blobs are missing.
        ContentError::ManifestNeeds { .. } => of(StatusCode::NOT_FOUND, ErrorCode::ManifestBlobUnknown, &text),
        ContentError::SizeInvalid { .. } => bad(ErrorCode::SizeInvalid),
        ContentError::InUse { .. } => of(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported, &text),
        ContentError::Blobs(error) => of_blobs(error),
        ContentError::Storage(error) => of_storage(error),
    }
}

fn of_blobs(error: &BlobError) -> Response {
    let text = error.to_string();
    match error {
        BlobError::DigestMismatch { .. } => of(StatusCode::BAD_REQUEST, ErrorCode::DigestInvalid, &text),
        BlobError::TooLarge { .. } => of(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::SizeInvalid, &text),
        BlobError::Body(_) => of(StatusCode::BAD_REQUEST, ErrorCode::BlobUploadInvalid, &text),
        BlobError::Full => of(StatusCode::INSUFFICIENT_STORAGE, ErrorCode::BlobUploadInvalid, &text),
        BlobError::BadState => of(StatusCode::NOT_FOUND, ErrorCode::BlobUploadUnknown, &text),
        BlobError::NotFound | BlobError::Truncated { .. } | BlobError::Io(_) => broken(&text),
    }
}

fn of_storage(error: &DbError) -> Response {
    match error {
        DbError::Unavailable(_) | DbError::Busy(_) => {
            tracing::warn!(%error, "the database did not answer");
            let text = "the database does not answer; try again in a moment";
            of(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::TooManyRequests, text).with(header::RETRY_AFTER, "1")
        }
        DbError::Full => of(StatusCode::INSUFFICIENT_STORAGE, ErrorCode::Denied, "the database's disk is full"),
        DbError::NoRow
        | DbError::Conflict { .. }
        | DbError::Serialization
        | DbError::Corrupt(_)
        | DbError::TooNew { .. }
        | DbError::Other(_) => broken(&error.to_string()),
    }
}

/// A fault of ours: the log has the cause, the answer only says where to look (its `X-Request-Id`).
fn broken(cause: &str) -> Response {
    tracing::error!(cause, "a request failed");
    let text = "the registry failed; its log says why, under the id in X-Request-Id";
    of(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Unsupported, text)
}
