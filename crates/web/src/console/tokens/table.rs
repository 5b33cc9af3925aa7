//! The table of tokens: a row each, with its menu, and what can be done with several at once.

use access::time::Instant;
use maud::{Markup, html};
use registry::{Act, ActiveDay, StoredToken};

use super::{
    acts,
    asked::Asked,
    place::{Place, details_path, scopes_path},
    plot,
    wording::{self, StatusWords},
};
use crate::console::wording::cut;

/// How much of a description stands in a row, in characters; the details have all of it. A page of rows keeps below
/// 50 KB with it.
const DESCRIPTION_CHARS: usize = 100;

/// A token of a list.
pub(super) struct Listed {
    pub(super) token: StoredToken,
    /// Its use by day.
    pub(super) activity: Vec<ActiveDay>,
}

/// The tokens of a page.
pub(super) fn table((place, asked): (&Place, &Asked), tokens: &[Listed], now: Instant) -> Markup {
    html! {
        form method="post" action="/tokens/several" {
            (place.field())
            (asked.fields())
            .table {
                table {
                    (head(place.status_words()))
                    tbody {
                        @for (number, listed) in tokens.iter().enumerate() { (row(number, listed, now)) }
                    }
                }
            }
            .actions {
                span.quiet { "Selected:" }
                @for act in [Act::Disable, Act::Enable, Act::Delete] {
                    button name="do" value=(acts::word(act)) { (place.status_words().act(act)) }
                }
            }
        }
    }
}

fn head(words: &StatusWords) -> Markup {
    html! {
        thead {
            tr {
                th.select { input type="checkbox" data-select-all aria-label="Select every token on this page"; }
                th { (words.name) }
                th { "Permission" }
                th { "Status" }
                th { "Expires" }
                th { "Last used" }
                th { "30 days" }
                th { span.visually-hidden { "Actions" } }
            }
        }
    }
}

/// A row, with its number on the page. It says its token's name once, and box and menu are called by it: a personal
/// token's may be 100 characters that are each escaped.
pub(super) fn row(number: usize, Listed { token, activity }: &Listed, now: Instant) -> Markup {
    let words = StatusWords::of(token);
    let (name, select) = (format!("token-{number}"), format!("select-{number}"));
    html! {
        tr {
            td.select {
                input type="checkbox" name="id" value=(token.id) id=(select) aria-label="Select"
                    aria-labelledby=(format!("{select} {name}"));
            }
            th scope="row" {
                a id=(name) href=(details_path(token.id)) { (token.name) }
                @if !token.description.is_empty() {
                    div.quiet.small.clip title=(words.description) { (cut(&token.description, DESCRIPTION_CHARS)) }
                }
                @if let Some(whom) = &token.stands_for { div.quiet.small { "for " (wording::whom(whom)) } }
            }
            td data-label="Permission" { (wording::permission(token)) }
            td data-label="Status" { (wording::status(token)) }
            td data-label="Expires" { (wording::expiry(token.expiry, now)) }
            td data-label="Last used" {
                (wording::last_use(token.used.last_used_at, &token.used.last_used_from, now))
            }
            td data-label="30 days" { (plot::line(activity)) }
            td.act { (menu(number, &name, token)) }
        }
    }
}

/// The ⋮ menu of a token; `name` is the id of what says its name.
fn menu(number: usize, name: &str, token: &StoredToken) -> Markup {
    let (path, status) = (details_path(token.id), wording::other_status(token));
    let menu = format!("menu-{number}");
    html! {
        details.menu {
            summary id=(menu) aria-label="Actions for" aria-labelledby=(format!("{menu} {name}")) { "⋮" }
            ul {
                li { a href=(format!("{path}/edit")) { "Edit" } }
                @if !token.mirrors_its_user() { li { a href=(scopes_path(token.id)) { "Manage scopes" } } }
                li { a href=(format!("{path}/reset")) data-ask { "Reset" } }
                li {
                    a href=(format!("{path}/{}", acts::word(status))) data-ask { (StatusWords::of(token).act(status)) }
                }
                li { a href=(path) { "View details" } }
                li { a.risky href=(format!("{path}/delete")) data-ask { "Delete" } }
            }
        }
    }
}
