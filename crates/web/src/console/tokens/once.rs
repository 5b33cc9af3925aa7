//! The page that shows a secret, once: rendered in the answer to the form that made it, and kept by nobody.

use axum::response::Response;
use maud::{Markup, html};
use registry::{Act, IssuedToken, StoredOwner, StoredToken};

use super::{
    asked::Asked,
    place::{Place, details_path, scopes_path},
    snippets::Login,
    wording::StatusWords,
};
use crate::{console::visitor::Visitor, public_host::PublicHost};

/// The token with its new secret, and the way back to the list as `asked` for; `done` says what happened to the token.
pub(super) fn page(
    visitor: &Visitor,
    place: &Place,
    asked: &Asked,
    issued: &IssuedToken,
    PublicHost { authority: host, .. }: &PublicHost,
    done: &str,
) -> Response {
    let IssuedToken { token, secret, warnings } = issued;
    let login = Login { host, username: login_name(token), secret: secret.expose() };
    let title = format!("{} is {done}", token.name);
    let body = html! {
        h1 { (title) }
        .notice.warn role="status" {
            p { strong { "Copy the value now." } " It is shown this once: nobody can recover it, only reset it." }
        }
        @for warning in warnings { .notice { p { (warning.message) } } }
        (caution(token, asked))
        section.card { h2 { "Log in" } (login.essentials()) }
        section.card { h2 { "Clusters and pipelines" } (login.elsewhere()) }
        .actions {
            a.button.primary href=(asked.address(&place.path(&visitor.viewer))) { "I have it: to the tokens" }
            a.button href=(details_path(token.id)) { "View details" }
        }
    };
    place.page_below(&title, &visitor.viewer).with(&body)
}

/// Why the secret would not work as it is.
fn caution(token: &StoredToken, asked: &Asked) -> Markup {
    let words = StatusWords::of(token);
    let (status, act) = (words.disabled.to_lowercase(), words.act(Act::Enable).to_lowercase());
    html! {
        @if !token.is_enabled { .notice { p { "The token is " (status) ": it works once you " (act) " it." } } }
        @if token.scopes.is_empty() && !token.mirrors_its_user() {
            .notice {
                p {
                    "The token has no scopes, so it allows nothing. "
                    a href=(asked.kept_at(&scopes_path(token.id))) { "Add a scope" }
                }
            }
        }
    }
}

/// The login name that belongs to the token's secrets.
pub(super) fn login_name(token: &StoredToken) -> &str {
    match &token.owner {
        StoredOwner::Namespace { .. } | StoredOwner::Instance => &token.name,
        StoredOwner::User { username, .. } => username,
    }
}
