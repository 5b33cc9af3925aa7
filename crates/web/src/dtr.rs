//! `/api/v0/`: as much of Docker Trusted Registry's API as clients of its access tokens are shown to use (DESIGN §3.3):
//! `curl --user USER:TOKEN https://HOST/api/v0/repositories`. Fields that would say nothing true here are left out.

use axum::{
    Json,
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderName, HeaderValue, StatusCode, header, request::Parts};
use oci::name::MAX_NAME_CHARACTERS;
use registry::{ContentError, DbError, ListRepositories, Refusal, StoredRepository};
use serde_json::{Value, json};

use crate::{
    app::App,
    gate::{BearerIs, Caller},
    headers,
    query::Query,
};

/// How many repositories a page has where nobody says: DTR's own default.
const DEFAULT_PAGE_SIZE: u32 = 10;
/// How many a page has at most (DESIGN §6).
const MAX_PAGE_SIZE: u32 = 1_000;
/// What goes into the next `pageStart`; absent on the last page.
const NEXT_PAGE_START: HeaderName = HeaderName::from_static("x-next-page-start");
const CHALLENGE: HeaderValue = HeaderValue::from_static("Basic realm=\"sealock\"");

/// `GET /api/v0/repositories`: those that the caller may see, page by page.
pub(crate) async fn repositories(State(app): State<App>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let mut response = page(&app, &parts).await.unwrap_or_else(|error| error.into_response());
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn page(app: &App, parts: &Parts) -> Result<Response, DtrError> {
    let caller = Caller::of(parts, BearerIs::Nothing)?;
    let grant = caller.may(app, ListRepositories { namespace: None }).await?;
    let (start, size) = wanted(parts).map_err(DtrError::InvalidParameters)?;
    let page = app.registry().list_repositories(&grant, &start, size).await?;
    let repositories: Vec<Value> = page.items.iter().map(repository).collect();
    let mut response = Json(json!({ "repositories": repositories })).into_response();
    if let Some(next) = page.next {
        response.headers_mut().insert(NEXT_PAGE_START, headers::value(&next));
    }
    Ok(response)
}

/// `pageStart`, which is what `X-Next-Page-Start` said, and `pageSize`. Other parameters are passed over, as DTR did.
fn wanted(parts: &Parts) -> Result<(String, u32), String> {
    let query = Query::of(parts)?;
    let start = query.one("pageStart").unwrap_or_default();
    if start.len() > MAX_NAME_CHARACTERS || start.contains('\0') {
        return Err("pageStart is what X-Next-Page-Start said, unchanged".to_owned());
    }
    let size = match query.one("pageSize") {
        None => DEFAULT_PAGE_SIZE,
        Some(text) => match text.parse::<u32>() {
            Ok(size) if size > 0 => size.min(MAX_PAGE_SIZE),
            _ => return Err("pageSize is a whole number above 0".to_owned()),
        },
    };
    Ok((start.to_owned(), size))
}

/// DTR's `Repository`. `namespace` is the owner, `name` comes without it.
fn repository(stored: &StoredRepository) -> Value {
    let (full, namespace) = (stored.name.as_str(), stored.namespace.as_str());
    json!({
        "id": stored.id,
        "namespace": namespace,
        "namespaceType": if stored.is_of_user { "user" } else { "organization" },
        "name": full.strip_prefix(namespace).and_then(|rest| rest.strip_prefix('/')).unwrap_or(full),
        "shortDescription": "",
        "visibility": if stored.is_public { "public" } else { "private" },
        "scanOnPush": false,
        "immutableTags": false,
        "enableManifestLists": true,
        "tagLimit": 0,
    })
}

/// Why there is no page, in DTR's words.
enum DtrError {
    Refused(Refusal),
    InvalidParameters(String),
    Storage(DbError),
}

impl From<Refusal> for DtrError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<ContentError> for DtrError {
    fn from(error: ContentError) -> Self {
        match error {
            ContentError::Refused(refusal) => Self::Refused(refusal),
            ContentError::Storage(error) => Self::Storage(error),
            // Listing says nothing else.
            other => Self::Storage(DbError::Other(other.to_string())),
        }
    }
}

impl IntoResponse for DtrError {
    fn into_response(self) -> Response {
        let unauthorized = StatusCode::UNAUTHORIZED;
        match self {
            Self::InvalidParameters(text) => error(StatusCode::BAD_REQUEST, "INVALID_PARAMETERS", &text),
            Self::Storage(cause) | Self::Refused(Refusal::Storage(cause)) => of_storage(&cause),
            Self::Refused(refusal) => {
                let text = refusal.to_string();
                match refusal {
                    Refusal::SignIn { .. } | Refusal::BadCredential(_) => {
                        let mut response = error(unauthorized, "NOT_AUTHENTICATED", &text);
                        response.headers_mut().insert(header::WWW_AUTHENTICATE, CHALLENGE);
                        response
                    }
                    Refusal::Busy => unavailable(&text),
                    Refusal::TooManyGuesses(guesses) => {
                        let mut response = error(StatusCode::TOO_MANY_REQUESTS, "TOO_MANY_REQUESTS", &text);
                        let headers = response.headers_mut();
                        headers.insert(header::RETRY_AFTER, guesses.retry_after_seconds.into());
                        response
                    }
                    Refusal::BearerTooNarrow { .. }
                    | Refusal::Denied(_)
                    | Refusal::Unseen(_)
                    | Refusal::Storage(_) => error(StatusCode::FORBIDDEN, "NOT_AUTHORIZED", &text),
                }
            }
        }
    }
}

fn of_storage(cause: &DbError) -> Response {
    if let DbError::Unavailable(_) | DbError::CommitUnknown(_) | DbError::Busy(_) = cause {
        tracing::warn!(%cause, "the database did not answer");
        return unavailable("the database does not answer; try again in a moment");
    }
    tracing::error!(%cause, "a request failed");
    let text = "the server failed; its log says why, under the id in X-Request-Id";
    error(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR", text)
}

fn unavailable(text: &str) -> Response {
    let mut response = error(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", text);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

fn error(status: StatusCode, code: &str, message: &str) -> Response {
    (status, Json(json!({ "errors": [{ "code": code, "message": message }] }))).into_response()
}
