//! What a token created: a list, and the act that ends all of it. Both also work after the token ended, since that is when
//! the owner of a stolen token needs them.

use access::{id::TokenId, time::Instant};
use axum::extract::{Request, State};
use maud::{Markup, Render, html};
use registry::{EndCreated, EndedCreated, ListCreated, ManageError, Page as ListPage, Refusal, StoredToken};

use super::{
    place::{self, created_path, details_path, token_id},
    wording,
};
use crate::{
    app::App,
    console::{
        Answered,
        address::{self, Path},
        error::ConsoleError,
        frame::{Page, Section},
        parts::{self, Question, When},
        visitor::Visitor,
        wording::counted,
    },
};

/// The most tokens on one page, and on the page of the creating token.
const PAGE: u32 = 30;
const ON_DETAILS: u32 = 10;

/// Everything that the token created.
pub(super) async fn list(
    State(app): State<App>,
    visitor: Visitor,
    Path(id): Path<String>,
    request: Request,
) -> Answered {
    let token = token_id(&id)?;
    let grant = visitor.may(&app, ListCreated { token }).await?;
    let after = address::after(&address::query(&request.into_parts().0)?)?;
    let now = app.now();
    let listed = app.registry().list_created(&grant, &after, PAGE, now).await?;
    let listed = parts::fitting(listed, |token| row(token, now), |token| token.id.to_string());
    let nothing =
        parts::empty("Nothing", "No token that you may manage was created with this token.", &parts::NOTHING);
    let body = html! {
        (parts::head(TITLE, &end_link(token)))
        (parts::list(&created_path(token), &after, &listed, &nothing, |tokens| table(tokens, now)))
    };
    framed(&app, &visitor, token, TITLE, &body).await
}

const TITLE: &str = "Created with this token";

/// A part of the creating token's page; empty where it created nothing.
pub(super) async fn section(
    app: &App,
    visitor: &Visitor,
    token: TokenId,
    now: Instant,
) -> Result<Markup, ConsoleError> {
    let grant = visitor.may(app, ListCreated { token }).await?;
    let ListPage { items, next } = app.registry().list_created(&grant, "", ON_DETAILS, now).await?;
    if items.is_empty() && next.is_none() {
        return Ok(parts::NOTHING);
    }
    Ok(html! {
        section {
            .head { h2 { (TITLE) } .actions { (end_link(token)) } }
            (table(&items, now))
            @if next.is_some() { p { a href=(created_path(token)) { "All of them" } } }
        }
    })
}

fn end_link(token: TokenId) -> Markup {
    html! { a.button.risky href=(end_path(token)) data-ask { "End all of them" } }
}

fn end_path(token: TokenId) -> String {
    format!("{}/end-created", details_path(token))
}

fn table(tokens: &[StoredToken], now: Instant) -> Markup {
    html! {
        .table {
            table {
                thead { tr { th { "Token" } th { "Made" } th { "Status" } th { "Last used" } } }
                tbody { @for token in tokens { (row(token, now)) } }
            }
        }
    }
}

fn row(token: &StoredToken, now: Instant) -> Markup {
    html! {
        tr {
            th scope="row" { a href=(details_path(token.id)) { (token) } }
            td data-label="Made" { (When(token.created_at)) }
            td data-label="Status" { (wording::status(token)) }
            td data-label="Last used" {
                (wording::last_use(token.used.last_used_at, &token.used.last_used_from, now))
            }
        }
    }
}

/// Asks before all of it is ended.
pub(super) async fn ask_end(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Answered {
    let token = token_id(&id)?;
    visitor.may(&app, EndCreated { token }).await?;
    let (action, back) = (end_path(token), created_path(token));
    let question = Question {
        title: "Delete every token that was created with this token?",
        text: html! {
            p { "They work nowhere from then on, in any namespace, and can't be brought back. Tokens that you may not manage stay." }
            p { "This token itself stays as it is: if it was stolen, delete it first, or it can create more." }
        },
        path: &action,
        fields: parts::NOTHING,
        act: "End all of them",
        is_destructive: true,
        back: &back,
    };
    framed(&app, &visitor, token, question.title, &question.render()).await
}

/// Ends all of it, and shows the number of tokens.
pub(super) async fn end(State(app): State<App>, visitor: Visitor, Path(id): Path<String>) -> Answered {
    let token = token_id(&id)?;
    let grant = visitor.may(&app, EndCreated { token }).await?;
    let EndedCreated { ended, left } = app.registry().end_created(&grant, app.now()).await?;
    let deleted = counted(ended, "token was deleted", "tokens were deleted");
    let body = html! {
        (parts::head(TITLE, &parts::NOTHING))
        (parts::notice(Some(&format!("{deleted}."))))
        @if left > 0 {
            p { (counted(left, "token stays", "tokens stay")) ", as you may not manage what owns it. An instance administrator can delete the rest here." }
        }
        p { a href=(created_path(token)) { "What is left" } }
    };
    framed(&app, &visitor, token, TITLE, &body).await
}

/// A page below that of the creating token. Once the token has ended it has no page, but still its rows in the audit.
async fn framed(app: &App, visitor: &Visitor, token: TokenId, title: &str, body: &Markup) -> Answered {
    let viewer = &visitor.viewer;
    match place::token(app, visitor, &token.to_string()).await {
        Ok((token, place)) => Ok(place.page_of(&token, title, viewer).with(body)),
        Err(ConsoleError::Manage(ManageError::Absent(_) | ManageError::Refused(Refusal::Unseen(_)))) => {
            let page =
                Page::new(title, viewer, Section::Audit).under("Audit", format!("/audit?token={token}"));
            Ok(page.with(body))
        }
        Err(error) => Err(error),
    }
}
