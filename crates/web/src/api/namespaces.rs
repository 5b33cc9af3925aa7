//! `/namespaces`.

use axum::{Json, extract::State};
use oci::NamespaceName;
use registry::{CreateNamespace, ListNamespaces, StoredNamespace};
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
    words::Visibility,
};
use crate::app::App;

/// List the namespaces in which you have a role; all of them for an instance administrator
#[utoipa::path(get, path = "/namespaces", operation_id = "listNamespaces", tag = "namespaces", params(PageQuery),
    responses((status = 200, description = "A page, by name", body = PageAnswer<NamespaceAnswer>), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<PageQuery>,
) -> Result<Json<PageAnswer<NamespaceAnswer>>, Problem> {
    let grant = caller.may(&app, ListNamespaces).await?;
    let query = query.read(&grant)?;
    let page = app.registry().list_namespaces(&grant, &query.after, query.limit).await?;
    Ok(Json(PageAnswer::of(page, NamespaceAnswer::from)))
}

/// Make a namespace; instance administrators may, and every user where the settings say so
#[utoipa::path(post, path = "/namespaces", operation_id = "createNamespace", tag = "namespaces",
    request_body = NewNamespaceRequest,
    responses((status = 201, description = "Made", body = NamespaceAnswer, 
        headers(("Location", description = "Where it is"), ("ETag", description = "Its revision, for If-Match"))), Problem))]
pub(super) async fn create(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<NoQuery>,
    body: JsonBody,
) -> Result<Made<NamespaceAnswer>, Problem> {
    let grant = caller.may(&app, CreateNamespace).await?;
    query.read(&grant)?;
    let (request, errors) = body.read::<NewNamespaceRequest>(&grant).await?;
    let (name, is_public) = request.parse(errors)?;
    let made = app.registry().create_namespace(&grant, &name, is_public, app.now()).await?;
    Ok(Made::at(format!("namespaces/{name}"), made.revision, made.into()))
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
    /// Who may pull; `private` where nothing is said.
    #[serde(default, deserialize_with = "json::word")]
    #[schema(nullable = false)]
    visibility: Option<Visibility>,
}

impl NewNamespaceRequest {
    /// The name, and whether anyone may pull.
    fn parse(self, mut errors: FieldErrors) -> Result<(NamespaceName, bool), Problem> {
        let parse = |text: &str| {
            NamespaceName::parse(text).map_err(|error| format!("this can't be a namespace's name: {error}"))
        };
        let name = errors.need("name", self.name.as_deref(), "a namespace needs a name", parse);
        let is_public = self.visibility.is_some_and(Visibility::is_public);
        let Some(name) = name else { return Err(errors.into()) };
        errors.refuse_any().map(|()| (name, is_public))
    }
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
    /// Who may pull.
    visibility: Visibility,
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
            visibility: Visibility::of(stored.is_public),
            name: stored.name.to_string(),
            created_at: stored.created_at.to_string(),
            created_by: stored.created_by,
            owner: stored.owner.map(|owner| owner.username.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};

    use super::*;

    fn parse(body: Value) -> Result<(String, bool), Vec<String>> {
        let read = json::parse::<NewNamespaceRequest>(body.to_string().as_bytes());
        let parsed = read.and_then(|(request, errors)| request.parse(errors));
        parsed.map(|(name, is_public)| (name.to_string(), is_public)).map_err(Problem::fields)
    }

    #[test]
    fn a_namespace_is_private_where_nothing_is_said() {
        assert_eq!(parse(json!({"name": "acme"})), Ok(("acme".to_owned(), false)));
        assert_eq!(parse(json!({"name": "acme", "visibility": "private"})), Ok(("acme".to_owned(), false)));
        assert_eq!(parse(json!({"name": "acme", "visibility": "public"})), Ok(("acme".to_owned(), true)));
    }

    #[test]
    fn every_wrong_field_is_named() {
        for name in ["", "Acme", "acme/app", "..", "a\0"] {
            let fields = parse(json!({"name": name, "visibility": "secret"})).unwrap_err();
            assert_eq!(fields, ["visibility", "name"], "{name:?}");
        }
        assert_eq!(parse(json!({})).unwrap_err(), ["name"]);
    }
}
