//! `/settings`: what holds for the whole instance.

use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Markup, html};
use registry::{EditSettings, SettingsEdit, ShowSettings, StoredSettings};

use super::{
    Answered,
    address::Done,
    form::{Form, REVISION, Wrong, refused},
    frame::{Page, Section},
    parts, see,
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
    Form::of(&ticked.chain([(REVISION, revision.as_str())]).collect::<Vec<_>>())
}

fn page(visitor: &Visitor, form: &Form, is_saved: bool, wrong: &Wrong, status: StatusCode) -> Response {
    let body = html! {
        (parts::head("Settings", &parts::NOTHING))
        @if is_saved { .notice.good role="status" { p { "The settings are saved. They hold from the next request on." } } }
        (parts::wrong_beyond(wrong, &[REVISION]))
        (parts::outdated(wrong, "/settings"))
        form.card.narrow method="post" action="/settings" {
            (parts::revision(form))
            (ticks(form))
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

/// Saves the settings, unless somebody else did since the form was shown.
pub(super) async fn save(State(app): State<App>, visitor: Visitor, form: Form) -> Answered {
    let grant = visitor.may(&app, EditSettings).await?;
    let mut wrong = Wrong::default();
    let Some(revision) = form.revision(&mut wrong) else {
        return Ok(page(&visitor, &form, false, &wrong, StatusCode::UNPROCESSABLE_ENTITY));
    };
    let edit = SettingsEdit {
        users_make_namespaces: Some(form.has("users_make_namespaces")),
        own_namespaces: Some(form.has("own_namespaces")),
        tokens_for_others: Some(form.has("tokens_for_others")),
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
