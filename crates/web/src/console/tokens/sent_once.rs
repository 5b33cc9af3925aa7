//! Forms that do something once, however often a page is loaded again: each has a value of its own, which its session
//! claims before anything is done.

use access::randomness::base62;
use axum::response::Response;
use http::StatusCode;
use maud::{Markup, html};

use super::place::Place;
use crate::{
    app::App,
    console::{error::ConsoleError, form::Form, visitor::Visitor},
};

/// Characters of such a value; as many as nobody meets twice.
const FORM_CHARS: usize = 22;

/// The hidden field with a fresh value.
pub(super) fn field(app: &App) -> Markup {
    html! { input type="hidden" name="form" value=(base62(app.random(), FORM_CHARS)); }
}

/// Claims the form's value; false where it was claimed before.
pub(super) async fn claim(app: &App, visitor: &Visitor, form: &Form) -> Result<bool, ConsoleError> {
    let value = form.text("form");
    if value.len() != FORM_CHARS || !value.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(ConsoleError::Malformed("this form is none of ours; open its page again".to_owned()));
    }
    Ok(app.registry().send_form(&visitor.session, value).await?)
}

/// What a second sending of the form is told: nothing was done, and no secret is shown.
pub(super) fn already(visitor: &Visitor, place: &Place, title: &str, text: &str) -> Response {
    let body = html! {
        .card.narrow {
            h1 { (title) }
            p { (text) }
            p { "A token's secret is shown only once. If you don't have it, reset the token: it gets a new one." }
            .actions { a.button.primary href=(place.path(&visitor.viewer)) { "To the tokens" } }
        }
    };
    place.page_below(title, &visitor.viewer).status(StatusCode::CONFLICT).with(&body)
}
