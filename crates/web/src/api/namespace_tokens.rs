//! `/namespaces/{ns}/tokens`: the service tokens of a namespace.

use axum::{
    Json,
    extract::State,
    response::{AppendHeaders, IntoResponse},
};
use http::{StatusCode, header};
use registry::{CreateToken, ListTokens};

use super::{
    ROOT,
    caller::ApiCaller,
    json::JsonBody,
    page::{NoQuery, PageAnswer, PageQuery},
    path::NamespaceInPath,
    problem::Problem,
    revision::WithRevision,
    token_answer::{IssuedAnswer, PublicHost, TokenAnswer},
    token_request::NewTokenRequest,
};
use crate::app::App;

/// List the service tokens of a namespace; its admins may
#[utoipa::path(get, path = "/namespaces/{ns}/tokens", operation_id = "listTokens", tag = "tokens",
    params(("ns" = String, Path, description = "The namespace's name"), PageQuery),
    responses((status = 200, description = "A page, by name", body = PageAnswer<TokenAnswer>), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(namespace): NamespaceInPath,
    query: PageQuery,
) -> Result<Json<PageAnswer<TokenAnswer>>, Problem> {
    let grant = caller.may(&app, ListTokens { namespace }).await?;
    let page = app.registry().list_tokens(&grant, &query.after, query.limit, app.now()).await?;
    Ok(Json(PageAnswer::of(page, TokenAnswer::from)))
}

/// Make a service token; its secret is in this answer and in no other
#[utoipa::path(post, path = "/namespaces/{ns}/tokens", operation_id = "createToken", tag = "tokens",
    params(("ns" = String, Path, description = "The namespace's name")), request_body = NewTokenRequest,
    responses((status = 201, description = "Made", body = IssuedAnswer,
        headers(("Location", description = "Where it is"), ("ETag", description = "Its revision"))), Problem))]
pub(super) async fn create(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(namespace): NamespaceInPath,
    _: NoQuery,
    host: PublicHost,
    body: JsonBody,
) -> Result<impl IntoResponse, Problem> {
    let grant = caller.may(&app, CreateToken { namespace }).await?;
    let (request, errors) = body.read::<NewTokenRequest>().await?;
    let now = app.now();
    let new = request.parse(&grant.asked().namespace, now, errors)?;
    let issued = app.registry().create_token(&grant, new, now).await?;
    let location = format!("{ROOT}/tokens/{}", issued.token.id);
    let answer = WithRevision(issued.token.revision, IssuedAnswer::of(issued, &host));
    Ok((StatusCode::CREATED, AppendHeaders([(header::LOCATION, location)]), answer))
}
