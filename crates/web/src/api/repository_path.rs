//! Repositories in the path of a request, and tags and manifests in them: `{ns}` and `{repository}`, as
//! `repository_segment` has it.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use oci::{Digest, RepositoryName, Tag};

use super::{
    caller::told_to_somebody,
    problem::{Code, Problem},
};
use crate::{app::App, repository_segment};

/// `{ns}` and `{repository}`.
pub(super) struct RepositoryInPath(pub(super) RepositoryName);

impl FromRequestParts<App> for RepositoryInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let named = Segments::of(parts, app).await.and_then(|segments| segments.repository()).map(Self);
        told_to_somebody(parts, app, named).await
    }
}

/// `{ns}`, `{repository}` and `{tag}`.
pub(super) struct TagInPath(pub(super) RepositoryName, pub(super) Tag);

impl FromRequestParts<App> for TagInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let named = Segments::of(parts, app).await;
        let named = named.and_then(|segments| Ok(Self(segments.repository()?, segments.tag()?)));
        told_to_somebody(parts, app, named).await
    }
}

/// `{ns}`, `{repository}` and `{digest}`.
pub(super) struct ManifestInPath(pub(super) RepositoryName, pub(super) Digest);

impl FromRequestParts<App> for ManifestInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let named = Segments::of(parts, app).await;
        let named = named.and_then(|segments| Ok(Self(segments.repository()?, segments.digest()?)));
        told_to_somebody(parts, app, named).await
    }
}

/// The decoded segments of a path by name.
struct Segments(HashMap<String, String>);

impl Segments {
    async fn of(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, app).await;
        path.map(|Path(segments)| Self(segments))
            .map_err(|_| absent("the path names no repository: it is not UTF-8".to_owned()))
    }

    fn one(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    fn repository(&self) -> Result<RepositoryName, Problem> {
        repository_segment::named(self.one("ns"), self.one("repository"))
            .map_err(|error| absent(format!("no repository has this name: {error}")))
    }

    fn tag(&self) -> Result<Tag, Problem> {
        Tag::parse(self.one("tag")).map_err(|error| absent(format!("no tag has this name: {error}")))
    }

    fn digest(&self) -> Result<Digest, Problem> {
        let digest = Digest::parse(self.one("digest"));
        digest.map_err(|error| absent(format!("no manifest has this digest: {error}")))
    }
}

fn absent(detail: String) -> Problem {
    Problem::new(Code::NotFound, detail)
}
