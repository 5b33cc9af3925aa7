//! `/teams/{team}`: one team, and who is in it.

use axum::extract::State;
use http::StatusCode;
use registry::{AddToTeam, DeleteTeam, RemoveFromTeam, RenameTeam, ShowTeam};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    json::{FixedField, JsonBody},
    page::NoQuery,
    path::{TeamInPath, TeamUserInPath},
    problem::Problem,
    revision::{IfMatch, WithRevision},
    teams::{TeamAnswer, TeamRequest},
    unread::Unread,
};
use crate::app::App;

/// Show a team with its users; instance administrators may
#[utoipa::path(get, path = "/teams/{team}", operation_id = "showTeam", tag = "teams",
    params(TeamInPath),
    responses((status = 200, description = "The team", body = ShownTeam,
        headers(("ETag", description = "Its revision, for If-Match"))), Problem))]
pub(super) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    TeamInPath(team): TeamInPath,
    query: Unread<NoQuery>,
) -> Result<WithRevision<ShownTeam>, Problem> {
    let grant = caller.may(&app, ShowTeam { team }).await?;
    query.read(&grant)?;
    let (team, users) = app.registry().show_team(&grant).await?;
    Ok(WithRevision(team.revision, ShownTeam { team: team.into(), users }))
}

/// Give a team another name; its users and roles stay. Instance administrators may
#[utoipa::path(patch, path = "/teams/{team}", operation_id = "renameTeam", tag = "teams",
    params(TeamInPath, IfMatch),
    request_body = TeamRequest,
    responses((status = 200, description = "As it is now", body = TeamAnswer,
        headers(("ETag", description = "Its revision"))), Problem))]
pub(super) async fn rename(
    State(app): State<App>,
    caller: ApiCaller,
    TeamInPath(team): TeamInPath,
    query: Unread<NoQuery>,
    if_match: Unread<IfMatch>,
    body: JsonBody,
) -> Result<WithRevision<TeamAnswer>, Problem> {
    let grant = caller.may(&app, RenameTeam { team }).await?;
    query.read(&grant)?;
    let IfMatch(if_revision) = if_match.read(&grant)?;
    let shown = async {
        let grant = caller.may(&app, ShowTeam { team: grant.asked().team.clone() }).await?;
        Ok(TeamAnswer::from(app.registry().find_team(&grant).await?))
    };
    let (request, errors) = body.read_edit::<TeamRequest>(&grant, shown, &FIXED).await?;
    let name = request.parse(errors)?;
    let team = app.registry().rename_team(&grant, &name, if_revision, app.now()).await?;
    Ok(WithRevision(team.revision, team.into()))
}

/// What no edit of a team changes.
const FIXED: [FixedField; 2] =
    [("id", "the id of a team can't change"), ("created_at", "when a team was made can't change")];

/// Delete a team: what its users had through it is gone. Instance administrators may
#[utoipa::path(delete, path = "/teams/{team}", operation_id = "deleteTeam", tag = "teams",
    params(TeamInPath),
    responses((status = 204, description = "Deleted"), Problem))]
pub(super) async fn delete(
    State(app): State<App>,
    caller: ApiCaller,
    TeamInPath(team): TeamInPath,
    query: Unread<NoQuery>,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, DeleteTeam { team }).await?;
    query.read(&grant)?;
    app.registry().delete_team(&grant, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put a user into a team; instance administrators may
#[utoipa::path(put, path = "/teams/{team}/members/{username}", operation_id = "addToTeam", tag = "teams",
    params(TeamUserInPath),
    responses((status = 204, description = "They are in it"), Problem))]
pub(super) async fn add(
    State(app): State<App>,
    caller: ApiCaller,
    TeamUserInPath { team, user }: TeamUserInPath,
    query: Unread<NoQuery>,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, AddToTeam { team, user }).await?;
    query.read(&grant)?;
    app.registry().add_to_team(&grant, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take a user out of a team; instance administrators may
#[utoipa::path(delete, path = "/teams/{team}/members/{username}", operation_id = "removeFromTeam", tag = "teams",
    params(TeamUserInPath),
    responses((status = 204, description = "They are out of it"), Problem))]
pub(super) async fn remove(
    State(app): State<App>,
    caller: ApiCaller,
    TeamUserInPath { team, user }: TeamUserInPath,
    query: Unread<NoQuery>,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, RemoveFromTeam { team, user }).await?;
    query.read(&grant)?;
    app.registry().remove_from_team(&grant, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A team and who is in it.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownTeam {
    #[serde(flatten)]
    team: TeamAnswer,
    /// The login names of its users.
    users: Vec<String>,
}
