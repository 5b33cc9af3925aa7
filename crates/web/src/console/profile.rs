//! `/profile`: who the viewer is, and their password.

use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Markup, html};
use registry::{ChangePassword, ManageError, NewPassword, Password, Refusal};

use super::{
    Answered,
    address::Done,
    end_all,
    form::{Form, Wrong, refused},
    frame::{Page, Section, Viewer},
    login::Browser,
    parts::{self, Field},
    see,
    visitor::Visitor,
};
use crate::app::App;

/// What is said once the password is another.
const CHANGED: &str = "Your password is changed. Wherever else you were logged in with the old one, you are logged \
    out; your tokens live on.";
const FIELDS: [&str; 3] = ["current_password", "password", "again"];

/// The viewer's own page.
pub(super) async fn show(visitor: Visitor, Done(done): Done) -> Answered {
    let is_changed = done.as_deref() == Some("password");
    Ok(page(&visitor, is_changed, &Wrong::default(), StatusCode::OK))
}

fn page(visitor: &Visitor, is_changed: bool, wrong: &Wrong, status: StatusCode) -> Response {
    let viewer = &visitor.viewer;
    let body = html! {
        (parts::head("Profile", &parts::NOTHING))
        (parts::notice(is_changed.then_some(CHANGED)))
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
            .actions {
                a.button href="/profile/sessions" { "Your sessions" }
                a.button href=(end_all::PATH) data-ask { "End all logins and tokens" }
            }
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
                (Field::password("password", "New password", "new-password").hint("8 to 1024 bytes, no white space at the ends.").of(&nothing, wrong))
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
            let opened = browser.open_session(&app, username, &password, "/profile?done=password").await;
            Ok(opened.unwrap_or_else(|refusal| log_in_anew(&refusal)))
        }
        Err(error @ ManageError::Invalid(_)) => {
            let (status, wrong) = refused(error, "")?;
            Ok(page(&visitor, false, &wrong, status))
        }
        Err(error) => Err(error.into()),
    }
}

/// The password is changed by now, and must not look as if it were not: whatever kept the fresh session from being
/// opened, such as too many logins at once, the new one opens it at the login.
fn log_in_anew(refusal: &Refusal) -> Response {
    tracing::warn!(%refusal, "a password is changed, and no session was opened with the new one");
    see("/login?done=password")
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_that_is_changed_is_never_told_as_if_it_were_not() {
        let response = log_in_anew(&Refusal::Busy);
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        assert_eq!(response.headers()["location"], "/login?done=password");
    }
}
