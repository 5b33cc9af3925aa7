//! The same act on several tokens that were ticked in a table: all of them, or none.

use access::{id::TokenId, time::Instant};
use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Markup, Render, html};
use registry::{Act, ActOnTokens, MAX_ACTED_ON, StoredToken};

use super::{
    acts,
    asked::Asked,
    outcome::Outcome,
    place::{self, Place, token_id},
    wording::{self, StatusWords},
};
use crate::{
    app::App,
    console::{
        Answered, error::ConsoleError, form::Form, parts::Question, visitor::Visitor, wording::counted,
    },
};

/// Asks first; does it when the form says that it was asked.
pub(super) async fn several(State(app): State<App>, visitor: Visitor, form: Form) -> Answered {
    let grant = visitor.may(&app, ActOnTokens).await?;
    let act = acts::parse(form.text("do")).ok_or_else(no_such_act)?;
    let asked = Asked::of(form.query())?;
    let ids = form.all("id").map(token_id).collect::<Result<Vec<_>, _>>()?;
    let Some(first) = ids.first() else {
        return Ok(nothing_ticked(&visitor, &Place::of_form(&form)?, &asked));
    };
    if ids.len() > MAX_ACTED_ON {
        let rule = format!("at most {MAX_ACTED_ON} tokens are acted on at once");
        return Err(ConsoleError::Malformed(rule));
    }
    let (_, place) = place::token(&app, &visitor, &first.to_string()).await?;
    if form.text("asked") != "yes" {
        return ask(&app, &visitor, (&place, &asked), &ids, act).await;
    }
    app.registry().act_on_tokens(&grant, &ids, act, app.now()).await?;
    Ok(Outcome::of(act, ids.len()).told_at(&asked.address(&place.path(&visitor.viewer))))
}

fn no_such_act() -> ConsoleError {
    ConsoleError::Malformed("several tokens can be disabled, enabled or deleted".to_owned())
}

fn nothing_ticked(visitor: &Visitor, place: &Place, asked: &Asked) -> Response {
    let title = "No token is selected";
    let body = html! {
        .card.narrow {
            h1 { (title) }
            p { "Tick the tokens in the table first, then choose what to do with them." }
            .actions { a.button.primary href=(asked.address(&place.path(&visitor.viewer))) { "Back to the tokens" } }
        }
    };
    place.page_below(title, &visitor.viewer).status(StatusCode::UNPROCESSABLE_ENTITY).with(&body)
}

async fn ask(
    app: &App,
    visitor: &Visitor,
    (place, asked): (&Place, &Asked),
    ids: &[TokenId],
    act: Act,
) -> Answered {
    let now = app.now();
    let mut tokens = Vec::with_capacity(ids.len());
    for id in ids {
        tokens.push(place::token(app, visitor, &id.to_string()).await?.0);
    }
    let (list, words) = (asked.address(&place.path(&visitor.viewer)), place.status_words());
    let title = format!("{} {}?", words.act(act), counted(tokens.len(), "token", "tokens"));
    let question = Question {
        title: &title,
        text: html! { p { (what_follows(act, words)) } (told(&tokens, now)) },
        path: "/tokens/several",
        fields: html! {
            input type="hidden" name="do" value=(acts::word(act));
            input type="hidden" name="asked" value="yes";
            (asked.fields())
            @for id in ids { input type="hidden" name="id" value=(id); }
        },
        act: words.act(act),
        is_destructive: act != Act::Enable,
        back: &list,
    };
    Ok(place.page_below(&title, &visitor.viewer).with(&question.render()))
}

fn what_follows(act: Act, words: &StatusWords) -> String {
    match act {
        Act::Disable => {
            format!("From then on they work nowhere, until they are {} again.", words.done(Act::Enable))
        }
        Act::Enable => "Whoever has one of their secrets can use it again at once.".to_owned(),
        Act::Delete => "They work nowhere from then on, and can't be brought back.".to_owned(),
    }
}

/// Each token with its last use: what would break.
fn told(tokens: &[StoredToken], now: Instant) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { "Token" } th { "Last used" } th.number { "Pulls" } th.number { "Pushes" } } }
                tbody {
                    @for token in tokens {
                        tr {
                            th scope="row" { (token.name) }
                            td data-label="Last used" {
                                (wording::last_use(token.used.last_used_at, &token.used.last_used_from, now))
                            }
                            td.number data-label="Pulls" { (token.used.pulls) }
                            td.number data-label="Pushes" { (token.used.pushes) }
                        }
                    }
                }
            }
        }
    }
}
