//! `/settings`: what holds for the whole instance.

use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Markup, html};
use registry::{EditSettings, Limit, SettingsEdit, ShowSettings, StoredSettings};

use super::{
    Answered,
    address::Done,
    form::{Form, REVISION, Wrong, refused},
    frame::{Page, Section},
    parts::{self, Field},
    see,
    visitor::Visitor,
};
use crate::app::App;

/// The settings, as a form.
pub(super) async fn show(State(app): State<App>, visitor: Visitor, Done(done): Done) -> Answered {
    let grant = visitor.may(&app, ShowSettings).await?;
    let settings = app.registry().show_settings(&grant).await?;
    let is_saved = done.as_deref() == Some("saved");
    Ok(page(&visitor, &filled_in(&settings), is_saved, &Wrong::default(), StatusCode::OK))
}

fn filled_in(settings: &StoredSettings) -> Form {
    let revision = settings.revision.to_string();
    let ticks = [
        ("users_make_namespaces", settings.users_make_namespaces),
        ("own_namespaces", settings.own_namespaces),
        ("tokens_for_others", settings.tokens_for_others),
    ];
    let ticked = ticks.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| (name, "yes"));
    let counts: Vec<_> =
        Limit::ALL.iter().map(|limit| (limit.setting(), settings.limits.of(*limit).to_string())).collect();
    let counts = counts.iter().map(|(name, count)| (*name, count.as_str()));
    Form::of(&ticked.chain(counts).chain([(REVISION, revision.as_str())]).collect::<Vec<_>>())
}

fn page(visitor: &Visitor, form: &Form, is_saved: bool, wrong: &Wrong, status: StatusCode) -> Response {
    let mut known = Limit::ALL.map(Limit::setting).to_vec();
    known.push(REVISION);
    let body = html! {
        (parts::head("Settings", &parts::NOTHING))
        @if is_saved { .notice.good role="status" { p { "The settings are saved. They hold from the next request on." } } }
        (parts::wrong_beyond(wrong, &known))
        (parts::outdated(wrong, "/settings"))
        form.card.narrow method="post" action="/settings" {
            (parts::revision(form))
            (ticks(form))
            (limits(form, wrong))
            .actions { button.primary { "Save settings" } }
        }
    };
    Page::new("Settings", &visitor.viewer, Section::Settings).status(status).with(&body)
}

fn ticks(form: &Form) -> Markup {
    html! {
        fieldset {
            legend { "Namespaces" }
            (parts::tick(
                "users_make_namespaces", "Users make namespaces",
                "Every user may make namespaces, and becomes the admin of what they made. Otherwise administrators do.",
                form.has("users_make_namespaces"),
            ))
            (parts::tick(
                "own_namespaces", "A namespace for every new user",
                "A new user gets a namespace of their own name, where that is free and legal.",
                form.has("own_namespaces"),
            ))
        }
        fieldset {
            legend { "Access Tokens" }
            (parts::tick(
                "tokens_for_others", "Tokens for others with a token",
                "Administrators may make tokens for other users with a personal token. By password they always may.",
                form.has("tokens_for_others"),
            ))
        }
    }
}

fn limits(form: &Form, wrong: &Wrong) -> Markup {
    html! {
        fieldset {
            legend { "The most that there may be" }
            @for limit in Limit::ALL {
                (Field::text(limit.setting(), label(limit)).kind("number").required().of(form, wrong))
            }
        }
    }
}

const fn label(limit: Limit) -> &'static str {
    match limit {
        Limit::UploadsPerPrincipal => "Open uploads of one user or token",
        Limit::UploadsPerNamespace => "Open uploads of one namespace",
        Limit::TokensPerNamespace => "Service tokens of one namespace",
        Limit::TokensPerUser => "Personal tokens of one user",
        Limit::InstanceTokens => "Service tokens of the instance",
        Limit::NamespacesPerUser => "Namespaces that one user creates",
        Limit::Namespaces => "Namespaces in all",
    }
}

/// The limits that a form says; what is wrong with them goes to `wrong`.
fn read_limits(form: &Form, wrong: &mut Wrong) -> Vec<(Limit, i64)> {
    let rule = "It takes a number from 1 to 1000000.";
    let read = |limit: Limit| {
        // A form of another release may not have it: it stays as it is.
        if !form.has(limit.setting()) {
            return None;
        }
        let count = form.text(limit.setting()).parse().ok().filter(|count| Limit::BOUNDS.contains(count));
        wrong.check(limit.setting(), count.ok_or(rule)).map(|count| (limit, count))
    };
    Limit::ALL.into_iter().filter_map(read).collect()
}

/// Saves the settings, unless somebody else did since the form was shown.
pub(super) async fn save(State(app): State<App>, visitor: Visitor, form: Form) -> Answered {
    let grant = visitor.may(&app, EditSettings).await?;
    let mut wrong = Wrong::default();
    let limits = read_limits(&form, &mut wrong);
    let Some(revision) = form.revision(&mut wrong).filter(|_| wrong.is_empty()) else {
        return Ok(page(&visitor, &form, false, &wrong, StatusCode::UNPROCESSABLE_ENTITY));
    };
    let edit = SettingsEdit {
        users_make_namespaces: Some(form.has("users_make_namespaces")),
        own_namespaces: Some(form.has("own_namespaces")),
        tokens_for_others: Some(form.has("tokens_for_others")),
        limits,
        if_revision: Some(revision),
    };
    match app.registry().edit_settings(&grant, &edit, app.now()).await {
        Ok(_) => Ok(see("/settings?done=saved")),
        Err(error) => {
            let (status, wrong) = refused(error, "")?;
            Ok(page(&visitor, &form, false, &wrong, status))
        }
    }
}
