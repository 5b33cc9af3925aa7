//! `/users/{username}/sessions`: where a user is logged in to the console, and the end of one of these.

use axum::{Json, extract::State};
use http::StatusCode;
use registry::{EndSession, ListSessions, StoredSession};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    page::NoQuery,
    path::{SessionInPath, UserInPath},
    problem::Problem,
    unread::Unread,
};
use crate::app::App;

/// List the living console sessions of a user, the newest first; the user may, and administrators
#[utoipa::path(get, path = "/users/{username}/sessions", operation_id = "listSessions", tag = "users",
    params(UserInPath),
    responses((status = 200, description = "At most 20", body = SessionsAnswer), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    UserInPath(username): UserInPath,
    query: Unread<NoQuery>,
) -> Result<Json<SessionsAnswer>, Problem> {
    let grant = caller.may(&app, ListSessions { username }).await?;
    query.read(&grant)?;
    let living = app.registry().list_sessions(&grant, app.now()).await?;
    Ok(Json(SessionsAnswer { items: living.into_iter().map(SessionAnswer::from).collect(), next: None }))
}

/// End one console session of a user now: whoever holds it is logged out
#[utoipa::path(delete, path = "/users/{username}/sessions/{session}", operation_id = "endSession", tag = "users",
    params(SessionInPath),
    responses((status = 204, description = "Ended"), Problem))]
pub(super) async fn end(
    State(app): State<App>,
    caller: ApiCaller,
    SessionInPath { username, session }: SessionInPath,
    query: Unread<NoQuery>,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, EndSession { username, session }).await?;
    query.read(&grant)?;
    app.registry().end_session(&grant, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The living console sessions of a user.
#[derive(Serialize, ToSchema)]
#[schema(as = Sessions)]
pub(super) struct SessionsAnswer {
    /// The newest first.
    items: Vec<SessionAnswer>,
    /// Always null: they fit on one page.
    #[schema(required)]
    next: Option<String>,
}

/// A living session of the console, without anything that could log in.
#[derive(Serialize, ToSchema)]
#[schema(as = Session)]
pub(super) struct SessionAnswer {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// When its user logged in.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    expires_at: String,
    /// From which address its user logged in.
    #[schema(required)]
    from: Option<String>,
    /// With which browser its user logged in.
    #[schema(required)]
    client: Option<String>,
}

impl From<StoredSession> for SessionAnswer {
    fn from(session: StoredSession) -> Self {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: session.id.to_string(),
            created_at: session.created_at.to_string(),
            expires_at: session.expires_at.to_string(),
            from: some(session.from_address),
            client: some(session.client),
        }
    }
}
