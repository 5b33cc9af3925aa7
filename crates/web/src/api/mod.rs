//! `/api/v1/`: management (DESIGN §3.3). A handler translates in, asks the gate, calls a use case, translates out; the
//! OpenAPI document is generated from the handlers.
//!
//! One file for each endpoint or family of endpoints; what they share: who calls (`caller`), the path (`path`), the
//! query (`page`), bodies (`json`, `fields`), the order in which they are looked at (`unread`), closed sets (`words`),
//! revisions (`revision`), every error (`problem`), and the document around them (`document`, `parameters`).

mod audit;
mod caller;
mod document;
mod fields;
mod instance_tokens;
mod json;
mod me;
mod members;
mod namespace;
mod namespace_tokens;
mod namespaces;
mod page;
mod parameters;
mod password_field;
mod path;
mod personal_token_request;
mod problem;
mod repositories;
mod repository_content;
mod repository_path;
mod revision;
mod scope_body;
mod settings;
mod stands_for;
mod team;
mod teams;
mod token;
mod token_activity;
mod token_answer;
mod token_created;
mod token_explain;
mod token_fields;
mod token_list;
mod token_request;
mod token_reset;
mod token_scopes;
mod token_secrets;
mod unread;
mod user;
mod user_request;
mod user_sessions;
mod user_tokens;
mod users;
mod words;

use axum::{Router, extract::Request, middleware, middleware::Next, response::Response};
use http::{HeaderValue, Method, Uri, header};
use problem::{Code, Problem};
use utoipa::openapi::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, request::RequestId};

/// Where the API is mounted, and what the document's paths are relative to.
const ROOT: &str = "/api/v1";

/// The API, with paths relative to `/api/v1`, and the document that describes it.
pub(crate) fn router() -> (Router<App>, OpenApi) {
    let (router, mut document) = OpenApiRouter::with_openapi(document::begun())
        .routes(routes!(me::show))
        .routes(routes!(namespaces::list, namespaces::create))
        .routes(routes!(namespace::show, namespace::edit, namespace::delete))
        .routes(routes!(members::list))
        .routes(routes!(members::set, members::remove))
        .routes(routes!(users::list, users::create))
        .routes(routes!(user::show, user::edit, user::delete))
        .routes(routes!(teams::list, teams::create))
        .routes(routes!(team::show, team::rename, team::delete))
        .routes(routes!(team::add, team::remove))
        .routes(routes!(settings::show, settings::edit))
        .routes(routes!(namespace_tokens::list, namespace_tokens::create))
        .routes(routes!(token::show, token::edit, token::delete))
        .routes(routes!(token_reset::reset))
        .routes(routes!(namespace_tokens::disable_all))
        .routes(routes!(instance_tokens::list, instance_tokens::create))
        .routes(routes!(instance_tokens::batch))
        .routes(routes!(user_tokens::list, user_tokens::create))
        .routes(routes!(user_tokens::end_all))
        .routes(routes!(user_sessions::list))
        .routes(routes!(user_sessions::end))
        .routes(routes!(token_scopes::add, token_scopes::clear))
        .routes(routes!(token_scopes::remove))
        .routes(routes!(token_secrets::list))
        .routes(routes!(token_secrets::end))
        .routes(routes!(token_explain::explain))
        .routes(routes!(token_activity::show))
        .routes(routes!(token_created::list))
        .routes(routes!(token_created::end))
        .routes(routes!(repositories::list))
        .routes(routes!(repositories::list_in_namespace))
        .routes(routes!(repositories::show, repositories::delete))
        .routes(routes!(repository_content::list_tags))
        .routes(routes!(repository_content::delete_tag))
        .routes(routes!(repository_content::list_manifests))
        .routes(routes!(repository_content::delete_manifest))
        .routes(routes!(audit::show))
        .split_for_parts();
    document::finish(&mut document);
    let router = router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(finish));
    (router, document)
}

async fn not_found(uri: Uri) -> Problem {
    let detail = format!("there is nothing at {ROOT}{}; /api/openapi.json says what there is", uri.path());
    Problem::new(Code::NotFound, detail)
}

/// The router adds `Allow`.
async fn method_not_allowed(method: Method) -> Problem {
    Problem::new(Code::MethodNotAllowed, format!("{method} does nothing here; Allow says which methods do"))
}

/// Gives problems their body, which names the request, and keeps every answer out of caches: all of them depend on
/// who asks, and some hold a secret.
async fn finish(request: Request, next: Next) -> Response {
    let id = request.extensions().get::<RequestId>().cloned();
    let mut response = next.run(request).await;
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        problem.write(&mut response, id.as_ref());
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
