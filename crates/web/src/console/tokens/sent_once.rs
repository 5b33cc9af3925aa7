//! Forms that do something once, however often the browser loads a page again. Each has a value of its own, which the act
//! claims for the session in its own transaction: if the act fails, the form can be sent again. The value is worth nothing in
//! another session, because that one does not know what was claimed.

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
pub(super) fn field(app: &App, visitor: &Visitor) -> Markup {
    let value = base62(app.random(), FORM_CHARS);
    let tie = visitor.session.tie(&value);
    html! { input type="hidden" name="form" value=(format!("{value}-{tie}")); }
}

/// The form's value, which the act is to claim (`Grant::sent_by`). Refuses a form of another session.
pub(super) fn value<'a>(visitor: &Visitor, form: &'a Form) -> Result<&'a str, ConsoleError> {
    let foreign = || {
        let reason = "This form was sent in an earlier session, or is none of ours. Nothing was done; open its page again.";
        ConsoleError::Malformed(reason.to_owned())
    };
    let (value, tie) = form.text("form").split_once('-').ok_or_else(foreign)?;
    if value.len() != FORM_CHARS || visitor.session.tie(value) != tie {
        return Err(foreign());
    }
    Ok(value)
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
