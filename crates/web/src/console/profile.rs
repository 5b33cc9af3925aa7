//! `/profile`: who the viewer is, and their password.

use axum::{
    extract::{Request, State},
    response::Response,
};
use http::StatusCode;
use maud::{Markup, html};
use registry::{ChangePassword, ManageError, NewPassword, Password};

use super::{
    Answered,
    error::ConsoleError,
    form::{Form, Wrong},
    frame::{Page, Section, Viewer},
    login::Browser,
    namespaces::refused,
    parts::{self, Field},
    visitor::Visitor,
};
use crate::{app::App, query::Query};

const FIELDS: [&str; 3] = ["current_password", "password", "again"];

/// The viewer's own page.
pub(super) async fn show(visitor: Visitor, request: Request) -> Answered {
    let (request, _) = request.into_parts();
    let query = Query::of(&request).map_err(ConsoleError::Malformed)?;
    let is_changed = query.one("done") == Some("password");
    Ok(page(&visitor, is_changed, &Wrong::default(), StatusCode::OK))
}

fn page(visitor: &Visitor, is_changed: bool, wrong: &Wrong, status: StatusCode) -> Response {
    let viewer = &visitor.viewer;
    let body = html! {
        (parts::head("Profile", &parts::NOTHING))
        @if is_changed {
            .notice.good role="status" {
                p { "Your password is changed. Wherever else you were logged in with the old one, you are logged out; your tokens live on." }
            }
        }
        .columns {
            div { (you(viewer)) (ways_on()) }
            (password_form(viewer, wrong))
        }
    };
    Page::new("Profile", viewer, Section::Profile).status(status).with(&body)
}

fn you(viewer: &Viewer) -> Markup {
    html! {
        .card {
            h2 { "You" }
            dl.facts {
                dt { "Username" } dd { (viewer.username) }
                dt { "Rank" } dd { @if viewer.is_admin { "administrator of this instance" } @else { "user" } }
            }
        }
    }
}

fn ways_on() -> Markup {
    html! {
        .card {
            h2 { "Access Tokens" }
            p { "For docker and scripts, instead of your password: each can be narrow, short-lived, and ended by itself." }
            .actions { a.button href="/profile/tokens" { "Your access tokens" } }
        }
        .card {
            h2 { "Sessions" }
            p { "Where you are logged in to this console." }
            .actions { a.button href="/profile/sessions" { "Your sessions" } }
        }
    }
}

fn password_form(viewer: &Viewer, wrong: &Wrong) -> Markup {
    let nothing = Form::empty();
    html! {
        .card #change-password {
            h2 { "Change password" }
            (parts::wrong_beyond(wrong, &FIELDS))
            form method="post" action="/profile" {
                (parts::whose_password(viewer.username.as_str()))
                (Field::password("current_password", "Password now", "current-password").of(&nothing, wrong))
                (Field::password("password", "New password", "new-password").hint("8 to 1024 bytes.").of(&nothing, wrong))
                (Field::password("again", "New password again", "new-password").of(&nothing, wrong))
                .actions { button.primary { "Change password" } }
            }
        }
    }
}

/// Changes the viewer's password. Every session made with the old one is dead then, this one too, so the answer brings
/// a fresh one.
pub(super) async fn change_password(
    State(app): State<App>,
    visitor: Visitor,
    browser: Browser,
    form: Form,
) -> Answered {
    let username = visitor.viewer.username.clone();
    let grant = visitor.may(&app, ChangePassword { username }).await?;
    let current = Password::new(form.as_typed("current_password").to_owned());
    let changed = match new_password(&form) {
        Ok(new) => app.registry().change_password(&grant, &current, &new, None, app.now()).await.map(|_| ()),
        Err(wrong) => return Ok(page(&visitor, false, &wrong, StatusCode::UNPROCESSABLE_ENTITY)),
    };
    match changed {
        Ok(()) => {
            let password = Password::new(form.as_typed("password").to_owned());
            let username = visitor.viewer.username.as_str();
            Ok(browser.open_session(&app, username, &password, "/profile?done=password").await?)
        }
        Err(error @ ManageError::Invalid(_)) => {
            let (status, wrong) = refused(error, "")?;
            Ok(page(&visitor, false, &wrong, status))
        }
        Err(error) => Err(error.into()),
    }
}

/// The new password, typed twice: nobody sees what they type.
fn new_password(form: &Form) -> Result<NewPassword, Wrong> {
    let mut wrong = Wrong::default();
    let typed = Password::new(form.as_typed("password").to_owned());
    let new = wrong.check("password", NewPassword::parse(typed));
    if form.as_typed("again") != form.as_typed("password") {
        wrong.add("again", "this is another password than the one above; type it again");
    }
    new.filter(|_| wrong.is_empty()).ok_or(wrong)
}
