//! `/tokens/{id}/explain`: what a token may do to a repository, and by which rule.

use std::net::IpAddr;

use access::role::Action;
use axum::{Json, extract::State};
use oci::RepositoryName;
use registry::{ExplainToken, Explanation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    caller::ApiCaller,
    fields::FieldErrors,
    json::{self, JsonBody},
    page::NoQuery,
    path::TokenInPath,
    problem::Problem,
    unread::Unread,
    words::ExplainedAction,
};
use crate::app::App;

/// Ask what the gate would decide if a token wanted to do something now, and by which rule
#[utoipa::path(post, path = "/tokens/{id}/explain", operation_id = "explainToken", tag = "tokens",
    params(TokenInPath),
    request_body = ExplainRequest,
    responses((status = 200, description = "What it would decide", body = ExplainAnswer), Problem))]
pub(super) async fn explain(
    State(app): State<App>,
    caller: ApiCaller,
    TokenInPath(token): TokenInPath,
    query: Unread<NoQuery>,
    body: JsonBody,
) -> Result<Json<ExplainAnswer>, Problem> {
    let grant = caller.may(&app, ExplainToken { token }).await?;
    query.read(&grant)?;
    let (request, errors) = body.read::<ExplainRequest>(&grant).await?;
    let (action, repository, from) = request.parse(errors)?;
    let explanation = app.registry().explain_token(&grant, action, &repository, from, app.now()).await?;
    Ok(Json(explanation.into()))
}

/// What a token would do.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Explain)]
pub(super) struct ExplainRequest {
    /// What it would do.
    #[serde(default, deserialize_with = "json::word")]
    #[schema(required, nullable = false)]
    action: Option<ExplainedAction>,
    /// The repository, by its full name; it need not exist.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(required, nullable = false, max_length = 255, example = "acme/api")]
    repository: Option<String>,
    /// From which IP address. Left out, the answer says from where the token may be used.
    #[serde(default, deserialize_with = "json::present")]
    #[schema(nullable = false, format = "ip", example = "203.0.113.9")]
    from: Option<String>,
}

impl ExplainRequest {
    fn parse(self, mut errors: FieldErrors) -> Result<(Action, RepositoryName, Option<IpAddr>), Problem> {
        let action = errors.check("action", self.action.map(Action::from).ok_or("an action is needed"));
        let from =
            self.from.map(|text| text.parse().map_err(|_| "from is an IP address, such as 203.0.113.9"));
        let from = from.and_then(|from| errors.check("from", from));
        let name = self.repository.unwrap_or_default();
        match (action, errors.check("repository", RepositoryName::parse(&name))) {
            (Some(action), Some(repository)) => errors.refuse_any().map(|()| (action, repository, from)),
            _ => Err(errors.into()),
        }
    }
}

/// What the gate would decide.
#[derive(Serialize, ToSchema)]
#[schema(as = Explanation)]
pub(super) struct ExplainAnswer {
    /// Whether the token may.
    allowed: bool,
    /// By which rule it may; null where it may not.
    #[schema(required, example = "its scope: pull and push on acme/*")]
    rule: Option<String>,
    /// Why it may not, as its holder would be told; null where it may.
    #[schema(required)]
    reason: Option<String>,
}

impl From<Explanation> for ExplainAnswer {
    fn from(explanation: Explanation) -> Self {
        match explanation {
            Explanation::Allowed(rule) => Self { allowed: true, rule: Some(rule), reason: None },
            Explanation::Refused(reason) => Self { allowed: false, rule: None, reason: Some(reason) },
        }
    }
}
