//! `/namespaces/{ns}/tokens`: the service tokens of a namespace.

use axum::{Json, extract::State};
use registry::{CreateToken, DisableTokens, IssuedToken, ListTokens};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    json::JsonBody,
    page::{NoQuery, PageAnswer},
    path::NamespaceInPath,
    problem::Problem,
    revision::Made,
    token_answer::{IssuedAnswer, TokenAnswer},
    token_list::{TokenList, TokenListParameters},
    token_request::NewTokenRequest,
    unread::Unread,
};
use crate::{app::App, public_host::PublicHost};

/// List the service tokens of a namespace; its admins may
#[utoipa::path(get, path = "/namespaces/{ns}/tokens", operation_id = "listTokens", tag = "tokens",
    params(NamespaceInPath, TokenListParameters),
    responses((status = 200, description = "A page, by name", body = PageAnswer<TokenAnswer>), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(namespace): NamespaceInPath,
    asked: Unread<TokenList>,
) -> Result<Json<PageAnswer<TokenAnswer>>, Problem> {
    let grant = caller.may(&app, ListTokens { namespace }).await?;
    let TokenList(asked) = asked.read(&grant)?;
    let listed = app.registry().list_tokens(&grant, &asked, app.now()).await?;
    Ok(Json(PageAnswer::of(listed.into_page(), TokenAnswer::from)))
}

/// Make a service token; its secret is in this answer and in no other
#[utoipa::path(post, path = "/namespaces/{ns}/tokens", operation_id = "createToken", tag = "tokens",
    params(NamespaceInPath), request_body = NewTokenRequest,
    responses((status = 201, description = "Made", body = IssuedAnswer,
        headers(("Location", description = "Where it is"), ("ETag", description = "Its revision"))), Problem))]
pub(super) async fn create(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(namespace): NamespaceInPath,
    query: Unread<NoQuery>,
    host: PublicHost,
    body: JsonBody,
) -> Result<Made<IssuedAnswer>, Problem> {
    let grant = caller.may(&app, CreateToken { namespace }).await?;
    query.read(&grant)?;
    let (request, errors) = body.read::<NewTokenRequest>(&grant).await?;
    let now = app.now();
    let new = request.parse(Some(&grant.asked().namespace), now, errors)?;
    let issued = app.registry().create_token(&grant, new, now).await?;
    Ok(made(issued, &host))
}

/// The answer to the making of any token.
pub(super) fn made(issued: IssuedToken, host: &PublicHost) -> Made<IssuedAnswer> {
    let place = format!("tokens/{}", issued.token.id);
    Made::at(place, issued.token.revision, IssuedAnswer::of(issued, host))
}

/// Disable every service token of a namespace at one stroke, when something has leaked and nobody knows which
#[utoipa::path(post, path = "/namespaces/{ns}/tokens/disable-all", operation_id = "disableTokens", tag = "tokens",
    params(NamespaceInPath),
    responses((status = 200, description = "They are disabled", body = DisabledAnswer), Problem))]
pub(super) async fn disable_all(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(namespace): NamespaceInPath,
    query: Unread<NoQuery>,
) -> Result<Json<DisabledAnswer>, Problem> {
    let grant = caller.may(&app, DisableTokens { namespace }).await?;
    query.read(&grant)?;
    let disabled = app.registry().disable_tokens(&grant, app.now()).await?;
    Ok(Json(DisabledAnswer { disabled }))
}

/// What an emergency came to.
#[derive(Serialize, ToSchema)]
#[schema(as = Disabled)]
pub(super) struct DisabledAnswer {
    /// How many tokens were enabled and are no more.
    pub(super) disabled: usize,
}
