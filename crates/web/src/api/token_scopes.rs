//! `/tokens/{id}/scopes`: one scope more, one less, none.

use access::{
    field_error::FieldError,
    scope::{Scope, ScopeInput, Scopes, Warning},
};
use axum::extract::State;
use http::StatusCode;
use oci::NamespaceName;
use registry::{AddScope, AddedScope, RemoveScopes};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    fields::FieldErrors,
    json::{self, JsonBody},
    page::NoQuery,
    path::{ScopeInPath, TokenInPath},
    problem::Problem,
    revision::{IfMatch, WithRevision},
    token_answer::EditedAnswer,
    unread::Unread,
    words::{AskedAction, ScopeType},
};
use crate::app::App;

/// What the shared rules call the only scope of a list.
const ONLY: &str = "scopes[0].";

/// Give a token one more scope; who is logged in with it already has it from the next request on
#[utoipa::path(post, path = "/tokens/{id}/scopes", operation_id = "addScope", tag = "tokens",
    params(TokenInPath, IfMatch),
    request_body = NewScopeRequest,
    responses((status = 201, description = "The token as it is now, the new scope behind the others", body = EditedAnswer,
        headers(("ETag", description = "Its revision"))),
        (status = 200, description = "The token, which has this scope already", body = EditedAnswer,
        headers(("ETag", description = "Its revision"))), Problem))]
pub(super) async fn add(
    State(app): State<App>,
    caller: ApiCaller,
    TokenInPath(token): TokenInPath,
    query: Unread<NoQuery>,
    if_match: Unread<IfMatch>,
    body: JsonBody,
) -> Result<(StatusCode, WithRevision<EditedAnswer>), Problem> {
    let grant = caller.may(&app, AddScope { token }).await?;
    query.read(&grant)?;
    let IfMatch(if_revision) = if_match.read(&grant)?;
    let (request, errors) = body.read::<NewScopeRequest>(&grant).await?;
    let (scope, warnings) = request.parse(grant.namespace_name(), errors)?;
    let AddedScope { token, is_new } =
        app.registry().add_scope(&grant, &scope, if_revision, app.now()).await?;
    let status = if is_new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, WithRevision(token.revision, EditedAnswer::of(token, warnings))))
}

/// Take a scope from a token; what it allowed is refused from the next request on
#[utoipa::path(delete, path = "/tokens/{id}/scopes/{scope}", operation_id = "removeScope", tag = "tokens",
    params(ScopeInPath, IfMatch),
    responses((status = 204, description = "Taken away"), Problem))]
pub(super) async fn remove(
    State(app): State<App>,
    caller: ApiCaller,
    ScopeInPath { token, scope }: ScopeInPath,
    query: Unread<NoQuery>,
    if_match: Unread<IfMatch>,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, RemoveScopes { token, scope: Some(scope) }).await?;
    query.read(&grant)?;
    let IfMatch(if_revision) = if_match.read(&grant)?;
    app.registry().remove_scopes(&grant, if_revision, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Take every scope from a token: it allows nothing from the next request on
#[utoipa::path(delete, path = "/tokens/{id}/scopes", operation_id = "removeAllScopes", tag = "tokens",
    params(TokenInPath, IfMatch),
    responses((status = 204, description = "Taken away"), Problem))]
pub(super) async fn clear(
    State(app): State<App>,
    caller: ApiCaller,
    TokenInPath(token): TokenInPath,
    query: Unread<NoQuery>,
    if_match: Unread<IfMatch>,
) -> Result<StatusCode, Problem> {
    let grant = caller.may(&app, RemoveScopes { token, scope: None }).await?;
    query.read(&grant)?;
    let IfMatch(if_revision) = if_match.read(&grant)?;
    app.registry().remove_scopes(&grant, if_revision, app.now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A scope to be added.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewScope)]
pub(super) struct NewScopeRequest {
    /// What it is about.
    #[serde(default, rename = "type", deserialize_with = "json::present")]
    #[schema(value_type = Option<ScopeType>, required, nullable = false)]
    kind: Option<String>,
    /// For type `repository`: which repositories, by their full names.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, max_length = 255, example = "acme/*")]
    path: Option<String>,
    /// What is allowed there.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(value_type = Option<Vec<AskedAction>>, required, nullable = false, example = json!(["pull", "push"]))]
    actions: Option<Vec<String>>,
}

impl NewScopeRequest {
    /// The scope of a token of `namespace`, with what is to be told along; or everything that is wrong.
    fn parse(
        self,
        namespace: Option<&NamespaceName>,
        mut errors: FieldErrors,
    ) -> Result<(Scope, Vec<Warning>), Problem> {
        let input = ScopeInput {
            kind: self.kind.unwrap_or_default(),
            path: self.path,
            actions: self.actions.unwrap_or_default(),
        };
        let read = Scopes::parse(&[input], namespace);
        let read = read.map_err(|found| errors.extend(found.into_iter().map(of_the_only).collect()));
        let (scopes, warnings) = read.unwrap_or_default();
        errors.refuse_any()?;
        let warnings = warnings
            .into_iter()
            .map(|warning| Warning { field: warning.field.replace(ONLY, ""), message: warning.message });
        let scope = scopes.as_slice().first().cloned();
        let scope = scope.ok_or_else(|| Problem::invalid(vec![FieldError::new("type", "send one scope")]))?;
        Ok((scope, warnings.collect()))
    }
}

fn of_the_only(error: FieldError) -> FieldError {
    FieldError { field: error.field.replace(ONLY, ""), message: error.message }
}
