//! Edit: what may change of a token, all at once.

use access::{expiry::Expiry, scope::Permission, time::Instant};
use axum::extract::State;
use http::StatusCode;
use maud::{Markup, html};
use registry::{EditToken, StandsFor, StoredToken, TokenEdit};

use super::{
    asked::{Asked, CameFrom},
    fields,
    outcome::Outcome,
    place::{self, Place, details_path, scopes_path},
    scope_rows, wording,
};
use crate::{
    app::App,
    console::{
        Answered,
        address::Path,
        form::{Form, REVISION, Wrong, refused},
        parts,
        visitor::Visitor,
    },
};

/// The form, filled in with what the token is.
pub(super) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    from: CameFrom,
) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let (form, asked) = (filled_in(&token), from.asked(&place.path(&visitor.viewer)));
    let (wrong, now) = (Wrong::default(), app.now());
    Ok(form_page(&visitor, &place, &token, (&form, &wrong), &asked, now, StatusCode::OK))
}

/// Changes the token.
pub(super) async fn update(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let grant = visitor.may(&app, EditToken { token: token.id }).await?;
    let asked = Asked::of(form.query())?;
    let (now, mut wrong) = (app.now(), Wrong::default());
    let edit = read(&form, &token, &place, now, &mut wrong);
    let Some(edit) = edit.filter(|_| wrong.is_empty()) else {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Ok(form_page(&visitor, &place, &token, (&form, &wrong), &asked, now, status));
    };
    match app.registry().edit_token(&grant, &edit, now).await {
        Ok(_) => Ok(Outcome::Updated.told_at(&asked.address(&place.path(&visitor.viewer)))),
        Err(error) => {
            let (status, wrong) = refused(error, "name")?;
            Ok(form_page(&visitor, &place, &token, (&form, &wrong), &asked, now, status))
        }
    }
}

/// What the form of this token says now.
fn filled_in(token: &StoredToken) -> Form {
    let (whom, whom_name) = match &token.stands_for {
        None => ("nobody", ""),
        Some(StandsFor::User(name)) => ("user", name.as_str()),
        Some(StandsFor::Service(name)) => ("service", name.as_str()),
    };
    Form::of(&[
        ("name", &token.name),
        ("description", &token.description),
        ("whom", whom),
        ("whom_name", whom_name),
        ("expiry", if token.expiry == Expiry::Never { "never" } else { "keep" }),
        ("permission", permission_word(token)),
        ("addresses", &token.allowed_addresses.to_texts().join("\n")),
        ("status", token.status()),
        (REVISION, &token.revision.to_string()),
    ])
}

fn permission_word(token: &StoredToken) -> &'static str {
    match wording::short_permission(token) {
        Some(Permission::Pull) => "pull",
        Some(Permission::PullPush) => "pull-push",
        None => "custom",
    }
}

/// The edit; everything that is wrong is told at once, so all of the form is read before anything is given up.
fn read(
    form: &Form,
    token: &StoredToken,
    place: &Place,
    now: Instant,
    wrong: &mut Wrong,
) -> Option<TokenEdit> {
    let mut edit = TokenEdit {
        is_enabled: Some(fields::read_status(form)),
        allowed_addresses: fields::read_addresses(form, wrong),
        if_revision: form.revision(wrong),
        ..TokenEdit::default()
    };
    if place.is_personal() {
        edit.label = wrong.check("name", fields::parse_label(form.text("name")));
    } else {
        edit.description = fields::read_description(form, wrong);
        edit.stands_for = fields::read_whom(form, wrong);
    }
    let expiry = fields::read_expiry(form, "", now, wrong);
    let permission = if token.mirrors_its_user() { Some(None) } else { read_permission(form, token, wrong) };
    edit.expiry = expiry?.filter(|expiry| *expiry != token.expiry);
    edit.scopes = permission?.map(Into::into);
    Some(edit)
}

/// The short form to set; `Some(None)` leaves the scopes as they are.
fn read_permission(form: &Form, token: &StoredToken, wrong: &mut Wrong) -> Option<Option<Permission>> {
    let chosen = match form.text("permission") {
        "pull" => Some(Permission::Pull),
        "pull-push" => Some(Permission::PullPush),
        "custom" => None,
        _ => {
            wrong.add("permission", "choose what the token may do");
            return None;
        }
    };
    Some(chosen.filter(|chosen| wording::short_permission(token) != Some(*chosen)))
}

fn form_page(
    visitor: &Visitor,
    place: &Place,
    token: &StoredToken,
    (form, wrong): (&Form, &Wrong),
    asked: &Asked,
    now: Instant,
    status: StatusCode,
) -> axum::response::Response {
    let (title, path) = (format!("Edit {}", token.name), format!("{}/edit", details_path(token.id)));
    let mut known = fields::SHARED.to_vec();
    known.extend(["name", REVISION]);
    let kept = wording::expiry(token.expiry, now);
    let kept = (token.expiry != Expiry::Never).then_some(&kept);
    let body = html! {
        h1 { (title) }
        (parts::wrong_beyond(wrong, &known))
        (parts::outdated(wrong, &path))
        form.card.wide method="post" action=(path) {
            (parts::revision(form))
            (asked.fields())
            (about(place, form, wrong))
            (fields::expiry(form, wrong, kept, place.status_words()))
            @if !token.mirrors_its_user() { (permission(token, place, asked, form, wrong)) }
            (fields::addresses(form, wrong))
            (fields::status(form, place.status_words()))
            .actions {
                button.primary { "Update" }
                a.button href=(asked.address(&place.path(&visitor.viewer))) { "Cancel" }
            }
        }
    };
    place.page_of(token, &title, &visitor.viewer).status(status).with(&body)
}

fn about(place: &Place, form: &Form, wrong: &Wrong) -> Markup {
    if place.is_personal() {
        return fields::label().of(form, wrong);
    }
    html! { (fields::description(form, wrong)) (fields::whom(form, wrong)) }
}

fn permission(token: &StoredToken, place: &Place, asked: &Asked, form: &Form, wrong: &Wrong) -> Markup {
    html! {
        fieldset {
            legend { "Permission" }
            (scope_rows::short_forms(form, place))
            .choice {
                (fields::radio(form, "permission", "custom", "Custom"))
                // Several scopes are a line each, which no paragraph may hold.
                div.hint {
                    "The scopes as they are: " (wording::permission(token)) ". "
                    a href=(asked.kept_at(&scopes_path(token.id))) { "Manage scopes" }
                }
            }
            (fields::told(wrong, "permission"))
        }
    }
}
