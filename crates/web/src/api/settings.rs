//! `/settings`: what holds for the whole instance.

use axum::extract::State;
use registry::{EditSettings, Limit, SettingsEdit, ShowSettings, StoredSettings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    fields::FieldErrors,
    json::{self, JsonBody},
    page::NoQuery,
    problem::Problem,
    revision::{IfMatch, WithRevision},
    unread::Unread,
};
use crate::app::App;

/// Show the settings; instance administrators may
#[utoipa::path(get, path = "/settings", operation_id = "showSettings", tag = "settings",
    responses((status = 200, description = "The settings", body = SettingsAnswer,
        headers(("ETag", description = "Their revision, for If-Match"))), Problem))]
pub(super) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<NoQuery>,
) -> Result<WithRevision<SettingsAnswer>, Problem> {
    let grant = caller.may(&app, ShowSettings).await?;
    query.read(&grant)?;
    let settings = app.registry().show_settings(&grant).await?;
    Ok(WithRevision(settings.revision, settings.into()))
}

/// Change settings; what is left out stays. Instance administrators may
#[utoipa::path(patch, path = "/settings", operation_id = "editSettings", tag = "settings",
    params(IfMatch),
    request_body = SettingsRequest,
    responses((status = 200, description = "As they are now", body = SettingsAnswer,
        headers(("ETag", description = "Their revision"))), Problem))]
pub(super) async fn edit(
    State(app): State<App>,
    caller: ApiCaller,
    query: Unread<NoQuery>,
    if_match: Unread<IfMatch>,
    body: JsonBody,
) -> Result<WithRevision<SettingsAnswer>, Problem> {
    let grant = caller.may(&app, EditSettings).await?;
    query.read(&grant)?;
    let IfMatch(if_revision) = if_match.read(&grant)?;
    let (request, mut errors) = body.read::<SettingsRequest>(&grant).await?;
    let limits = request.limits(&mut errors);
    errors.refuse_any()?;
    let edit = SettingsEdit {
        users_make_namespaces: request.users_make_namespaces,
        own_namespaces: request.own_namespaces,
        tokens_for_others: request.tokens_for_others,
        limits,
        if_revision,
    };
    let settings = app.registry().edit_settings(&grant, &edit, app.now()).await?;
    Ok(WithRevision(settings.revision, settings.into()))
}

/// Changes of the settings; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SettingsEdit)]
pub(super) struct SettingsRequest {
    /// Every user may make namespaces, and becomes the admin of what they made.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false)]
    users_make_namespaces: Option<bool>,
    /// A new user gets a namespace of their own name, where that is free and legal.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false)]
    own_namespaces: Option<bool>,
    /// Administrators may make tokens for other users with a personal token. It counts from when personal tokens can
    /// make others; by password administrators always may.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false)]
    tokens_for_others: Option<bool>,
    /// Open uploads of one user or token. Each layer of a push is one. The most that there may be.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    max_uploads_per_principal: Option<i64>,
    /// Open uploads of one namespace. The most that there may be.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    max_uploads_per_namespace: Option<i64>,
    /// Service tokens of one namespace. The most that there may be.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    max_tokens_per_namespace: Option<i64>,
    /// Personal tokens of one user. The most that there may be.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    max_tokens_per_user: Option<i64>,
    /// Service tokens of the instance. The most that there may be.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    max_instance_tokens: Option<i64>,
    /// Namespaces that one user created, where users may create them. The most that there may be.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    max_namespaces_per_user: Option<i64>,
    /// Namespaces of the whole instance. The most that there may be.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, minimum = 1, maximum = 1_000_000)]
    max_namespaces: Option<i64>,
}

impl SettingsRequest {
    /// The limits that change; what is wrong with them goes to `errors`.
    fn limits(&self, errors: &mut FieldErrors) -> Vec<(Limit, i64)> {
        let said = [
            (Limit::UploadsPerPrincipal, self.max_uploads_per_principal),
            (Limit::UploadsPerNamespace, self.max_uploads_per_namespace),
            (Limit::TokensPerNamespace, self.max_tokens_per_namespace),
            (Limit::TokensPerUser, self.max_tokens_per_user),
            (Limit::InstanceTokens, self.max_instance_tokens),
            (Limit::NamespacesPerUser, self.max_namespaces_per_user),
            (Limit::Namespaces, self.max_namespaces),
        ];
        let mut limits = Vec::new();
        for (limit, count) in said {
            let Some(count) = count else { continue };
            if Limit::BOUNDS.contains(&count) {
                limits.push((limit, count));
            } else {
                errors.add(limit.setting(), "it takes a number from 1 to 1000000");
            }
        }
        limits
    }
}

/// The settings of the instance.
#[derive(Serialize, ToSchema)]
#[schema(as = Settings)]
pub(super) struct SettingsAnswer {
    /// Every user may make namespaces, and becomes the admin of what they made.
    users_make_namespaces: bool,
    /// A new user gets a namespace of their own name, where that is free and legal.
    own_namespaces: bool,
    /// Administrators may make tokens for other users with a personal token.
    tokens_for_others: bool,
    /// Open uploads of one user or token. Each layer of a push is one. The most that there may be.
    max_uploads_per_principal: i64,
    /// Open uploads of one namespace. The most that there may be.
    max_uploads_per_namespace: i64,
    /// Service tokens of one namespace. The most that there may be.
    max_tokens_per_namespace: i64,
    /// Personal tokens of one user. The most that there may be.
    max_tokens_per_user: i64,
    /// Service tokens of the instance. The most that there may be.
    max_instance_tokens: i64,
    /// Namespaces that one user created, where users may create them. The most that there may be.
    max_namespaces_per_user: i64,
    /// Namespaces of the whole instance. The most that there may be.
    max_namespaces: i64,
}

impl From<StoredSettings> for SettingsAnswer {
    fn from(stored: StoredSettings) -> Self {
        let limits = stored.limits;
        Self {
            users_make_namespaces: stored.users_make_namespaces,
            own_namespaces: stored.own_namespaces,
            tokens_for_others: stored.tokens_for_others,
            max_uploads_per_principal: limits.of(Limit::UploadsPerPrincipal),
            max_uploads_per_namespace: limits.of(Limit::UploadsPerNamespace),
            max_tokens_per_namespace: limits.of(Limit::TokensPerNamespace),
            max_tokens_per_user: limits.of(Limit::TokensPerUser),
            max_instance_tokens: limits.of(Limit::InstanceTokens),
            max_namespaces_per_user: limits.of(Limit::NamespacesPerUser),
            max_namespaces: limits.of(Limit::Namespaces),
        }
    }
}
