//! Enabling, disabling and deleting one token, each after a question that says what will break.

use access::time::Instant;
use axum::extract::State;
use maud::{Markup, Render, html};
use registry::{Act, DeleteToken, EditToken, ShowActivity, StoredToken, TokenEdit};

use super::{
    asked::{Asked, CameFrom},
    outcome::Outcome,
    place::{self, details_path, token_id},
    wording::{self, StatusWords},
};
use crate::{
    app::App,
    console::{Answered, address::Path, error::ConsoleError, form::Form, parts::Question, visitor::Visitor},
};

/// The days that "this week" means.
const WEEK: u32 = 7;

/// The acts as addresses and forms name them.
const WORDS: [(Act, &str); 3] = [(Act::Disable, "disable"), (Act::Enable, "enable"), (Act::Delete, "delete")];

/// The word of an act.
pub(super) fn word(act: Act) -> &'static str {
    WORDS.into_iter().find(|(known, _)| *known == act).map_or("", |(_, word)| word)
}

/// The act that a word names.
pub(super) fn parse(word: &str) -> Option<Act> {
    WORDS.into_iter().find(|(_, known)| *known == word).map(|(act, _)| act)
}

/// Asks before disabling.
pub(super) async fn ask_disable(
    state: State<App>,
    visitor: Visitor,
    id: Path<String>,
    from: CameFrom,
) -> Answered {
    ask(state, visitor, id, from, Act::Disable).await
}

/// Asks before enabling.
pub(super) async fn ask_enable(
    state: State<App>,
    visitor: Visitor,
    id: Path<String>,
    from: CameFrom,
) -> Answered {
    ask(state, visitor, id, from, Act::Enable).await
}

/// Asks before deleting.
pub(super) async fn ask_delete(
    state: State<App>,
    visitor: Visitor,
    id: Path<String>,
    from: CameFrom,
) -> Answered {
    ask(state, visitor, id, from, Act::Delete).await
}

async fn ask(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    from: CameFrom,
    act: Act,
) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let words = place.status_words();
    let title = format!("{} {}?", words.act(act), token.name);
    let (action, list) = (format!("{}/{}", details_path(token.id), word(act)), place.path(&visitor.viewer));
    let asked = from.asked(&list);
    let impact = impact(&app, &visitor, &token, app.now()).await?;
    let question = Question {
        title: &title,
        text: html! { (impact) p { (what_follows(act, words)) } },
        path: &action,
        fields: asked.fields(),
        act: words.act(act),
        is_destructive: act != Act::Enable,
        back: &asked.address(&list),
    };
    Ok(place.page_of(&token, &title, &visitor.viewer).with(&question.render()))
}

fn what_follows(act: Act, words: &StatusWords) -> String {
    match act {
        Act::Disable => format!(
            "From then on it works nowhere, nor does whatever was logged in with it, until it is {} again.",
            words.done(Act::Enable)
        ),
        Act::Enable => "Whoever has one of its secrets can use it again at once.".to_owned(),
        Act::Delete => "It works nowhere from then on, and can't be brought back.".to_owned(),
    }
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
pub(super) async fn disable(state: State<App>, visitor: Visitor, id: Path<String>, form: Form) -> Answered {
    set_status(state, visitor, id, form, Act::Disable).await
}

/// Enables a token.
pub(super) async fn enable(state: State<App>, visitor: Visitor, id: Path<String>, form: Form) -> Answered {
    set_status(state, visitor, id, form, Act::Enable).await
}

async fn set_status(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
    act: Act,
) -> Answered {
    let (token, place) = place::token(&app, &visitor, &id).await?;
    let grant = visitor.may(&app, EditToken { token: token.id }).await?;
    let asked = Asked::of(form.query())?;
    let edit = TokenEdit { is_enabled: Some(act == Act::Enable), ..TokenEdit::default() };
    app.registry().edit_token(&grant, &edit, app.now()).await?;
    Ok(Outcome::One(act).told_at(&asked.address(&place.path(&visitor.viewer))))
}

/// Deletes a token for good.
pub(super) async fn delete(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    form: Form,
) -> Answered {
    let (_, place) = place::token(&app, &visitor, &id).await?;
    let grant = visitor.may(&app, DeleteToken { token: token_id(&id)? }).await?;
    let asked = Asked::of(form.query())?;
    app.registry().delete_token(&grant, app.now()).await?;
    Ok(Outcome::One(Act::Delete).told_at(&asked.address(&place.path(&visitor.viewer))))
}
