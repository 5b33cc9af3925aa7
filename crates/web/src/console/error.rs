//! Why a page can't be shown, and as which status and page that is told: the console's one error table.

use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use registry::{ContentError, DbError, ManageError, MemoryFull, Refusal};

use super::{dead_ends::DeadEnd, parts};

/// When to come back after a fault, in seconds: most are over by then.
const FAULT_RETRY_SECONDS: u32 = 1;

/// Whatever ends a request to the console early.
#[derive(Debug)]
pub(super) enum ConsoleError {
    /// Nobody is logged in, or not any more; `next` is where they wanted to go.
    LoggedOut {
        /// Path and query of the page, where it was to be looked at.
        next: Option<String>,
    },
    /// A page of another site sent this.
    Foreign,
    /// The form is none of ours.
    Malformed(String),
    /// The form is longer than any of ours.
    TooLong(String),
    /// The form hardly came.
    TooSlow(String),
    /// The requests that are being read hold as much memory as they may.
    MemoryFull(MemoryFull),
    /// A page for a thing that is not there, or that the viewer may not see.
    Absent(String),
    /// Management said no.
    Manage(ManageError),
    /// Content said no.
    Content(ContentError),
}

impl From<Refusal> for ConsoleError {
    fn from(refusal: Refusal) -> Self {
        Self::Manage(refusal.into())
    }
}

impl From<ManageError> for ConsoleError {
    fn from(error: ManageError) -> Self {
        Self::Manage(error)
    }
}

impl From<ContentError> for ConsoleError {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Refused(refusal) => Self::Manage(refusal.into()),
            other => Self::Content(other),
        }
    }
}

impl ConsoleError {
    /// The status, the headline, and what is told.
    fn told(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::LoggedOut { .. } => (StatusCode::UNAUTHORIZED, "Logged out", "Log in to go on.".to_owned()),
            Self::Foreign => (
                StatusCode::FORBIDDEN,
                "Refused",
                "This came from a page of another site. Open the console and do it there.".to_owned(),
            ),
            Self::Malformed(reason) => (StatusCode::BAD_REQUEST, "Not understood", reason.clone()),
            Self::TooLong(reason) => (StatusCode::PAYLOAD_TOO_LARGE, "Too long", reason.clone()),
            Self::TooSlow(reason) => (StatusCode::REQUEST_TIMEOUT, "Too slow", reason.clone()),
            Self::MemoryFull(error) => busy(error),
            Self::Absent(reason) => (StatusCode::NOT_FOUND, "Nothing here", reason.clone()),
            Self::Manage(error) => of_management(error),
            Self::Content(error) => of_content(error),
        }
    }
}

fn of_management(error: &ManageError) -> (StatusCode, &'static str, String) {
    let text = error.to_string();
    match error {
        ManageError::Refused(refusal) => of_refusal(refusal),
        // A page that can say it beside the field does; here it is told all the same.
        ManageError::Invalid(errors) => {
            let all: Vec<_> = errors.iter().map(ToString::to_string).collect();
            (StatusCode::UNPROCESSABLE_ENTITY, "Not accepted", all.join("; "))
        }
        ManageError::NameTaken(_)
        | ManageError::FormSent
        | ManageError::TooMany(_)
        | ManageError::LastAdministrator(_)
        | ManageError::HoldsRepositories(_) => (StatusCode::CONFLICT, "Not possible", text),
        ManageError::TooManyNames(_) => (StatusCode::TOO_MANY_REQUESTS, "Wait a moment", text),
        ManageError::Changed => (StatusCode::PRECONDITION_FAILED, "Changed meanwhile", text),
        ManageError::Absent(_) => (StatusCode::NOT_FOUND, "Nothing here", text),
        ManageError::Storage(error) => of_storage(error),
    }
}

fn of_refusal(refusal: &Refusal) -> (StatusCode, &'static str, String) {
    let text = refusal.to_string();
    match refusal {
        Refusal::BadCredential(_) | Refusal::SignIn { .. } | Refusal::BearerTooNarrow { .. } => {
            (StatusCode::UNAUTHORIZED, "Logged out", text)
        }
        Refusal::Denied(_) => (StatusCode::FORBIDDEN, "Not allowed", text),
        Refusal::Unseen(_) => (StatusCode::NOT_FOUND, "Nothing here", text),
        Refusal::Busy => busy(refusal),
        Refusal::TooManyGuesses(_) => (StatusCode::TOO_MANY_REQUESTS, "Wait a moment", text),
        Refusal::Storage(error) => of_storage(error),
    }
}

fn busy(error: &dyn std::error::Error) -> (StatusCode, &'static str, String) {
    (StatusCode::SERVICE_UNAVAILABLE, "Busy", error.to_string())
}

fn of_content(error: &ContentError) -> (StatusCode, &'static str, String) {
    let text = error.to_string();
    match error {
        ContentError::NamespaceUnknown(_)
        | ContentError::RepositoryUnknown(_)
        | ContentError::ManifestUnknown { .. }
        | ContentError::BlobUnknown { .. } => (StatusCode::NOT_FOUND, "Nothing here", text),
        ContentError::InUse { .. } | ContentError::NotAsExpected { .. } | ContentError::OtherTags { .. } => {
            (StatusCode::CONFLICT, "Not possible", text)
        }
        ContentError::MemoryFull(error) => busy(error),
        ContentError::Storage(error) => of_storage(error),
        error => of_fault(error),
    }
}

fn of_storage(error: &DbError) -> (StatusCode, &'static str, String) {
    match error {
        DbError::Full => {
            tracing::error!(%error, "a write failed");
            let text = "The server's disk is full; its operator has to make room. Nothing was changed.";
            (StatusCode::INSUFFICIENT_STORAGE, "No room", text.to_owned())
        }
        error => of_fault(error),
    }
}

/// A fault of ours, or the database's: the log has the cause, under the request's id.
fn of_fault(error: &dyn std::fmt::Display) -> (StatusCode, &'static str, String) {
    tracing::error!(%error, "the console could not answer");
    let text =
        "Sealock could not do this just now. Its log says why, under the id in X-Request-Id; try again.";
    (StatusCode::SERVICE_UNAVAILABLE, "Try again", text.to_owned())
}

impl IntoResponse for ConsoleError {
    fn into_response(self) -> Response {
        let (status, title, text) = self.told();
        if status == StatusCode::UNAUTHORIZED {
            let next = match &self {
                Self::LoggedOut { next: Some(next) } => format!("?next={}", parts::escaped(next)),
                _ => String::new(),
            };
            return Redirect::to(&format!("/login{next}")).into_response();
        }
        let retry_after_seconds = match &self {
            Self::Manage(ManageError::Refused(Refusal::TooManyGuesses(guesses))) => {
                Some(guesses.retry_after_seconds)
            }
            Self::Manage(ManageError::TooManyNames(names)) => Some(names.retry_after_seconds),
            _ if status == StatusCode::SERVICE_UNAVAILABLE => Some(FAULT_RETRY_SECONDS),
            _ => None,
        };
        let way_out = ("/".to_owned(), "To your namespaces");
        DeadEnd { status, title, text, way_out, retry_after_seconds }.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_room_and_no_database_are_told_apart() {
        for (error, expected) in [
            (DbError::Full, (507, None)),
            (DbError::Unavailable("why".to_owned()), (503, Some(FAULT_RETRY_SECONDS))),
            (DbError::Busy("why".to_owned()), (503, Some(FAULT_RETRY_SECONDS))),
        ] {
            let by_each_way = [
                ConsoleError::from(ManageError::Storage(error.clone())),
                ConsoleError::from(Refusal::Storage(error.clone())),
                ConsoleError::from(ContentError::Storage(error.clone())),
            ];
            for told in by_each_way.map(IntoResponse::into_response) {
                let end = told.extensions().get::<DeadEnd>();
                let retry_after = end.and_then(|end| end.retry_after_seconds);
                assert_eq!((told.status().as_u16(), retry_after), expected, "{error}");
            }
        }
    }
}
