//! What the address of a page says: the names in its path, and which part of a list it asks for.

use axum::extract::FromRequestParts;
use http::request::Parts;
use maud::{Markup, html};
use serde::de::DeserializeOwned;

use super::{error::ConsoleError, parts::escaped};
use crate::{
    app::App,
    query::{Query, is_after},
};

/// The decoded segments of a path. One that is not UTF-8 names nothing.
pub(super) struct Path<T>(pub(super) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = ConsoleError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ConsoleError> {
        let segments = axum::extract::Path::<T>::from_request_parts(parts, app).await;
        let absent = |_| ConsoleError::Absent("There is no such page: the path is not UTF-8.".to_owned());
        segments.map(|axum::extract::Path(segments)| Self(segments)).map_err(absent)
    }
}

/// The parameters of a page's address. NUL never passes the door (DESIGN §4): one engine would refuse it, far inside.
pub(super) fn query(parts: &Parts) -> Result<Query, ConsoleError> {
    let query = Query::of(parts).map_err(ConsoleError::Malformed)?;
    if parts.uri.query().is_some_and(|text| text.contains("%00")) {
        return Err(ConsoleError::Malformed("the address holds a NUL".to_owned()));
    }
    Ok(query)
}

/// The `after` of a query: the `next` of the page before, or empty for the first.
pub(super) fn after(query: &Query) -> Result<String, ConsoleError> {
    let after = query.one("after").unwrap_or_default();
    if !is_after(after) {
        let reason = "the address is none that a list leads to; go back to its first page";
        return Err(ConsoleError::Malformed(reason.to_owned()));
    }
    Ok(after.to_owned())
}

/// Behind what the page of a list begins; empty on the first page.
pub(super) struct After(pub(super) String);

impl After {
    /// The field of a form that keeps it, so that whatever is done leads back to the same page of the list.
    pub(super) fn field(after: &str) -> Markup {
        html! { @if !after.is_empty() { input type="hidden" name="after" value=(after); } }
    }
}

/// The address of a page with what it is to say: behind what its list begins, what was just done. What is empty is left
/// out.
pub(super) fn with(path: &str, said: &[(&str, &str)]) -> String {
    let said = said.iter().filter(|(_, text)| !text.is_empty());
    let pairs: Vec<_> = said.map(|(name, text)| format!("{name}={}", escaped(text))).collect();
    match (pairs.is_empty(), path.contains('?')) {
        (true, _) => path.to_owned(),
        (false, true) => format!("{path}&{}", pairs.join("&")),
        (false, false) => format!("{path}?{}", pairs.join("&")),
    }
}

impl FromRequestParts<App> for After {
    type Rejection = ConsoleError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ConsoleError> {
        after(&query(parts)?).map(Self)
    }
}

/// What was just done, where a page is what it led to.
pub(super) struct Done(pub(super) Option<String>);

impl FromRequestParts<App> for Done {
    type Rejection = ConsoleError;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, ConsoleError> {
        Ok(Self(query(parts)?.one("done").map(str::to_owned)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_says_only_what_there_is_to_say() {
        for (path, after, done, address) in [
            ("/users", "", "", "/users"),
            ("/users", "ann&bob", "", "/users?after=ann%26bob"),
            ("/teams/ops", "ann", "removed", "/teams/ops?after=ann&done=removed"),
            ("/audit?user=ann", "1", "", "/audit?user=ann&after=1"),
        ] {
            assert_eq!(with(path, &[("after", after), ("done", done)]), address);
        }
    }
}
