//! `…/{repository}/tags` and `…/{repository}/manifests`: what is in a repository.

use axum::{Json, extract::State};
use http::StatusCode;
use oci::Reference;
use registry::{DeleteManifest, Expected, ListManifests, ListTags, StoredManifest, StoredTag};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    page::{NoQuery, PageAnswer, PageQuery},
    problem::Problem,
    repository_path::{ManifestInPath, RepositoryInPath, TagInPath},
    unread::Unread,
};
use crate::app::App;

/// List the tags of a repository with what they point at
#[utoipa::path(get, path = "/namespaces/{ns}/repositories/{repository}/tags", operation_id = "listTags",
    tag = "repositories", params(RepositoryInPath, PageQuery),
    responses((status = 200, description = "A page, by name", body = PageAnswer<TagAnswer>), Problem))]
pub(super) async fn list_tags(
    State(app): State<App>,
    caller: ApiCaller,
    RepositoryInPath(repository): RepositoryInPath,
    query: Unread<PageQuery>,
) -> Result<Json<PageAnswer<TagAnswer>>, Problem> {
    let grant = caller.may(&app, ListTags { repository }).await?;
    let query = query.read(&grant)?;
    let page = app.registry().show_tags(&grant, &query.after, query.limit).await?;
    Ok(Json(PageAnswer::of(page, TagAnswer::from)))
}

/// Delete a tag; its manifest stays
#[utoipa::path(delete, path = "/namespaces/{ns}/repositories/{repository}/tags/{tag}", operation_id = "deleteTag",
    tag = "repositories", params(TagInPath),
    responses((status = 204, description = "Deleted"), Problem))]
pub(super) async fn delete_tag(
    State(app): State<App>,
    caller: ApiCaller,
    TagInPath(repository, tag): TagInPath,
    query: Unread<NoQuery>,
) -> Result<StatusCode, Problem> {
    delete(&app, &caller, DeleteManifest { repository, reference: Reference::Tag(tag) }, query).await
}

/// List the manifests of a repository, tagged or not
#[utoipa::path(get, path = "/namespaces/{ns}/repositories/{repository}/manifests", operation_id = "listManifests",
    tag = "repositories", params(RepositoryInPath, PageQuery),
    responses((status = 200, description = "A page, by digest", body = PageAnswer<ManifestAnswer>), Problem))]
pub(super) async fn list_manifests(
    State(app): State<App>,
    caller: ApiCaller,
    RepositoryInPath(repository): RepositoryInPath,
    query: Unread<PageQuery>,
) -> Result<Json<PageAnswer<ManifestAnswer>>, Problem> {
    let grant = caller.may(&app, ListManifests { repository }).await?;
    let query = query.read(&grant)?;
    let page = app.registry().list_manifests(&grant, &query.after, query.limit).await?;
    Ok(Json(PageAnswer::of(page, ManifestAnswer::from)))
}

/// Delete a manifest with every tag on it
#[utoipa::path(delete, path = "/namespaces/{ns}/repositories/{repository}/manifests/{digest}",
    operation_id = "deleteManifest", tag = "repositories",
    params(ManifestInPath),
    responses((status = 204, description = "Deleted"), Problem))]
pub(super) async fn delete_manifest(
    State(app): State<App>,
    caller: ApiCaller,
    ManifestInPath(repository, digest): ManifestInPath,
    query: Unread<NoQuery>,
) -> Result<StatusCode, Problem> {
    delete(&app, &caller, DeleteManifest { repository, reference: Reference::Digest(digest) }, query).await
}

/// The same act as through `/v2/`.
async fn delete(
    app: &App,
    caller: &ApiCaller,
    ask: DeleteManifest,
    query: Unread<NoQuery>,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(app, ask).await?;
    query.read(&grant)?;
    app.registry().delete_manifest(&grant, &Expected::default(), app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A tag.
#[derive(Serialize, ToSchema)]
#[schema(as = Tag)]
pub(super) struct TagAnswer {
    /// Its name.
    name: String,
    /// The digest of the manifest that it points at.
    digest: String,
    /// When it began to point there.
    #[schema(format = DateTime)]
    updated_at: String,
}

/// A manifest, without its bytes.
#[derive(Serialize, ToSchema)]
#[schema(as = Manifest)]
pub(super) struct ManifestAnswer {
    /// Its digest.
    digest: String,
    /// The type under which it was pushed.
    media_type: String,
    /// What kind of artifact it is, as it says itself.
    #[schema(required)]
    artifact_type: Option<String>,
    /// How many bytes the manifest itself has.
    size: u64,
    /// The digest of the manifest that it is about: it is a signature of it, for one.
    #[schema(required)]
    subject: Option<String>,
    /// When it was pushed first.
    #[schema(format = DateTime)]
    created_at: String,
    /// Who pushed it first.
    #[schema(example = "token acme/ci-bot")]
    created_by: String,
}

impl From<StoredTag> for TagAnswer {
    fn from(stored: StoredTag) -> Self {
        Self {
            name: stored.name,
            digest: stored.digest.to_string(),
            updated_at: stored.updated_at.to_string(),
        }
    }
}

impl From<StoredManifest> for ManifestAnswer {
    fn from(stored: StoredManifest) -> Self {
        Self {
            digest: stored.digest.to_string(),
            media_type: stored.media_type,
            artifact_type: Some(stored.artifact_type).filter(|text| !text.is_empty()),
            size: stored.size,
            subject: stored.subject.map(|digest| digest.to_string()),
            created_at: stored.created_at.to_string(),
            created_by: stored.created_by,
        }
    }
}
