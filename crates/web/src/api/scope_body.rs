//! Scopes as the API reads and writes them.

use access::scope::{Scope, ScopeInput};
use registry::StoredScope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::words::{AskedAction, ScopeAction, ScopeType};

/// One rule of a token: what it allows, and where.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Scope)]
pub(super) struct ScopeBody {
    /// What it is about.
    #[serde(rename = "type")]
    #[schema(value_type = ScopeType)]
    kind: String,
    /// For type `repository`: which repositories, by their full names. `*` stands for any run of characters, `/` and
    /// none included; `*` alone is every repository that the token may reach.
    #[serde(default)]
    #[schema(nullable = false, max_length = 255, example = "acme/*")]
    path: Option<String>,
    /// What is allowed there.
    #[schema(value_type = Vec<AskedAction>, example = json!(["pull", "push"]))]
    actions: Vec<String>,
}

/// A scope that a token has.
#[derive(Serialize, ToSchema)]
#[schema(as = ScopeRule)]
pub(super) struct ScopeRule {
    /// What it is about.
    #[serde(rename = "type")]
    kind: ScopeType,
    /// For type `repository`: which repositories.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "acme/*")]
    path: Option<String>,
    /// What is allowed there.
    #[schema(example = json!(["pull", "push"]))]
    actions: Vec<ScopeAction>,
}

/// A scope of a token, with the id by which it can be told from the others.
#[derive(Serialize, ToSchema)]
#[schema(as = ScopeOfToken)]
pub(super) struct ScopeAnswer {
    /// The scope's id.
    #[schema(format = "uuid")]
    id: String,
    #[serde(flatten)]
    rule: ScopeRule,
}

impl From<ScopeBody> for ScopeInput {
    fn from(body: ScopeBody) -> Self {
        Self { kind: body.kind, path: body.path, actions: body.actions }
    }
}

impl From<&Scope> for ScopeRule {
    fn from(scope: &Scope) -> Self {
        match scope {
            Scope::Repository { path, actions } => Self {
                kind: ScopeType::Repository,
                path: Some(path.to_string()),
                actions: actions.iter().map(ScopeAction::from).collect(),
            },
            Scope::Registry => {
                Self { kind: ScopeType::Registry, path: None, actions: vec![ScopeAction::List] }
            }
        }
    }
}

impl From<&StoredScope> for ScopeAnswer {
    fn from(stored: &StoredScope) -> Self {
        Self { id: stored.id.to_string(), rule: ScopeRule::from(&stored.scope) }
    }
}
