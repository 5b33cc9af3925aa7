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
    /// `Range` begins behind the end of a blob of `size` bytes.
    RangeBehindEnd {
        /// How many bytes the blob has.
        size: u64,
    },
    /// A condition of the request is not met.
    PreconditionFailed(String),
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
        Self::Content(error)
    }
}

impl From<BodyRefused> for V2Error {
    fn from(error: BodyRefused) -> Self {
        Self::Body(error)
    }
}

/// What a 401 is written with.
#[derive(Clone, Copy)]
pub(crate) struct Challenger<'a> {
    /// Where bearers are fetched.
    pub(crate) origin: &'a str,
    /// The scope that the call takes, where it takes one.
    pub(crate) scope: Option<&'a str>,
    /// Whether a bearer was sent: RFC 6750 §3.1 keeps error codes from whoever sent nothing.
    pub(crate) is_for_bearer: bool,
}

/// The answer to an error.
pub(crate) fn answer(error: &V2Error, challenger: Challenger<'_>) -> Response {
    match error {
        V2Error::Route(error) => of_route(error),
        V2Error::Refused(refusal) => of_refusal(refusal, challenger),
        V2Error::Content(error) => of_content(error, challenger),
        V2Error::Body(error) => of_body(error),
        V2Error::Malformed(code, text) => of(StatusCode::BAD_REQUEST, *code, text),
        V2Error::RangeBehindEnd { size } => {
            let text = format!("the Range begins behind the end; the blob has {size} bytes");
            // RFC 9110 §15.5.17: so that the client learns the length.
            of(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::RangeInvalid, &text)
                .with(header::CONTENT_RANGE, format!("bytes */{size}"))
        }
        V2Error::PreconditionFailed(text) => {
            of(StatusCode::PRECONDITION_FAILED, ErrorCode::Unsupported, text)
        }
    }
}

fn of(status: StatusCode, code: ErrorCode, message: &str) -> Response {
    let error = serde_json::json!({ "errors": [{ "code": code.as_str(), "message": message }] });
    answer::json(status, &error)
}

fn of_route(error: &RouteError) -> Response {
    match error {
        RouteError::Unknown => of(StatusCode::NOT_FOUND, ErrorCode::Unsupported, &error.to_string()),
        RouteError::Malformed {
            code: code @ (ErrorCode::ManifestUnknown | ErrorCode::BlobUploadUnknown),
            message,
        } => of(StatusCode::NOT_FOUND, *code, message),
        RouteError::Malformed { code, message } => of(StatusCode::BAD_REQUEST, *code, message),
        RouteError::MethodNotAllowed { allow } => {
            of(StatusCode::METHOD_NOT_ALLOWED, ErrorCode::Unsupported, &error.to_string())
                .with(header::ALLOW, allow.join(", "))
        }
    }
}

/// The body of a manifest: those of blobs are read by the blob store, see `of_blobs`.
fn of_body(error: &BodyRefused) -> Response {
    let text = error.to_string();
    match error {
        BodyRefused::TooLarge { .. } => of(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::SizeInvalid, &text),
        BodyRefused::Broken(_) => of(StatusCode::BAD_REQUEST, ErrorCode::ManifestInvalid, &text),
        BodyRefused::MemoryFull(_) => unavailable(&text),
        BodyRefused::Stalled => of(StatusCode::REQUEST_TIMEOUT, ErrorCode::ManifestInvalid, &text),
    }
}

fn of_refusal(refusal: &Refusal, challenger: Challenger<'_>) -> Response {
    let text = refusal.to_string();
    let unauthorized = |scope: Option<&str>, fault| {
        of(StatusCode::UNAUTHORIZED, ErrorCode::Unauthorized, &text)
            .with(header::WWW_AUTHENTICATE, challenge(challenger.origin, scope, fault))
    };
    match refusal {
        Refusal::SignIn { scope } => {
            // An anonymous bearer, and anonymous may not. containerd comes back with another as long as no error is named.
            let fault = if challenger.is_for_bearer {
                BearerFault::InsufficientScope(&text)
            } else {
                BearerFault::None
            };
            unauthorized(scope.as_deref(), fault)
        }
        Refusal::BadCredential(reason) => unauthorized(challenger.scope, BearerFault::Invalid(reason)),
        Refusal::BearerTooNarrow { scope } => {
            unauthorized(scope.as_deref(), BearerFault::InsufficientScope(&text))
        }
        Refusal::Denied(reason) => of(StatusCode::FORBIDDEN, ErrorCode::Denied, reason),
        Refusal::Unseen(reason) => of(StatusCode::NOT_FOUND, ErrorCode::NameUnknown, reason),
        Refusal::Busy => unavailable(&text),
        // RFC 6585 §4. Docker gives up at once on this, as it should: another attempt would only be refused as well.
        Refusal::TooManyGuesses(guesses) => {
            of(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests, &text)
                .with(header::RETRY_AFTER, guesses.retry_after_seconds.to_string())
        }
        Refusal::Storage(error) => of_storage(error),
    }
}

fn of_content(error: &ContentError, challenger: Challenger<'_>) -> Response {
    let text = error.to_string();
    let bad = |code| of(StatusCode::BAD_REQUEST, code, &text);
    match error {
        // The rights, read again where the write becomes visible (rule 7): as if they had been so from the start.
        ContentError::Refused(refusal) => of_refusal(refusal, challenger),
        ContentError::NamespaceUnknown(_) | ContentError::RepositoryUnknown(_) => {
            of(StatusCode::NOT_FOUND, ErrorCode::NameUnknown, &text)
        }
        ContentError::ManifestUnknown { .. } => of(StatusCode::NOT_FOUND, ErrorCode::ManifestUnknown, &text),
        ContentError::BlobUnknown { .. } => of(StatusCode::NOT_FOUND, ErrorCode::BlobUnknown, &text),
        ContentError::UploadUnknown => of(StatusCode::NOT_FOUND, ErrorCode::BlobUploadUnknown, &text),
        ContentError::TooMany(_) => of(StatusCode::TOO_MANY_REQUESTS, ErrorCode::TooManyRequests, &text)
            .with(header::RETRY_AFTER, TOO_MANY_RETRY_SECONDS),
        // OCI distribution 1.1, "Pushing a blob in chunks": a chunk out of order is 416.
        ContentError::UploadTakenOver => {
            of(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::BlobUploadInvalid, &text)
        }
        ContentError::WrongOffset { offset, .. } => {
            of(StatusCode::RANGE_NOT_SATISFIABLE, ErrorCode::RangeInvalid, &text)
                .with(header::RANGE, super::uploads::progress(*offset))
        }
        ContentError::WrongLength { .. } => bad(ErrorCode::SizeInvalid),
        ContentError::ManifestInvalid(ManifestError::TooLarge(_)) => {
            of(StatusCode::PAYLOAD_TOO_LARGE, ErrorCode::SizeInvalid, &text)
        }
        ContentError::ManifestInvalid(_)
        | ContentError::TooManyLinks { .. }
        | ContentError::OtherType { .. } => bad(ErrorCode::ManifestInvalid),
        ContentError::MemoryFull(_) => unavailable(&text),
        ContentError::NotAsExpected { .. } | ContentError::OtherTags { .. } => {
            of(StatusCode::PRECONDITION_FAILED, ErrorCode::Unsupported, &text)
        }
        ContentError::ManifestDigest { .. } => bad(ErrorCode::DigestInvalid),
        // The specification has 404 for a manifest whose blobs are missing.
        ContentError::ManifestNeeds { .. } => {
            of(StatusCode::NOT_FOUND, ErrorCode::ManifestBlobUnknown, &text)
        }
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
        BlobError::Body(cause) => match cause.downcast_ref() {
            Some(stalled @ BodyRefused::Stalled) => {
                of(StatusCode::REQUEST_TIMEOUT, ErrorCode::BlobUploadInvalid, &stalled.to_string())
            }
            _ => of(StatusCode::BAD_REQUEST, ErrorCode::BlobUploadInvalid, &text),
        },
        BlobError::Full => full(&text),
        BlobError::TooManyReaders => {
            tracing::warn!(%error, "a blob was not read");
            unavailable(&text)
        }
        BlobError::TooManyFiles => {
            tracing::warn!(%error, "raise the limit (ulimit -Hn, LimitNOFILE=) or lower max_connections");
            unavailable(&text)
        }
        BlobError::BadState => of(StatusCode::NOT_FOUND, ErrorCode::BlobUploadUnknown, &text),
        BlobError::NotFound | BlobError::Truncated { .. } | BlobError::Io(_) => broken(&text),
    }
}

fn of_storage(error: &DbError) -> Response {
    match error {
        DbError::Unavailable(_) | DbError::CommitUnknown(_) | DbError::Busy(_) => {
            tracing::warn!(%error, "the database did not answer");
            unavailable("the database does not answer; try again in a moment")
        }
        DbError::Full => full("the database's disk is full; free some space, nothing needs a restart"),
        DbError::NoRow
        | DbError::Conflict { .. }
        | DbError::Serialization
        | DbError::Corrupt(_)
        | DbError::TooNew { .. }
        | DbError::TooOld { .. }
        | DbError::Other(_) => broken(&error.to_string()),
    }
}

/// When to come back after a limit was reached, in seconds: uploads under way end within minutes.
const TOO_MANY_RETRY_SECONDS: &str = "60";

/// Not now. Not TOOMANYREQUESTS: docker gives up at once on that, and tries again on what it takes for an outage.
fn unavailable(text: &str) -> Response {
    of(StatusCode::SERVICE_UNAVAILABLE, ErrorCode::Unavailable, text).with(header::RETRY_AFTER, "1")
}

/// No room. Coming back soon helps only where somebody makes some, so no time is named.
fn full(text: &str) -> Response {
    tracing::error!(cause = text, "a write failed");
    of(StatusCode::INSUFFICIENT_STORAGE, ErrorCode::Unavailable, text)
}

/// A fault of ours: the log has the cause, the answer only says where to look (its `X-Request-Id`).
fn broken(cause: &str) -> Response {
    tracing::error!(cause, "a request failed");
    let text = "the registry failed; its log says why, under the id in X-Request-Id";
    of(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::Unknown, text)
}
