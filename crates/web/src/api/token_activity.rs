//! `/tokens/{id}/activity`: how often a token was used, day by day.

use axum::{
    Json,
    extract::{FromRequestParts, State},
};
use http::request::Parts;
use registry::{ActiveDay, ShowActivity};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    caller::ApiCaller,
    fields::FieldErrors,
    page::{check_names, read},
    path::TokenInPath,
    problem::Problem,
    unread::Unread,
};
use crate::app::App;

/// How many days are answered where nobody says.
const DEFAULT_DAYS: u32 = 30;
/// How many days are answered at most: a year, whichever.
const MAX_DAYS: u32 = 366;

/// Show how often a token pulled and pushed, day by day; what it did in the last 10 seconds may be missing
#[utoipa::path(get, path = "/tokens/{id}/activity", operation_id = "showTokenActivity", tag = "tokens",
    params(TokenInPath, DaysQuery),
    responses((status = 200, description = "Every day, the oldest first", body = ActivityAnswer), Problem))]
pub(super) async fn show(
    State(app): State<App>,
    caller: ApiCaller,
    TokenInPath(token): TokenInPath,
    query: Unread<DaysQuery>,
) -> Result<Json<ActivityAnswer>, Problem> {
    let grant = caller.may(&app, ShowActivity { token }).await?;
    let query = query.read(&grant)?;
    let days = app.registry().show_activity(&grant, query.days, app.now()).await?;
    Ok(Json(ActivityAnswer { days: days.into_iter().map(DayAnswer::from).collect() }))
}

/// How many days are asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct DaysQuery {
    /// How many days, today included.
    #[param(required = false, minimum = 1, maximum = 366, default = 30)]
    days: u32,
}

impl<S: Send + Sync> FromRequestParts<S> for DaysQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = read(parts)?;
        let mut errors = FieldErrors::default();
        check_names(&query, &["days"], &mut errors);
        let days = query.one("days").map_or(Ok(DEFAULT_DAYS), parse_days);
        let days = errors.check("days", days).unwrap_or_default();
        errors.refuse_any()?;
        Ok(Self { days })
    }
}

fn parse_days(text: &str) -> Result<u32, String> {
    // `parse` would take a sign.
    let days = text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    days.filter(|days| (1..=MAX_DAYS).contains(days))
        .ok_or_else(|| format!("days is a number from 1 to {MAX_DAYS}"))
}

/// The use of a token.
#[derive(Serialize, ToSchema)]
#[schema(as = Activity)]
pub(super) struct ActivityAnswer {
    /// Every day, the oldest first, those without any use too.
    days: Vec<DayAnswer>,
}

/// The use of a token on one day.
#[derive(Serialize, ToSchema)]
#[schema(as = DayOfUse)]
pub(super) struct DayAnswer {
    /// The day in UTC.
    #[schema(format = Date)]
    day: String,
    /// Manifests pulled.
    pulls: i64,
    /// Manifests pushed.
    pushes: i64,
}

impl From<ActiveDay> for DayAnswer {
    fn from(ActiveDay { day, pulls, pushes }: ActiveDay) -> Self {
        Self { day, pulls, pushes }
    }
}
