//! Tokens as the API writes them (DESIGN §3.3).

use access::scope::{Scope, Scopes, Warning};
use registry::{IssuedToken, StoredOwner, StoredScope, StoredToken};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    problem::FieldMessage,
    scope_body::ScopeAnswer,
    stands_for::StandsForBody,
    token_created::CreatedWithAnswer,
    words::{PermissionWord, TokenAccess, TokenKind, TokenStatus},
};
use crate::public_host::PublicHost;

/// A token, without its secret.
#[derive(Serialize, ToSchema)]
#[schema(as = Token)]
pub(super) struct TokenAnswer {
    /// Its id, which no other token ever has.
    #[schema(format = "uuid")]
    id: String,
    kind: TokenKind,
    /// The namespace that owns it; not there for tokens of the instance or of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    namespace: Option<String>,
    /// The user who owns it; not there for service tokens.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    username: Option<String>,
    /// The login name of a service token, the label of a personal one.
    name: String,
    /// What it is for.
    #[schema(required)]
    description: Option<String>,
    access: TokenAccess,
    status: TokenStatus,
    /// From when on it works no more; null is never.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    permission: PermissionWord,
    /// What it allows; a token without scopes allows nothing, unless it mirrors its user.
    scopes: Vec<ScopeAnswer>,
    /// Whom or what it is for.
    #[schema(required)]
    stands_for: Option<StandsForBody>,
    /// From where it may be used: IP addresses and networks; with none, from anywhere.
    #[schema(example = json!(["10.1.0.0/16", "203.0.113.9"]))]
    allowed_addresses: Vec<String>,
    /// The beginning of its newest secret, to tell secrets apart by.
    #[schema(example = "slks_k3P…")]
    secret_hint: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// Who made it.
    created_by: String,
    /// The credential that it was created with; null where that is unknown, as for tokens that an older version created.
    #[schema(required)]
    created_with: Option<CreatedWithAnswer>,
    /// When it was used last, some 10 seconds late; null where it never was.
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
    /// From which address it was used last.
    #[schema(required)]
    last_used_from: Option<String>,
    /// By which client it was used last.
    #[schema(required, example = "docker/28.2")]
    last_used_by: Option<String>,
    /// How many manifests it pulled.
    pulls: i64,
    /// How many manifests it pushed.
    pushes: i64,
}

/// A token after an edit.
#[derive(Serialize, ToSchema)]
#[schema(as = EditedToken)]
pub(super) struct EditedAnswer {
    #[serde(flatten)]
    token: TokenAnswer,
    /// What the edit asked for, but hardly meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<FieldMessage>,
}

/// A token with its new secret, which is never shown again.
#[derive(Serialize, ToSchema)]
#[schema(as = IssuedToken)]
pub(super) struct IssuedAnswer {
    #[serde(flatten)]
    token: TokenAnswer,
    /// The secret. Keep it now: only its hash is stored.
    secret: String,
    login: Login,
    /// What was asked for, but hardly meant.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    warnings: Vec<FieldMessage>,
}

/// How to log in with the secret.
#[derive(Serialize, ToSchema)]
struct Login {
    /// The registry's host, as docker takes it.
    host: String,
    /// The login name that belongs to the secret.
    username: String,
    /// Ready to paste, secret included: shells keep it in their history.
    command: String,
    /// The same, with the secret coming from stdin.
    command_stdin: String,
}

impl From<StoredToken> for TokenAnswer {
    fn from(token: StoredToken) -> Self {
        let (kind, namespace, username) = match &token.owner {
            StoredOwner::Namespace { name, .. } => (TokenKind::Service, Some(name.to_string()), None),
            StoredOwner::Instance => (TokenKind::Service, None, None),
            StoredOwner::User { username, .. } => (TokenKind::Personal, None, Some(username.clone())),
        };
        let (access, permission) = if token.mirrors_its_user() {
            (TokenAccess::Account, PermissionWord::Account)
        } else {
            (TokenAccess::Scoped, permission(&token.scopes))
        };
        Self {
            id: token.id.to_string(),
            kind,
            namespace,
            username,
            access,
            status: TokenStatus::of(token.is_enabled),
            expires_at: token.expiry.instant().map(|at| at.to_string()),
            permission,
            scopes: token.scopes.iter().map(ScopeAnswer::from).collect(),
            created_at: token.created_at.to_string(),
            name: token.name,
            description: Some(token.description).filter(|text| !text.is_empty()),
            stands_for: token.stands_for.map(StandsForBody::from),
            allowed_addresses: token.allowed_addresses.to_texts(),
            secret_hint: token.secret_hint,
            created_by: token.created_by,
            created_with: token.created_with.map(CreatedWithAnswer::from),
            last_used_at: token.used.last_used_at.map(|at| at.to_string()),
            last_used_from: Some(token.used.last_used_from).filter(|text| !text.is_empty()),
            last_used_by: Some(token.used.last_used_by).filter(|text| !text.is_empty()),
            pulls: token.used.pulls,
            pushes: token.used.pushes,
        }
    }
}

fn permission(stored: &[StoredScope]) -> PermissionWord {
    let scopes: Vec<Scope> = stored.iter().map(|stored| stored.scope.clone()).collect();
    Scopes::new(scopes).map_or(PermissionWord::Custom, |scopes| PermissionWord::of(&scopes))
}

impl EditedAnswer {
    /// The token with what is to be told along.
    pub(super) fn of(token: StoredToken, warnings: Vec<Warning>) -> Self {
        Self { token: token.into(), warnings: messages(warnings) }
    }
}

impl IssuedAnswer {
    /// The token with its secret, for clients that reach the registry at `host`.
    pub(super) fn of(issued: IssuedToken, PublicHost { authority: host, .. }: &PublicHost) -> Self {
        let IssuedToken { token, secret, warnings } = issued;
        let username = match &token.owner {
            StoredOwner::Namespace { .. } | StoredOwner::Instance => token.name.clone(),
            StoredOwner::User { username, .. } => username.clone(),
        };
        let login = Login {
            command: format!("docker login {host} -u {username} -p {}", secret.expose()),
            command_stdin: format!("docker login {host} -u {username} --password-stdin"),
            host: host.clone(),
            username,
        };
        Self { token: token.into(), secret: secret.expose().to_owned(), login, warnings: messages(warnings) }
    }
}

fn messages(warnings: Vec<Warning>) -> Vec<FieldMessage> {
    warnings.into_iter().map(|Warning { field, message }| FieldMessage { field, message }).collect()
}
