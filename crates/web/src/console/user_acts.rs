//! `/users/{username}/{act}`: what makes or breaks an account, asked about first and done after.

use access::name::Username;
use axum::extract::State;
use http::StatusCode;
use maud::{Markup, html};
use registry::{DeleteUser, EditUser, EndAll, ManageError, UserEdit};

use super::{
    Answered,
    address::Path,
    error::ConsoleError,
    frame::{Page, Section},
    parts::{self, Question, path_of},
    see, user,
    visitor::Visitor,
};
use crate::app::App;

/// What may be done to a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    Activate,
    Deactivate,
    Promote,
    Demote,
    EndAll,
    Delete,
}

impl Act {
    /// The act that a path names.
    fn parse(text: &str) -> Result<Self, ConsoleError> {
        Ok(match text {
            "activate" => Self::Activate,
            "deactivate" => Self::Deactivate,
            "promote" => Self::Promote,
            "demote" => Self::Demote,
            "end-all" => Self::EndAll,
            "delete" => Self::Delete,
            _ => return Err(ConsoleError::Absent("There is no such page.".to_owned())),
        })
    }

    /// The question and what the button says.
    fn asked(self, username: &Username) -> (String, &'static str) {
        match self {
            Self::Activate => (format!("Activate {username}?"), "Activate"),
            Self::Deactivate => (format!("Deactivate {username}?"), "Deactivate"),
            Self::Promote => (format!("Make {username} an administrator?"), "Make administrator"),
            Self::Demote => (format!("Take administration away from {username}?"), "Take away"),
            Self::EndAll => (format!("End all logins and tokens of {username}?"), "End all"),
            Self::Delete => (format!("Delete user {username}?"), "Delete user"),
        }
    }

    /// What will come of it.
    const fn consequences(self) -> &'static str {
        match self {
            Self::Activate => {
                "Their password, their personal tokens, and the service tokens of their own namespace work again as they did."
            }
            Self::Deactivate => {
                "At once they can't log in, their sessions and personal tokens stop, and so do the service tokens of their own \
                 namespace. All of it works again when you activate them."
            }
            Self::Promote => {
                "They then manage users, teams, the settings, and every namespace with its tokens: as much as you do."
            }
            Self::Demote => {
                "They keep their roles in namespaces and their tokens; what they could do as an administrator stops at once."
            }
            Self::EndAll => {
                "Their personal tokens are deactivated, and whoever is logged in with their password is logged out, here and with \
                 docker. The password stays: if it has leaked, set another."
            }
            Self::Delete => {
                "Their personal tokens end, their roles go, and so does their own namespace unless it holds repositories. This \
                 can't be undone."
            }
        }
    }

    /// Whether somebody has less by it.
    const fn takes_away(self) -> bool {
        !matches!(self, Self::Activate | Self::Promote)
    }

    /// Whether what they made elsewhere outlives it, so that somebody has to look at it.
    const fn leaves_tokens(self) -> bool {
        matches!(self, Self::Deactivate | Self::Delete)
    }
}

/// Asks before it is done.
pub(super) async fn ask(
    State(app): State<App>,
    visitor: Visitor,
    Path((username, act)): Path<(String, String)>,
) -> Answered {
    let (username, act_name) = (user::parsed(&username)?, act);
    let act = Act::parse(&act_name)?;
    user::seen(&app, &visitor, &username).await?;
    let (title, button) = act.asked(&username);
    let back = path_of("users", username.as_str());
    let text = html! {
        p { (act.consequences()) }
        @if act.leaves_tokens() { (what_stays(&app, &visitor, &username).await?) }
    };
    let path = format!("{back}/{act_name}");
    let question = Question {
        title: &title,
        text,
        act: button,
        path: &path,
        back: &back,
        fields: parts::NOTHING,
        is_destructive: act.takes_away(),
    };
    let page = Page::new(&title, &visitor.viewer, Section::Users).under("Users", "/users");
    Ok(page.under(username.as_str(), back.as_str()).with(&html! { (question) }))
}

async fn what_stays(app: &App, visitor: &Visitor, username: &Username) -> Result<Markup, ConsoleError> {
    let left = user::elsewhere(app, visitor, username).await?;
    Ok(html! {
        @if left.is_empty() {
            p { "They made no service tokens outside their own namespace." }
        } @else {
            p { "These service tokens, which they made elsewhere and whose secrets they may know, go on working; look at each:" }
            (user::tokens(&left))
        }
    })
}

/// Does it.
pub(super) async fn act(
    State(app): State<App>,
    visitor: Visitor,
    Path((username, act)): Path<(String, String)>,
) -> Answered {
    let (username, act_name) = (user::parsed(&username)?, act);
    let act = Act::parse(&act_name)?;
    user::seen(&app, &visitor, &username).await?;
    match done(&app, &visitor, &username, act).await {
        Ok(()) if act == Act::Delete => Ok(see("/users?done=deleted")),
        Ok(()) => Ok(see(&format!("{}?done={act_name}", path_of("users", username.as_str())))),
        Err(ConsoleError::Manage(error @ ManageError::LastAdministrator(_))) => {
            let notice = html! { .notice.bad role="alert" { p { (error) } } };
            user::page(&app, &visitor, &username, &notice, StatusCode::CONFLICT).await
        }
        Err(error) => Err(error),
    }
}

async fn done(app: &App, visitor: &Visitor, username: &Username, act: Act) -> Result<(), ConsoleError> {
    let username = username.clone();
    let (is_active, is_admin) = match act {
        Act::Activate => (Some(true), None),
        Act::Deactivate => (Some(false), None),
        Act::Promote => (None, Some(true)),
        Act::Demote => (None, Some(false)),
        Act::EndAll => {
            let grant = visitor.may(app, EndAll { username }).await?;
            return Ok(app.registry().end_all(&grant, app.now()).await.map(|_| ())?);
        }
        Act::Delete => {
            let grant = visitor.may(app, DeleteUser { username }).await?;
            return Ok(app.registry().delete_user(&grant, app.now()).await?);
        }
    };
    let grant = visitor.may(app, EditUser { username }).await?;
    let edit = UserEdit { is_active, is_admin, ..UserEdit::default() };
    app.registry().edit_user(&grant, &edit, app.now()).await?;
    Ok(())
}
