//! `/profile/end-all`: somebody whose password or token may have leaked stops everything of their own at one stroke.

use axum::extract::State;
use maud::{Render, html};
use registry::EndAll;

use super::{
    Answered,
    frame::{Page, Section},
    parts::{NOTHING, Question},
    see,
    visitor::Visitor,
};
use crate::app::App;

/// Where it is asked and done.
pub(super) const PATH: &str = "/profile/end-all";

/// What will come of it.
pub(super) async fn ask(State(app): State<App>, visitor: Visitor) -> Answered {
    visitor.may(&app, own(&visitor)).await?;
    let question = Question {
        title: "End all your logins and tokens?",
        text: html! {
            p {
                "Your personal tokens are deactivated, and whoever is logged in with your password is logged out, here "
                "and with docker. So are you."
            }
            p { "The password stays: log in with it again, and change it if it may have leaked." }
        },
        fields: NOTHING,
        is_destructive: true,
        act: "End all",
        path: PATH,
        back: "/profile",
    };
    let page = Page::new(question.title, &visitor.viewer, Section::Profile).under("Profile", "/profile");
    Ok(page.with(&question.render()))
}

fn own(visitor: &Visitor) -> EndAll {
    EndAll { username: visitor.viewer.username.clone() }
}

/// Does it. The session that it was asked from has ended by then.
pub(super) async fn act(State(app): State<App>, visitor: Visitor) -> Answered {
    let grant = visitor.may(&app, own(&visitor)).await?;
    app.registry().end_all(&grant, app.now()).await?;
    Ok(see("/login?done=end-all"))
}
