//! `/tokens/{id}/secrets`: which secrets of a token live, when each was used, and the end of one.

use axum::{Json, extract::State};
use http::StatusCode;
use registry::{EndSecret, ListSecrets, StoredSecret};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    page::NoQuery,
    path::{SecretInPath, TokenInPath},
    problem::Problem,
    unread::Unread,
};
use crate::app::App;

/// List the living secrets of a token, the newest first: which is still used tells whether the old one may end
#[utoipa::path(get, path = "/tokens/{id}/secrets", operation_id = "listSecrets", tag = "tokens",
    params(TokenInPath),
    responses((status = 200, description = "At most 5", body = SecretsAnswer), Problem))]
pub(super) async fn list(
    State(app): State<App>,
    caller: ApiCaller,
    TokenInPath(token): TokenInPath,
    query: Unread<NoQuery>,
) -> Result<Json<SecretsAnswer>, Problem> {
    let grant = caller.may(&app, ListSecrets { token }).await?;
    query.read(&grant)?;
    let living = app.registry().list_secrets(&grant, app.now()).await?;
    Ok(Json(SecretsAnswer { items: living.into_iter().map(SecretAnswer::from).collect(), next: None }))
}

/// End one secret of a token now, with every login made from it
#[utoipa::path(delete, path = "/tokens/{id}/secrets/{secret}", operation_id = "endSecret", tag = "tokens",
    params(SecretInPath),
    responses((status = 204, description = "Ended"), Problem))]
pub(super) async fn end(
    State(app): State<App>,
    caller: ApiCaller,
    SecretInPath { token, secret }: SecretInPath,
    query: Unread<NoQuery>,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, EndSecret { token, secret }).await?;
    query.read(&grant)?;
    app.registry().end_secret(&grant, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The living secrets of a token.
#[derive(Serialize, ToSchema)]
#[schema(as = Secrets)]
pub(super) struct SecretsAnswer {
    /// The newest first.
    items: Vec<SecretAnswer>,
    /// Always null: they fit on one page.
    #[schema(required)]
    next: Option<String>,
}

/// A living secret, without anything that could log in.
#[derive(Serialize, ToSchema)]
#[schema(as = Secret)]
pub(super) struct SecretAnswer {
    /// Its id.
    #[schema(format = "uuid")]
    id: String,
    /// Its beginning, to tell secrets apart by.
    #[schema(example = "slks_k3P…")]
    hint: String,
    /// When it was made.
    #[schema(format = DateTime)]
    created_at: String,
    /// When it ends, after a reset that lets it live on for a while; null for the present one.
    #[schema(required, format = DateTime)]
    ends_at: Option<String>,
    /// When it was used last; null is never.
    #[schema(required, format = DateTime)]
    last_used_at: Option<String>,
    /// From which address it was used last.
    #[schema(required)]
    last_used_from: Option<String>,
    /// By which client it was used last.
    #[schema(required)]
    last_used_by: Option<String>,
}

impl From<StoredSecret> for SecretAnswer {
    fn from(secret: StoredSecret) -> Self {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        Self {
            id: secret.id.to_string(),
            hint: secret.hint,
            created_at: secret.created_at.to_string(),
            ends_at: secret.ends_at.map(|at| at.to_string()),
            last_used_at: secret.last_used_at.map(|at| at.to_string()),
            last_used_from: some(secret.last_used_from),
            last_used_by: some(secret.last_used_by),
        }
    }
}
