//! `/repositories` and `/namespaces/{ns}/repositories`: which there are, and one of them.

use axum::{Json, extract::State};
use http::StatusCode;
use registry::{DeleteRepository, ListRepositories, ShowRepository, ShownRepository, StoredRepository};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    page::{NoQuery, PageAnswer, PageQuery},
    path::NamespaceInPath,
    problem::Problem,
    repository_path::RepositoryInPath,
    unread::Unread,
    words::Visibility,
};
use crate::app::App;

/// List the repositories that you may pull; a token needs a scope of type registry, a service token sees its namespace's
#[utoipa::path(get, path = "/repositories", operation_id = "listRepositories", tag = "repositories", params(PageQuery),
    responses((status = 200, description = "A page, by name", body = PageAnswer<RepositoryAnswer>), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<PageQuery>,
) -> Result<Json<PageAnswer<RepositoryAnswer>>, Problem> {
    list_of(&app, &caller, ListRepositories { namespace: None }, query).await
}

/// List the repositories of a namespace
#[utoipa::path(get, path = "/namespaces/{ns}/repositories", operation_id = "listNamespaceRepositories",
    tag = "repositories", params(NamespaceInPath, PageQuery),
    responses((status = 200, description = "A page, by name", body = PageAnswer<RepositoryAnswer>), Problem))]
pub(super) async fn list_in_namespace(
    State(app): State<App>,
    caller: ApiCaller,
    NamespaceInPath(name): NamespaceInPath,
    query: Unread<PageQuery>,
) -> Result<Json<PageAnswer<RepositoryAnswer>>, Problem> {
    list_of(&app, &caller, ListRepositories { namespace: Some(name) }, query).await
}

async fn list_of(
    app: &App,
    caller: &ApiCaller,
    ask: ListRepositories,
    query: Unread<PageQuery>,
) -> Result<Json<PageAnswer<RepositoryAnswer>>, Problem> {
    let grant = caller.may(app, ask).await?;
    let query = query.read(&grant)?;
    let page = app.registry().list_repositories(&grant, &query.after, query.limit).await?;
    Ok(Json(PageAnswer::of(page, RepositoryAnswer::from)))
}

/// Show a repository and how much is in it
#[utoipa::path(get, path = "/namespaces/{ns}/repositories/{repository}", operation_id = "showRepository",
    tag = "repositories", params(RepositoryInPath),
    responses((status = 200, description = "The repository", body = ShownRepositoryAnswer), Problem))]
pub(super) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    RepositoryInPath(repository): RepositoryInPath,
    query: Unread<NoQuery>,
) -> Result<Json<ShownRepositoryAnswer>, Problem> {
    let grant = caller.may(&app, ShowRepository { repository }).await?;
    query.read(&grant)?;
    Ok(Json(app.registry().show_repository(&grant).await?.into()))
}

/// Delete a repository with its tags and manifests
#[utoipa::path(delete, path = "/namespaces/{ns}/repositories/{repository}", operation_id = "deleteRepository",
    tag = "repositories", params(RepositoryInPath),
    responses((status = 204, description = "Deleted"), Problem))]
pub(super) async fn delete(
    State(app): State<App>,
    caller: ApiCaller,
    RepositoryInPath(repository): RepositoryInPath,
    query: Unread<NoQuery>,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, DeleteRepository { repository }).await?;
    query.read(&grant)?;
    app.registry().delete_repository(&grant, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A repository.
#[derive(Serialize, ToSchema)]
#[schema(as = Repository)]
pub(super) struct RepositoryAnswer {
    /// Its id, which no other repository ever has.
    #[schema(format = "uuid")]
    id: String,
    /// Its full name.
    #[schema(example = "acme/team/api")]
    name: String,
    /// The namespace that it is in.
    namespace: String,
    /// Its namespace's.
    visibility: Visibility,
    /// When its first push made it.
    #[schema(format = DateTime)]
    created_at: String,
}

/// A repository and how much is in it.
#[derive(Serialize, ToSchema)]
#[schema(as = ShownRepository)]
pub(super) struct ShownRepositoryAnswer {
    #[serde(flatten)]
    repository: RepositoryAnswer,
    /// How many tags.
    tags: i64,
    /// How many manifests, tagged or not.
    manifests: i64,
    /// Bytes of its blobs and manifests; what another repository uses too is counted in both.
    bytes: i64,
}

impl From<StoredRepository> for RepositoryAnswer {
    fn from(stored: StoredRepository) -> Self {
        Self {
            id: stored.id.to_string(),
            name: stored.name.to_string(),
            namespace: stored.namespace.to_string(),
            visibility: Visibility::of(stored.is_public),
            created_at: stored.created_at.to_string(),
        }
    }
}

impl From<ShownRepository> for ShownRepositoryAnswer {
    fn from(ShownRepository { repository, content }: ShownRepository) -> Self {
        Self {
            repository: repository.into(),
            tags: content.tags,
            manifests: content.manifests,
            bytes: content.bytes,
        }
    }
}
