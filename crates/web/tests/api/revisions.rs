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

/// The ETag of what an edit is of, and how many rows the audit has.
async fn trace(t: &TestServer, path: &str) -> (String, usize) {
    let shown = t.admin().get(path).await.is(200);
    let audit = t.admin().get("/api/v1/audit?limit=1000").await.is(200).json();
    (shown.header("etag").to_owned(), audit["items"].as_array().unwrap().len())
}

#[both_engines]
async fn an_edit_that_changes_nothing_is_200_and_leaves_no_trace(t: TestServer) {
    edits(&t).await;
    let admin = t.admin();
    let laptop = t.personal_token("ann", json!({ "name": "laptop" })).await;
    let tokens = admin.get("/api/v1/namespaces/acme/tokens").await.is(200).json();
    let ci = format!("/api/v1/tokens/{}", tokens["items"][0]["id"].as_str().unwrap());
    let laptop = format!("/api/v1/tokens/{}", laptop.id);
    let later = json!({ "expires_at": "2026-06-01T00:00:00Z", "allowed_addresses": ["10.0.0.0/8"], "description": "x" });
    admin.patch_json(&ci, &later).await.is(200);
    for (path, edit) in [
        ("/api/v1/namespaces/acme", json!({ "visibility": "private" })),
        ("/api/v1/users/ann", json!({ "is_admin": false, "is_active": true })),
        ("/api/v1/teams/crew", json!({ "name": "crew" })),
        ("/api/v1/settings", json!({ "own_namespaces": true, "tokens_for_others": true })),
        (&ci, json!({ "status": "enabled" })),
        (&ci, json!({ "permission": "pull" })),
        (&ci, later),
        (&laptop, json!({ "name": "laptop", "stands_for": null })),
        (&ci, json!({})),
        ("/api/v1/settings", json!({})),
    ] {
        let before = trace(&t, path).await;
        let edited = admin.patch_json(path, &edit).await.is(200);
        assert_eq!(edited.header("etag"), before.0, "{path} {edit}");
        assert_eq!(trace(&t, path).await, before, "{path} {edit}");
        // What it is meant for is looked at all the same.
        let stale = admin.request(Method::PATCH, path).header("if-match", "\"99\"").json(&edit);
        admin.send(stale).await.refused(412, "changed");
    }
    let before = trace(&t, &ci).await;
    let scope = json!({ "type": "repository", "path": "*", "actions": ["pull"] });
    let added = admin.post_json(&format!("{ci}/scopes"), &scope).await.is(200);
    assert_eq!(
        (added.header("etag"), added.json()["scopes"].as_array().unwrap().len()),
        (before.0.as_str(), 1)
    );
    let batch = json!({ "ids": [ci.rsplit('/').next(), laptop.rsplit('/').next()], "do": "enable" });
    admin.post_json("/api/v1/tokens/batch", &batch).await.is(200);
    assert_eq!(trace(&t, &ci).await, before);

    let (member, in_team) = ("/api/v1/namespaces/acme/members/users/ann", "/api/v1/teams/crew/members/ann");
    for _ in 0..2 {
        let role = json!({ "role": "reader" });
        admin.send(admin.request(Method::PUT, member).json(&role)).await.is(200);
        admin.send(admin.request(Method::PUT, in_team)).await.is(204);
    }
    let (namespace, team) =
        (trace(&t, "/api/v1/namespaces/acme").await, trace(&t, "/api/v1/teams/crew").await);
    // One row for the first of each two.
    assert_eq!(namespace.1, before.1 + 2);
    admin.send(admin.request(Method::PUT, member).json(&json!({ "role": "reader" }))).await.is(200);
    admin.send(admin.request(Method::PUT, in_team)).await.is(204);
    assert_eq!(trace(&t, "/api/v1/namespaces/acme").await, namespace);
    assert_eq!(trace(&t, "/api/v1/teams/crew").await, team);
}

#[both_engines]
async fn what_never_changes_may_be_repeated_as_it_is(t: TestServer) {
    edits(&t).await;
    let admin = t.admin();
    let laptop = t.personal_token("ann", json!({ "name": "laptop" })).await;
    let tokens = admin.get("/api/v1/namespaces/acme/tokens").await.is(200).json();
    let ci = format!("/api/v1/tokens/{}", tokens["items"][0]["id"].as_str().unwrap());
    for (path, fixed, change) in [
        (
            &*ci,
            &["id", "kind", "namespace", "name", "access", "created_at", "created_by"][..],
            json!({ "description": "a" }),
        ),
        (
            &format!("/api/v1/tokens/{}", laptop.id),
            &["id", "kind", "username", "access", "created_at", "created_by"],
            json!({ "name": "desk" }),
        ),
        ("/api/v1/users/ann", &["id", "username", "created_at"], json!({ "is_admin": true })),
        (
            "/api/v1/namespaces/acme",
            &["id", "name", "created_at", "created_by", "owner"],
            json!({ "visibility": "public" }),
        ),
        ("/api/v1/teams/crew", &["id", "created_at"], json!({ "name": "band" })),
    ] {
        let shown = admin.get(path).await.is(200).json();
        for field in fixed {
            let mut other = change.clone();
            other[field] = json!("another");
            let refused = admin.patch_json(path, &other).await.refused(422, "invalid");
            assert_eq!(crate::wrong_fields(&refused), [*field], "{path}");
        }
        let mut repeated = change.clone();
        for field in fixed {
            repeated[field] = shown[field].clone();
        }
        let edited = admin.patch_json(path, &repeated).await.is(200).json();
        for (field, value) in change.as_object().unwrap() {
            assert_eq!(edited[field], *value, "{path}");
        }
    }
    let member = "/api/v1/namespaces/acme/members/users/ann";
    let put = async |body: Value| admin.send(admin.request(Method::PUT, member).json(&body)).await;
    let set = put(json!({ "role": "reader", "kind": "users", "name": "ann" })).await.is(200).json();
    put(set).await.is(200);
    put(json!({ "role": "reader", "name": "bob" })).await.refused(422, "invalid");
}
