//! `/auth/`: the Docker token protocol (DESIGN §3.2). GET with Basic; POST with the `password` and
//! `refresh_token` grants of OAuth 2.

use access::{
    bearer::{Requested, SignError},
    time::Instant,
};
use axum::{
    Json,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, Request, StatusCode, header, request::Parts};
use oci::ErrorCode;
use registry::{
    BearerError, Credential, DbError, Holder, IssuedBearer, NEXT_KNOWN_AFTER, Password, Refusal, SERVICE,
};

use crate::{
    app::App,
    body::{BodyRefused, read_to_end},
    gate::{BearerIs, Caller},
    headers,
    query::Query,
    request,
};

/// The largest form, in bytes: as long as the query of a GET may be. The caller is not known while it is read.
const MAX_FORM_BYTES: usize = 32 * 1024;

/// The parameters that are looked at, scopes aside. RFC 6749 §3.2 has none of them twice: which one counts, a proxy and
/// we could see differently.
const ONCE: [&str; 5] = ["service", "grant_type", "username", "password", "refresh_token"];

/// The fields of a form that carry a credential.
const CREDENTIAL_FIELDS: [&str; 3] = ["username", "password", "refresh_token"];

/// How long the public keys may be kept, in seconds: half as long as the next key is known before it signs.
const JWKS_MAX_AGE_SECONDS: i64 = NEXT_KNOWN_AFTER.as_millis() / 1000 / 2;

/// A fault of ours: the log has the cause.
const FAILED: &str = "the registry failed; its log says why, under the id in X-Request-Id";

/// Why there is no bearer, in the words of RFC 6749 §5.2.
#[derive(Debug)]
enum TokenError {
    /// What was sent is malformed.
    Malformed(String),
    /// A grant that is not known here.
    UnknownGrant(String),
    /// The body.
    Body(BodyRefused),
    /// The credential, or the lack of one.
    Bearer(BearerError),
    /// Another method.
    Method,
}

impl From<BearerError> for TokenError {
    fn from(error: BearerError) -> Self {
        Self::Bearer(error)
    }
}

impl From<Refusal> for TokenError {
    fn from(refusal: Refusal) -> Self {
        Self::Bearer(BearerError::Refused(refusal))
    }
}

/// The public halves of the keys that sign bearers (RFC 7517). Whoever keeps them asks again before a key that they don't
/// know begins to sign.
pub(crate) async fn jwks(State(app): State<App>) -> impl IntoResponse {
    let keys = app.registry().jwks(app.now()).await;
    ([(header::CACHE_CONTROL, format!("public, max-age={JWKS_MAX_AGE_SECONDS}"))], Json(keys))
}

/// Hands out a bearer.
pub(crate) async fn token(State(app): State<App>, request: Request<Body>) -> Response {
    let (parts, mut body) = request.into_parts();
    let mut response = match issue(&app, &parts, &mut body).await {
        Ok(issued) => answer(&issued),
        Err(error) => refuse(&error),
    };
    // RFC 6749 §5.1: whatever carries a credential is not stored.
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

async fn issue(app: &App, parts: &Parts, body: &mut Body) -> Result<IssuedBearer, TokenError> {
    let (credential, parameters) = match parts.method {
        Method::GET | Method::HEAD => {
            let caller = Caller::of(parts, BearerIs::Nothing)?;
            (caller.credential, Query::of(parts).map_err(TokenError::Malformed)?)
        }
        Method::POST => {
            let caller = Holder::anonymous(request::origin(parts).address);
            let held = app.registry().memory().reservation(caller);
            let form = read_to_end(body, MAX_FORM_BYTES, held).await.map_err(TokenError::Body)?;
            let text = std::str::from_utf8(&form.bytes)
                .map_err(|_| TokenError::Malformed("the form is not UTF-8".into()))?;
            let form = Query::parse(text).map_err(TokenError::Malformed)?;
            (credential_of(&form, parts)?, form)
        }
        _ => return Err(TokenError::Method),
    };
    if let Some(name) = parameters.repeated(&ONCE) {
        return Err(TokenError::Malformed(format!("{name} is there more than once; send it once")));
    }
    if let Some(service) = parameters.one("service").filter(|service| *service != SERVICE) {
        let reason = format!("there is no service {service:?} here; the challenge names {SERVICE}");
        return Err(TokenError::Malformed(reason));
    }
    let requested = Requested::parse(parameters.all("scope"))
        .map_err(|error| TokenError::Malformed(error.to_string()))?;
    let origin = request::origin(parts);
    Ok(app.registry().issue_bearer(&credential, &requested, &origin, app.now()).await?)
}

/// Returns the credential of a form (RFC 6749 §4.3 and §6). A refresh token is a token's own secret; the endpoint issues
/// none, because docker would store it in the secret's place. If the form has no credential, that of the `Authorization`
/// header counts: some clients POST the scopes and send Basic, as they would with GET.
fn credential_of(form: &Query, parts: &Parts) -> Result<Credential, TokenError> {
    let has_none = CREDENTIAL_FIELDS.iter().all(|name| form.one(name).is_none());
    let is_for_header = matches!(form.one("grant_type"), None | Some("password" | "client_credentials"));
    if has_none && is_for_header && parts.headers.contains_key(header::AUTHORIZATION) {
        return Ok(Caller::of(parts, BearerIs::Nothing)?.credential);
    }
    let field = |name: &str| {
        let value = form.one(name).filter(|value| !value.contains('\0'));
        value
            .map(str::to_owned)
            .ok_or_else(|| TokenError::Malformed(format!("the form has no usable {name}")))
    };
    match form.one("grant_type") {
        Some("password") => Ok(Credential::Basic {
            username: field("username")?,
            password: Password::new(field("password")?),
        }),
        Some("refresh_token") => Ok(Credential::Secret(Password::new(field("refresh_token")?))),
        Some(other) => Err(TokenError::UnknownGrant(other.to_owned())),
        None => Err(TokenError::Malformed("the form names no grant_type".to_owned())),
    }
}

fn answer(issued: &IssuedBearer) -> Response {
    let IssuedBearer { bearer, expires_in, issued_at } = issued;
    let token = bearer.expose();
    Json(serde_json::json!({
        "token": token,
        "access_token": token,
        "expires_in": expires_in,
        "issued_at": Instant::from_millis(issued_at.as_unix_seconds() * 1000),
    }))
    .into_response()
}

fn refuse(error: &TokenError) -> Response {
    match error {
        TokenError::Malformed(reason) => problem(StatusCode::BAD_REQUEST, "invalid_request", reason),
        TokenError::UnknownGrant(grant) => {
            let reason = format!("grant_type {grant:?} is not known here; password and refresh_token are");
            problem(StatusCode::BAD_REQUEST, "unsupported_grant_type", &reason)
        }
        TokenError::Body(error @ BodyRefused::TooLarge { .. }) => {
            problem(StatusCode::PAYLOAD_TOO_LARGE, "invalid_request", &error.to_string())
        }
        TokenError::Body(error @ BodyRefused::Broken(_)) => {
            problem(StatusCode::BAD_REQUEST, "invalid_request", &error.to_string())
        }
        TokenError::Body(error @ BodyRefused::Stalled) => {
            problem(StatusCode::REQUEST_TIMEOUT, "invalid_request", &error.to_string())
        }
        TokenError::Body(BodyRefused::MemoryFull(error)) => unavailable(&error.to_string()),
        TokenError::Bearer(BearerError::Unsigned(error @ (SignError::Crypto(_) | SignError::Json(_)))) => {
            tracing::error!(%error, "a bearer could not be signed");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "server_error", FAILED)
        }
        TokenError::Bearer(BearerError::Unsigned(error @ SignError::TooLarge { .. })) => {
            problem(StatusCode::BAD_REQUEST, "invalid_scope", &error.to_string())
        }
        TokenError::Bearer(BearerError::Refused(refusal)) => refuse_credential(refusal),
        TokenError::Method => {
            let mut response = problem(StatusCode::METHOD_NOT_ALLOWED, "invalid_request", "GET or POST");
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, POST"));
            response
        }
    }
}

fn refuse_credential(refusal: &Refusal) -> Response {
    let reason = refusal.to_string();
    match refusal {
        Refusal::BadCredential(_)
        | Refusal::SignIn { .. }
        | Refusal::BearerTooNarrow { .. }
        | Refusal::Denied(_)
        | Refusal::Unseen(_) => {
            // RFC 6749 §5.2: no credential at all, or one that is no good.
            let is_absent = matches!(refusal, Refusal::SignIn { .. });
            let error = if is_absent { "invalid_client" } else { "invalid_grant" };
            let mut response = problem(StatusCode::UNAUTHORIZED, error, &reason);
            let challenge = format!("Basic realm={},charset=\"UTF-8\"", headers::quoted(SERVICE));
            response.headers_mut().insert(header::WWW_AUTHENTICATE, headers::value(&challenge));
            response
        }
        Refusal::Storage(
            error @ (DbError::Unavailable(_) | DbError::CommitUnknown(_) | DbError::Busy(_)),
        ) => {
            tracing::warn!(%error, "the database did not answer");
            unavailable("the database does not answer; try again in a moment")
        }
        Refusal::Busy => unavailable(&reason),
        // RFC 6749 has no word of its own for this; the status says it.
        Refusal::TooManyGuesses(guesses) => {
            let mut response = problem(StatusCode::TOO_MANY_REQUESTS, "temporarily_unavailable", &reason);
            response.headers_mut().insert(header::RETRY_AFTER, guesses.retry_after_seconds.into());
            response
        }
        Refusal::Storage(error) => {
            tracing::error!(%error, "a bearer could not be issued");
            problem(StatusCode::INTERNAL_SERVER_ERROR, "server_error", FAILED)
        }
    }
}

fn unavailable(reason: &str) -> Response {
    let mut response = problem(StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", reason);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// RFC 6749 §5.2, with the `errors` of distribution beside it: docker prints those.
fn problem(status: StatusCode, error: &str, reason: &str) -> Response {
    let code = match status {
        StatusCode::UNAUTHORIZED => ErrorCode::Unauthorized,
        StatusCode::TOO_MANY_REQUESTS => ErrorCode::TooManyRequests,
        StatusCode::SERVICE_UNAVAILABLE => ErrorCode::Unavailable,
        StatusCode::INTERNAL_SERVER_ERROR => ErrorCode::Unknown,
        _ => ErrorCode::Unsupported,
    };
    let body = serde_json::json!({
        "error": error,
        "error_description": reason,
        "errors": [{ "code": code.as_str(), "message": reason }],
    });
    (status, Json(body)).into_response()
}
