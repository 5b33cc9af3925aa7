//! `/tokens/{id}/reset`: a new secret.

use access::expiry::Grace;
use axum::extract::State;
use registry::ResetToken;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    json::{self, JsonBody},
    page::NoQuery,
    path::TokenInPath,
    problem::Problem,
    revision::WithRevision,
    token_answer::IssuedAnswer,
    unread::Unread,
};
use crate::{app::App, public_host::PublicHost};

/// Give a token a new secret, which is in this answer and in no other; the old one is dead when this answers, unless
/// `keep_old_for` lets it live on for a while
#[utoipa::path(post, path = "/tokens/{id}/reset", operation_id = "resetToken", tag = "tokens",
    params(TokenInPath),
    request_body = Option<ResetRequest>,
    responses((status = 200, description = "The token with its new secret", body = IssuedAnswer,
        headers(("ETag", description = "Its revision"))), Problem))]
pub(super) async fn reset(
    State(app): State<App>,
    caller: ApiCaller,
    TokenInPath(token): TokenInPath,
    query: Unread<NoQuery>,
    host: PublicHost,
    body: JsonBody,
) -> Result<WithRevision<IssuedAnswer>, Problem> {
    let grant = caller.may(&app, ResetToken { token }).await?;
    query.read(&grant)?;
    let (request, mut errors) = body.read_if_any::<ResetRequest>(&grant).await?;
    let grace = request.keep_old_for.and_then(|text| errors.check("keep_old_for", Grace::parse(&text)));
    errors.refuse_any()?;
    let issued = app.registry().reset_token(&grant, grace, app.now()).await?;
    Ok(WithRevision(issued.token.revision, IssuedAnswer::of(issued, &host)))
}

/// How to reset; the body may be left out.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reset)]
pub(super) struct ResetRequest {
    /// How long the old secret lives on, at most `7d`, so that nothing stops while the new one is handed out. One that was
    /// to end before keeps its ending. Left out, every old secret ends now.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, example = "24h")]
    keep_old_for: Option<String>,
}
