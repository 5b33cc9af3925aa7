//! Repositories in the path of a request, and tags and manifests in them: `{ns}` and `{repository}`, as
//! `repository_segment` has it.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use oci::{Digest, RepositoryName, Tag};

use super::problem::{Code, Problem};
use crate::repository_segment;

/// `{ns}` and `{repository}`.
pub(super) struct RepositoryInPath(pub(super) RepositoryName);

impl<S: Send + Sync> FromRequestParts<S> for RepositoryInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        Segments::of(parts, state).await?.repository().map(Self)
    }
}

/// `{ns}`, `{repository}` and `{tag}`.
pub(super) struct TagInPath(pub(super) RepositoryName, pub(super) Tag);

impl<S: Send + Sync> FromRequestParts<S> for TagInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segments = Segments::of(parts, state).await?;
        let tag = Tag::parse(segments.one("tag"));
        let tag = tag.map_err(|error| absent(format!("no tag has this name: {error}")))?;
        Ok(Self(segments.repository()?, tag))
    }
}

/// `{ns}`, `{repository}` and `{digest}`.
pub(super) struct ManifestInPath(pub(super) RepositoryName, pub(super) Digest);

impl<S: Send + Sync> FromRequestParts<S> for ManifestInPath {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let segments = Segments::of(parts, state).await?;
        let digest = Digest::parse(segments.one("digest"));
        let digest = digest.map_err(|error| absent(format!("no manifest has this digest: {error}")))?;
        Ok(Self(segments.repository()?, digest))
    }
}

/// The decoded segments of a path by name.
struct Segments(HashMap<String, String>);

impl Segments {
    async fn of<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
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
}

fn absent(detail: String) -> Problem {
    Problem::new(Code::NotFound, detail)
}
