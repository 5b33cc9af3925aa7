//! `/users/{username}`: one user, as administrators see them: password and sessions. What takes more thought is in
//! `user_acts`.

use access::{id::SessionId, name::Username};
use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Markup, html};
use registry::{
    EditUser, EndSession, ListSessions, ListUsers, NewPassword, Password, ShowUser, StoredSession,
    StoredUser, TokenElsewhere, UserEdit,
};

use super::{
    Answered,
    address::{Done, Path},
    error::ConsoleError,
    form::{Form, Wrong, refused},
    frame::{Page, Section},
    parts::{self, Field, When, path_of},
    see, sessions,
    users::{account, rank},
    visitor::Visitor,
};
use crate::app::App;

/// Tokens made elsewhere that are listed: the page, and the question before somebody is deactivated, stay below 50 KB.
const LISTED_TOKENS: usize = 50;

/// The username in a path; whatever can't be one is nobody, and is not repeated: it would read as the console's own
/// words.
pub(super) fn parsed(username: &str) -> Result<Username, ConsoleError> {
    Username::parse(username).map_err(|_| ConsoleError::Absent("There is no such user.".to_owned()))
}

/// The user, to whoever administers users; oneself, everybody has a profile. Who may not even see them is told nothing.
pub(super) async fn seen(
    app: &App,
    visitor: &Visitor,
    username: &Username,
) -> Result<StoredUser, ConsoleError> {
    let grant = visitor.may(app, ShowUser { username: username.clone() }).await?;
    visitor.may(app, ListUsers).await?;
    Ok(app.registry().show_user(&grant).await?)
}

/// The page of a user.
pub(super) async fn show(
    State(app): State<App>,
    visitor: Visitor,
    Path(username): Path<String>,
    Done(done): Done,
) -> Answered {
    let username = parsed(&username)?;
    let notice = parts::notice(done.as_deref().and_then(said));
    page(&app, &visitor, &username, &notice, StatusCode::OK).await
}

/// What is said after something was done.
fn said(done: &str) -> Option<&'static str> {
    Some(match done {
        "made" => "The user is made.",
        "made-with-namespace" => "The user is made, with a namespace of their own name.",
        "session" => "That browser is logged out.",
        "password" => {
            "The password is set. Whoever was logged in with the old one is logged out; tokens live on."
        }
        "activate" => "The account is active again.",
        "deactivate" => "The account is deactivated. Nothing of it works any more.",
        "promote" => "They are an administrator now.",
        "demote" => "They are no administrator any more.",
        "end-all" => "Their personal tokens are deactivated, and they are logged out everywhere.",
        _ => return None,
    })
}

/// The page, with what is to be told above it.
pub(super) async fn page(
    app: &App,
    visitor: &Visitor,
    username: &Username,
    notice: &Markup,
    status: StatusCode,
) -> Answered {
    let user = seen(app, visitor, username).await?;
    let grant = visitor.may(app, ListSessions { username: username.clone() }).await?;
    let sessions = app.registry().list_sessions(&grant, app.now()).await?;
    let own = app.registry().session_of(&visitor.session).await?;
    let left = if user.is_active { Vec::new() } else { elsewhere(app, visitor, username).await? };
    let body = html! {
        (parts::head(username.as_str(), &parts::NOTHING))
        (notice)
        @if !left.is_empty() {
            .notice.warn { p { "They are deactivated; what they made elsewhere is not:" } (tokens(&left)) }
        }
        .columns { (facts(&user)) (ways(&user)) }
        (logins(&user, &sessions, own))
    };
    let page = Page::new(username.as_str(), &visitor.viewer, Section::Users).under("Users", "/users");
    Ok(page.status(status).with(&body))
}

fn facts(user: &StoredUser) -> Markup {
    html! {
        .card {
            h2 { "Account" }
            dl.facts {
                dt { "Rank" } dd { (rank(user)) }
                dt { "Status" } dd { (account(user)) }
                dt { "Made" } dd { (When(user.created_at)) }
                dt { "Access Tokens" } dd { a href=(format!("{}/tokens", path_of("users", user.username.as_str()))) { "Their personal tokens" } }
                dt { "History" } dd { a href=(format!("/audit?user={}", user.username)) { "What they did, and what was done to them" } }
            }
        }
    }
}

/// What can be done to a user; whatever takes something away asks first.
fn ways(user: &StoredUser) -> Markup {
    let path = path_of("users", user.username.as_str());
    let asks = |act: &str, text: &str| html! { a.button href=(format!("{path}/{act}")) data-ask { (text) } };
    html! {
        .card {
            h2 { "Change" }
            .actions {
                a.button href=(format!("{path}/password")) { "Set password" }
                @if user.is_admin { (asks("demote", "Take administration away")) } @else { (asks("promote", "Make administrator")) }
                (asks("end-all", "End all logins and tokens"))
                @if user.is_active {
                    (asks("deactivate", "Deactivate"))
                } @else {
                    form method="post" action=(format!("{path}/activate")) { button { "Activate" } }
                }
                a.button.risky href=(format!("{path}/delete")) data-ask { "Delete user" }
            }
        }
    }
}

fn logins(user: &StoredUser, listed: &[StoredSession], own: Option<SessionId>) -> Markup {
    let path = format!("{}/sessions", path_of("users", user.username.as_str()));
    html! {
        section aria-labelledby="sessions" {
            .head { h2 #sessions { "Sessions" } }
            @if listed.is_empty() {
                p.quiet { "They are not logged in to the console." }
            } @else {
                (sessions::table(listed, own, &path))
            }
        }
    }
}

/// The service tokens that somebody made outside their own namespace: their leaving does not stop them.
pub(super) async fn elsewhere(
    app: &App,
    visitor: &Visitor,
    username: &Username,
) -> Result<Vec<TokenElsewhere>, ConsoleError> {
    let grant = visitor.may(app, EditUser { username: username.clone() }).await?;
    Ok(app.registry().tokens_made_elsewhere(&grant, app.now()).await?)
}

/// A list of such tokens, each with the way to it.
pub(super) fn tokens(left: &[TokenElsewhere]) -> Markup {
    html! {
        ul {
            @for token in left.iter().take(LISTED_TOKENS) {
                @let owner = token.namespace.as_deref().map(|name| format!("{name}/")).unwrap_or_default();
                li {
                    a href=(format!("/tokens/{}", token.id)) { (owner) (token.name) }
                    @if !token.is_enabled { " (disabled)" }
                    @if let Some(at) = token.expires_at { ", expires " (When(at)) }
                }
            }
        }
        @if left.len() > LISTED_TOKENS { p { "And " (left.len() - LISTED_TOKENS) " more." } }
    }
}

/// Ends one of the user's sessions.
pub(super) async fn end_session(
    State(app): State<App>,
    visitor: Visitor,
    Path((username, id)): Path<(String, String)>,
) -> Answered {
    let username = parsed(&username)?;
    let session = sessions::parsed(&id)?;
    let grant = visitor.may(&app, EndSession { username: username.clone(), session }).await?;
    app.registry().end_session(&grant, app.now()).await?;
    Ok(see(&format!("{}?done=session", path_of("users", username.as_str()))))
}

/// The form for another password of theirs. One's own is changed with the old one, under Profile.
pub(super) async fn password(
    State(app): State<App>,
    visitor: Visitor,
    Path(username): Path<String>,
) -> Answered {
    let username = parsed(&username)?;
    seen(&app, &visitor, &username).await?;
    if username == visitor.viewer.username {
        return Ok(see("/profile#change-password"));
    }
    Ok(password_page(&visitor, &username, &Wrong::default(), StatusCode::OK))
}

fn password_page(visitor: &Visitor, username: &Username, wrong: &Wrong, status: StatusCode) -> Response {
    let path = path_of("users", username.as_str());
    let title = format!("Set the password of {username}");
    let field = Field::password("password", "New password", "new-password")
        .hint("8 to 1024 bytes, no white space at the ends.");
    let body = html! {
        h1 { (title) }
        (parts::wrong_beyond(wrong, &["password"]))
        form.card.narrow method="post" action=(format!("{path}/password")) {
            p { "Whoever is logged in with the old one is logged out, here and with docker. Their tokens live on." }
            (parts::whose_password(username.as_str()))
            (field.of(&Form::empty(), wrong))
            .actions { button.primary { "Set password" } a.button href=(path) { "Cancel" } }
        }
    };
    let page = Page::new(&title, &visitor.viewer, Section::Users).under("Users", "/users");
    page.under(username.as_str(), path.as_str()).status(status).with(&body)
}

/// Sets their password.
pub(super) async fn set_password(
    State(app): State<App>,
    visitor: Visitor,
    Path(username): Path<String>,
    form: Form,
) -> Answered {
    let username = parsed(&username)?;
    seen(&app, &visitor, &username).await?;
    if username == visitor.viewer.username {
        return Ok(see("/profile#change-password"));
    }
    let grant = visitor.may(&app, EditUser { username: username.clone() }).await?;
    let mut wrong = Wrong::default();
    let typed = Password::new(form.as_typed("password").to_owned());
    let Some(password) = wrong.check("password", NewPassword::parse(typed)) else {
        return Ok(password_page(&visitor, &username, &wrong, StatusCode::UNPROCESSABLE_ENTITY));
    };
    let edit = UserEdit { password: Some(password), ..UserEdit::default() };
    match app.registry().edit_user(&grant, &edit, app.now()).await {
        Ok(_) => Ok(see(&format!("{}?done=password", path_of("users", username.as_str())))),
        Err(error) => {
            let (status, wrong) = refused(error, "password")?;
            Ok(password_page(&visitor, &username, &wrong, status))
        }
    }
}
