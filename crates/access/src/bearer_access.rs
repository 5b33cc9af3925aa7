//! What a bearer may be used for, and what the scopes of the Docker token protocol ask for (DESIGN §3.2).
//! All of it only narrows: what is allowed is decided live, from the principal's rights (rule 7).

use std::collections::BTreeMap;

use oci::RepositoryName;
use serde::{Deserialize, Serialize};

use crate::{
    bearer::MAX_BEARER_BYTES,
    role::{Action, Actions},
};

/// The most scopes in one request for a bearer (DESIGN §3.2).
pub const MAX_REQUESTED_SCOPES: usize = 64;

const REPOSITORY: &str = "repository";
const REGISTRY: &str = "registry";
const CATALOG: &str = "catalog";
const EVERYTHING: &str = "*";

/// How far the credential of a request reaches, whatever the principal's rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Basic, or a session: no limit beside the rights.
    Unlimited,
    /// A bearer: what it was issued for.
    Only(BearerAccess),
}

impl Access {
    /// No limit beside the rights.
    pub const fn unlimited() -> Self {
        Self::Unlimited
    }

    /// Whether the credential may be used for `action` on `repository`.
    pub fn covers(&self, action: Action, repository: &RepositoryName) -> bool {
        match self {
            Self::Unlimited => true,
            Self::Only(access) => access.covers(action, repository),
        }
    }

    /// Whether it may be used to list repositories.
    pub const fn covers_catalog(&self) -> bool {
        match self {
            Self::Unlimited => true,
            Self::Only(access) => access.covers_catalog(),
        }
    }
}

/// The `access` claim of a bearer: actions by repository, and whether the catalog is in it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Entry>", into = "Vec<Entry>")]
pub struct BearerAccess {
    repositories: BTreeMap<RepositoryName, Actions>,
    catalog: bool,
}

impl BearerAccess {
    /// Adds `actions` on `repository`; what was there stays.
    pub fn add(&mut self, repository: RepositoryName, actions: Actions) {
        if !actions.is_empty() {
            let entry = self.repositories.entry(repository).or_default();
            *entry = entry.union(actions);
        }
    }

    /// Adds the right to list repositories.
    pub fn add_catalog(&mut self) {
        self.catalog = true;
    }

    /// The repositories with their actions, by name.
    pub fn repositories(&self) -> impl Iterator<Item = (&RepositoryName, Actions)> {
        self.repositories.iter().map(|(name, actions)| (name, *actions))
    }

    /// Whether `action` on `repository` is in it.
    pub fn covers(&self, action: Action, repository: &RepositoryName) -> bool {
        self.repositories.get(repository).is_some_and(|actions| actions.contains(action))
    }

    /// Whether listing repositories is in it.
    pub const fn covers_catalog(&self) -> bool {
        self.catalog
    }

    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.repositories.is_empty() && !self.catalog
    }

    /// What is of no known type, names no legal repository or knows no known action adds nothing: a newer client or
    /// replica may use words that this one has yet to learn, and must not be locked out for them.
    fn add_words<'a>(&mut self, kind: &str, name: &str, actions: impl Iterator<Item = &'a str>) {
        match (kind, name) {
            (REPOSITORY, name) => {
                if let Ok(repository) = RepositoryName::parse(name) {
                    self.add(repository, known_actions(actions));
                }
            }
            (REGISTRY, CATALOG) => self.catalog |= actions.into_iter().any(|action| action == EVERYTHING),
            _ => {}
        }
    }
}

fn known_actions<'a>(words: impl Iterator<Item = &'a str>) -> Actions {
    words.fold(Actions::NONE, |known, word| match word {
        EVERYTHING => Actions::ALL,
        word => known.union(Action::parse(word).map_or(Actions::NONE, Actions::from)),
    })
}

/// One entry of the `access` claim, in the shape of distribution's token specification, "Claim set".
#[derive(Serialize, Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    name: String,
    actions: Vec<String>,
}

impl From<BearerAccess> for Vec<Entry> {
    fn from(access: BearerAccess) -> Self {
        let catalog = access.catalog.then(|| Entry {
            kind: REGISTRY.to_owned(),
            name: CATALOG.to_owned(),
            actions: vec![EVERYTHING.to_owned()],
        });
        let entry = |(name, actions): (RepositoryName, Actions)| Entry {
            kind: REPOSITORY.to_owned(),
            name: name.as_str().to_owned(),
            actions: actions.iter().map(|action| action.to_string()).collect(),
        };
        access.repositories.into_iter().map(entry).chain(catalog).collect()
    }
}

impl From<Vec<Entry>> for BearerAccess {
    fn from(entries: Vec<Entry>) -> Self {
        let mut access = Self::default();
        for entry in &entries {
            access.add_words(&entry.kind, &entry.name, entry.actions.iter().map(String::as_str));
        }
        access
    }
}

/// More than 64 scopes in one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a request may name at most {MAX_REQUESTED_SCOPES} scopes, and a bearer may have at most {} KiB; ask for fewer at once", MAX_BEARER_BYTES / 1024
)]
pub struct TooManyScopes;

/// What a client asks a bearer for. It is a wish: the issuer cuts it down to what the principal has.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Requested {
    access: BearerAccess,
    is_empty: bool,
}

impl Requested {
    /// Reads the `scope` parameters of a request, each with any number of scopes parted by spaces
    /// (`repository:acme/api:pull,push registry:catalog:*`). Duplicates are merged; what is unknown or malformed
    /// grants nothing and is no error (DESIGN §3.2); more than 64 scopes are.
    pub fn parse<'a>(parameters: impl IntoIterator<Item = &'a str>) -> Result<Self, TooManyScopes> {
        let mut requested = Self { access: BearerAccess::default(), is_empty: true };
        let scopes = parameters
            .into_iter()
            .flat_map(|parameter| parameter.split(' '))
            .filter(|scope| !scope.is_empty());
        for (index, scope) in scopes.enumerate() {
            if index == MAX_REQUESTED_SCOPES {
                return Err(TooManyScopes);
            }
            requested.is_empty = false;
            requested.read(scope);
        }
        Ok(requested)
    }

    fn read(&mut self, scope: &str) {
        // A name may hold colons (`localhost:5000/api`, which then is no name of ours), so the ends are cut off first.
        let Some((kind, rest)) = scope.split_once(':') else { return };
        let Some((name, actions)) = rest.rsplit_once(':') else { return };
        self.access.add_words(kind, name, actions.split(','));
    }

    /// What was asked for, as far as it is known here; `*` became every action.
    pub const fn access(&self) -> &BearerAccess {
        &self.access
    }

    /// Whether no scope was named at all, not even an unknown one: a client that only logs in.
    pub const fn is_empty(&self) -> bool {
        self.is_empty
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use proptest::prelude::*;

    use super::*;

    fn json(parameters: &[&str]) -> String {
        let requested = Requested::parse(parameters.iter().copied()).unwrap();
        let entries: Vec<String> = Vec::<Entry>::from(requested.access().clone())
            .into_iter()
            .map(|entry| format!("{}:{}:{}", entry.kind, entry.name, entry.actions.join(",")))
            .collect();
        entries.join(" ")
    }

    #[test]
    fn scopes_are_read_in_any_order_and_merged() {
        for (asked, read) in [
            ("repository:acme/api:pull", "repository:acme/api:pull"),
            ("repository:acme/api:push,pull", "repository:acme/api:pull,push"),
            ("repository:acme/api:*", "repository:acme/api:pull,push,delete"),
            ("repository:a:pull repository:a:push  repository:a:pull", "repository:a:pull,push"),
            (
                "registry:catalog:* repository:b:pull repository:a:pull",
                "repository:a:pull repository:b:pull registry:catalog:*",
            ),
        ] {
            assert_eq!(json(&[asked]), read, "{asked}");
        }
        assert_eq!(json(&["repository:a:pull", "repository:a:delete"]), "repository:a:pull,delete");
    }

    #[test]
    fn what_is_unknown_or_malformed_grants_nothing() {
        for asked in [
            "repository",
            "repository:",
            "repository:acme/api",
            "repository:acme/api:",
            "repository:acme/api:admin,list",
            "repository:Acme/api:pull",
            "repository:acme/../api:pull",
            "repository:localhost:5000/acme/api:pull",
            "repository:*:pull",
            "repository::pull",
            "repository(plugin):acme/api:pull",
            "Repository:acme/api:pull",
            "registry:catalog:list",
            "registry:catalog:",
            "registry:all:*",
            ":::",
            "snow:☃:*",
        ] {
            assert_eq!(json(&[asked]), "", "{asked}");
            let requested = Requested::parse([asked]).unwrap();
            assert!(!requested.is_empty() && requested.access().is_empty(), "{asked}");
        }
        assert_eq!(json(&["repository:a:frobnicate,pull,"]), "repository:a:pull");
    }

    #[test]
    fn asking_for_nothing_differs_from_asking_for_something_unknown() {
        for nothing in [&[][..], &[""], &["  ", ""]] {
            assert!(Requested::parse(nothing.iter().copied()).unwrap().is_empty(), "{nothing:?}");
        }
    }

    #[test]
    fn at_most_64_scopes_are_read() {
        let scopes = vec!["repository:a:pull"; 65];
        assert!(Requested::parse([scopes[1..].join(" ").as_str()]).is_ok());
        assert_eq!(Requested::parse([scopes.join(" ").as_str()]), Err(TooManyScopes));
        assert_eq!(Requested::parse(scopes), Err(TooManyScopes));
        assert!(TooManyScopes.to_string().contains("64"));
    }

    #[test]
    fn access_covers_what_is_in_it_and_no_more() {
        let asked = Requested::parse(["repository:acme/api:pull registry:catalog:*"]).unwrap();
        let only = Access::Only(asked.access().clone());
        let name = |text| RepositoryName::parse(text).unwrap();
        assert!(only.covers(Action::Pull, &name("acme/api")) && only.covers_catalog());
        assert!(!only.covers(Action::Push, &name("acme/api")));
        assert!(!only.covers(Action::Pull, &name("acme/api/web")));
        assert!(!Access::Only(BearerAccess::default()).covers_catalog());
        let unlimited = Access::unlimited();
        assert!(unlimited.covers(Action::Delete, &name("acme/api")) && unlimited.covers_catalog());
    }

    #[test]
    fn no_actions_add_no_repository() {
        let mut access = BearerAccess::default();
        access.add(RepositoryName::parse("acme/api").unwrap(), Actions::NONE);
        assert!(access.is_empty() && access.repositories().next().is_none());
        access.add_catalog();
        assert!(!access.is_empty());
    }

    #[test]
    fn the_claim_has_the_shape_of_distributions_specification() {
        let asked = Requested::parse(["repository:acme/api:push,pull registry:catalog:*"]).unwrap();
        let claim = serde_json::to_string(asked.access()).unwrap();
        let written = r#"[{"type":"repository","name":"acme/api","actions":["pull","push"]},{"type":"registry","name":"catalog","actions":["*"]}]"#;
        assert_eq!(claim, written);
        assert_eq!(&serde_json::from_str::<BearerAccess>(&claim).unwrap(), asked.access());
    }

    proptest! {
        #[test]
        fn no_scope_makes_the_reader_panic(scope in "(repository|registry)?:?\\PC{0,80}") {
            prop_assert!(Requested::parse([scope.as_str()]).is_ok() || scope.split(' ').count() > MAX_REQUESTED_SCOPES);
        }
    }
}
