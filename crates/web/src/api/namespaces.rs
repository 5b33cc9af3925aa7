//! `/namespaces`.

use axum::{
    Json,
    extract::State,
    response::{AppendHeaders, IntoResponse},
};
use http::{StatusCode, header};
use oci::NamespaceName;
use registry::{CreateNamespace, ListNamespaces, StoredNamespace};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ROOT,
    caller::ApiCaller,
    fields::FieldErrors,
    json::{self, JsonBody},
    page::{NoQuery, PageAnswer, PageQuery},
    problem::Problem,
};
use crate::app::App;

/// List the namespaces in which you have a role; all of them for an instance administrator
#[utoipa::path(get, path = "/namespaces", operation_id = "listNamespaces", tag = "namespaces", params(PageQuery),
    responses((status = 200, description = "A page, by name", body = PageAnswer<NamespaceAnswer>), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    query: PageQuery,
) -> Result<Json<PageAnswer<NamespaceAnswer>>, Problem> {
    let grant = caller.may(&app, ListNamespaces).await?;
    let page = app.registry().list_namespaces(&grant, &query.after, query.limit).await?;
    Ok(Json(PageAnswer::of(page, NamespaceAnswer::from)))
}

/// Make a namespace; instance administrators may, and every user where the settings say so
#[utoipa::path(post, path = "/namespaces", operation_id = "createNamespace", tag = "namespaces",
    request_body = NewNamespaceRequest,
    responses((status = 201, description = "Made", body = NamespaceAnswer, headers(("Location", description = "Where it is"))), Problem))]
pub(super) async fn create(
    State(app): State<App>,
    caller: ApiCaller,
    _: NoQuery,
    body: JsonBody,
) -> Result<impl IntoResponse, Problem> {
    let (request, errors) = body.read::<NewNamespaceRequest>().await?;
    let (name, is_public) = request.parse(errors)?;
    let location = format!("{ROOT}/namespaces/{name}");
    let grant = caller.may(&app, CreateNamespace { name }).await?;
    let made = app.registry().create_namespace(&grant, is_public, app.now()).await?;
    Ok((
        StatusCode::CREATED,
        AppendHeaders([(header::LOCATION, location)]),
        Json(NamespaceAnswer::from(made)),
    ))
}

/// A namespace to be made.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewNamespace)]
pub(super) struct NewNamespaceRequest {
    /// Its name: the first component of the names of its repositories.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, max_length = 255, example = "acme")]
    name: Option<String>,
    /// `private` (the default), or `public`: anyone may pull.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, default = "private", pattern = "^(private|public)$")]
    visibility: Option<String>,
}

impl NewNamespaceRequest {
    /// The name, and whether anyone may pull.
    fn parse(self, mut errors: FieldErrors) -> Result<(NamespaceName, bool), Problem> {
        let name = self.name.as_deref().ok_or_else(|| "a namespace needs a name".to_owned());
        let name = name.and_then(|text| {
            NamespaceName::parse(text).map_err(|error| format!("this can't be a namespace's name: {error}"))
        });
        let name = errors.check("name", name);
        let is_public = is_public(self.visibility.as_deref(), &mut errors).unwrap_or(false);
        let Some(name) = name else { return Err(errors.into()) };
        errors.refuse_any().map(|()| (name, is_public))
    }
}

/// What `visibility` says; `None` where nothing is said, or what is no visibility.
pub(super) fn is_public(visibility: Option<&str>, errors: &mut FieldErrors) -> Option<bool> {
    let is_public = match visibility? {
        "private" => Ok(false),
        "public" => Ok(true),
        _ => Err("visibility is private, or public to let anyone pull"),
    };
    errors.check("visibility", is_public)
}

/// A namespace.
#[derive(Serialize, ToSchema)]
#[schema(as = Namespace)]
pub(super) struct NamespaceAnswer {
    /// Its id, which no other namespace ever has: one deleted and made again under the same name is another.
    #[schema(format = "uuid")]
    id: String,
    /// Its name.
    name: String,
    /// `private` or `public`.
    visibility: &'static str,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Who made it.
    created_by: String,
    /// The user whose own namespace it is: its tokens stop while they are deactivated.
    #[schema(required)]
    owner: Option<String>,
}

impl From<StoredNamespace> for NamespaceAnswer {
    fn from(stored: StoredNamespace) -> Self {
        Self {
            id: stored.id.to_string(),
            visibility: stored.visibility(),
            name: stored.name.to_string(),
            created_at: stored.created_at.to_string(),
            created_by: stored.created_by,
            owner: stored.owner.map(|owner| owner.username.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(name: Option<&str>, visibility: Option<&str>) -> Result<(String, bool), String> {
        let request =
            NewNamespaceRequest { name: name.map(str::to_owned), visibility: visibility.map(str::to_owned) };
        let parsed = request.parse(FieldErrors::default());
        parsed
            .map(|(name, is_public)| (name.to_string(), is_public))
            .map_err(|problem| format!("{problem:?}"))
    }

    #[test]
    fn a_namespace_is_private_where_nothing_is_said() {
        assert_eq!(parse(Some("acme"), None), Ok(("acme".to_owned(), false)));
        assert_eq!(parse(Some("acme"), Some("private")), Ok(("acme".to_owned(), false)));
        assert_eq!(parse(Some("acme"), Some("public")), Ok(("acme".to_owned(), true)));
    }

    #[test]
    fn every_wrong_field_is_named() {
        for name in [None, Some(""), Some("Acme"), Some("acme/app"), Some(".."), Some("a\0")] {
            let problem = parse(name, Some("secret")).unwrap_err();
            assert!(problem.contains("\"name\"") && problem.contains("\"visibility\""), "{problem}");
        }
    }
}
