//! `/namespaces/{ns}`: one namespace.

use access::role::Role;
use axum::extract::State;
use http::StatusCode;
use registry::{DeleteNamespace, EditNamespace, NamespaceEdit, ShowNamespace};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    json::{self, JsonBody},
    namespaces::{NamespaceAnswer, is_public},
    page::{ForceQuery, NoQuery},
    path::NamespaceInPath,
    problem::Problem,
    revision::{IfMatch, WithRevision},
};
use crate::app::App;

/// Show a namespace, with your role in it
#[utoipa::path(get, path = "/namespaces/{ns}", operation_id = "showNamespace", tag = "namespaces",
    params(("ns" = String, Path, description = "The namespace's name")),
    responses((status = 200, description = "The namespace", body = ShownNamespace,
        headers(("ETag", description = "Its revision, for If-Match"))), Problem))]
pub(super) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(name): NamespaceInPath,
    _: NoQuery,
) -> Result<WithRevision<ShownNamespace>, Problem> {
    let grant = caller.may(&app, ShowNamespace { name }).await?;
    let (namespace, role) = app.registry().show_namespace(&grant).await?;
    let role = role.map(Role::as_str);
    Ok(WithRevision(namespace.revision, ShownNamespace { namespace: namespace.into(), role }))
}

/// Change who may pull from a namespace; its admins may
#[utoipa::path(patch, path = "/namespaces/{ns}", operation_id = "editNamespace", tag = "namespaces",
    params(("ns" = String, Path, description = "The namespace's name"),
        ("If-Match" = Option<String>, Header, description = "The ETag that the edit is based on: 412 if it was changed since")),
    request_body = NamespaceEditRequest,
    responses((status = 200, description = "As it is now", body = NamespaceAnswer,
        headers(("ETag", description = "Its revision"))), Problem))]
pub(super) async fn edit(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(name): NamespaceInPath,
    _: NoQuery,
    if_match: IfMatch,
    body: JsonBody,
) -> Result<WithRevision<NamespaceAnswer>, Problem> {
    let grant = caller.may(&app, EditNamespace { name }).await?;
    let (request, mut errors) = body.read::<NamespaceEditRequest>().await?;
    if request.name.is_some() {
        errors
            .add("name", "the name of a namespace can't change: the names of its repositories begin with it");
    }
    let is_public = is_public(request.visibility.as_deref(), &mut errors);
    errors.refuse_any()?;
    let edit = NamespaceEdit { is_public, if_revision: if_match.0 };
    let namespace = app.registry().edit_namespace(&grant, &edit, app.now()).await?;
    Ok(WithRevision(namespace.revision, namespace.into()))
}

/// Delete a namespace with its tokens and members; its admins may. Its name is free at once
#[utoipa::path(delete, path = "/namespaces/{ns}", operation_id = "deleteNamespace", tag = "namespaces",
    params(("ns" = String, Path, description = "The namespace's name"), ForceQuery),
    responses((status = 204, description = "Deleted"), Problem))]
pub(super) async fn delete(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(name): NamespaceInPath,
    ForceQuery { force }: ForceQuery,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, DeleteNamespace { name }).await?;
    app.registry().delete_namespace(&grant, force, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes of a namespace; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NamespaceEdit)]
pub(super) struct NamespaceEditRequest {
    // Read only to be refused with the reason.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(ignore)]
    name: Option<serde_json::Value>,
    /// `private`, or `public`: anyone may pull.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, pattern = "^(private|public)$")]
    visibility: Option<String>,
}

/// A namespace as one of its members sees it.
#[derive(Serialize, ToSchema)]
pub(super) struct ShownNamespace {
    #[serde(flatten)]
    namespace: NamespaceAnswer,
    /// Your own role: `reader`, `writer` or `admin`; null for an instance administrator who is no member.
    #[schema(required)]
    role: Option<&'static str>,
}
