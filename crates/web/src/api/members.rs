//! `/namespaces/{ns}/members`: who has which role in a namespace.

use access::role::Role;
use axum::{Json, extract::State};
use http::StatusCode;
use registry::{ListMembers, MemberName, RemoveMember, SetMember, StoredMember};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    json::{self, FixedField, JsonBody},
    page::{NoQuery, PageAnswer, PageQuery},
    path::{MemberInPath, NamespaceInPath},
    problem::Problem,
    unread::Unread,
    words::{MemberKind, RoleWord},
};
use crate::app::App;

/// List the members of a namespace, teams first; its admins may
#[utoipa::path(get, path = "/namespaces/{ns}/members", operation_id = "listMembers", tag = "members",
    params(NamespaceInPath, PageQuery),
    responses((status = 200, description = "A page, by kind and name", body = PageAnswer<MemberAnswer>), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(namespace): NamespaceInPath,
    query: Unread<PageQuery>,
) -> Result<Json<PageAnswer<MemberAnswer>>, Problem> {
    let grant = caller.may(&app, ListMembers { namespace }).await?;
    let query = query.read(&grant)?;
    let page = app.registry().list_members(&grant, &query.after, query.limit).await?;
    Ok(Json(PageAnswer::of(page, MemberAnswer::from)))
}

/// Give a user or a team a role in a namespace, whatever they had; its admins may
#[utoipa::path(put, path = "/namespaces/{ns}/members/{kind}/{name}", operation_id = "setMember", tag = "members",
    params(MemberInPath),
    request_body = RoleRequest,
    responses((status = 200, description = "The member", body = MemberAnswer), Problem))]
pub(super) async fn set(
    State(app): State<App>,
    caller: ApiCaller,
    MemberInPath { namespace, member }: MemberInPath,
    query: Unread<NoQuery>,
    body: JsonBody,
) -> Result<Json<MemberAnswer>, Problem> {
    let grant = caller.may(&app, SetMember { namespace, member }).await?;
    query.read(&grant)?;
    let shown = async { Ok(MemberPath::of(&grant.asked().member)) };
    let (request, mut errors) = body.read_edit::<RoleRequest>(&grant, shown, &FIXED).await?;
    let Some(role) = request.role.map(Role::from) else {
        errors.add("role", "a member needs a role");
        return Err(errors.into());
    };
    errors.refuse_any()?;
    app.registry().set_member(&grant, role, app.now()).await?;
    Ok(Json(MemberAnswer::of(&grant.asked().member, role)))
}

/// Take the role of a user or a team in a namespace away; its admins may
#[utoipa::path(delete, path = "/namespaces/{ns}/members/{kind}/{name}", operation_id = "removeMember", tag = "members",
    params(MemberInPath),
    responses((status = 204, description = "Taken away"), Problem))]
pub(super) async fn remove(
    State(app): State<App>,
    caller: ApiCaller,
    MemberInPath { namespace, member }: MemberInPath,
    query: Unread<NoQuery>,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, RemoveMember { namespace, member }).await?;
    query.read(&grant)?;
    app.registry().remove_member(&grant, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a member is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = MemberRole)]
pub(super) struct RoleRequest {
    /// What they may do there from now on.
    #[serde(default, deserialize_with = "json::word")]
    #[schema(required, nullable = false)]
    role: Option<RoleWord>,
}

/// What the path of a member says already.
const FIXED: [FixedField; 2] =
    [("kind", "this is another kind than the path names"), ("name", "this is another name than in the path")];

/// A member as its path names it.
#[derive(Serialize)]
struct MemberPath {
    kind: MemberKind,
    name: String,
}

impl MemberPath {
    fn of(member: &MemberName) -> Self {
        let (kind, name) = match member {
            MemberName::User(name) => (MemberKind::Users, name.to_string()),
            MemberName::Team(name) => (MemberKind::Teams, name.to_string()),
        };
        Self { kind, name }
    }
}

/// A member of a namespace.
#[derive(Serialize, ToSchema)]
#[schema(as = Member)]
pub(super) struct MemberAnswer {
    /// As in the path.
    kind: MemberKind,
    /// The username or the team's name.
    name: String,
    /// What they may do there.
    role: RoleWord,
}

impl MemberAnswer {
    fn of(member: &MemberName, role: Role) -> Self {
        let MemberPath { kind, name } = MemberPath::of(member);
        Self { kind, name, role: role.into() }
    }
}

impl From<StoredMember> for MemberAnswer {
    fn from(stored: StoredMember) -> Self {
        Self { kind: stored.kind.into(), name: stored.name, role: stored.role.into() }
    }
}
