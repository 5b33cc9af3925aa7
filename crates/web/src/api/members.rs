//! `/namespaces/{ns}/members`: who has which role in a namespace.

use access::role::Role;
use axum::{Json, extract::State};
use http::StatusCode;
use registry::{ListMembers, MemberName, RemoveMember, SetMember, StoredMember};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    json::{self, JsonBody},
    page::{NoQuery, PageAnswer, PageQuery},
    path::{MemberInPath, NamespaceInPath},
    problem::Problem,
};
use crate::app::App;

/// List the members of a namespace, teams first; its admins may
#[utoipa::path(get, path = "/namespaces/{ns}/members", operation_id = "listMembers", tag = "members",
    params(("ns" = String, Path, description = "The namespace's name"), PageQuery),
    responses((status = 200, description = "A page, by kind and name", body = PageAnswer<MemberAnswer>), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(namespace): NamespaceInPath,
    query: PageQuery,
) -> Result<Json<PageAnswer<MemberAnswer>>, Problem> {
    let grant = caller.may(&app, ListMembers { namespace }).await?;
    let page = app.registry().list_members(&grant, &query.after, query.limit).await?;
    Ok(Json(PageAnswer::of(page, MemberAnswer::from)))
}

/// Give a user or a team a role in a namespace, whatever they had; its admins may
#[utoipa::path(put, path = "/namespaces/{ns}/members/{kind}/{name}", operation_id = "setMember", tag = "members",
    params(("ns" = String, Path, description = "The namespace's name"),
        ("kind" = String, Path, description = "`users` or `teams`", pattern = "^(users|teams)$"),
        ("name" = String, Path, description = "The username or the team's name")),
    request_body = RoleRequest,
    responses((status = 200, description = "The member", body = MemberAnswer), Problem))]
pub(super) async fn set(
    State(app): State<App>,
    caller: ApiCaller,
    MemberInPath { namespace, member }: MemberInPath,
    _: NoQuery,
    body: JsonBody,
) -> Result<Json<MemberAnswer>, Problem> {
    let grant = caller.may(&app, SetMember { namespace, member }).await?;
    let (request, mut errors) = body.read::<RoleRequest>().await?;
    let role = request.role.as_deref().ok_or_else(|| "a member needs a role".to_owned());
    let role = role.and_then(|text| Role::parse(text).map_err(|error| error.to_string()));
    let Some(role) = errors.check("role", role) else { return Err(errors.into()) };
    errors.refuse_any()?;
    app.registry().set_member(&grant, role, app.now()).await?;
    Ok(Json(MemberAnswer::of(&grant.asked().member, role)))
}

/// Take the role of a user or a team in a namespace away; its admins may
#[utoipa::path(delete, path = "/namespaces/{ns}/members/{kind}/{name}", operation_id = "removeMember", tag = "members",
    params(("ns" = String, Path, description = "The namespace's name"),
        ("kind" = String, Path, description = "`users` or `teams`", pattern = "^(users|teams)$"),
        ("name" = String, Path, description = "The username or the team's name")),
    responses((status = 204, description = "Taken away"), Problem))]
pub(super) async fn remove(
    State(app): State<App>,
    caller: ApiCaller,
    MemberInPath { namespace, member }: MemberInPath,
    _: NoQuery,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, RemoveMember { namespace, member }).await?;
    app.registry().remove_member(&grant, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a member is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberRole)]
pub(super) struct RoleRequest {
    /// `reader` pulls, `writer` also pushes, `admin` also deletes and manages the namespace.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, pattern = "^(reader|writer|admin)$")]
    role: Option<String>,
}

/// A member of a namespace.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
pub(super) struct MemberAnswer {
    /// `users` or `teams`, as in the path.
    kind: String,
    /// The username or the team's name.
    name: String,
    /// `reader`, `writer` or `admin`.
    role: &'static str,
}

impl MemberAnswer {
    fn of(member: &MemberName, role: Role) -> Self {
        let (kind, name) = match member {
            MemberName::User(name) => ("users", name.to_string()),
            MemberName::Team(name) => ("teams", name.to_string()),
        };
        Self { kind: kind.to_owned(), name, role: role.as_str() }
    }
}

impl From<StoredMember> for MemberAnswer {
    fn from(stored: StoredMember) -> Self {
        Self { kind: stored.kind, name: stored.name, role: stored.role.as_str() }
    }
}
