//! `/api/v1/`: management (DESIGN §3.3). A handler translates in, asks the gate, calls a use case, translates out; the
//! OpenAPI document is generated from the handlers.
//!
//! One file for each endpoint or family of endpoints; what they share: who calls (`caller`), the path (`path`), the
//! query (`page`), bodies (`json`, `fields`), revisions (`revision`), and every error (`problem`).

mod audit;
mod caller;
mod fields;
mod instance_tokens;
mod json;
mod me;
mod members;
mod namespace;
mod namespace_tokens;
mod namespaces;
mod page;
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
mod token_explain;
mod token_list;
mod token_request;
mod token_reset;
mod token_scopes;
mod token_secrets;
mod user;
mod user_request;
mod user_tokens;
mod users;

use axum::{Router, extract::Request, middleware, middleware::Next, response::Response};
use http::{HeaderValue, Method, Uri, header};
use problem::{Code, Problem};
use utoipa::openapi::{
    self, Components, OpenApi, SecurityRequirement, Server,
    security::{Http, HttpAuthScheme, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{app::App, request::RequestId};

/// Where the API is mounted, and what the document's paths are relative to.
const ROOT: &str = "/api/v1";

/// The API, with paths relative to `/api/v1`, and the document that describes it.
pub(crate) fn router() -> (Router<App>, OpenApi) {
    let (router, document) = OpenApiRouter::with_openapi(document())
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
        .routes(routes!(token_scopes::add, token_scopes::clear))
        .routes(routes!(token_scopes::remove))
        .routes(routes!(token_secrets::list))
        .routes(routes!(token_secrets::end))
        .routes(routes!(token_explain::explain))
        .routes(routes!(token_activity::show))
        .routes(routes!(repositories::list))
        .routes(routes!(repositories::list_in_namespace))
        .routes(routes!(repositories::show, repositories::delete))
        .routes(routes!(repository_content::list_tags))
        .routes(routes!(repository_content::delete_tag))
        .routes(routes!(repository_content::list_manifests))
        .routes(routes!(repository_content::delete_manifest))
        .routes(routes!(audit::show))
        .split_for_parts();
    let router = router
        .fallback(not_found)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn(finish));
    (router, document)
}

/// What the document says besides the operations.
fn document() -> OpenApi {
    let schemes = [
        (
            "password",
            HttpAuthScheme::Basic,
            "A username with its password, or a login name with a token's secret",
        ),
        ("secret", HttpAuthScheme::Bearer, "A token's secret by itself"),
    ];
    let mut components = Components::new();
    components.schemas.extend(problem::schemas());
    for (name, scheme, description) in &schemes {
        let mut http = Http::new(scheme.clone());
        http.description = Some((*description).to_owned());
        components.add_security_scheme(*name, SecurityScheme::Http(http));
    }
    let mut document = OpenApi::new(
        openapi::Info::builder()
            .title("Sealock")
            .version(env!("CARGO_PKG_VERSION"))
            .description(Some("Namespaces and access tokens of a container registry."))
            .build(),
        openapi::Paths::new(),
    );
    document.servers = Some(vec![Server::new(ROOT)]);
    document.components = Some(components);
    document.security = Some(
        schemes.iter().map(|(name, ..)| SecurityRequirement::new(*name, Vec::<String>::new())).collect(),
    );
    document
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_has_every_operation_and_no_loose_reference() {
        let document = serde_json::to_value(router().1).unwrap();
        let operations: Vec<_> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().unwrap().keys().map(move |method| format!("{method} {path}"))
            })
            .collect();
        assert_eq!(
            operations,
            [
                "get /audit",
                "get /me",
                "get /namespaces",
                "post /namespaces",
                "delete /namespaces/{ns}",
                "get /namespaces/{ns}",
                "patch /namespaces/{ns}",
                "get /namespaces/{ns}/members",
                "delete /namespaces/{ns}/members/{kind}/{name}",
                "put /namespaces/{ns}/members/{kind}/{name}",
                "get /namespaces/{ns}/repositories",
                "delete /namespaces/{ns}/repositories/{repository}",
                "get /namespaces/{ns}/repositories/{repository}",
                "get /namespaces/{ns}/repositories/{repository}/manifests",
                "delete /namespaces/{ns}/repositories/{repository}/manifests/{digest}",
                "get /namespaces/{ns}/repositories/{repository}/tags",
                "delete /namespaces/{ns}/repositories/{repository}/tags/{tag}",
                "get /namespaces/{ns}/tokens",
                "post /namespaces/{ns}/tokens",
                "post /namespaces/{ns}/tokens/disable-all",
                "get /repositories",
                "get /settings",
                "patch /settings",
                "get /teams",
                "post /teams",
                "delete /teams/{team}",
                "get /teams/{team}",
                "patch /teams/{team}",
                "delete /teams/{team}/members/{username}",
                "put /teams/{team}/members/{username}",
                "get /tokens",
                "post /tokens",
                "post /tokens/batch",
                "delete /tokens/{id}",
                "get /tokens/{id}",
                "patch /tokens/{id}",
                "get /tokens/{id}/activity",
                "post /tokens/{id}/explain",
                "post /tokens/{id}/reset",
                "delete /tokens/{id}/scopes",
                "post /tokens/{id}/scopes",
                "delete /tokens/{id}/scopes/{scope}",
                "get /tokens/{id}/secrets",
                "delete /tokens/{id}/secrets/{secret}",
                "get /users",
                "post /users",
                "delete /users/{username}",
                "get /users/{username}",
                "patch /users/{username}",
                "post /users/{username}/end-all",
                "get /users/{username}/tokens",
                "post /users/{username}/tokens",
            ]
        );
        let text = document.to_string();
        for reference in text.split("\"$ref\":\"#").skip(1) {
            let pointer = reference.split('"').next().unwrap();
            assert!(document.pointer(pointer).is_some(), "{pointer} is nowhere in the document");
        }
    }

    #[test]
    fn every_operation_says_what_it_answers_and_how_it_fails() {
        let document = serde_json::to_value(router().1).unwrap();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let responses = operation["responses"].as_object().unwrap();
                let problem = "/content/application~1problem+json/schema/$ref";
                assert!(responses["default"].pointer(problem).is_some(), "{method} {path}");
                assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
                assert!(operation["summary"].is_string(), "{method} {path}");
            }
        }
    }
}
