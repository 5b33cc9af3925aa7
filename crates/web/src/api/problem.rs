//! Refusals and errors as problems (RFC 9457), with the one table of the API that says which status and code each
//! is. The core says what happened; only here it becomes HTTP.

use std::collections::BTreeMap;

use access::field_error::FieldError;
use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use registry::{ContentError, DbError, ManageError, Refusal};
use serde::Serialize;
use utoipa::{
    IntoResponses, PartialSchema, ToSchema,
    openapi::{Content, RefOr, response},
};

use crate::{body::BodyRefused, request::RequestId};

/// What a problem's body is (RFC 9457 §3).
const MEDIA_TYPE: &str = "application/problem+json";
/// After how many seconds a busy server may be asked again: the database's pool waits 2 s for a turn (DESIGN §5).
const RETRY_AFTER_SECONDS: u32 = 2;
/// RFC 9110 §11.6.1: one challenge, for clients give up on a second. A token's secret as a bearer is taken too, but
/// whoever has to be told how to log in has a name and a password.
const CHALLENGE: &str = "Basic realm=\"sealock\"";

/// Why the API did not do what it was asked.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Problem {
    code: Code,
    detail: String,
    errors: Vec<FieldError>,
    /// When to come back, in seconds, where that helps.
    retry_after_seconds: Option<u32>,
}

macro_rules! codes {
    ($($code:ident: $status:ident, $says:literal;)+) => {
        /// What kinds of problem there are. Their words are promised to stay.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
        #[serde(rename_all = "kebab-case")]
        #[schema(as = ProblemCode)]
        pub(super) enum Code { $($code,)+ }

        impl Code {
            /// Every code, by status.
            pub(super) const ALL: &[Code] = &[$(Self::$code,)+];

            pub(super) const fn status(self) -> StatusCode {
                match self { $(Self::$code => StatusCode::$status,)+ }
            }

            /// What it means, for the document.
            pub(super) const fn says(self) -> &'static str {
                match self { $(Self::$code => $says,)+ }
            }
        }
    };
}

codes! {
    Malformed: BAD_REQUEST, "the request can't be read: its JSON, its UTF-8, its query or a header";
    LogInNeeded: UNAUTHORIZED, "no credential came along";
    BadCredential: UNAUTHORIZED, "the credential is wrong or has ended; `detail` says why to whoever holds it";
    Denied: FORBIDDEN, "the caller may not do this";
    NotFound: NOT_FOUND, "there is none, or none that the caller may see";
    MethodNotAllowed: METHOD_NOT_ALLOWED, "the path has other methods; `Allow` names them";
    TooSlow: REQUEST_TIMEOUT, "hardly anything of the body came for a while; send it again";
    NameTaken: CONFLICT, "the name is in use";
    TooMany: CONFLICT, "there are as many as there may be";
    InUse: CONFLICT, "something else needs what was to go";
    LastAdministrator: CONFLICT, "nobody would be left to administer the instance";
    HoldsRepositories: CONFLICT, "the namespace holds repositories";
    Changed: PRECONDITION_FAILED, "`If-Match` names another revision than the present one";
    TooLarge: PAYLOAD_TOO_LARGE, "the body is longer than 1 MiB";
    NotJson: UNSUPPORTED_MEDIA_TYPE, "the body is of another type than application/json";
    Invalid: UNPROCESSABLE_ENTITY, "fields or query parameters break rules; `errors` says which";
    TooManyGuesses: TOO_MANY_REQUESTS, "too many wrong passwords came before; `Retry-After` says when to come back";
    TooManyNames: TOO_MANY_REQUESTS, "too many names that do not fit were tried before; `Retry-After` says when to come back";
    Internal: INTERNAL_SERVER_ERROR, "our fault; the server's log says why, under `request_id`";
    Unavailable: SERVICE_UNAVAILABLE, "too much at once, or the database is away; `Retry-After` says when to come back";
    StorageFull: INSUFFICIENT_STORAGE, "the server's disk is full";
}

impl Problem {
    /// A problem, explained to a person by `detail`.
    pub(super) fn new(code: Code, detail: impl Into<String>) -> Self {
        let retry_after_seconds = (code == Code::Unavailable).then_some(RETRY_AFTER_SECONDS);
        Self { code, detail: detail.into(), errors: Vec::new(), retry_after_seconds }
    }

    /// Fields or parameters that break rules, all of them.
    pub(super) fn invalid(errors: Vec<FieldError>) -> Self {
        let detail = match errors.as_slice() {
            [one] => format!("{} breaks a rule", one.field),
            several => format!("{} fields break rules", several.len()),
        };
        Self { errors, ..Self::new(Code::Invalid, detail) }
    }

    /// A fault of ours: the log has the cause, under the id that the answer carries.
    fn internal(cause: &DbError) -> Self {
        tracing::error!(%cause, "a request failed");
        Self::new(Code::Internal, "the server failed; its log says why, under this answer's request_id")
    }

    /// Writes the body, which names the request.
    pub(super) fn write(self, response: &mut Response, request: Option<&RequestId>) {
        let status = self.code.status();
        let body = ProblemBody {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.detail,
            code: self.code,
            errors: self.errors.into_iter().map(FieldMessage::from).collect(),
            request_id: request.map(|id| id.0.clone()).unwrap_or_default(),
        };
        *response.body_mut() = Body::from(serde_json::to_vec(&body).unwrap_or_default());
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    }
}

/// Status and headers; `finish` writes the body, as only it knows the request's id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.code.status().into_response();
        let headers = response.headers_mut();
        if matches!(self.code, Code::LogInNeeded | Code::BadCredential) {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        if let Some(seconds) = self.retry_after_seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let text = refusal.to_string();
        match refusal {
            Refusal::BadCredential(reason) => Self::new(Code::BadCredential, reason),
            Refusal::SignIn { .. } => Self::new(Code::LogInNeeded, text),
            // No bearer comes through this face, so no narrow one either.
            Refusal::BearerTooNarrow { .. } => Self::new(Code::Denied, text),
            Refusal::Denied(reason) => Self::new(Code::Denied, reason),
            Refusal::Unseen(reason) => Self::new(Code::NotFound, reason),
            Refusal::Busy => Self::new(Code::Unavailable, text),
            Refusal::TooManyGuesses(guesses) => Self {
                retry_after_seconds: Some(guesses.retry_after_seconds),
                ..Self::new(Code::TooManyGuesses, text)
            },
            Refusal::Storage(error) => Self::from(error),
        }
    }
}

impl From<ManageError> for Problem {
    fn from(error: ManageError) -> Self {
        let text = error.to_string();
        match error {
            ManageError::Refused(refusal) => Self::from(refusal),
            ManageError::Invalid(errors) => Self::invalid(errors),
            ManageError::NameTaken(text) => Self::new(Code::NameTaken, text),
            ManageError::Absent(text) => Self::new(Code::NotFound, text),
            // Only the console has forms; what one asked for is done.
            ManageError::Changed | ManageError::FormSent => Self::new(Code::Changed, text),
            ManageError::LastAdministrator(_) => Self::new(Code::LastAdministrator, text),
            ManageError::HoldsRepositories(_) => Self::new(Code::HoldsRepositories, text),
            ManageError::TooMany(text) => Self::new(Code::TooMany, text),
            ManageError::TooManyNames(names) => Self {
                retry_after_seconds: Some(names.retry_after_seconds),
                ..Self::new(Code::TooManyNames, text)
            },
            ManageError::Storage(error) => Self::from(error),
        }
    }
}

impl From<ContentError> for Problem {
    fn from(error: ContentError) -> Self {
        let text = error.to_string();
        match error {
            ContentError::Refused(refusal) => Self::from(refusal),
            ContentError::NamespaceUnknown(_)
            | ContentError::RepositoryUnknown(_)
            | ContentError::ManifestUnknown { .. } => Self::new(Code::NotFound, text),
            ContentError::InUse { .. } => Self::new(Code::InUse, text),
            ContentError::MemoryFull(_) => Self::new(Code::Unavailable, text),
            ContentError::Storage(error) => Self::from(error),
            // The rest is about bytes, and none come through this face.
            _ => Self::from(DbError::Other(text)),
        }
    }
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unavailable(_) | DbError::CommitUnknown(_) | DbError::Busy(_) => {
                tracing::warn!(%error, "the database did not answer");
                Self::new(Code::Unavailable, "the database does not answer; try again in a moment")
            }
            DbError::Full => {
                tracing::error!(%error, "a write failed");
                Self::new(Code::StorageFull, "the server's disk is full; its operator has to make room")
            }
            DbError::NoRow
            | DbError::Conflict { .. }
            | DbError::Serialization
            | DbError::Corrupt(_)
            | DbError::TooNew { .. }
            | DbError::TooOld { .. }
            | DbError::Other(_) => Self::internal(&error),
        }
    }
}

impl From<BodyRefused> for Problem {
    fn from(error: BodyRefused) -> Self {
        let code = match error {
            BodyRefused::TooLarge { .. } => Code::TooLarge,
            BodyRefused::Broken(_) => Code::Malformed,
            BodyRefused::Stalled => Code::TooSlow,
            BodyRefused::MemoryFull(_) => Code::Unavailable,
        };
        Self::new(code, error.to_string())
    }
}

/// A problem (RFC 9457). `code` says which one it is and stays the same from release to release; `detail` is for
/// people.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
struct ProblemBody {
    /// Always `about:blank`: `code` tells problems apart.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status of the answer.
    status: u16,
    /// What happened, and the way out.
    detail: String,
    /// Which problem it is.
    code: Code,
    /// With status 422: every field or query parameter that breaks a rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    errors: Vec<FieldMessage>,
    /// The request's id, as in `X-Request-Id` and in the server's log.
    request_id: String,
}

/// Something to say about one field.
#[derive(Serialize, ToSchema)]
pub(super) struct FieldMessage {
    /// Where it stands in the request, such as `scopes[2].path`.
    pub(super) field: String,
    /// For a person.
    pub(super) message: String,
}

impl From<FieldError> for FieldMessage {
    fn from(error: FieldError) -> Self {
        Self { field: error.field, message: error.message }
    }
}

/// For the document: every operation answers with a problem where it doesn't do what it was asked; what can go wrong
/// by its form is added to it where the document is put together.
impl IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<response::Response>> {
        let faults = Code::ALL.iter().copied().filter(|code| code.status().is_server_error());
        BTreeMap::from([("default".to_owned(), RefOr::T(described(faults)))])
    }
}

/// For the document: the answer that carries one of `codes`.
pub(super) fn described(codes: impl Iterator<Item = Code>) -> response::Response {
    let content = Content::new(Some(utoipa::openapi::Ref::from_schema_name(ProblemBody::name())));
    let lines: Vec<_> = codes.map(|code| format!("`{}`: {}", code.word(), code.says())).collect();
    response::ResponseBuilder::new().description(lines.join("; ")).content(MEDIA_TYPE, content).build()
}

/// The schemas that `Problem`'s response refers to.
pub(super) fn schemas() -> Vec<(String, RefOr<utoipa::openapi::Schema>)> {
    let mut schemas = vec![(ProblemBody::name().into_owned(), ProblemBody::schema())];
    ProblemBody::schemas(&mut schemas);
    schemas
}

impl Code {
    /// As the body has it.
    pub(super) fn word(self) -> String {
        serde_json::to_value(self)
            .ok()
            .and_then(|value| value.as_str().map(str::to_owned))
            .unwrap_or_default()
    }
}

#[cfg(test)]
impl Problem {
    /// The fields that are wrong.
    pub(super) fn fields(self) -> Vec<String> {
        self.errors.into_iter().map(|error| error.field).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use http_body_util::BodyExt;
    use serde_json::json;

    use super::*;

    fn status_and_code(problem: Problem) -> (u16, String) {
        (problem.code.status().as_u16(), problem.code.word())
    }

    async fn written(problem: impl Into<Problem>) -> (Response, serde_json::Value) {
        let mut response = problem.into().into_response();
        let problem: Problem = response.extensions_mut().remove().unwrap();
        problem.write(&mut response, Some(&RequestId("r1".to_owned())));
        let body = std::mem::take(response.body_mut()).collect().await.unwrap().to_bytes();
        (response, serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn every_refusal_has_its_status_and_code() {
        let text = || "why".to_owned();
        for (refusal, expected) in [
            (Refusal::BadCredential(text()), (401, "bad-credential")),
            (Refusal::SignIn { scope: None }, (401, "log-in-needed")),
            (Refusal::BearerTooNarrow { scope: None }, (403, "denied")),
            (Refusal::Denied(text()), (403, "denied")),
            (Refusal::Unseen(text()), (404, "not-found")),
            (Refusal::Busy, (503, "unavailable")),
            (Refusal::Storage(DbError::Unavailable(text())), (503, "unavailable")),
            (Refusal::Storage(DbError::CommitUnknown(text())), (503, "unavailable")),
            (Refusal::Storage(DbError::Busy(text())), (503, "unavailable")),
            (Refusal::Storage(DbError::Full), (507, "storage-full")),
            (Refusal::Storage(DbError::NoRow), (500, "internal")),
            (Refusal::Storage(DbError::Corrupt(text())), (500, "internal")),
        ] {
            assert_eq!(status_and_code(Problem::from(refusal)), (expected.0, expected.1.to_owned()));
        }
    }

    #[test]
    fn every_error_of_management_has_its_status_and_code() {
        let text = || "why".to_owned();
        for (error, expected) in [
            (ManageError::Refused(Refusal::Unseen(text())), (404, "not-found")),
            (ManageError::Invalid(vec![FieldError::new("a", "b")]), (422, "invalid")),
            (ManageError::NameTaken(text()), (409, "name-taken")),
            (ManageError::Absent(text()), (404, "not-found")),
            (ManageError::LastAdministrator(text()), (409, "last-administrator")),
            (ManageError::HoldsRepositories(text()), (409, "holds-repositories")),
            (ManageError::Changed, (412, "changed")),
            (ManageError::FormSent, (412, "changed")),
            (ManageError::TooMany(text()), (409, "too-many")),
            (
                ManageError::TooManyNames(registry::TooManyNames { retry_after_seconds: 9 }),
                (429, "too-many-names"),
            ),
            (ManageError::Storage(DbError::Full), (507, "storage-full")),
        ] {
            assert_eq!(status_and_code(Problem::from(error)), (expected.0, expected.1.to_owned()));
        }
    }

    #[tokio::test]
    async fn a_problem_names_its_request_and_its_fields() {
        let (response, body) =
            written(ManageError::Invalid(vec![FieldError::new("name", "too short")])).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
        let expected = json!({
            "type": "about:blank", "title": "Unprocessable Entity", "status": 422, "code": "invalid",
            "detail": "name breaks a rule", "errors": [{"field": "name", "message": "too short"}],
            "request_id": "r1",
        });
        assert_eq!(body, expected);
    }

    #[tokio::test]
    async fn the_cause_of_a_fault_stays_in_the_log() {
        let (_, body) = written(DbError::Other("SELECT secret_column".to_owned())).await;
        assert!(!body.to_string().contains("secret_column"), "{body}");
        assert!(body.get("errors").is_none());
    }

    #[tokio::test]
    async fn a_401_carries_one_challenge_and_a_503_says_when_to_come_back() {
        let (response, _) = written(Refusal::SignIn { scope: None }).await;
        let challenges: Vec<_> = response.headers().get_all(header::WWW_AUTHENTICATE).iter().collect();
        assert_eq!(challenges, [CHALLENGE]);
        let (response, _) = written(Refusal::Busy).await;
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
        assert!(!response.headers().contains_key(header::WWW_AUTHENTICATE));
    }
}
