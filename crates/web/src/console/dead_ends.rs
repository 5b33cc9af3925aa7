//! Pages that are none: what was refused, what is not there, what only a form may ask for. Each says so inside the frame
//! of whoever looks, with a way out.

use axum::{
    Extension,
    extract::{FromRequestParts, Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header, request::Parts};
use maud::html;

use super::{
    error::ConsoleError,
    frame::Page,
    visitor::{Seen, Visitor},
    wording,
};
use crate::app::App;

/// What a mistyped path is answered with where no browser asks.
const DOORS: &str =
    "Nothing is here. The registry is at /v2/, the API at /api/v1/ (described at /api/openapi.json).\n";
/// Where the other faces are: nobody looks for pages there.
const OTHER_FACES: [&str; 3] = ["v2", "api", "auth"];
/// The ends of addresses that only take a form, which stands on the page before them.
const FORMS_OF_PAGES: [&str; 3] = ["/rename", "/members", "/add"];

/// Why there is no page. As an answer it has no text yet: `framed` draws it, for only there it is known who looks.
#[derive(Clone)]
pub(super) struct DeadEnd {
    pub(super) status: StatusCode,
    pub(super) title: &'static str,
    pub(super) text: String,
    /// Where to go on, and how the way is called.
    pub(super) way_out: (String, &'static str),
    /// When to come back, in seconds, where waiting helps.
    pub(super) retry_after_seconds: Option<u32>,
}

impl IntoResponse for DeadEnd {
    fn into_response(self) -> Response {
        (self.status, Extension(self)).into_response()
    }
}

/// Draws whatever ended early as a page, with the navigation of whoever has logged in.
pub(super) async fn framed(mut request: Request, next: Next) -> Response {
    let seen = Seen::default();
    request.extensions_mut().insert(seen.clone());
    let mut response = next.run(request).await;
    let Some(end) = response.extensions_mut().remove::<DeadEnd>() else { return response };
    let DeadEnd { status, title, text, way_out, retry_after_seconds } = end;
    let body = html! {
        .card.narrow {
            h1 { (title) }
            p { (wording::sentence(&text)) }
            .actions { a.button href=(way_out.0) { (way_out.1) } }
        }
    };
    let mut page = Page::of_nobody(title).seen_by(seen.viewer()).status(status).with(&body);
    if let Some(seconds) = retry_after_seconds {
        page.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    }
    page
}

/// No path leads here. Whoever opens the server in a browser is told so by a page; whatever else mistypes a path is told
/// where the doors are.
pub(super) async fn nothing_here(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    let first = parts.uri.path().split('/').nth(1).unwrap_or_default();
    if OTHER_FACES.contains(&first) || !is_browser(&parts) {
        return (StatusCode::NOT_FOUND, DOORS).into_response();
    }
    recognise(&mut parts, &app).await;
    ConsoleError::Absent("There is no such page.".to_owned()).into_response()
}

/// The address takes something else, such as what a form sends: somebody opened it by hand.
pub(super) async fn wrong_method(State(app): State<App>, request: Request) -> Response {
    let (mut parts, _) = request.into_parts();
    if !is_browser(&parts) {
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    recognise(&mut parts, &app).await;
    // What can't be looked at takes a form; to anything else, something was sent that no form of ours sends.
    let (text, page) = if parts.method == Method::GET {
        let text = "This address only takes what a form sends. Nothing was done.";
        (text, page_of_form(parts.uri.path()))
    } else {
        ("This address does not take that. Nothing was done.", None)
    };
    let way_out =
        page.map_or(("/".to_owned(), "To your namespaces"), |page| (page.to_owned(), "Back to the page"));
    DeadEnd {
        status: StatusCode::METHOD_NOT_ALLOWED,
        title: "Not a page",
        text: text.to_owned(),
        way_out,
        retry_after_seconds: None,
    }
    .into_response()
}

/// The page with the form that is sent to this path, where the path says which.
fn page_of_form(path: &str) -> Option<&str> {
    match path.split_once("/sessions/") {
        Some(("/profile", _)) => Some("/profile/sessions"),
        Some((page, _)) => Some(page),
        None => FORMS_OF_PAGES.iter().find_map(|form| path.strip_suffix(form)),
    }
}

/// Looks who it is, for the frame alone: whoever can't be recognised is shown the page all the same.
async fn recognise(parts: &mut Parts, app: &App) {
    let _ = Visitor::from_request_parts(parts, app).await;
}

fn is_browser(parts: &Parts) -> bool {
    let accept = parts.headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok());
    accept.is_some_and(|accept| accept.contains("text/html"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_s_address_leads_back_to_its_page() {
        for (form, page) in [
            ("/teams/ops/rename", Some("/teams/ops")),
            ("/teams/%6Eew/members", Some("/teams/%6Eew")),
            ("/tokens/1/scopes/add", Some("/tokens/1/scopes")),
            ("/users/ann/sessions/1/end", Some("/users/ann")),
            ("/profile/sessions/1/end", Some("/profile/sessions")),
            ("/tokens/several", None),
            ("/logout", None),
        ] {
            assert_eq!(page_of_form(form), page);
        }
    }
}
