//! What a token may do: its scopes (DESIGN §2 rule 4). Rights add up; there is no deny.

use oci::{NamespaceName, RepositoryName};
use serde::{Deserialize, Serialize};

pub use crate::path_pattern::{CannotMatch, InvalidPath, MAX_PATH_CHARS, PathPattern};
use crate::{
    field_error::FieldError,
    role::{Action, Actions},
};

/// The most scopes that a token has (DESIGN §2 rule 4).
pub const MAX_SCOPES: usize = 100;

/// One rule of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// Type `repository`: the actions are allowed where the path matches.
    Repository {
        /// Matched against a repository's full name.
        path: PathPattern,
        /// What is allowed there.
        actions: Actions,
    },
    /// Type `registry`: repositories may be listed.
    Registry,
}

/// A scope as a request or an API answer writes it: `{"type":"repository","path":"acme/*","actions":["pull"]}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeInput {
    /// `repository` or `registry`.
    #[serde(rename = "type")]
    pub kind: String,
    /// For type `repository` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// `pull`, `push`, `delete` (or `admin`, which is the same); for type `registry`, `list` (or `*`).
    pub actions: Vec<String>,
}

/// Something that is allowed, but probably not what was meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Warning {
    /// Where it stands in the request, such as `scopes[2].actions`.
    pub field: String,
    /// For a person.
    pub message: String,
}

impl Scope {
    /// Reads one scope; its errors name fields of this scope, such as `path`.
    fn parse(input: &ScopeInput, namespace: Option<&NamespaceName>) -> Result<Self, Vec<FieldError>> {
        match input.kind.as_str() {
            "repository" => Self::parse_repository(input, namespace),
            "registry" => Self::parse_registry(input),
            other => {
                let rule =
                    format!("{other:?} is no type of scope; a scope is of type repository or registry");
                Err(vec![FieldError::new("type", rule)])
            }
        }
    }

    fn parse_repository(
        input: &ScopeInput,
        namespace: Option<&NamespaceName>,
    ) -> Result<Self, Vec<FieldError>> {
        let path = parse_path(input.path.as_deref().unwrap_or_default(), namespace);
        let actions =
            parse_actions(&input.actions).and_then(|actions| check_actions(actions).map(|()| actions));
        match (path, actions) {
            (Ok(path), Ok(actions)) => Ok(Self::Repository { path, actions }),
            (path, actions) => {
                let path = path.err().map(|error| FieldError::new("path", error));
                let actions = actions.err().map(|error| FieldError::new("actions", error));
                Err(path.into_iter().chain(actions).collect())
            }
        }
    }

    fn parse_registry(input: &ScopeInput) -> Result<Self, Vec<FieldError>> {
        let mut errors = Vec::new();
        if input.path.is_some() {
            errors.push(FieldError::new("path", "a scope of type registry has no path; leave it out"));
        }
        if input.actions.is_empty() || input.actions.iter().any(|action| action != "list" && action != "*") {
            let rule = "the only action of type registry is list; pull, push and delete need a scope of type repository";
            errors.push(FieldError::new("actions", rule));
        }
        if errors.is_empty() { Ok(Self::Registry) } else { Err(errors) }
    }

    /// The scope as the API writes it.
    pub fn to_input(&self) -> ScopeInput {
        match self {
            Self::Repository { path, actions } => ScopeInput {
                kind: "repository".to_owned(),
                path: Some(path.to_string()),
                actions: actions.iter().map(|action| action.to_string()).collect(),
            },
            Self::Registry => {
                ScopeInput { kind: "registry".to_owned(), path: None, actions: vec!["list".to_owned()] }
            }
        }
    }
}

/// In words, such as `pull and push on acme/*`.
impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Repository { path, actions } => {
                let words: Vec<_> = actions.iter().map(Action::as_str).collect();
                let words = match words.split_last() {
                    Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
                    _ => words.concat(),
                };
                if path.is_every() {
                    write!(f, "{words} on every repository")
                } else {
                    write!(f, "{words} on {path}")
                }
            }
            Self::Registry => f.write_str("list repositories"),
        }
    }
}

fn parse_path(text: &str, namespace: Option<&NamespaceName>) -> Result<PathPattern, String> {
    let path = PathPattern::parse(text).map_err(|error| error.to_string())?;
    if let Some(namespace) = namespace {
        path.can_match_in(namespace).map_err(|error| error.to_string())?;
    }
    Ok(path)
}

fn parse_actions(words: &[String]) -> Result<Actions, String> {
    let read = |word: &String| match word.as_str() {
        "admin" => Ok(Action::Delete), // IONOS's word, and the console's: "Admin (delete)".
        "list" => {
            Err("list is an action of type registry; a repository's actions are pull, push and delete"
                .to_owned())
        }
        other => Action::parse(other)
            .ok_or_else(|| format!("{other:?} is no action; the actions are pull, push and delete")),
    };
    words.iter().map(read).collect()
}

/// Rule 4 on the actions of one scope of type `repository`.
fn check_actions(actions: Actions) -> Result<(), String> {
    if actions.is_empty() {
        return Err("a scope allows at least one of pull, push and delete".to_owned());
    }
    if actions.contains(Action::Push) && !actions.contains(Action::Pull) {
        // As IONOS has it: clients ask for what is there before they push, and would fail halfway.
        return Err("push needs pull, because clients read before they write; add pull".to_owned());
    }
    Ok(())
}

/// The short forms of E2E Networks: one scope over `*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// `pull`.
    Pull,
    /// `pull-push`.
    PullPush,
}

impl Permission {
    const fn actions(self) -> Actions {
        match self {
            Self::Pull => Actions::PULL,
            Self::PullPush => Actions::PULL_PUSH,
        }
    }
}

/// All scopes of one token: at most 100, each by the rules. No scopes allow nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scopes(Vec<Scope>);

impl Scopes {
    /// Scopes that were read already, such as those in the database. Errors are under `scopes` and `scopes[i].actions`.
    pub fn new(scopes: Vec<Scope>) -> Result<Self, Vec<FieldError>> {
        check_number(scopes.len())?;
        let check = |(index, scope): (usize, &Scope)| match scope {
            Scope::Repository { actions, .. } => check_actions(*actions)
                .err()
                .map(|rule| FieldError::new(format!("scopes[{index}].actions"), rule)),
            Scope::Registry => None,
        };
        let errors: Vec<_> = scopes.iter().enumerate().filter_map(check).collect();
        if errors.is_empty() { Ok(Self(scopes)) } else { Err(errors) }
    }

    /// Reads the `scopes` of a request, for a token of `namespace` if it is given. Every error is told at once, with
    /// its place (`scopes[2].path`); warnings are for what is allowed but hardly meant.
    pub fn parse(
        inputs: &[ScopeInput],
        namespace: Option<&NamespaceName>,
    ) -> Result<(Self, Vec<Warning>), Vec<FieldError>> {
        check_number(inputs.len())?;
        let (mut scopes, mut errors) = (Vec::with_capacity(inputs.len()), Vec::new());
        for (index, input) in inputs.iter().enumerate() {
            match Scope::parse(input, namespace) {
                Ok(scope) => scopes.push(scope),
                Err(found) => {
                    errors.extend(found.into_iter().map(|error| {
                        FieldError::new(format!("scopes[{index}].{}", error.field), error.message)
                    }))
                }
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let scopes = Self(scopes);
        let warnings = scopes.warnings();
        Ok((scopes, warnings))
    }

    /// What rule 4 allows but clients stumble over: deleting where nothing may be read.
    fn warnings(&self) -> Vec<Warning> {
        let warn = |(index, scope): (usize, &Scope)| match scope {
            Scope::Repository { actions, .. }
                if actions.contains(Action::Delete) && !actions.contains(Action::Pull) =>
            {
                let message = "delete without pull: clients look a manifest up before they delete it, and will be refused there";
                Some(Warning { field: format!("scopes[{index}].actions"), message: message.to_owned() })
            }
            Scope::Repository { .. } | Scope::Registry => None,
        };
        self.0.iter().enumerate().filter_map(warn).collect()
    }

    /// The short form, where the scopes are exactly what it stands for; `None` is "custom".
    pub fn permission(&self) -> Option<Permission> {
        match self.0.as_slice() {
            [Scope::Repository { path, actions }] if path.is_every() => {
                [Permission::Pull, Permission::PullPush].into_iter().find(|short| short.actions() == *actions)
            }
            _ => None,
        }
    }

    /// The first scope that allows `action` on `repository`, if any does.
    pub fn allowing(&self, action: Action, repository: &RepositoryName) -> Option<&Scope> {
        self.0.iter().find(|scope| match scope {
            Scope::Repository { path, actions } => actions.contains(action) && path.matches(repository),
            Scope::Registry => false,
        })
    }

    /// Whether repositories may be listed.
    pub fn may_list(&self) -> bool {
        self.0.contains(&Scope::Registry)
    }

    /// The scopes in their order.
    pub fn as_slice(&self) -> &[Scope] {
        &self.0
    }

    /// Whether there is none, so that nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Permission> for Scopes {
    fn from(permission: Permission) -> Self {
        Self(vec![Scope::Repository { path: PathPattern::every(), actions: permission.actions() }])
    }
}

/// In words, for messages: `pull and push on acme/*; list repositories`.
impl std::fmt::Display for Scopes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        f.write_str(&self.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
    }
}

fn check_number(count: usize) -> Result<(), Vec<FieldError>> {
    if count <= MAX_SCOPES {
        return Ok(());
    }
    let rule = format!(
        "a token has at most {MAX_SCOPES} scopes, these are {count}; a path with * covers many repositories"
    );
    Err(vec![FieldError::new("scopes", rule)])
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    fn repository(path: &str, actions: &[&str]) -> ScopeInput {
        input("repository", Some(path), actions)
    }

    fn input(kind: &str, path: Option<&str>, actions: &[&str]) -> ScopeInput {
        let actions = actions.iter().map(|action| (*action).to_owned()).collect();
        ScopeInput { kind: kind.to_owned(), path: path.map(ToOwned::to_owned), actions }
    }

    fn acme() -> NamespaceName {
        NamespaceName::parse("acme").unwrap()
    }

    fn name(text: &str) -> RepositoryName {
        RepositoryName::parse(text).unwrap()
    }

    fn scopes(inputs: &[ScopeInput]) -> Scopes {
        Scopes::parse(inputs, Some(&acme())).unwrap().0
    }

    fn refused(inputs: &[ScopeInput]) -> Vec<(String, String)> {
        let errors = Scopes::parse(inputs, Some(&acme())).unwrap_err();
        errors.into_iter().map(|error| (error.field, error.message)).collect()
    }

    #[test]
    fn rights_add_up_and_no_scopes_allow_nothing() {
        let scopes = scopes(&[repository("acme/*", &["pull"]), repository("acme/api", &["pull", "push"])]);
        assert!(scopes.allowing(Action::Pull, &name("acme/web")).is_some());
        assert!(scopes.allowing(Action::Push, &name("acme/web")).is_none());
        assert_eq!(scopes.allowing(Action::Push, &name("acme/api")), Some(&scopes.as_slice()[1]));
        assert!(scopes.allowing(Action::Delete, &name("acme/api")).is_none());
        assert!(!scopes.may_list());
        let none = Scopes::default();
        assert!(
            none.is_empty() && none.allowing(Action::Pull, &name("acme/api")).is_none() && !none.may_list()
        );
    }

    #[test]
    fn admin_is_another_word_for_delete_and_a_star_for_list() {
        let scopes = scopes(&[repository("*", &["pull", "admin"]), input("registry", None, &["*"])]);
        assert!(scopes.allowing(Action::Delete, &name("acme/api")).is_some());
        assert!(scopes.may_list());
        assert_eq!(scopes.as_slice()[1].to_input(), input("registry", None, &["list"]));
        assert_eq!(scopes.as_slice()[0].to_input(), repository("*", &["pull", "delete"]));
    }

    #[test]
    fn each_broken_rule_is_told_at_its_place() {
        for (scope, field, says) in [
            (repository("", &["pull"]), "scopes[1].path", "a path names a repository"),
            (input("repository", None, &["pull"]), "scopes[1].path", "a path names a repository"),
            (repository("acme/**", &["pull"]), "scopes[1].path", "** is not allowed"),
            (repository("app", &["pull"]), "scopes[1].path", "did you mean acme/app?"),
            (repository("*", &[]), "scopes[1].actions", "at least one"),
            (repository("*", &["push"]), "scopes[1].actions", "push needs pull"),
            (repository("*", &["push", "delete"]), "scopes[1].actions", "push needs pull"),
            (repository("*", &["Pull"]), "scopes[1].actions", "\"Pull\" is no action"),
            (repository("*", &["*"]), "scopes[1].actions", "\"*\" is no action"),
            (repository("*", &["list"]), "scopes[1].actions", "list is an action of type registry"),
            (
                input("registry", None, &["list", "pull"]),
                "scopes[1].actions",
                "the only action of type registry is list",
            ),
            (input("registry", None, &[]), "scopes[1].actions", "the only action of type registry is list"),
            (input("registry", Some("*"), &["list"]), "scopes[1].path", "has no path"),
            (input("Registry", None, &["list"]), "scopes[1].type", "\"Registry\" is no type of scope"),
        ] {
            let found = refused(&[repository("*", &["pull"]), scope.clone()]);
            assert_eq!(found.len(), 1, "{scope:?}");
            assert_eq!(found[0].0, field, "{scope:?}");
            assert!(found[0].1.contains(says), "{}", found[0].1);
        }
    }

    #[test]
    fn all_errors_are_told_at_once() {
        let found = refused(&[repository("A", &["push"]), input("x", None, &[])]);
        let fields: Vec<_> = found.iter().map(|(field, _)| field.as_str()).collect();
        assert_eq!(fields, ["scopes[0].path", "scopes[0].actions", "scopes[1].type"]);
    }

    #[test]
    fn a_path_outside_is_fine_for_a_token_without_a_namespace() {
        assert!(Scopes::parse(&[repository("other/app", &["pull"])], None).is_ok());
    }

    #[test]
    fn delete_without_pull_is_allowed_with_a_warning() {
        let inputs = [repository("*", &["pull"]), repository("acme/*", &["delete"])];
        let (scopes, warnings) = Scopes::parse(&inputs, Some(&acme())).unwrap();
        assert!(scopes.allowing(Action::Delete, &name("acme/api")).is_some());
        assert_eq!(warnings.len(), 1);
        assert_eq!(warnings[0].field, "scopes[1].actions");
        assert!(warnings[0].message.starts_with("delete without pull"));
        assert!(Scopes::parse(&[repository("*", &["pull", "delete"])], None).unwrap().1.is_empty());
    }

    #[test]
    fn a_token_has_at_most_100_scopes() {
        let many = vec![repository("*", &["pull"]); 101];
        assert!(Scopes::parse(&many[..100], None).is_ok());
        let errors = Scopes::parse(&many, None).unwrap_err();
        assert_eq!(errors[0].field, "scopes");
        assert!(errors[0].message.contains("at most 100 scopes, these are 101"));
        assert!(Scopes::new(vec![Scope::Registry; 101]).is_err());
    }

    #[test]
    fn what_was_read_already_is_held_to_the_same_rules() {
        let scope = |actions| Scope::Repository { path: PathPattern::every(), actions };
        assert!(Scopes::new(vec![scope(Actions::ALL), Scope::Registry]).is_ok());
        for actions in [Actions::NONE, Actions::from(Action::Push)] {
            let errors = Scopes::new(vec![Scope::Registry, scope(actions)]).unwrap_err();
            assert_eq!(errors[0].field, "scopes[1].actions");
        }
    }

    #[test]
    fn a_permission_is_short_for_one_scope_over_everything() {
        for permission in [Permission::Pull, Permission::PullPush] {
            assert_eq!(Scopes::from(permission).permission(), Some(permission));
        }
        for custom in [
            vec![],
            vec![repository("acme/*", &["pull"])],
            vec![repository("*", &["pull", "delete"])],
            vec![repository("*", &["pull"]), input("registry", None, &["list"])],
        ] {
            assert_eq!(scopes(&custom).permission(), None, "{custom:?}");
        }
    }

    #[test]
    fn scopes_are_told_in_words() {
        let scopes = scopes(&[
            repository("acme/*", &["pull", "push", "delete"]),
            repository("*", &["pull"]),
            input("registry", None, &["list"]),
        ]);
        let words = "pull, push and delete on acme/*; pull on every repository; list repositories";
        assert_eq!(scopes.to_string(), words);
        assert_eq!(Scopes::from(Permission::PullPush).to_string(), "pull and push on every repository");
        assert_eq!(Scopes::default().to_string(), "nothing");
    }

    #[test]
    fn an_input_with_unknown_fields_is_refused() {
        let known = r#"{"type":"repository","path":"*","actions":["pull"]}"#;
        assert_eq!(serde_json::from_str::<ScopeInput>(known).unwrap(), repository("*", &["pull"]));
        for text in [
            r#"{"type":"repository","path":"*","actions":["pull"],"deny":true}"#,
            r#"{"type":"repository","path":"*"}"#,
            r#"{"path":"*","actions":["pull"]}"#,
            r#"{"type":"repository","path":"*","actions":"pull"}"#,
        ] {
            assert!(serde_json::from_str::<ScopeInput>(text).is_err(), "{text}");
        }
    }
}
