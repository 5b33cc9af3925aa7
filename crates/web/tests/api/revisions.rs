//! `If-Match`: an edit that was meant for another revision than the present one is refused.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{TestServer, both_engines};

const PASSWORD: &str = "a fine password";

/// Every edit that takes `If-Match`, with a body that would do.
async fn edits(t: &TestServer) -> Vec<(Method, String, Value)> {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let user = json!({"username": "ann", "password": PASSWORD});
    t.admin().post_json("/api/v1/users", &user).await.is(201);
    t.admin().post_json("/api/v1/teams", &json!({"name": "crew"})).await.is(201);
    let token = format!("/api/v1/tokens/{}", ci.id);
    let shown = t.admin().get(&token).await.is(200).json();
    let scope = format!("{token}/scopes/{}", shown["scopes"][0]["id"].as_str().unwrap());
    let more = json!({"type": "repository", "path": "acme/api", "actions": ["pull"]});
    vec![
        (Method::PATCH, "/api/v1/namespaces/acme".to_owned(), json!({"visibility": "public"})),
        (Method::PATCH, "/api/v1/users/ann".to_owned(), json!({"is_admin": true})),
        (Method::PATCH, "/api/v1/teams/crew".to_owned(), json!({"name": "band"})),
        (Method::PATCH, "/api/v1/settings".to_owned(), json!({"own_namespaces": false})),
        (Method::PATCH, token.clone(), json!({"description": "edited"})),
        (Method::POST, format!("{token}/scopes"), more),
        (Method::DELETE, scope, json!({})),
        (Method::DELETE, format!("{token}/scopes"), json!({})),
    ]
}

#[both_engines]
async fn no_revision_that_was_never_there_is_taken_however_large(t: TestServer) {
    let admin = t.admin();
    let own = (
        Method::PATCH,
        "/api/v1/users/ann".to_owned(),
        json!({"current_password": PASSWORD, "password": "another one"}),
    );
    let edits = edits(&t).await;
    let by_admin = edits.into_iter().map(|edit| (&admin, edit));
    let ann = t.basic("ann", PASSWORD);
    for (caller, (method, path, body)) in by_admin.chain([(&ann, own)]) {
        for tag in ["9223372036854775807", "9223372036854775806", "-9223372036854775808", "-1", "0"] {
            let request = caller.request(method.clone(), &path).json(&body);
            let request = request.header("if-match", format!("\"{tag}\""));
            caller.send(request).await.refused(412, "changed");
        }
    }
}
