//! What is done to a whole namespace: its tokens disabled at one stroke, or all of it deleted.

use access::field_error::FieldError;
use axum::{extract::State, response::Response};
use http::StatusCode;
use maud::{Render, html};
use oci::NamespaceName;
use registry::{
    DeleteNamespace, DisableTokens, ListRepositories, ListTokens, ManageError, TokenFilter, TokensAsked,
};

use super::{
    around,
    path::{self, InPath},
};
use crate::{
    app::App,
    console::{
        Answered,
        error::ConsoleError,
        form::{Form, Wrong},
        parts::{self, Field, Question},
        see,
        tokens::Outcome,
        visitor::Visitor,
        wording,
    },
};

/// How far tokens and repositories are counted.
const COUNTED: u32 = 1_000;

/// How many tokens will stop.
pub(super) async fn ask_to_disable(State(app): State<App>, visitor: Visitor, path: InPath) -> Answered {
    let namespace = path.namespace()?;
    visitor.may(&app, DisableTokens { namespace: namespace.clone() }).await?;
    let grant = visitor.may(&app, ListTokens { namespace: namespace.clone() }).await?;
    let filter = TokenFilter { is_enabled: Some(true), ..TokenFilter::default() };
    let asked = TokensAsked { after: String::new(), limit: COUNTED, filter };
    let tokens = app.registry().list_tokens(&grant, &asked, app.now()).await?.into_page();
    let last = tokens
        .items
        .iter()
        .filter_map(|token| Some((token.used.last_used_at?, token)))
        .max_by_key(|(at, _)| *at);
    let own = path::of_namespace(namespace.as_str());
    let question = Question {
        fields: parts::NOTHING,
        is_destructive: true,
        title: &format!("Disable all tokens of {namespace}?"),
        text: html! {
            p { "Now " (so_far(tokens.items.len(), tokens.next.is_some(), "token is enabled", "tokens are enabled")) "." }
            @if let Some((at, token)) = last {
                p { "The last one in use was " strong { (token.name) } ", " (wording::distance(app.now(), at)) "." }
            }
            p { "Whatever logs in with one of them is refused at once, until the token is enabled again." }
        },
        act: "Disable all tokens",
        path: &format!("{own}/disable-tokens"),
        back: &format!("{own}/settings"),
    };
    Ok(around::page_below(&visitor, question.title, namespace.as_str()).with(&question.render()))
}

/// What was counted, where counting may have ended before the last one.
fn so_far(count: usize, has_more: bool, one: &str, several: &str) -> String {
    let counted = wording::counted(count, one, several);
    if has_more { format!("more than {counted}") } else { counted }
}

/// Disables every token of the namespace.
pub(super) async fn disable_tokens(State(app): State<App>, visitor: Visitor, path: InPath) -> Answered {
    let namespace = path.namespace()?;
    let grant = visitor.may(&app, DisableTokens { namespace: namespace.clone() }).await?;
    app.registry().disable_tokens(&grant, app.now()).await?;
    Ok(Outcome::EveryDisabled.told_at(&format!("{}/tokens", path::of_namespace(namespace.as_str()))))
}

/// What goes with the namespace.
pub(super) async fn ask_deletion(State(app): State<App>, visitor: Visitor, path: InPath) -> Answered {
    let namespace = path.namespace()?;
    visitor.may(&app, DeleteNamespace { name: namespace.clone() }).await?;
    deletion_page(&app, &visitor, &namespace, &Form::empty(), &Wrong::default(), StatusCode::OK).await
}

async fn deletion_page(
    app: &App,
    visitor: &Visitor,
    namespace: &NamespaceName,
    form: &Form,
    wrong: &Wrong,
    status: StatusCode,
) -> Result<Response, ConsoleError> {
    let grant = visitor.may(app, ListRepositories { namespace: Some(namespace.clone()) }).await?;
    let held = app.registry().list_repositories(&grant, "", COUNTED).await?;
    let said = so_far(held.items.len(), held.next.is_some(), "repository", "repositories");
    let label = format!("Type {namespace} to confirm");
    let name = Field::text("name", &label).required();
    let own = path::of_namespace(namespace.as_str());
    let body = html! {
        h1 { "Delete namespace " (namespace) "?" }
        form.card.narrow.danger method="post" action=(format!("{own}/delete")) {
            (parts::wrong_beyond(wrong, &["name"]))
            p { "It goes with its access tokens and its members. Whatever logs in with one of its tokens is refused at once. This can't be undone." }
            @if !held.items.is_empty() {
                .field { (parts::tick("force", "Delete its repositories too", &format!("It holds {said}. Without this it is not deleted."), form.has("force"))) }
            }
            (name.of(form, wrong))
            .actions { button.destructive { "Delete namespace" } a.button href=(format!("{own}/settings")) { "Cancel" } }
        }
    };
    let title = format!("Delete namespace {namespace}");
    Ok(around::page_below(visitor, &title, namespace.as_str()).status(status).with(&body))
}

/// Deletes the namespace, once its name was typed.
pub(super) async fn delete(State(app): State<App>, visitor: Visitor, path: InPath, form: Form) -> Answered {
    let namespace = path.namespace()?;
    let grant = visitor.may(&app, DeleteNamespace { name: namespace.clone() }).await?;
    if form.text("name") != namespace.as_str() {
        let message = format!("this is not the namespace's name; type {namespace}");
        let wrong = vec![FieldError::new("name", message)].into();
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return deletion_page(&app, &visitor, &namespace, &form, &wrong, status).await;
    }
    match app.registry().delete_namespace(&grant, form.has("force"), app.now()).await {
        Ok(()) => Ok(see("/?done=deleted")),
        Err(ManageError::HoldsRepositories(_)) => {
            let message = "It holds repositories. Tick the box if they are to be deleted with it.";
            let wrong = vec![FieldError::new("force", message)].into();
            deletion_page(&app, &visitor, &namespace, &form, &wrong, StatusCode::CONFLICT).await
        }
        Err(error) => Err(error.into()),
    }
}
