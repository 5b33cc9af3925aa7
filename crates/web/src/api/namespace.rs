//! `/namespaces/{ns}`: one namespace.

use axum::extract::State;
use http::StatusCode;
use registry::{DeleteNamespace, EditNamespace, NamespaceEdit, ShowNamespace};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    json::{self, FixedField, JsonBody},
    namespaces::NamespaceAnswer,
    page::{ForceQuery, NoQuery},
    path::NamespaceInPath,
    problem::Problem,
    revision::{IfMatch, WithRevision},
    unread::Unread,
    words::{RoleWord, Visibility},
};
use crate::app::App;

/// Show a namespace, with your role in it
#[utoipa::path(get, path = "/namespaces/{ns}", operation_id = "showNamespace", tag = "namespaces",
    params(NamespaceInPath),
    responses((status = 200, description = "The namespace", body = ShownNamespace,
        headers(("ETag", description = "Its revision, for If-Match"))), Problem))]
pub(super) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(name): NamespaceInPath,
    query: Unread<NoQuery>,
) -> Result<WithRevision<ShownNamespace>, Problem> {
    let grant = caller.may(&app, ShowNamespace { name }).await?;
    query.read(&grant)?;
    let (namespace, role) = app.registry().show_namespace(&grant).await?;
    let role = role.map(RoleWord::from);
    Ok(WithRevision(namespace.revision, ShownNamespace { namespace: namespace.into(), role }))
}

/// Change who may pull from a namespace; its admins may
#[utoipa::path(patch, path = "/namespaces/{ns}", operation_id = "editNamespace", tag = "namespaces",
    params(NamespaceInPath, IfMatch),
    request_body = NamespaceEditRequest,
    responses((status = 200, description = "As it is now", body = NamespaceAnswer,
        headers(("ETag", description = "Its revision"))), Problem))]
pub(super) async fn edit(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(name): NamespaceInPath,
    query: Unread<NoQuery>,
    if_match: Unread<IfMatch>,
    body: JsonBody,
) -> Result<WithRevision<NamespaceAnswer>, Problem> {
    let grant = caller.may(&app, EditNamespace { name }).await?;
    query.read(&grant)?;
    let IfMatch(if_revision) = if_match.read(&grant)?;
    let shown = async {
        let grant = caller.may(&app, ShowNamespace { name: grant.asked().name.clone() }).await?;
        Ok(NamespaceAnswer::from(app.registry().show_namespace(&grant).await?.0))
    };
    let (request, errors) = body.read_edit::<NamespaceEditRequest>(&grant, shown, &FIXED).await?;
    let is_public = request.visibility.map(Visibility::is_public);
    errors.refuse_any()?;
    let edit = NamespaceEdit { is_public, if_revision };
    let namespace = app.registry().edit_namespace(&grant, &edit, app.now()).await?;
    Ok(WithRevision(namespace.revision, namespace.into()))
}

/// Delete a namespace with its tokens and members; its admins may. Its name is free at once
#[utoipa::path(delete, path = "/namespaces/{ns}", operation_id = "deleteNamespace", tag = "namespaces",
    params(NamespaceInPath, ForceQuery),
    responses((status = 204, description = "Deleted"), Problem))]
pub(super) async fn delete(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(name): NamespaceInPath,
    query: Unread<ForceQuery>,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, DeleteNamespace { name }).await?;
    let ForceQuery { force } = query.read(&grant)?;
    app.registry().delete_namespace(&grant, force, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What no edit of a namespace changes.
const FIXED: [FixedField; 5] = [
    ("name", "the name of a namespace can't change: the names of its repositories begin with it"),
    ("id", "the id of a namespace can't change"),
    ("created_at", "when a namespace was made can't change"),
    ("created_by", "who made a namespace can't change"),
    ("owner", "the owner of a namespace can't change by an edit"),
];

/// Changes of a namespace; what is left out stays. What never changes may be repeated as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NamespaceEdit)]
pub(super) struct NamespaceEditRequest {
    /// Who may pull.
    #[serde(default, deserialize_with = "json::word")]
    #[schema(nullable = false)]
    visibility: Option<Visibility>,
}

/// A namespace as one of its members sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownNamespace {
    #[serde(flatten)]
    namespace: NamespaceAnswer,
    /// Your own role; null for an instance administrator who is no member.
    #[schema(required)]
    role: Option<RoleWord>,
}
