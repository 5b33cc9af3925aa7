//! What the address of a page names. A text that can't be a name names nothing: 404, as for one that nobody has.

use std::collections::HashMap;

use access::name::{TeamName, Username};
use axum::extract::FromRequestParts;
use http::request::Parts;
use oci::{Digest, NamespaceName, RepositoryName, Tag};
use registry::MemberName;

use crate::{
    app::App,
    console::{
        address::{self, Path},
        error::ConsoleError,
        parts::{escaped, path_of},
    },
    repository_segment,
};

/// The decoded segments of a path by name.
pub(super) struct InPath(HashMap<String, String>);

impl FromRequestParts<App> for InPath {
    type Rejection = ConsoleError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ConsoleError> {
        let Path(segments) = Path::from_request_parts(parts, app).await?;
        Ok(Self(segments))
    }
}

impl InPath {
    fn one(&self, name: &str) -> &str {
        self.0.get(name).map(String::as_str).unwrap_or_default()
    }

    pub(super) fn namespace(&self) -> Result<NamespaceName, ConsoleError> {
        NamespaceName::parse(self.one("ns")).map_err(|_| absent("namespace"))
    }

    pub(super) fn repository(&self) -> Result<RepositoryName, ConsoleError> {
        let named = repository_segment::named(self.one("ns"), self.one("repository"));
        named.map_err(|_| absent("repository"))
    }

    pub(super) fn tag(&self) -> Result<Tag, ConsoleError> {
        Tag::parse(self.one("tag")).map_err(|_| absent("tag"))
    }

    pub(super) fn digest(&self) -> Result<Digest, ConsoleError> {
        Digest::parse(self.one("digest")).map_err(|_| absent("manifest"))
    }

    /// `users/ann` or `teams/ops`, as the API has it.
    pub(super) fn member(&self) -> Result<MemberName, ConsoleError> {
        let name = self.one("name");
        match self.one("kind") {
            "users" => Username::parse(name).map(MemberName::User).map_err(|_| absent("user")),
            "teams" => TeamName::parse(name).map(MemberName::Team).map_err(|_| absent("team")),
            _ => Err(absent("member")),
        }
    }
}

/// Says nothing of what stands in the path, nor why it is no name: it would read as the console's own words.
fn absent(what: &str) -> ConsoleError {
    ConsoleError::Absent(format!("There is no such {what}."))
}

/// The path of a namespace's page.
pub(super) fn of_namespace(namespace: &str) -> String {
    path_of("namespaces", namespace)
}

/// The path of a repository's page.
pub(super) fn of_repository(repository: &RepositoryName) -> String {
    let segment = escaped(repository_segment::of(repository));
    format!("{}/repositories/{segment}", of_namespace(repository.namespace()))
}

/// The path of a manifest's page.
pub(super) fn of_manifest(repository: &RepositoryName, digest: &Digest) -> String {
    format!("{}/manifests/{}", of_repository(repository), escaped(digest.as_str()))
}

/// The address of the page of a tag: its manifest's, with the pull command of this tag and not of another.
pub(super) fn of_tag(repository: &RepositoryName, digest: &Digest, tag: &str) -> String {
    address::with(&of_manifest(repository, digest), &[("tag", tag)])
}

/// The path of the question before a tag is deleted, and of the deletion.
pub(super) fn of_deletion(repository: &RepositoryName, tag: &str) -> String {
    format!("{}/tags/{}/delete", of_repository(repository), escaped(tag))
}
