//! Query parameters, and lists page by page.

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    fields::FieldErrors,
    problem::{Code, Problem},
};
use crate::query::{MAX_AFTER_BYTES, Query, is_after};

/// The most items that a page has (DESIGN §3.3).
const MAX_PAGE_ITEMS: u32 = 1_000;
/// How many it has where nobody says.
const DEFAULT_PAGE_ITEMS: u32 = 100;

/// Which page of a list is asked for.
#[derive(Debug, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct PageQuery {
    /// The most items to answer with.
    #[param(required = false, minimum = 1, maximum = 1000, default = 100)]
    pub(super) limit: u32,
    /// The `next` of the page before; left out for the first page.
    #[param(required = false, max_length = 255)]
    pub(super) after: String,
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = read(parts)?;
        let mut errors = FieldErrors::default();
        check_names(&query, &["limit", "after"], &mut errors);
        let page = Self::of(&query, &mut errors);
        errors.refuse_any()?;
        Ok(page)
    }
}

impl PageQuery {
    /// The two parameters of a query that may have others; what is wrong with them is added to `errors`.
    pub(super) fn of(query: &Query, errors: &mut FieldErrors) -> Self {
        let limit = query.one("limit").map_or(Ok(DEFAULT_PAGE_ITEMS), parse_limit);
        let after = query.one("after").map_or(Ok(String::new()), parse_after);
        Self {
            limit: errors.check("limit", limit).unwrap_or_default(),
            after: errors.check("after", after).unwrap_or_default(),
        }
    }
}

/// Proof that no query parameter was sent, to an operation that knows none.
pub(super) struct NoQuery;

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let mut errors = FieldErrors::default();
        check_names(&read(parts)?, &[], &mut errors);
        errors.refuse_any().map(|()| Self)
    }
}

/// Whether a namespace is to be deleted with the repositories that it holds.
#[derive(Debug, PartialEq, Eq, IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct ForceQuery {
    /// `true` removes the repositories in it too.
    #[param(required = false, default = false)]
    pub(super) force: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for ForceQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = read(parts)?;
        let mut errors = FieldErrors::default();
        check_names(&query, &["force"], &mut errors);
        let force = match query.one("force") {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err("force is true or false"),
        };
        let force = errors.check("force", force).unwrap_or_default();
        errors.refuse_any()?;
        Ok(Self { force })
    }
}

/// The query of a request.
pub(super) fn read(parts: &Parts) -> Result<Query, Problem> {
    Query::of(parts).map_err(|error| Problem::new(Code::Malformed, error))
}

/// Adds every parameter that is not `known`, or there twice.
pub(super) fn check_names(query: &Query, known: &[&str], errors: &mut FieldErrors) {
    for name in query.names() {
        if !known.contains(&name) {
            let shown: String = name.chars().take(MAX_AFTER_BYTES).collect();
            errors.add(shown, "there is no such query parameter here");
        } else if query.all(name).count() > 1 {
            errors.add(name, "this query parameter is there twice; send it once");
        }
    }
}

fn parse_limit(text: &str) -> Result<u32, String> {
    let rule = || format!("limit is a number from 1 to {MAX_PAGE_ITEMS}");
    // `parse` would take a sign.
    let limit = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    limit.filter(|limit| (1..=MAX_PAGE_ITEMS).contains(limit)).ok_or_else(rule)
}

fn parse_after(text: &str) -> Result<String, &'static str> {
    is_after(text).then(|| text.to_owned()).ok_or("after is the `next` of the page before, unchanged")
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub(super) struct PageAnswer<T> {
    /// The items, ordered by name.
    items: Vec<T>,
    /// What to send as `after` for the next page; null on the last.
    next: Option<String>,
}

impl<T> PageAnswer<T> {
    /// The page with its items as the API writes them.
    pub(super) fn of<I>(page: registry::Page<I>, answer: impl Fn(I) -> T) -> Self {
        Self { items: page.items.into_iter().map(answer).collect(), next: page.next }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    async fn page(query: &str) -> Result<PageQuery, String> {
        let request = http::Request::get(format!("/?{query}")).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        PageQuery::from_request_parts(&mut parts, &()).await.map_err(|problem| format!("{problem:?}"))
    }

    #[tokio::test]
    async fn a_page_has_a_limit_and_a_beginning() {
        assert_eq!(page("").await, Ok(PageQuery { limit: 100, after: String::new() }));
        assert_eq!(page("limit=1000&after=ab").await, Ok(PageQuery { limit: 1000, after: "ab".to_owned() }));
        let longest = "a".repeat(MAX_AFTER_BYTES);
        assert_eq!(page(&format!("after={longest}")).await.unwrap().after, longest);
    }

    #[tokio::test]
    async fn whatever_else_is_refused_by_name() {
        let too_long = format!("after={}", "a".repeat(MAX_AFTER_BYTES + 1));
        for (query, field) in [
            ("limit=0", "limit"),
            ("limit=1001", "limit"),
            ("limit=-1", "limit"),
            ("limit=%2B1", "limit"),
            ("limit=", "limit"),
            ("limit=1.0", "limit"),
            ("limit=99999999999999999999", "limit"),
            ("limit=1&limit=2", "limit"),
            ("after=a%00", "after"),
            (&too_long, "after"),
            ("page=2", "page"),
            ("Limit=2", "Limit"),
            ("=", ""),
        ] {
            let refused = page(query).await.unwrap_err();
            assert!(
                refused.contains("Invalid") && refused.contains(&format!("field: {field:?}")),
                "{refused}"
            );
        }
        assert!(page("after=%ff").await.unwrap_err().contains("Malformed"));
    }

    #[tokio::test]
    async fn force_is_said_in_one_word() {
        let force = async |query: &str| {
            let (mut parts, ()) = http::Request::delete(format!("/?{query}")).body(()).unwrap().into_parts();
            ForceQuery::from_request_parts(&mut parts, &()).await.map(|query| query.force).ok()
        };
        for (query, expect) in [
            ("", Some(false)),
            ("force=false", Some(false)),
            ("force=true", Some(true)),
            ("force", None),
            ("force=1", None),
            ("force=TRUE", None),
            ("force=false&force=true", None),
            ("recursive=true", None),
        ] {
            assert_eq!(force(query).await, expect, "{query}");
        }
    }

    #[tokio::test]
    async fn an_operation_without_parameters_refuses_any() {
        for (query, is_fine) in [("", true), ("a=b", false), ("force", false)] {
            let (mut parts, ()) = http::Request::get(format!("/?{query}")).body(()).unwrap().into_parts();
            assert_eq!(NoQuery::from_request_parts(&mut parts, &()).await.is_ok(), is_fine, "{query}");
        }
    }
}
