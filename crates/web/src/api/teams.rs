//! `/teams`: named sets of users.

use access::name::TeamName;
use axum::{Json, extract::State};
use registry::{CreateTeam, ListTeams, StoredTeam};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    fields::FieldErrors,
    json::{self, JsonBody},
    page::{NoQuery, PageAnswer, PageQuery},
    problem::Problem,
    revision::Made,
    unread::Unread,
};
use crate::app::App;

/// List the teams; instance administrators may
#[utoipa::path(get, path = "/teams", operation_id = "listTeams", tag = "teams", params(PageQuery),
    responses((status = 200, description = "A page, by name", body = PageAnswer<TeamAnswer>), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<PageQuery>,
) -> Result<Json<PageAnswer<TeamAnswer>>, Problem> {
    let grant = caller.may(&app, ListTeams).await?;
    let query = query.read(&grant)?;
    let page = app.registry().list_teams(&grant, &query.after, query.limit).await?;
    Ok(Json(PageAnswer::of(page, TeamAnswer::from)))
}

/// Make a team with nobody in it; instance administrators may
#[utoipa::path(post, path = "/teams", operation_id = "createTeam", tag = "teams", request_body = TeamRequest,
    responses((status = 201, description = "Made", body = TeamAnswer,
        headers(("Location", description = "Where it is"), ("ETag", description = "Its revision"))), Problem))]
pub(super) async fn create(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<NoQuery>,
    body: JsonBody,
) -> Result<Made<TeamAnswer>, Problem> {
    let grant = caller.may(&app, CreateTeam).await?;
    query.read(&grant)?;
    let (request, errors) = body.read::<TeamRequest>(&grant).await?;
    let name = request.parse(errors)?;
    let made = app.registry().create_team(&grant, &name, app.now()).await?;
    Ok(Made::at(format!("teams/{name}"), made.revision, made.into()))
}

/// A team's name: to make one, or to give it another.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TeamName)]
pub(super) struct TeamRequest {
    /// The name.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, pattern = "^[a-z0-9][a-z0-9._-]{0,62}$", example = "platform")]
    name: Option<String>,
}

impl TeamRequest {
    /// The name, or what is wrong.
    pub(super) fn parse(self, mut errors: FieldErrors) -> Result<TeamName, Problem> {
        let name = errors.need("name", self.name.as_deref(), "a team needs a name", TeamName::parse);
        let Some(name) = name else { return Err(errors.into()) };
        errors.refuse_any().map(|()| name)
    }
}

/// A team.
#[derive(Serialize, ToSchema)]
#[schema(as = Team)]
pub(super) struct TeamAnswer {
    /// Its id: roles bind to it, whatever the team is called.
    #[schema(format = "uuid")]
    id: String,
    /// Its name.
    name: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<StoredTeam> for TeamAnswer {
    fn from(stored: StoredTeam) -> Self {
        Self {
            id: stored.id.to_string(),
            name: stored.name.to_string(),
            created_at: stored.created_at.to_string(),
        }
    }
}
