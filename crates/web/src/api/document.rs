//! The OpenAPI document, besides what the handlers say of themselves: credentials, chapters, and how operations fail,
//! which follows from their form.

use std::collections::BTreeSet;

use http::{StatusCode, header};
use utoipa::openapi::{
    Components, HeaderBuilder, Info, License, OpenApi, Paths, RefOr, SecurityRequirement, Server,
    path::{Operation, Parameter, ParameterIn, PathItem},
    security::{Http, HttpAuthScheme, SecurityScheme},
    tag::{Tag, TagBuilder},
};

use super::{
    ROOT,
    problem::{self, Code, described},
};

const SUMMARY: &str = "Namespaces, repositories, people and access tokens of a container registry.\n\n\
    Every operation takes a credential. Whoever may not do what they ask is told so (401, 403, 404) before query, \
    headers and body are looked at. Three say only there what they are about: actOnTokens and showAudit look for any \
    person, editUser for whoever may change anything of that user. Unknown fields and query parameters are refused \
    (422), and so are keys that stand twice in an object (400). Lists come in pages: `limit` items behind `after`, which \
    is the `next` of the page before. Edits take `If-Match`. Every answer has `X-Request-Id`, which the server's log and \
    audit have too.";

const SCHEMES: [(&str, HttpAuthScheme, &str); 2] = [
    (
        "password",
        HttpAuthScheme::Basic,
        "A username with its password; or a token's secret with the token's login name: a service token's own name, a \
         personal token's username",
    ),
    (
        "secret",
        HttpAuthScheme::Bearer,
        "A token's secret by itself, without a login name. The short-lived bearers of `/auth/token` are for `/v2/`, and \
         refused here",
    ),
];

const CHAPTERS: [(&str, &str); 9] = [
    ("me", "The credential that you use"),
    ("namespaces", "The units of tenancy: each owns repositories and service tokens, and has members"),
    ("repositories", "What was pushed; a repository is made by its first push"),
    ("members", "Users and teams with their roles in a namespace"),
    ("tokens", "Service tokens of namespaces and of the instance, and personal tokens"),
    ("users", "Accounts"),
    ("teams", "Named sets of users, members wherever a user is"),
    ("settings", "What holds for the whole instance"),
    ("audit", "Who did what, when, from where, with which token"),
];

/// What can go wrong with which operation, beyond what follows from its form.
const OWN_FAILURES: [(&str, Code); 14] = [
    ("createNamespace", Code::NameTaken),
    ("deleteNamespace", Code::HoldsRepositories),
    ("deleteManifest", Code::InUse),
    ("createToken", Code::NameTaken),
    ("createInstanceToken", Code::NameTaken),
    ("resetToken", Code::TooMany),
    ("addScope", Code::TooMany),
    ("createUser", Code::NameTaken),
    ("editUser", Code::LastAdministrator),
    ("deleteUser", Code::LastAdministrator),
    ("createTeam", Code::NameTaken),
    ("renameTeam", Code::NameTaken),
    // What they are about is named in the body, or in the query.
    ("actOnTokens", Code::NotFound),
    ("showAudit", Code::NotFound),
];

/// The document without operations.
pub(super) fn begun() -> OpenApi {
    let mut components = Components::new();
    components.schemas.extend(problem::schemas());
    for (name, scheme, description) in &SCHEMES {
        let mut http = Http::new(scheme.clone());
        http.description = Some((*description).to_owned());
        components.add_security_scheme(*name, SecurityScheme::Http(http));
    }
    let info = Info::builder()
        .title("Sealock")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(SUMMARY))
        .license(Some(License::new(env!("CARGO_PKG_LICENSE"))));
    let mut document = OpenApi::new(info.build(), Paths::new());
    document.servers = Some(vec![Server::new(ROOT)]);
    document.components = Some(components);
    document.tags = Some(CHAPTERS.iter().map(chapter).collect());
    let either = SCHEMES.iter().map(|(name, ..)| SecurityRequirement::new(*name, Vec::<String>::new()));
    document.security = Some(either.collect());
    document
}

fn chapter((name, description): &(&str, &str)) -> Tag {
    TagBuilder::new().name(*name).description(Some(*description)).build()
}

/// Adds to every operation how it fails.
pub(super) fn finish(document: &mut OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        for (status, codes) in by_status(failures(operation)) {
            let mut response = described(codes.into_iter());
            if status == StatusCode::UNAUTHORIZED {
                let challenge = HeaderBuilder::new().description(Some("One challenge: Basic")).build();
                response.headers.insert(header::WWW_AUTHENTICATE.to_string(), RefOr::T(challenge));
            }
            operation.responses.responses.insert(status.as_u16().to_string(), RefOr::T(response));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete].into_iter().flatten()
}

/// What can go wrong with an operation, its server's own faults apart.
fn failures(operation: &Operation) -> Vec<Code> {
    // Any operation may be sent a query that it does not know, or that is no text.
    let mut codes = vec![
        Code::LogInNeeded,
        Code::BadCredential,
        Code::Denied,
        Code::TooManyGuesses,
        Code::Malformed,
        Code::Invalid,
    ];
    let parameters: Vec<&Parameter> = operation.parameters.iter().flatten().filter_map(inlined).collect();
    if parameters.iter().any(|parameter| parameter.parameter_in == ParameterIn::Path) {
        codes.push(Code::NotFound);
    }
    if parameters.iter().any(|parameter| parameter.parameter_in == ParameterIn::Header) {
        codes.push(Code::Changed);
    }
    if operation.request_body.is_some() {
        codes.extend([Code::TooSlow, Code::TooLarge, Code::NotJson]);
    }
    let own = OWN_FAILURES.iter().filter(|(id, _)| operation.operation_id.as_deref() == Some(id));
    codes.extend(own.map(|(_, code)| *code));
    codes
}

fn inlined(parameter: &RefOr<Parameter>) -> Option<&Parameter> {
    match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    }
}

fn by_status(codes: Vec<Code>) -> impl Iterator<Item = (StatusCode, Vec<Code>)> {
    let statuses: BTreeSet<u16> = codes.iter().map(|code| code.status().as_u16()).collect();
    statuses.into_iter().filter_map(move |status| {
        let status = StatusCode::from_u16(status).ok()?;
        Some((status, codes.iter().copied().filter(|code| code.status() == status).collect()))
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::Value;

    use super::*;
    use crate::api::router;

    fn written() -> Value {
        serde_json::to_value(router().1).unwrap()
    }

    /// Path, method and operation.
    fn each_operation(document: &Value) -> Vec<(&str, &str, &Value)> {
        let items = document["paths"].as_object().unwrap().iter();
        let each = |(path, item)| {
            let methods = Value::as_object(item).unwrap().iter();
            methods.map(move |(method, operation)| (String::as_str(path), method.as_str(), operation))
        };
        items.flat_map(each).collect()
    }

    #[test]
    fn the_document_has_every_operation_and_no_loose_reference() {
        let document = written();
        let operations: Vec<_> = each_operation(&document)
            .into_iter()
            .map(|(path, method, _)| format!("{method} {path}"))
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
                "get /tokens/{id}/created",
                "post /tokens/{id}/end-created",
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
                "get /users/{username}/sessions",
                "delete /users/{username}/sessions/{session}",
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
        let document = written();
        for (path, method, operation) in each_operation(&document) {
            let responses = operation["responses"].as_object().unwrap();
            assert!(responses.keys().any(|status| status.starts_with('2')), "{method} {path}");
            assert!(operation["summary"].is_string(), "{method} {path}");
            let problem = "/content/application~1problem+json/schema/$ref";
            for (status, response) in responses.iter().filter(|(status, _)| !status.starts_with('2')) {
                assert!(response.pointer(problem).is_some(), "{method} {path} {status}");
            }
            for status in ["400", "401", "403", "422", "429", "default"] {
                assert!(responses.contains_key(status), "{method} {path} {status}");
            }
            let has = |status: &str| responses.contains_key(status);
            let takes = |place: &str| {
                operation["parameters"].as_array().into_iter().flatten().any(|one| one["in"] == place)
            };
            assert!(has("404") || !takes("path"), "{method} {path}");
            assert_eq!(has("412"), takes("header"), "{method} {path}");
            let reads = operation["requestBody"].is_object();
            assert_eq!((has("413"), has("415")), (reads, reads), "{method} {path}");
        }
        let may_be_left_out: Vec<_> = each_operation(&document)
            .into_iter()
            .filter(|(.., one)| one["requestBody"].is_object() && one["requestBody"]["required"] != true)
            .map(|(.., one)| one["operationId"].as_str().unwrap())
            .collect();
        assert_eq!(may_be_left_out, ["resetToken"]);
        for (id, code) in OWN_FAILURES {
            let of =
                each_operation(&document).into_iter().find(|(.., operation)| operation["operationId"] == id);
            let response = &of.unwrap().2["responses"][code.status().as_str()];
            let word = format!("`{}`", code.word());
            assert!(response["description"].as_str().unwrap().contains(&word), "{id}: {response}");
        }
    }

    #[test]
    fn operations_have_names_of_their_own_and_stand_in_a_chapter() {
        let document = written();
        let operations = each_operation(&document);
        let ids: BTreeSet<_> =
            operations.iter().map(|(.., operation)| operation["operationId"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), operations.len());
        let tags = operations.iter().flat_map(|(.., operation)| operation["tags"].as_array().unwrap());
        let tags: BTreeSet<_> = tags.map(|tag| tag.as_str().unwrap()).collect();
        assert_eq!(tags, CHAPTERS.iter().map(|(name, _)| *name).collect());
    }

    #[test]
    fn every_parameter_every_schema_and_every_field_is_described() {
        let document = written();
        let mut bare = Vec::new();
        for (path, method, operation) in each_operation(&document) {
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                if !parameter["description"].is_string() {
                    bare.push(format!("{method} {path}: {}", parameter["name"]));
                }
            }
        }
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
            if !parts.clone().any(|part| part["description"].is_string()) {
                bare.push(name.clone());
            }
            for (field, property) in parts.filter_map(|part| part["properties"].as_object()).flatten() {
                // One that may be null is described beside its schema.
                let mut whole = property["oneOf"].as_array().into_iter().flatten().chain([property]);
                if !whole.any(|part| part["description"].is_string() || part["$ref"].is_string()) {
                    bare.push(format!("{name}.{field}"));
                }
            }
        }
        assert!(bare.is_empty(), "{bare:#?}");
    }

    /// The promise to clients: a word that is taken out, or put in, is seen here.
    #[test]
    fn closed_sets_are_listed_word_by_word() {
        let document = written();
        let schemas = document["components"]["schemas"].as_object().unwrap();
        let sets: Vec<_> = schemas
            .iter()
            .filter_map(|(name, schema)| {
                let words = schema["enum"].as_array()?.iter().map(|word| word.as_str().unwrap());
                Some(format!("{name}: {}", words.collect::<Vec<_>>().join(" ")))
            })
            .collect();
        assert_eq!(
            sets,
            [
                "Act: disable enable delete",
                "AskedAction: pull push delete admin list *",
                "CredentialKind: user personal service",
                "ExplainedAction: pull push delete admin",
                "MemberKind: users teams",
                "Permission: pull pull-push custom account",
                "ProblemCode: malformed log-in-needed bad-credential denied not-found method-not-allowed too-slow \
                 name-taken too-many in-use last-administrator holds-repositories changed too-large not-json invalid \
                 too-many-guesses too-many-names internal unavailable storage-full",
                "Role: reader writer admin",
                "ScopeAction: pull push delete list",
                "ScopeType: repository registry",
                "ShortPermission: pull pull-push",
                "TokenAccess: account scoped",
                "TokenKind: personal service",
                "TokenStatus: enabled disabled",
                "Visibility: private public",
            ]
        );
        // No set hides in a pattern, where no client's generator finds it.
        assert!(!document.to_string().contains("|"), "a pattern with alternatives");
    }
}
