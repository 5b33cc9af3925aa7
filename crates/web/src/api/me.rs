//! `/me`: who the caller is.

use access::rights::{Owner, Principal, Token, User};
use axum::{Json, extract::State};
use registry::{Refusal, WhoAmI};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    page::NoQuery,
    problem::Problem,
    scope_body::ScopeRule,
    unread::Unread,
    words::{CredentialKind, TokenAccess},
};
use crate::app::App;

/// Who you are, with which credential
#[utoipa::path(get, path = "/me", operation_id = "showMe", tag = "me",
    responses((status = 200, description = "Who you are", body = MeAnswer), Problem))]
pub(super) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<NoQuery>,
) -> Result<Json<MeAnswer>, Problem> {
    let grant = caller.may(&app, WhoAmI).await?;
    query.read(&grant)?;
    match grant.principal() {
        Principal::User(user) => Ok(Json(MeAnswer::of(CredentialKind::User, Some(user), None))),
        Principal::Token(token) => Ok(Json(MeAnswer::with(token))),
        // The gate lets no anonymous caller in here.
        Principal::Anonymous => Err(Refusal::SignIn { scope: None }.into()),
    }
}

/// The caller.
#[derive(Serialize, ToSchema)]
#[schema(as = Me)]
pub(super) struct MeAnswer {
    /// What the credential is.
    kind: CredentialKind,
    /// The person behind it; not there for a service token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    username: Option<String>,
    /// Whether that person is an instance administrator; not there for a service token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    is_admin: Option<bool>,
    /// The token whose secret was sent; not there for a password.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    token: Option<MyToken>,
}

/// The token that the caller uses.
#[derive(Serialize, ToSchema)]
pub(super) struct MyToken {
    /// The token's id.
    #[schema(format = "uuid")]
    id: String,
    /// The name of a service token, the label of a personal one.
    name: String,
    /// The namespace that owns it; not there for tokens of the instance or of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    namespace: Option<String>,
    /// What it takes of its user's rights; `scoped` for a service token.
    access: TokenAccess,
    /// From when on it works no more; null is never.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    /// What it allows; empty where `access` is `account`.
    scopes: Vec<ScopeRule>,
}

impl MeAnswer {
    fn of(kind: CredentialKind, user: Option<&User>, token: Option<MyToken>) -> Self {
        let username = user.map(|user| user.username.to_string());
        Self { kind, username, is_admin: user.map(|user| user.is_admin), token }
    }

    fn with(token: &Token) -> Self {
        let (kind, namespace, user, access) = match &token.owner {
            Owner::Namespace { name, .. } => {
                (CredentialKind::Service, name.as_ref(), None, TokenAccess::Scoped)
            }
            // A former user's token has ended, so the gate lets it in nowhere.
            Owner::Instance | Owner::FormerUser => (CredentialKind::Service, None, None, TokenAccess::Scoped),
            Owner::User { user, access } => (CredentialKind::Personal, None, Some(user), (*access).into()),
        };
        let mine = MyToken {
            id: token.id.to_string(),
            name: token.name.clone(),
            namespace: namespace.map(ToString::to_string),
            access,
            expires_at: token.expiry.instant().map(|at| at.to_string()),
            scopes: token.scopes.as_slice().iter().map(ScopeRule::from).collect(),
        };
        Self::of(kind, user, Some(mine))
    }
}
