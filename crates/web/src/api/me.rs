//! `/me`: who the caller is.

use access::rights::{Owner, PersonalAccess, Principal, Token, User};
use axum::{Json, extract::State};
use registry::{Refusal, WhoAmI};
use serde::Serialize;
use utoipa::ToSchema;

use super::{caller::ApiCaller, page::NoQuery, problem::Problem, scope_body::ScopeBody};
use crate::app::App;

/// Who you are, with which credential
#[utoipa::path(get, path = "/me", operation_id = "showMe", tag = "me",
    responses((status = 200, description = "Who you are", body = MeAnswer), Problem))]
pub(super) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    _: NoQuery,
) -> Result<Json<MeAnswer>, Problem> {
    let grant = caller.may(&app, WhoAmI).await?;
    match grant.principal() {
        Principal::User(user) => Ok(Json(MeAnswer::of("user", Some(user), None))),
        Principal::Token(token) => Ok(Json(MeAnswer::with(token))),
        // The gate lets no anonymous caller in here.
        Principal::Anonymous => Err(Refusal::SignIn { scope: None }.into()),
    }
}

/// The caller.
#[derive(Serialize, ToSchema)]
#[schema(as = Me)]
pub(super) struct MeAnswer {
    /// What the credential is: `user` (a password), `personal-token` or `service-token`.
    #[schema(example = "user")]
    kind: &'static str,
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
    /// `account` mirrors its user, `scoped` is limited by its scopes.
    access: &'static str,
    /// From when on it works no more; null is never.
    #[schema(required, format = DateTime)]
    expires_at: Option<String>,
    /// What it allows; empty where `access` is `account`.
    scopes: Vec<ScopeBody>,
}

impl MeAnswer {
    fn of(kind: &'static str, user: Option<&User>, token: Option<MyToken>) -> Self {
        let username = user.map(|user| user.username.to_string());
        Self { kind, username, is_admin: user.map(|user| user.is_admin), token }
    }

    fn with(token: &Token) -> Self {
        let (kind, namespace, user, access) = match &token.owner {
            Owner::Namespace { name, .. } => ("service-token", name.as_ref(), None, "scoped"),
            // A former user's token has ended, so the gate lets it in nowhere.
            Owner::Instance | Owner::FormerUser => ("service-token", None, None, "scoped"),
            Owner::User { user, access: PersonalAccess::Account } => {
                ("personal-token", None, Some(user), "account")
            }
            Owner::User { user, access: PersonalAccess::Scoped } => {
                ("personal-token", None, Some(user), "scoped")
            }
        };
        let mine = MyToken {
            id: token.id.to_string(),
            name: token.name.clone(),
            namespace: namespace.map(ToString::to_string),
            access,
            expires_at: token.expiry.instant().map(|at| at.to_string()),
            scopes: token.scopes.as_slice().iter().map(ScopeBody::from).collect(),
        };
        Self::of(kind, user, Some(mine))
    }
}
