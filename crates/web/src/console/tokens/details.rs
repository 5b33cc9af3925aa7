//! View details: everything known about a token, its secrets and their use, its history.

use access::{id::SecretId, time::Instant};
use axum::extract::State;
use maud::{Markup, Render, html};
use registry::{
    CreatedWith, EndSecret, ListSecrets, ShowActivity, ShowTokenHistory, StoredRecord, StoredSecret,
    StoredToken,
};

use super::{
    acts, created,
    once::login_name,
    place::{self, created_path, details_path, scopes_path},
    plot,
    wording::{self, StatusWords},
};
use crate::{
    app::App,
    console::{
        Answered,
        address::{Done, Path},
        error::ConsoleError,
        parts::{self, Question, When},
        see,
        visitor::Visitor,
        wording::{counted, cut, distance, in_words},
    },
};

/// What an address says was done.
const ENDED: &str = "ended";
/// How many days of use are drawn.
const DAYS: u32 = 30;
/// How much of what was done to a token stands here; the audit has all of it, and what was done with it.
const HISTORY: u32 = 20;
/// How many scopes are named here, and how much of what a record is about, in characters: the page keeps below 50 KB
/// with them.
const SCOPES: usize = 30;
const TARGET_CHARS: usize = 60;

/// Everything known about a token.
pub(super) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    Done(done): Done,
) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let (registry, now) = (app.registry(), app.now());
    let grant = visitor.may(&app, ShowActivity { token: token.id }).await?;
    let days = registry.show_activity(&grant, DAYS, now).await?;
    let grant = visitor.may(&app, ListSecrets { token: token.id }).await?;
    let secrets = registry.list_secrets(&grant, now).await?;
    let grant = visitor.may(&app, ShowTokenHistory { token: token.id }).await?;
    let history = registry.show_token_history(&grant, HISTORY).await?;
    let created = created::section(&app, &visitor, token.id, now).await?;
    let body = html! {
        (parts::head(&token.name, &actions(&token)))
        (parts::notice((done.as_deref() == Some(ENDED)).then_some("The secret is ended. Whatever used it is refused.")))
        section.card { h2 { "About" } (facts(&token, now)) }
        section.card { h2 { "Use by day" } (plot::bars(&days)) }
        section { h2 { "Secrets" } (secrets_table(&token, &secrets, now)) }
        (created)
        section { h2 { "History" } (history_table(&token, &history)) }
    };
    Ok(place.page_below(&token.name, &visitor.viewer).with(&body))
}

fn actions(token: &StoredToken) -> Markup {
    let (path, status) = (details_path(token.id), wording::other_status(token));
    html! {
        a.button href=(format!("{path}/edit")) { "Edit" }
        @if !token.mirrors_its_user() { a.button href=(scopes_path(token.id)) { "Manage scopes" } }
        a.button href=(format!("{path}/reset")) data-ask { "Reset" }
        a.button href=(format!("{path}/{}", acts::word(status))) data-ask { (StatusWords::of(token).act(status)) }
        a.button.risky href=(format!("{path}/delete")) data-ask { "Delete" }
    }
}

fn facts(token: &StoredToken, now: Instant) -> Markup {
    html! {
        dl.facts {
            dt { "Login name" } dd { code { (login_name(token)) } }
            @if !token.description.is_empty() {
                dt { (StatusWords::of(token).description) } dd.as-typed { (token.description) }
            }
            @if let Some(whom) = &token.stands_for { dt { "For" } dd { (wording::whom(whom)) } }
            dt { "Status" } dd { (wording::status(token)) }
            dt { "Expires" } dd { (wording::expiry(token.expiry, now)) }
            (rights(token))
            dt { "Allowed addresses" }
            dd { @if token.allowed_addresses.is_anywhere() { "any" } @else { (token.allowed_addresses) } }
            dt { "Made" } dd { (wording::when(token.created_at, now)) " by " (token.created_by) }
            @if let Some(with) = &token.created_with { dt { "Created with" } dd { (created_with(with)) } }
            (used(token, now))
            dt { "Id" } dd { code { (token.id) } }
        }
    }
}

fn created_with(with: &CreatedWith) -> Markup {
    html! {
        @match with {
            // That token may have ended; what it created is still listed.
            CreatedWith::Token { id, name } => { a href=(created_path(*id)) { (name) } }
            CreatedWith::Password => "a password",
            CreatedWith::Session => "the console",
        }
    }
}

fn rights(token: &StoredToken) -> Markup {
    html! {
        dt { "Permission" }
        dd {
            // The short form, and what it means; of Custom, the scopes are all there is to say.
            @if token.mirrors_its_user() || token.scopes.is_empty() || wording::short_permission(token).is_some() {
                (wording::permission(token))
            }
            @for stored in token.scopes.iter().take(SCOPES) { div { (stored.scope) } }
            @if token.scopes.len() > SCOPES {
                a href=(scopes_path(token.id)) { "and " (token.scopes.len() - SCOPES) " more" }
            }
        }
    }
}

fn used(token: &StoredToken, now: Instant) -> Markup {
    html! {
        dt { "Last used" }
        dd {
            @match token.used.last_used_at {
                None => "never",
                Some(at) => {
                    (wording::when(at, now))
                    @if !token.used.last_used_from.is_empty() { " from " (token.used.last_used_from) }
                    @if !token.used.last_used_by.is_empty() { " by " (token.used.last_used_by) }
                }
            }
        }
        dt { "Used" } dd { (counted(token.used.pulls, "pull", "pulls")) " and " (counted(token.used.pushes, "push", "pushes")) }
    }
}

fn secrets_table(token: &StoredToken, secrets: &[StoredSecret], now: Instant) -> Markup {
    if secrets.is_empty() {
        let text = "No secret of this token lives. A reset gives it a new one.";
        return parts::empty("No secret", text, &parts::NOTHING);
    }
    html! {
        .table {
            table {
                thead {
                    tr {
                        th { "Begins with" } th { "Made" } th { "Ends" } th { "Last used" } th { "By" }
                        th { span.visually-hidden { "Actions" } }
                    }
                }
                tbody { @for secret in secrets { (secret_row(token, secret, now)) } }
            }
        }
    }
}

fn secret_row(token: &StoredToken, secret: &StoredSecret, now: Instant) -> Markup {
    let end = format!("{}/secrets/{}/end", details_path(token.id), secret.id);
    html! {
        tr {
            th scope="row" { code { (secret.hint) } }
            td data-label="Made" { (When(secret.created_at)) }
            td data-label="Ends" {
                @if let Some(at) = secret.ends_at { span.badge.warn { (distance(now, at)) } }
                @else { span.quiet { "with the token" } }
            }
            td data-label="Last used" { (wording::last_use(secret.last_used_at, &secret.last_used_from, now)) }
            td data-label="By" { (secret.last_used_by) }
            td.act {
                a.button.small-button href=(end) data-ask aria-label=(format!("End {}", secret.hint)) { "End" }
            }
        }
    }
}

fn history_table(token: &StoredToken, history: &[StoredRecord]) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { "What" } th { "When" } th { "Who" } th { "From" } } }
                tbody {
                    @for record in history {
                        tr {
                            th scope="row" {
                                (event(&record.event))
                                @if record.target != token.to_string() {
                                    div.quiet.small.clip { (cut(&record.target, TARGET_CHARS)) }
                                }
                            }
                            td data-label="When" { (When(record.at)) }
                            td data-label="Who" { (record.actor) }
                            td data-label="From" { (record.from_address) }
                        }
                    }
                }
            }
        }
        p { a href=(format!("/audit?token={}", token.id)) { "Pushes and everything else" } }
    }
}

/// What happened, in words; that it was to a token need not be said here.
fn event(event: &str) -> String {
    in_words(event.strip_prefix("token.").unwrap_or(event))
}

/// Asks before ending a secret.
pub(super) async fn ask_end(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, secret)): Path<(String, String)>,
) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let grant = visitor.may(&app, ListSecrets { token: token.id }).await?;
    let now = app.now();
    let living = app.registry().list_secrets(&grant, now).await?;
    let secret = secret_id(&secret)?;
    let secret = living.into_iter().find(|living| living.id == secret).ok_or_else(no_secret)?;
    let title = format!("End {}?", secret.hint);
    let back = details_path(token.id);
    let action = format!("{back}/secrets/{}/end", secret.id);
    let question = Question {
        title: &title,
        text: html! {
            p { "Last used: " (wording::last_use(secret.last_used_at, &secret.last_used_from, now)) }
            p { "Whatever uses it stops now, logins made with it included. Other secrets of the token live on." }
        },
        path: &action,
        fields: parts::NOTHING,
        act: "End",
        is_destructive: true,
        back: &back,
    };
    Ok(place.page_of(&token, &title, &visitor.viewer).with(&question.render()))
}

/// Ends a secret.
pub(super) async fn end(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, secret)): Path<(String, String)>,
) -> Answered {
    let token = place::token_id(&id)?;
    let grant = visitor.may(&app, EndSecret { token, secret: secret_id(&secret)? }).await?;
    app.registry().end_secret(&grant, app.now()).await?;
    Ok(see(&format!("{}?done={ENDED}", details_path(token))))
}

fn secret_id(text: &str) -> Result<SecretId, ConsoleError> {
    SecretId::parse(text).map_err(|_| no_secret())
}

fn no_secret() -> ConsoleError {
    ConsoleError::Absent("the token has no such secret, or it has ended already".to_owned())
}
