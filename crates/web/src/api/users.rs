//! `/users`: everybody's accounts.

use axum::{Json, extract::State};
use registry::{CreateUser, CreatedUser, ListUsers, StoredUser};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    json::JsonBody,
    page::{NoQuery, PageAnswer, PageQuery},
    problem::Problem,
    revision::Made,
    unread::Unread,
    user_request::NewUserRequest,
};
use crate::app::App;

/// List the users; instance administrators may
#[utoipa::path(get, path = "/users", operation_id = "listUsers", tag = "users", params(PageQuery),
    responses((status = 200, description = "A page, by username", body = PageAnswer<UserAnswer>), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<PageQuery>,
) -> Result<Json<PageAnswer<UserAnswer>>, Problem> {
    let grant = caller.may(&app, ListUsers).await?;
    let query = query.read(&grant)?;
    let page = app.registry().list_users(&grant, &query.after, query.limit).await?;
    Ok(Json(PageAnswer::of(page, UserAnswer::from)))
}

/// Make a user, with a namespace of their own name where that is free and legal; instance administrators may, by
/// password
#[utoipa::path(post, path = "/users", operation_id = "createUser", tag = "users", request_body = NewUserRequest,
    responses((status = 201, description = "Made", body = CreatedUserAnswer,
        headers(("Location", description = "Where they are"), ("ETag", description = "Their revision"))), Problem))]
pub(super) async fn create(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<NoQuery>,
    body: JsonBody,
) -> Result<Made<CreatedUserAnswer>, Problem> {
    let grant = caller.may(&app, CreateUser).await?;
    query.read(&grant)?;
    let (request, errors) = body.read::<NewUserRequest>(&grant).await?;
    let new = request.parse(errors)?;
    let made = app.registry().create_user(&grant, &new, app.now()).await?;
    Ok(Made::at(format!("users/{}", new.username), made.user.revision, made.into()))
}

/// A user.
#[derive(Serialize, ToSchema)]
#[schema(as = User)]
pub(super) struct UserAnswer {
    /// Their id, which no other user ever has.
    #[schema(format = "uuid")]
    id: String,
    /// The login name.
    username: String,
    /// Whether they administer the instance.
    is_admin: bool,
    /// Whether the account may be used.
    is_active: bool,
    /// When the account was made.
    #[schema(format = DateTime)]
    created_at: String,
}

/// A user that was just made.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedUser)]
pub(super) struct CreatedUserAnswer {
    #[serde(flatten)]
    user: UserAnswer,
    /// The namespace of their own name that was made for them; null where the name is taken or not legal, or the
    /// settings say no.
    #[schema(required)]
    own_namespace: Option<String>,
}

impl From<CreatedUser> for CreatedUserAnswer {
    fn from(made: CreatedUser) -> Self {
        let own_namespace = made.own_namespace.map(|name| name.to_string());
        Self { user: made.user.into(), own_namespace }
    }
}

impl From<StoredUser> for UserAnswer {
    fn from(stored: StoredUser) -> Self {
        Self {
            id: stored.id.to_string(),
            username: stored.username.to_string(),
            is_admin: stored.is_admin,
            is_active: stored.is_active,
            created_at: stored.created_at.to_string(),
        }
    }
}
