//! `/users/{username}/tokens`: the personal tokens of a user; and what stops all of them.

use axum::{Json, extract::State};
use registry::{CreatePersonalToken, EndAll, ListPersonalTokens};

use super::{
    caller::ApiCaller,
    json::JsonBody,
    namespace_tokens::{DisabledAnswer, made},
    page::{NoQuery, PageAnswer},
    path::UserInPath,
    personal_token_request::NewPersonalTokenRequest,
    problem::Problem,
    revision::Made,
    token_answer::{IssuedAnswer, TokenAnswer},
    token_list::{TokenList, TokenListParameters},
    unread::Unread,
};
use crate::{app::App, public_host::PublicHost};

/// List the personal tokens of a user: that user may, and instance administrators
#[utoipa::path(get, path = "/users/{username}/tokens", operation_id = "listPersonalTokens", tag = "tokens",
    params(UserInPath, TokenListParameters),
    responses((status = 200, description = "A page, the oldest first", body = PageAnswer<TokenAnswer>), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    UserInPath(username): UserInPath,
    asked: Unread<TokenList>,
) -> Result<Json<PageAnswer<TokenAnswer>>, Problem> {
    let grant = caller.may(&app, ListPersonalTokens { username }).await?;
    let TokenList(asked) = asked.read(&grant)?;
    let listed = app.registry().list_personal_tokens(&grant, &asked, app.now()).await?;
    Ok(Json(PageAnswer::of(listed.into_page(), TokenAnswer::from)))
}

/// Make a personal token; its secret is in this answer and in no other. It takes a password: no token makes another
#[utoipa::path(post, path = "/users/{username}/tokens", operation_id = "createPersonalToken", tag = "tokens",
    params(UserInPath), request_body = NewPersonalTokenRequest,
    responses((status = 201, description = "Made", body = IssuedAnswer,
        headers(("Location", description = "Where it is"), ("ETag", description = "Its revision"))), Problem))]
pub(super) async fn create(
    State(app): State<App>,
    caller: ApiCaller,
    UserInPath(username): UserInPath,
    query: Unread<NoQuery>,
    host: PublicHost,
    body: JsonBody,
) -> Result<Made<IssuedAnswer>, Problem> {
    let grant = caller.may(&app, CreatePersonalToken { username }).await?;
    query.read(&grant)?;
    let (request, errors) = body.read::<NewPersonalTokenRequest>(&grant).await?;
    let now = app.now();
    let (access, new) = request.parse(now, errors)?;
    let issued = app.registry().create_personal_token(&grant, access, new, now).await?;
    Ok(made(issued, &host))
}

/// Disable every personal token of a user, and end whatever was logged in with their password; the password stays
#[utoipa::path(post, path = "/users/{username}/end-all", operation_id = "endAll", tag = "users",
    params(UserInPath),
    responses((status = 200, description = "All is ended", body = DisabledAnswer), Problem))]
pub(super) async fn end_all(
    State(app): State<App>,
    caller: ApiCaller,
    UserInPath(username): UserInPath,
    query: Unread<NoQuery>,
) -> Result<Json<DisabledAnswer>, Problem> {
    let grant = caller.may(&app, EndAll { username }).await?;
    query.read(&grant)?;
    let disabled = app.registry().end_all(&grant, app.now()).await?;
    Ok(Json(DisabledAnswer { disabled }))
}
