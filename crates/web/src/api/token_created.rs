//! `/tokens/{id}/created`: what a token created, for when it was stolen.

use axum::{Json, extract::State};
use registry::{CreatedWith, EndCreated, ListCreated};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    page::{NoQuery, PageAnswer, PageQuery},
    path::TokenInPath,
    problem::Problem,
    token_answer::TokenAnswer,
    unread::Unread,
};
use crate::app::App;

/// List the living tokens that a token created, in any namespace, also after that token ended; those that the caller may not manage are left out
#[utoipa::path(get, path = "/tokens/{id}/created", operation_id = "listCreated", tag = "tokens",
    params(TokenInPath, PageQuery),
    responses((status = 200, description = "A page, the oldest first; it may be shorter than the limit and still have a next one",
        body = PageAnswer<TokenAnswer>), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    TokenInPath(token): TokenInPath,
    page: Unread<PageQuery>,
) -> Result<Json<PageAnswer<TokenAnswer>>, Problem> {
    let grant = caller.may(&app, ListCreated { token }).await?;
    let PageQuery { limit, after } = page.read(&grant)?;
    let created = app.registry().list_created(&grant, &after, limit, app.now()).await?;
    Ok(Json(PageAnswer::of(created, TokenAnswer::from)))
}

/// Delete every token that a token created, in any namespace, also after that token ended; the token itself stays as it is
#[utoipa::path(post, path = "/tokens/{id}/end-created", operation_id = "endCreated", tag = "tokens",
    params(TokenInPath),
    responses((status = 200, description = "They are deleted", body = EndedCreatedAnswer), Problem))]
pub(super) async fn end(
    State(app): State<App>,
    caller: ApiCaller,
    TokenInPath(token): TokenInPath,
    query: Unread<NoQuery>,
) -> Result<Json<EndedCreatedAnswer>, Problem> {
    let grant = caller.may(&app, EndCreated { token }).await?;
    query.read(&grant)?;
    let done = app.registry().end_created(&grant, app.now()).await?;
    Ok(Json(EndedCreatedAnswer { ended: done.ended, left: done.left }))
}

/// What became of the tokens that a token created.
#[derive(Serialize, ToSchema)]
#[schema(as = EndedCreated)]
pub(super) struct EndedCreatedAnswer {
    /// The number of tokens that were deleted.
    ended: usize,
    /// The number of tokens that stay valid, as the caller may not manage them.
    left: usize,
}

/// The credential that a token was created with.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
#[schema(as = CreatedWith)]
pub(super) enum CreatedWithAnswer {
    /// A token, which may have ended since.
    Token {
        /// Its id.
        #[schema(format = "uuid")]
        id: String,
        /// What it was called then.
        #[schema(example = "token \"laptop\" of user ann")]
        name: String,
    },
    /// The password of the user who created it.
    Password,
    /// A console session of the user who created it.
    Session,
}

impl From<CreatedWith> for CreatedWithAnswer {
    fn from(with: CreatedWith) -> Self {
        match with {
            CreatedWith::Token { id, name } => Self::Token { id: id.to_string(), name },
            CreatedWith::Password => Self::Password,
            CreatedWith::Session => Self::Session,
        }
    }
}
