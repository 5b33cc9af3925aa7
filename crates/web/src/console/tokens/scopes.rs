//! Manage scopes: Add scope, Remove, Remove all. What is taken away is refused from the next request on.

use access::{field_error::FieldError, id::ScopeId, scope::Scopes};
use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Markup, Render, html};
use registry::{AddScope, RemoveScopes, StoredScope, StoredToken};

use super::{
    acts::impact,
    place::{self, Place, details_path},
    scope_rows,
};
use crate::{
    app::App,
    console::{
        Answered,
        address::Path,
        error::ConsoleError,
        form::{Form, Wrong, refused},
        parts::{self, Question},
        see,
        visitor::Visitor,
    },
};

/// The only row of the form that adds a scope; what the shared rules call its fields, and an added scope's refusal.
const ROW: usize = 0;
const RULES_ROW: &str = "scopes[0].";
/// The fields of that row.
const FIELDS: [&str; 3] = ["type-0", "path-0", "actions-0"];

/// The scopes of a token.
pub(super) async fn page(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    shown(&app, &visitor, &place, &token, (&Form::empty(), &Wrong::default()), StatusCode::OK).await
}

/// Adds a scope.
pub(super) async fn add(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let grant = visitor.may(&app, AddScope { token: token.id }).await?;
    let input = scope_rows::read_row(&form, ROW).into_iter().collect::<Vec<_>>();
    let scope = match Scopes::parse(&input, place.namespace_name()) {
        Ok((scopes, _)) => scopes.as_slice().first().cloned().ok_or_else(|| vec![nothing_said()]),
        Err(errors) => Err(errors),
    };
    let (status, wrong) = match scope {
        Ok(scope) => match app.registry().add_scope(&grant, &scope, None, app.now()).await {
            Ok(_) => return Ok(see(&format!("{}/scopes", details_path(token.id)))),
            Err(error) => refused(error, "")?,
        },
        Err(errors) => (StatusCode::UNPROCESSABLE_ENTITY, Wrong::from(errors)),
    };
    shown(&app, &visitor, &place, &token, (&form, &beside_fields(&wrong)), status).await
}

fn nothing_said() -> FieldError {
    FieldError::new("path", "say which repositories, such as acme/*, and what is allowed there")
}

/// The same, under the names of this form's fields.
fn beside_fields(wrong: &Wrong) -> Wrong {
    let mut named = Wrong::default();
    for error in wrong.beyond(&[]) {
        let part = error.field.strip_prefix(RULES_ROW).unwrap_or(&error.field);
        let field = if part.is_empty() { String::new() } else { format!("{part}-{ROW}") };
        named.add(&field, &error.message);
    }
    named
}

async fn shown(
    app: &App,
    visitor: &Visitor,
    place: &Place,
    token: &StoredToken,
    (form, wrong): (&Form, &Wrong),
    status: StatusCode,
) -> Answered {
    let known = scope_rows::previewed(app, visitor, place.namespace_name()).await?;
    let title = format!("Scopes of {}", token.name);
    let path = format!("{}/scopes", details_path(token.id));
    let all = html! {
        @if !token.scopes.is_empty() { a.button href=(format!("{path}/remove-all")) data-ask { "Remove all" } }
    };
    let body = html! {
        (parts::head(&title, &all))
        @if token.mirrors_its_user() {
            (parts::empty("No scopes", "This token mirrors its user, and takes none. Make another one with scopes instead.", &parts::NOTHING))
        } @else {
            @if token.scopes.is_empty() {
                (parts::empty("No scopes", "Without a scope the token allows nothing. Add one below.", &parts::NOTHING))
            } @else { (table(&token.scopes, &path)) }
            form.card method="post" action=(format!("{path}/add")) {
                h2 { "Add scope" }
                (parts::wrong_beyond(wrong, &FIELDS))
                (scope_rows::row(form, wrong, ROW, &place.example()))
                (scope_rows::preview(&known))
                .actions {
                    button.primary { "Add scope" }
                    a.button href=(place.path(&visitor.viewer)) { "Done" }
                }
            }
        }
    };
    Ok(place.page_of(token, &title, &visitor.viewer).status(status).with(&body))
}

fn table(scopes: &[StoredScope], path: &str) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { "Scope" } th { "Type" } th { span.visually-hidden { "Actions" } } } }
                tbody {
                    @for stored in scopes {
                        tr {
                            th scope="row" { (stored.scope) }
                            td data-label="Type" { (stored.scope.to_input().kind) }
                            td.act {
                                a.button.small-button href=(format!("{path}/{}/remove", stored.id)) data-ask
                                    aria-label=(format!("Remove {}", stored.scope)) { "Remove" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Asks before removing one scope.
pub(super) async fn ask_remove(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, scope)): Path<(String, String)>,
) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let scope = scope_id(&scope)?;
    let held = token.scopes.iter().find(|stored| stored.id == scope).ok_or_else(no_scope)?;
    let text =
        html! { p { "The token loses " strong { (held.scope) } ": refused from the next request on." } };
    ask(&app, &visitor, &place, &token, (&format!("/{scope}/remove"), "Remove"), text).await
}

/// Asks before removing every scope.
pub(super) async fn ask_remove_all(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let text = html! { p { "The token then allows nothing, from the next request on." } };
    ask(&app, &visitor, &place, &token, ("/remove-all", "Remove all"), text).await
}

async fn ask(
    app: &App,
    visitor: &Visitor,
    place: &Place,
    token: &StoredToken,
    (rest, button): (&str, &str),
    text: Markup,
) -> Answered {
    let list = format!("{}/scopes", details_path(token.id));
    let (title, action) = (format!("{button} of {}?", token.name), format!("{list}{rest}"));
    let impact = impact(app, visitor, token, app.now()).await?;
    let question = Question {
        title: &title,
        text: html! { (text) (impact) },
        path: &action,
        fields: parts::NOTHING,
        act: button,
        is_destructive: true,
        back: &list,
    };
    Ok(place.page_of(token, &title, &visitor.viewer).with(&question.render()))
}

/// Removes one scope.
pub(super) async fn remove(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, scope)): Path<(String, String)>,
) -> Answered {
    let scope = scope_id(&scope)?;
    take(&app, &visitor, &id, Some(scope)).await
}

/// Removes every scope.
pub(super) async fn remove_all(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Answered {
    take(&app, &visitor, &id, None).await
}

async fn take(
    app: &App,
    visitor: &Visitor,
    id: &str,
    scope: Option<ScopeId>,
) -> Result<Response, ConsoleError> {
    let token = place::token_id(id)?;
    let grant = visitor.may(app, RemoveScopes { token, scope }).await?;
    app.registry().remove_scopes(&grant, None, app.now()).await?;
    Ok(see(&format!("{}/scopes", details_path(token))))
}

fn scope_id(text: &str) -> Result<ScopeId, ConsoleError> {
    ScopeId::parse(text).map_err(|_| no_scope())
}

fn no_scope() -> ConsoleError {
    ConsoleError::Absent("the token has no such scope; it may be gone already".to_owned())
}
