//! Scopes as the API reads and writes them.

use access::scope::{Scope, ScopeInput};
use registry::StoredScope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// One rule of a token: what it allows, and where.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Scope)]
pub(super) struct ScopeBody {
    /// `repository` or `registry`.
    #[serde(rename = "type")]
    kind: String,
    /// For type `repository`: which repositories, by their full names. `*` stands for any run of characters, `/` and
    /// none included; `*` alone is every repository that the token may reach.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_length = 255, example = "acme/*")]
    path: Option<String>,
    /// For type `repository`: `pull`, `push` (which needs `pull`), `delete` (or `admin`, which is the same). For type
    /// `registry`: `list` (or `*`).
    #[schema(example = json!(["pull", "push"]))]
    actions: Vec<String>,
}

/// A scope of a token, with the id by which it can be told from the others.
#[derive(Serialize, ToSchema)]
#[schema(as = ScopeOfToken)]
pub(super) struct ScopeAnswer {
    /// The scope's id.
    #[schema(format = "uuid")]
    id: String,
    /// `repository` or `registry`.
    #[serde(rename = "type")]
    kind: String,
    /// For type `repository`: which repositories.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "acme/*")]
    path: Option<String>,
    /// What is allowed there.
    #[schema(example = json!(["pull", "push"]))]
    actions: Vec<String>,
}

impl From<ScopeBody> for ScopeInput {
    fn from(body: ScopeBody) -> Self {
        Self { kind: body.kind, path: body.path, actions: body.actions }
    }
}

impl From<&Scope> for ScopeBody {
    fn from(scope: &Scope) -> Self {
        let ScopeInput { kind, path, actions } = scope.to_input();
        Self { kind, path, actions }
    }
}

impl From<&StoredScope> for ScopeAnswer {
    fn from(stored: &StoredScope) -> Self {
        let ScopeInput { kind, path, actions } = stored.scope.to_input();
        Self { id: stored.id.to_string(), kind, path, actions }
    }
}
