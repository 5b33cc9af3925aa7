//! `/tokens/{id}/reset`: a new secret.

use axum::extract::State;
use registry::ResetToken;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    json::JsonBody,
    page::NoQuery,
    path::TokenInPath,
    problem::Problem,
    revision::WithRevision,
    token_answer::{IssuedAnswer, PublicHost},
};
use crate::app::App;

/// Give a token a new secret, which is in this answer and in no other; the old one is dead when this answers
#[utoipa::path(post, path = "/tokens/{id}/reset", operation_id = "resetToken", tag = "tokens",
    params(("id" = String, Path, description = "The token's id", format = "uuid")),
    request_body = ResetRequest,
    responses((status = 200, description = "The token with its new secret", body = IssuedAnswer,
        headers(("ETag", description = "Its revision"))), Problem))]
pub(super) async fn reset(
    State(app): State<App>,
    caller: ApiCaller,
    TokenInPath(token): TokenInPath,
    _: NoQuery,
    host: PublicHost,
    body: JsonBody,
) -> Result<WithRevision<IssuedAnswer>, Problem> {
    let grant = caller.may(&app, ResetToken { token }).await?;
    let (ResetRequest {}, errors) = body.read_if_any().await?;
    errors.refuse_any()?;
    let issued = app.registry().reset_token(&grant, app.now()).await?;
    Ok(WithRevision(issued.token.revision, IssuedAnswer::of(issued, &host)))
}

/// How to reset: there is nothing to say yet, and the body may be left out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reset)]
pub(super) struct ResetRequest {}
