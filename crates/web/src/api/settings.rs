//! `/settings`: what holds for the whole instance.

use axum::extract::State;
use registry::{EditSettings, SettingsEdit, ShowSettings, StoredSettings};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
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
    let (request, errors) = body.read::<SettingsRequest>(&grant).await?;
    errors.refuse_any()?;
    let edit = SettingsEdit {
        users_make_namespaces: request.users_make_namespaces,
        own_namespaces: request.own_namespaces,
        tokens_for_others: request.tokens_for_others,
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
}

impl From<StoredSettings> for SettingsAnswer {
    fn from(stored: StoredSettings) -> Self {
        Self {
            users_make_namespaces: stored.users_make_namespaces,
            own_namespaces: stored.own_namespaces,
            tokens_for_others: stored.tokens_for_others,
        }
    }
}
