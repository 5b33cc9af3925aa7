//! `/tokens/{id}`: one token.

use axum::extract::State;
use http::StatusCode;
use registry::{DeleteToken, EditToken, ShowToken};

use super::{
    caller::ApiCaller,
    json::JsonBody,
    page::NoQuery,
    path::TokenInPath,
    problem::Problem,
    revision::{IfMatch, WithRevision},
    token_answer::{EditedAnswer, TokenAnswer},
    token_request::{TokenEditRequest, fixed_fields},
    unread::Unread,
};
use crate::app::App;

/// Show a token, without its secret
#[utoipa::path(get, path = "/tokens/{id}", operation_id = "showToken", tag = "tokens",
    params(TokenInPath),
    responses((status = 200, description = "The token", body = TokenAnswer,
        headers(("ETag", description = "Its revision, for If-Match"))), Problem))]
pub(super) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    TokenInPath(token): TokenInPath,
    query: Unread<NoQuery>,
) -> Result<WithRevision<TokenAnswer>, Problem> {
    let grant = caller.may(&app, ShowToken { token }).await?;
    query.read(&grant)?;
    let token = app.registry().show_token(&grant, app.now()).await?;
    Ok(WithRevision(token.revision, token.into()))
}

/// Change a token; what is left out stays. What this takes away is gone for every request that starts afterwards
#[utoipa::path(patch, path = "/tokens/{id}", operation_id = "editToken", tag = "tokens",
    params(TokenInPath, IfMatch),
    request_body = TokenEditRequest,
    responses((status = 200, description = "As it is now", body = EditedAnswer,
        headers(("ETag", description = "Its revision"))), Problem))]
pub(super) async fn edit(
    State(app): State<App>,
    caller: ApiCaller,
    TokenInPath(token): TokenInPath,
    query: Unread<NoQuery>,
    if_match: Unread<IfMatch>,
    body: JsonBody,
) -> Result<WithRevision<EditedAnswer>, Problem> {
    let grant = caller.may(&app, EditToken { token }).await?;
    query.read(&grant)?;
    let IfMatch(if_revision) = if_match.read(&grant)?;
    let now = app.now();
    let shown = async {
        let grant = caller.may(&app, ShowToken { token }).await?;
        Ok(TokenAnswer::from(app.registry().show_token(&grant, now).await?))
    };
    let fixed = fixed_fields(grant.aims_at_personal_token());
    let (request, errors) = body.read_edit::<TokenEditRequest>(&grant, shown, &fixed).await?;
    let (mut edit, warnings) = request.parse(grant.namespace_name(), now, errors)?;
    edit.if_revision = if_revision;
    let token = app.registry().edit_token(&grant, &edit, now).await?;
    Ok(WithRevision(token.revision, EditedAnswer::of(token, warnings)))
}

/// Delete a token for good: it works nowhere from then on, and its name is free
#[utoipa::path(delete, path = "/tokens/{id}", operation_id = "deleteToken", tag = "tokens",
    params(TokenInPath),
    responses((status = 204, description = "Deleted"), Problem))]
pub(super) async fn delete(
    State(app): State<App>,
    caller: ApiCaller,
    TokenInPath(token): TokenInPath,
    query: Unread<NoQuery>,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, DeleteToken { token }).await?;
    query.read(&grant)?;
    app.registry().delete_token(&grant, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}
