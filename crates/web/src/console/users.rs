//! `/users`: everybody's accounts, and a new one.

use access::name::Username;
use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Markup, html};
use registry::{CreateUser, ListUsers, NewPassword, NewUser, Password, StoredUser};

use super::{
    Answered,
    address::{After, Done},
    form::{Form, Wrong, refused},
    frame::{Page, Section},
    parts::{self, Field, When, path_of},
    see,
    visitor::Visitor,
};
use crate::app::App;

/// Users on one page, which is below 50 KB also where their names are as long as they get.
const PAGE: u32 = 80;

/// The users, by login name.
pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    After(after): After,
    Done(done): Done,
) -> Answered {
    let grant = visitor.may(&app, ListUsers).await?;
    let listed = app.registry().list_users(&grant, &after, PAGE).await?;
    let is_deleted = done.as_deref() == Some("deleted");
    let body = html! {
        (parts::head("Users", &html! { a.button.primary href="/users/new" { "New user" } }))
        (parts::notice(is_deleted.then_some("The user is deleted. Their name is free for somebody else.")))
        (parts::list("/users", &after, &listed, &parts::NOTHING, table))
    };
    Ok(Page::new("Users", &visitor.viewer, Section::Users).with(&body))
}

fn table(users: &[StoredUser]) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { "Username" } th { "Rank" } th { "Account" } th { "Made" } } }
                tbody { @for user in users { (row(user)) } }
            }
        }
    }
}

fn row(user: &StoredUser) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(path_of("users", user.username.as_str())) { (user.username) } }
            td data-label="Rank" { (rank(user)) }
            td data-label="Account" { (account(user)) }
            td data-label="Made" { (When(user.created_at)) }
        }
    }
}

/// Whether somebody administers the instance.
pub(super) fn rank(user: &StoredUser) -> Markup {
    html! { @if user.is_admin { span.badge.warn { "administrator" } } @else { span.badge { "user" } } }
}

/// Whether an account may be used.
pub(super) fn account(user: &StoredUser) -> Markup {
    html! { @if user.is_active { span.badge.good { "active" } } @else { span.badge.bad { "deactivated" } } }
}

/// The form for a new user.
pub(super) async fn new(State(app): State<App>, visitor: Visitor) -> Answered {
    visitor.may(&app, CreateUser).await?;
    let form = Form::of(&[("is_active", "yes")]);
    Ok(form_page(&visitor, &form, &Wrong::default(), StatusCode::OK))
}

fn form_page(visitor: &Visitor, form: &Form, wrong: &Wrong, status: StatusCode) -> Response {
    let username = Field::text("username", "Username")
        .required()
        .pattern("[a-z0-9][a-z0-9._\\-]{0,62}")
        .hint("1 to 63 lower-case letters, digits, dots, underscores and hyphens, with a letter or a digit first. It can't be changed.");
    let password = Field::password("password", "Password", "new-password")
        .hint("8 to 1024 bytes, no white space at the ends. Tell them in a safe way; they can change it under Profile.");
    let body = html! {
        h1 { "New user" }
        (parts::wrong_beyond(wrong, &["username", "password"]))
        form.card.narrow method="post" action="/users/new" {
            (username.of(form, wrong))
            (password.of(form, wrong))
            fieldset {
                legend { "Account" }
                (parts::tick("is_active", "Active", "May be used at once. Left out, nobody can log in with it yet.", form.has("is_active")))
                (parts::tick("is_admin", "Administrator", "Manages users, teams, the settings, and every namespace.", form.has("is_admin")))
            }
            .actions { button.primary { "Create user" } a.button href="/users" { "Cancel" } }
        }
    };
    Page::new("New user", &visitor.viewer, Section::Users).under("Users", "/users").status(status).with(&body)
}

/// Makes a user.
pub(super) async fn create(State(app): State<App>, visitor: Visitor, form: Form) -> Answered {
    let grant = visitor.may(&app, CreateUser).await?;
    let new = match read(&form) {
        Ok(new) => new,
        Err(wrong) => return Ok(form_page(&visitor, &form, &wrong, StatusCode::UNPROCESSABLE_ENTITY)),
    };
    match app.registry().create_user(&grant, &new, app.now()).await {
        Ok(made) => {
            let done = if made.own_namespace.is_some() { "made-with-namespace" } else { "made" };
            Ok(see(&format!("{}?done={done}", path_of("users", new.username.as_str()))))
        }
        Err(error) => {
            let (status, wrong) = refused(error, "username")?;
            Ok(form_page(&visitor, &form, &wrong, status))
        }
    }
}

fn read(form: &Form) -> Result<NewUser, Wrong> {
    let mut wrong = Wrong::default();
    let username = wrong.check("username", Username::parse(form.text("username")));
    let password = Password::new(form.as_typed("password").to_owned());
    let password = wrong.check("password", NewPassword::parse(password));
    match (username, password) {
        (Some(username), Some(password)) => Ok(NewUser {
            username,
            password,
            is_admin: form.has("is_admin"),
            is_active: form.has("is_active"),
        }),
        _ => Err(wrong),
    }
}
