//! Repositories in the path of a request, and tags and manifests in them: `{ns}` and `{repository}`, where
//! `{repository}` is the rest of the full name as one escaped segment (`team%2Fapi`). The repository that has no rest,
//! because it is called like its namespace, is `-`, which no rest can be.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path};
use http::request::Parts;
use oci::{Digest, NamespaceName, RepositoryName, Tag};

use super::{
    caller::told_to_somebody,
    problem::{Code, Problem},
};
use crate::app::App;

/// What stands for the rest of a name that has none.
const NO_REST: &str = "-";

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
        let none = |error| absent(format!("no repository has this name: {error}"));
        // By itself first: a slash in it would make a repository of another namespace.
        let namespace = NamespaceName::parse(self.one("ns")).map_err(none)?;
        let name = match self.one("repository") {
            NO_REST => namespace.to_string(),
            rest => format!("{namespace}/{rest}"),
        };
        RepositoryName::parse(&name).map_err(none)
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn repository(namespace: &str, rest: &str) -> Option<String> {
        let segments = [("ns", namespace), ("repository", rest)];
        let segments = segments.map(|(name, text)| (name.to_owned(), text.to_owned()));
        Segments(segments.into()).repository().ok().map(|name| name.to_string())
    }

    #[test]
    fn a_name_is_the_namespace_and_the_rest() {
        for (namespace, rest, name) in [
            ("acme", "api", "acme/api"),
            ("acme", "team/api", "acme/team/api"),
            ("acme", "tags", "acme/tags"),
            ("hello", "-", "hello"),
        ] {
            assert_eq!(repository(namespace, rest).as_deref(), Some(name));
        }
    }

    #[test]
    fn what_can_t_be_a_repository_names_none() {
        for (namespace, rest) in [
            ("acme", ""),
            ("acme", "Api"),
            ("acme", "../other"),
            ("acme", "/api"),
            ("acme", "-/api"),
            ("acme/team", "api"),
            ("", "api"),
            ("acme", "a\0"),
        ] {
            assert_eq!(repository(namespace, rest), None, "{namespace} {rest}");
        }
    }
}
