//! Revisions as entity tags (RFC 9110 §8.8.3), so that two people who edit one thing don't undo each other's work.

use axum::{
    Json,
    extract::FromRequestParts,
    response::{AppendHeaders, IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header, request::Parts};
use serde::Serialize;

use super::{
    ROOT,
    problem::{Code, Problem},
};

/// A revision that nothing ever has: they begin at 1.
const NEVER: i64 = 0;

/// `If-Match` (RFC 9110 §13.1.1): the revision that the edit is meant for, or `None` where any will do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct IfMatch(pub(super) Option<i64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut values = parts.headers.get_all(header::IF_MATCH).iter();
        let Some(value) = values.next() else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        if values.next().is_some() || text.contains(',') {
            return Err(Problem::new(
                Code::Malformed,
                "If-Match names one revision here; send the ETag that you got",
            ));
        }
        Ok(Self(match text {
            "*" => None,
            // A weak tag, or none of ours, matches nothing (the comparison is strong): the edit is refused with 412.
            tag => Some(revision(tag).unwrap_or(NEVER)),
        }))
    }
}

fn revision(tag: &str) -> Option<i64> {
    let text = tag.strip_prefix('"')?.strip_suffix('"')?;
    let revision = text.parse().ok()?;
    // One spelling each: "+7" and "07" are other tags.
    (etag(revision) == tag).then_some(revision)
}

fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// An answer that carries the revision of what it shows.
pub(super) struct WithRevision<T>(pub(super) i64, pub(super) T);

impl<T: Serialize> IntoResponse for WithRevision<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.1).into_response();
        if let Ok(tag) = HeaderValue::from_str(&etag(self.0)) {
            response.headers_mut().insert(header::ETAG, tag);
        }
        response
    }
}

/// The answer to the making of something, which says where it is.
pub(super) struct Made<T> {
    location: String,
    answer: WithRevision<T>,
}

impl<T> Made<T> {
    /// What was made at `path` of the API.
    pub(super) fn at(path: impl std::fmt::Display, revision: i64, answer: T) -> Self {
        Self { location: format!("{ROOT}/{path}"), answer: WithRevision(revision, answer) }
    }
}

impl<T: Serialize> IntoResponse for Made<T> {
    fn into_response(self) -> Response {
        let location = AppendHeaders([(header::LOCATION, self.location)]);
        (StatusCode::CREATED, location, self.answer).into_response()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn if_match(values: &[&str]) -> Option<IfMatch> {
        let mut request = http::Request::patch("/");
        for value in values {
            request = request.header(header::IF_MATCH, *value);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        IfMatch::from_request_parts(&mut parts, &()).await.ok()
    }

    #[tokio::test]
    async fn an_etag_reads_back_as_its_revision() {
        assert_eq!(if_match(&[&etag(7)]).await, Some(IfMatch(Some(7))));
        assert_eq!(WithRevision(7, ()).into_response().headers()[header::ETAG], "\"7\"");
    }

    #[tokio::test]
    async fn nothing_and_a_star_match_any_revision() {
        assert_eq!(if_match(&[]).await, Some(IfMatch(None)));
        assert_eq!(if_match(&["*"]).await, Some(IfMatch(None)));
    }

    #[tokio::test]
    async fn weak_and_foreign_tags_match_none() {
        for tag in ["W/\"7\"", "7", "\"07\"", "\"+7\"", "\"7", "\"x\"", "", "\"99999999999999999999\""] {
            assert_eq!(if_match(&[tag]).await, Some(IfMatch(Some(NEVER))), "{tag}");
        }
    }

    #[tokio::test]
    async fn several_tags_are_refused_rather_than_one_of_them_passed_over() {
        assert_eq!(if_match(&["\"7\", \"8\""]).await, None);
        assert_eq!(if_match(&["\"7\"", "\"8\""]).await, None);
    }
}
