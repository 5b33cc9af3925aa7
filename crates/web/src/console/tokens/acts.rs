//! Enabling, disabling and deleting one token, each after a question that says what will break.

use access::time::Instant;
use axum::extract::{Path, State};
use maud::{Markup, Render, html};
use registry::{DeleteToken, EditToken, ShowActivity, StoredToken, TokenEdit};

use super::{
    place::{self, details_path, token_id},
    wording,
};
use crate::{
    app::App,
    console::{
        Answered,
        error::ConsoleError,
        parts::{NOTHING, Question},
        see,
        visitor::Visitor,
    },
};

/// The days that "this week" means.
const WEEK: u32 = 7;

/// What is done to a token.
#[derive(Clone, Copy)]
struct Act {
    word: &'static str,
    button: &'static str,
    is_destructive: bool,
    what_follows: &'static str,
}

const DISABLE: Act = Act {
    word: "disable",
    button: "Disable",
    is_destructive: true,
    what_follows: "From then on it works nowhere, nor does whatever was logged in with it, until it is enabled again.",
};
const ENABLE: Act = Act {
    word: "enable",
    button: "Enable",
    is_destructive: false,
    what_follows: "Whoever has one of its secrets can use it again at once.",
};
const DELETE: Act = Act {
    word: "delete",
    button: "Delete",
    is_destructive: true,
    what_follows: "It works nowhere from then on, and can't be brought back.",
};

/// Asks before disabling.
pub(super) async fn ask_disable(state: State<App>, visitor: Visitor, id: Path<String>) -> Answered {
    ask(state, visitor, id, DISABLE).await
}

/// Asks before enabling.
pub(super) async fn ask_enable(state: State<App>, visitor: Visitor, id: Path<String>) -> Answered {
    ask(state, visitor, id, ENABLE).await
}

/// Asks before deleting.
pub(super) async fn ask_delete(state: State<App>, visitor: Visitor, id: Path<String>) -> Answered {
    ask(state, visitor, id, DELETE).await
}

async fn ask(State(app): State<App>, visitor: Visitor, Path(id): Path<String>, act: Act) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let title = format!("{} {}?", act.button, token.name);
    let (action, list) = (format!("{}/{}", details_path(token.id), act.word), place.path(&visitor.viewer));
    let impact = impact(&app, &visitor, &token, app.now()).await?;
    let question = Question {
        title: &title,
        text: html! { (impact) p { (act.what_follows) } },
        path: &action,
        fields: NOTHING,
        act: act.button,
        is_destructive: act.is_destructive,
        back: &list,
    };
    Ok(place.page_of(&token, &title, &visitor.viewer).with(&question.render()))
}

/// How the token was used of late: what an act on it would break.
pub(super) async fn impact(
    app: &App,
    visitor: &Visitor,
    token: &StoredToken,
    now: Instant,
) -> Result<Markup, ConsoleError> {
    let grant = visitor.may(app, ShowActivity { token: token.id }).await?;
    let week = app.registry().show_activity(&grant, WEEK, now).await?;
    Ok(wording::impact(token, &week, now))
}

/// Disables a token.
pub(super) async fn disable(state: State<App>, visitor: Visitor, id: Path<String>) -> Answered {
    set_status(state, visitor, id, false).await
}

/// Enables a token.
pub(super) async fn enable(state: State<App>, visitor: Visitor, id: Path<String>) -> Answered {
    set_status(state, visitor, id, true).await
}

async fn set_status(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    is_enabled: bool,
) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let grant = visitor.may(&app, EditToken { token: token.id }).await?;
    let edit = TokenEdit { is_enabled: Some(is_enabled), ..TokenEdit::default() };
    app.registry().edit_token(&grant, &edit, app.now()).await?;
    Ok(see(&place.path(&visitor.viewer)))
}

/// Deletes a token for good.
pub(super) async fn delete(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Answered {
    let (_, place) = place::token(&app, &visitor, &id).await?;
    let grant = visitor.may(&app, DeleteToken { token: token_id(&id)? }).await?;
    app.registry().delete_token(&grant, app.now()).await?;
    Ok(see(&place.path(&visitor.viewer)))
}
