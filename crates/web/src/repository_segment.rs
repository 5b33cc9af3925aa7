//! How a repository stands in the paths of the API and of the console: its namespace, and the rest of its full name as
//! one escaped segment (`team%2Fapi`). The repository that has no rest, because it is called like its namespace, is `-`,
//! which no rest can be.

use oci::{NameError, NamespaceName, RepositoryName};

/// What stands for the rest of a name that has none.
const NO_REST: &str = "-";

/// The repository that the two decoded segments name.
pub(crate) fn named(namespace: &str, segment: &str) -> Result<RepositoryName, NameError> {
    // By itself first: a slash in it would make a repository of another namespace.
    let namespace = NamespaceName::parse(namespace)?;
    let name = match segment {
        NO_REST => namespace.to_string(),
        rest => format!("{namespace}/{rest}"),
    };
    RepositoryName::parse(&name)
}

/// The segment that stands for the repository, not escaped yet.
pub(crate) fn of(repository: &RepositoryName) -> &str {
    repository.as_str().split_once('/').map_or(NO_REST, |(_, rest)| rest)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_is_the_namespace_and_the_rest() {
        for (namespace, rest, name) in [
            ("acme", "api", "acme/api"),
            ("acme", "team/api", "acme/team/api"),
            ("acme", "tags", "acme/tags"),
            ("hello", "-", "hello"),
        ] {
            let found = named(namespace, rest).unwrap();
            assert_eq!(found.as_str(), name);
            assert_eq!(of(&found), rest);
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
            assert!(named(namespace, rest).is_err(), "{namespace} {rest}");
        }
    }
}
