//! `/users/{username}`: one user.

use access::rights::Principal;
use axum::extract::State;
use http::StatusCode;
use registry::{ChangePassword, DeleteUser, EditUser, EditedUser, Grant, ShowUser, TokenElsewhere, UserEdit};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    json::{FixedField, JsonBody},
    page::NoQuery,
    path::UserInPath,
    problem::Problem,
    revision::{IfMatch, WithRevision},
    unread::Unread,
    user_request::{UserChange, UserEditRequest},
    users::UserAnswer,
    words::TokenStatus,
};
use crate::app::App;

/// Show a user; that user may, and instance administrators
#[utoipa::path(get, path = "/users/{username}", operation_id = "showUser", tag = "users",
    params(UserInPath),
    responses((status = 200, description = "The user", body = UserAnswer,
        headers(("ETag", description = "Their revision, for If-Match"))), Problem))]
pub(super) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    UserInPath(username): UserInPath,
    query: Unread<NoQuery>,
) -> Result<WithRevision<UserAnswer>, Problem> {
    let grant = caller.may(&app, ShowUser { username }).await?;
    query.read(&grant)?;
    let user = app.registry().show_user(&grant).await?;
    Ok(WithRevision(user.revision, user.into()))
}

/// Change a user; what is left out stays. Everybody, administrators too, changes their own password with
/// `current_password`; the rest is for instance administrators, by password
#[utoipa::path(patch, path = "/users/{username}", operation_id = "editUser", tag = "users",
    params(UserInPath, IfMatch),
    request_body = UserEditRequest,
    responses((status = 200, description = "As they are now", body = EditedUserAnswer,
        headers(("ETag", description = "Their revision"))), Problem))]
pub(super) async fn edit(
    State(app): State<App>,
    caller: ApiCaller,
    UserInPath(username): UserInPath,
    query: Unread<NoQuery>,
    if_match: Unread<IfMatch>,
    body: JsonBody,
) -> Result<WithRevision<EditedUserAnswer>, Problem> {
    // Which right it takes is only known once the body is read; who may change nothing of the user is not read at all.
    let grant = caller.may(&app, EditUser { username: username.clone() }).await?;
    query.read(&grant)?;
    let IfMatch(if_revision) = if_match.read(&grant)?;
    let shown = async {
        let grant = caller.may(&app, ShowUser { username: username.clone() }).await?;
        Ok(UserAnswer::from(app.registry().show_user(&grant).await?))
    };
    let (request, errors) = body.read_edit::<UserEditRequest>(&grant, shown, &FIXED).await?;
    let edited = match request.parse(is_own(&grant), errors)? {
        UserChange::Own { current, new } => {
            let grant = caller.may(&app, ChangePassword { username }).await?;
            let changed = app.registry().change_password(&grant, &current, &new, if_revision, app.now());
            EditedUser { user: changed.await?, tokens_made_elsewhere: None }
        }
        UserChange::Administered(edit) => {
            let edit = UserEdit { if_revision, ..edit };
            app.registry().edit_user(&grant, &edit, app.now()).await?
        }
    };
    Ok(WithRevision(edited.user.revision, edited.into()))
}

/// What no edit of a user changes.
const FIXED: [FixedField; 3] = [
    ("username", "a username can't change; make another user and delete this one"),
    ("id", "the id of a user can't change"),
    ("created_at", "when a user was made can't change"),
];

/// Delete a user: their personal tokens end, their roles go, and so does their own namespace unless it holds
/// repositories; instance administrators may, by password
#[utoipa::path(delete, path = "/users/{username}", operation_id = "deleteUser", tag = "users",
    params(UserInPath),
    responses((status = 204, description = "Deleted"), Problem))]
pub(super) async fn delete(
    State(app): State<App>,
    caller: ApiCaller,
    UserInPath(username): UserInPath,
    query: Unread<NoQuery>,
) -> Result<StatusCode, Problem> {
    caller.may(&app, ShowUser { username: username.clone() }).await?;
    let grant = caller.may(&app, DeleteUser { username }).await?;
    query.read(&grant)?;
    app.registry().delete_user(&grant, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the caller edits their own account.
fn is_own(grant: &Grant<EditUser>) -> bool {
    matches!(grant.principal(), Principal::User(user) if user.username == grant.asked().username)
}

/// A user after an edit.
#[derive(Serialize, ToSchema)]
#[schema(as = EditedUser)]
pub(super) struct EditedUserAnswer {
    #[serde(flatten)]
    user: UserAnswer,
    /// Where this deactivated them: service tokens that they made outside their own namespace and that live on, at most
    /// 1,000. Somebody should look at each.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    tokens_made_elsewhere: Option<Vec<TokenElsewhereAnswer>>,
}

/// A service token that its maker's deactivation does not stop.
#[derive(Serialize, ToSchema)]
#[schema(as = TokenElsewhere)]
pub(super) struct TokenElsewhereAnswer {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// The namespace that owns it; null for one of the instance.
    #[schema(required)]
    namespace: Option<String>,
    /// Its name.
    name: String,
    /// Whether somebody disabled it.
    status: TokenStatus,
    /// From when on it works no more; null is never.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
}

impl From<EditedUser> for EditedUserAnswer {
    fn from(edited: EditedUser) -> Self {
        let tokens = edited.tokens_made_elsewhere;
        Self {
            user: edited.user.into(),
            tokens_made_elsewhere: tokens
                .map(|tokens| tokens.into_iter().map(TokenElsewhereAnswer::from).collect()),
        }
    }
}

impl From<TokenElsewhere> for TokenElsewhereAnswer {
    fn from(token: TokenElsewhere) -> Self {
        Self {
            id: token.id.to_string(),
            namespace: token.namespace,
            name: token.name,
            status: TokenStatus::of(token.is_enabled),
            expires_at: token.expires_at.map(|at| at.to_string()),
        }
    }
}
