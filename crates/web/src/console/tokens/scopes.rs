//! Manage scopes: Add scope, Remove, Remove all. What is taken away is refused from the next request on.

use access::{
    field_error::FieldError,
    id::{ScopeId, TokenId},
    scope::Scopes,
};
use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Markup, Render, html};
use registry::{AddScope, AddedScope, ManageError, RemoveScopes, StoredScope, StoredToken, check_has_scopes};

use super::{
    acts::impact,
    asked::{Asked, CameFrom},
    place::{self, Place, scopes_path},
    scope_rows,
};
use crate::{
    app::App,
    console::{
        Answered,
        address::{self, After, Path},
        error::ConsoleError,
        form::{Form, Wrong, refused},
        parts::{self, Question},
        see,
        visitor::Visitor,
    },
};

/// Scopes on one page, which keeps below 50 KB with them and with the names that the preview knows.
const PAGE: usize = 30;
/// The only row of the form that adds a scope; what the shared rules call its fields, and an added scope's refusal.
const ROW: usize = 0;
const RULES_ROW: &str = "scopes[0].";
/// The fields of that row.
const FIELDS: [&str; 3] = ["type-0", "path-0", "actions-0"];

/// Which page of a token's scopes is looked at: the one behind this many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Behind(usize);

impl Behind {
    /// What an address or a form says; anything else than a number is the first page.
    fn parse(after: &str) -> Self {
        Self(after.parse().unwrap_or(0))
    }

    /// The page of the last of this many.
    fn last_of(count: usize) -> Self {
        Self(count.saturating_sub(1) / PAGE * PAGE)
    }

    /// The same page, or the last where there are only this many: others may have been removed meanwhile.
    fn within(self, count: usize) -> Self {
        Self(self.0.min(Self::last_of(count).0))
    }

    /// As the `after` of an address; empty for the first page.
    fn after(self) -> String {
        if self.0 == 0 { String::new() } else { self.0.to_string() }
    }
}

/// What is looked at: a page of the scopes, and the part of the list of tokens that it leads back to.
struct Seen {
    behind: Behind,
    list: Asked,
}

impl Seen {
    /// What a form says that was sent from here.
    fn of(form: &Form, from: &CameFrom) -> Self {
        Self { behind: Behind::parse(form.text("after")), list: from.said().unwrap_or_default() }
    }

    /// The address of it, below the scopes at `path`.
    fn address(&self, path: &str) -> String {
        address::with(&self.list.kept_at(path), &[("after", &self.behind.after())])
    }

    /// To the page of the scopes that this is about.
    fn led_to(&self, token: TokenId) -> Response {
        see(&self.address(&scopes_path(token)))
    }
}

/// The scopes of a token. Its address says from where on in the list one came: whatever is done from here leads back to
/// this page first, and at last to there.
pub(super) async fn page(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    After(after): After,
    from: CameFrom,
) -> Answered {
    let about = place::token(&app, &visitor, &id).await?;
    let seen = Seen { behind: Behind::parse(&after), list: from.asked(&about.1.path(&visitor.viewer)) };
    if from.said().is_none() && !seen.list.is_everything() {
        return Ok(seen.led_to(about.0.id));
    }
    let untouched = (&Form::empty(), &Wrong::default());
    shown(&app, &visitor, &about, &seen, untouched, StatusCode::OK).await
}

/// Adds a scope.
pub(super) async fn add(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    from: CameFrom,
    form: Form,
) -> Answered {
    let about = place::token(&app, &visitor, &id).await?;
    let (token, place) = &about;
    let grant = visitor.may(&app, AddScope { token: token.id }).await?;
    let seen = Seen::of(&form, &from);
    let input = scope_rows::read_row(&form, ROW).into_iter().collect::<Vec<_>>();
    let scope = match Scopes::parse(&input, place.namespace_name()) {
        Ok((scopes, _)) => scopes.as_slice().first().cloned().ok_or_else(|| vec![nothing_said()]),
        Err(errors) => Err(errors),
    };
    let (status, wrong) = match scope {
        Ok(scope) => match app.registry().add_scope(&grant, &scope, None, app.now()).await {
            Ok(AddedScope { token, is_new: true }) => {
                // It is the last one now.
                let behind = Behind::last_of(token.scopes.len());
                return Ok(Seen { behind, ..seen }.led_to(token.id));
            }
            Ok(AddedScope { token, is_new: false }) => {
                let rule = format!("{token} has this scope already: {scope}");
                (StatusCode::UNPROCESSABLE_ENTITY, Wrong::from(vec![FieldError::new("actions", rule)]))
            }
            Err(error) => refused(error, "")?,
        },
        Err(errors) => (StatusCode::UNPROCESSABLE_ENTITY, Wrong::from(errors)),
    };
    shown(&app, &visitor, &about, &seen, (&form, &beside_fields(&wrong)), status).await
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
    (token, place): &(StoredToken, Place),
    Seen { behind, list }: &Seen,
    (form, wrong): (&Form, &Wrong),
    status: StatusCode,
) -> Answered {
    let (title, path) = (format!("Scopes of {}", token.name), scopes_path(token.id));
    let behind = behind.within(token.scopes.len());
    let all = html! {
        @if !token.scopes.is_empty() { a.button href=(format!("{path}/remove-all")) data-ask { "Remove all" } }
    };
    let body = html! {
        (parts::head(&title, &all))
        @if token.mirrors_its_user() {
            (parts::wrong_beyond(wrong, &[]))
            (parts::empty(
                "No scopes", "This token mirrors its user, and takes none. Make another one with scopes instead.",
                &parts::NOTHING,
            ))
        } @else {
            @if token.scopes.is_empty() {
                (parts::empty("No scopes", "Without a scope the token allows nothing. Add one below.", &parts::NOTHING))
            } @else { (table(&token.scopes, behind, list, &path)) }
            form.card method="post" action=(list.kept_at(&format!("{path}/add"))) {
                h2 { "Add scope" }
                (parts::wrong_beyond(wrong, &FIELDS))
                (After::field(&behind.after()))
                (scope_rows::row(form, wrong, ROW, &place.example()))
                (scope_rows::preview(&scope_rows::previewed(app, visitor, place.namespace_name()).await?))
                .actions {
                    button.primary { "Add scope" }
                    a.button href=(list.address(&place.path(&visitor.viewer))) { "Done" }
                }
            }
        }
    };
    Ok(place.page_of(token, &title, &visitor.viewer).status(status).with(&body))
}

/// A page of scopes. Each is named once, and its link by it: a path may have 255 characters.
fn table(scopes: &[StoredScope], Behind(behind): Behind, list: &Asked, path: &str) -> Markup {
    let last = scopes.len().min(behind + PAGE);
    let next = (last < scopes.len()).then(|| last.to_string());
    html! {
        @if scopes.len() > PAGE { p.hint { "Scopes " (behind + 1) " to " (last) " of " (scopes.len()) "." } }
        .table {
            table {
                thead { tr { th { "Scope" } th { "Type" } th { span.visually-hidden { "Actions" } } } }
                tbody {
                    @for (index, stored) in scopes.iter().enumerate().skip(behind).take(PAGE) {
                        (row(stored, index + 1, Behind(behind), path))
                    }
                }
            }
        }
        (parts::other_pages(&list.kept_at(path), &Behind(behind).after(), next.as_deref()))
    }
}

fn row(stored: &StoredScope, number: usize, behind: Behind, path: &str) -> Markup {
    let (scope, remove) = (format!("scope-{number}"), format!("remove-{number}"));
    let question = address::with(&format!("{path}/{}/remove", stored.id), &[("after", &behind.after())]);
    html! {
        tr {
            th scope="row" id=(scope) { (stored.scope) }
            td data-label="Type" { (stored.scope.to_input().kind) }
            td.act {
                a.button.small-button href=(question) data-ask id=(remove)
                    aria-labelledby=(format!("{remove} {scope}")) { "Remove" }
            }
        }
    }
}

/// Asks before removing one scope.
pub(super) async fn ask_remove(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, scope)): Path<(String, String)>,
    After(after): After,
    from: CameFrom,
) -> Answered {
    let about = place::token(&app, &visitor, &id).await?;
    let seen = Seen { behind: Behind::parse(&after), list: from.asked(&about.1.path(&visitor.viewer)) };
    let scope = scope_id(&scope)?;
    let held = about.0.scopes.iter().find(|stored| stored.id == scope).ok_or_else(no_scope)?;
    let text =
        html! { p { "The token loses " strong { (held.scope) } ": refused from the next request on." } };
    let act = (format!("/{scope}/remove"), "Remove");
    ask(&app, &visitor, &about, act, text, &seen).await
}

/// Asks before removing every scope.
pub(super) async fn ask_remove_all(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    from: CameFrom,
) -> Answered {
    let about = place::token(&app, &visitor, &id).await?;
    let seen = Seen { behind: Behind(0), list: from.asked(&about.1.path(&visitor.viewer)) };
    if let Err(error) = check_has_scopes(&about.0, "") {
        return not_possible(&app, &visitor, &about, &seen, error).await;
    }
    let text = html! { p { "The token then allows nothing, from the next request on." } };
    ask(&app, &visitor, &about, ("/remove-all".to_owned(), "Remove all"), text, &seen).await
}

/// The page of scopes, with why they can't be changed so.
async fn not_possible(
    app: &App,
    visitor: &Visitor,
    about: &(StoredToken, Place),
    seen: &Seen,
    error: ManageError,
) -> Answered {
    let (status, wrong) = refused(error, "")?;
    shown(app, visitor, about, seen, (&Form::empty(), &wrong), status).await
}

async fn ask(
    app: &App,
    visitor: &Visitor,
    (token, place): &(StoredToken, Place),
    (rest, button): (String, &str),
    text: Markup,
    seen: &Seen,
) -> Answered {
    let path = scopes_path(token.id);
    let (title, action) =
        (format!("{button} of {}?", token.name), seen.list.kept_at(&format!("{path}{rest}")));
    let impact = impact(app, visitor, token, app.now()).await?;
    let question = Question {
        title: &title,
        text: html! { (text) (impact) },
        path: &action,
        fields: After::field(&seen.behind.after()),
        act: button,
        is_destructive: true,
        back: &seen.address(&path),
    };
    Ok(place.page_of(token, &title, &visitor.viewer).with(&question.render()))
}

/// Removes one scope.
pub(super) async fn remove(
    State(app): State<App>,
    visitor: Visitor,
    Path((id, scope)): Path<(String, String)>,
    from: CameFrom,
    form: Form,
) -> Answered {
    let (token, scope) = (place::token_id(&id)?, scope_id(&scope)?);
    let grant = visitor.may(&app, RemoveScopes { token, scope: Some(scope) }).await?;
    app.registry().remove_scopes(&grant, None, app.now()).await?;
    Ok(Seen::of(&form, &from).led_to(token))
}

/// Removes every scope.
pub(super) async fn remove_all(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    from: CameFrom,
) -> Answered {
    let about = place::token(&app, &visitor, &id).await?;
    let token = about.0.id;
    let seen = Seen { behind: Behind(0), list: from.said().unwrap_or_default() };
    let grant = visitor.may(&app, RemoveScopes { token, scope: None }).await?;
    match app.registry().remove_scopes(&grant, None, app.now()).await {
        Ok(_) => Ok(seen.led_to(token)),
        Err(error) => not_possible(&app, &visitor, &about, &seen, error).await,
    }
}

fn scope_id(text: &str) -> Result<ScopeId, ConsoleError> {
    ScopeId::parse(text).map_err(|_| no_scope())
}

fn no_scope() -> ConsoleError {
    ConsoleError::Absent("the token has no such scope; it may be gone already".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_scopes_is_never_behind_the_last() {
        for (after, count, expect) in [
            ("", 0, 0),
            ("", 100, 0),
            ("30", 100, 30),
            ("30", 31, 30),
            // The only scope of the second page was removed.
            ("30", 30, 0),
            ("90", 61, 60),
            ("18446744073709551615", 100, 90),
            ("-1", 100, 0),
            ("zzz", 100, 0),
        ] {
            assert_eq!(Behind::parse(after).within(count), Behind(expect), "{after} of {count}");
        }
        assert_eq!([0, 1, 30, 31, 100].map(|count| Behind::last_of(count).0), [0, 0, 0, 30, 90]);
    }
}
