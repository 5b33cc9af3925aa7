//! Who may call at all, what everybody is told, and what every answer has in common.

use access::time::Length;
use reqwest::Method;
use serde_json::json;
use testkit::{TestServer, both_engines};

/// An id that no token has.
const NOBODYS_ID: &str = "0190a5e0-7d4c-7aaa-8bbb-123456789abc";

/// Every operation, with a body that would do.
fn operations() -> Vec<(Method, String, Option<serde_json::Value>)> {
    let token = format!("/api/v1/tokens/{NOBODYS_ID}");
    vec![
        (Method::GET, "/api/v1/me".to_owned(), None),
        (Method::GET, "/api/v1/namespaces".to_owned(), None),
        (Method::POST, "/api/v1/namespaces".to_owned(), Some(json!({"name": "acme"}))),
        (Method::GET, "/api/v1/namespaces/acme".to_owned(), None),
        (Method::GET, "/api/v1/namespaces/acme/tokens".to_owned(), None),
        (Method::POST, "/api/v1/namespaces/acme/tokens".to_owned(), Some(json!({"name": "deploy"}))),
        (Method::GET, token.clone(), None),
        (Method::PATCH, token.clone(), Some(json!({"status": "disabled"}))),
        (Method::DELETE, token.clone(), None),
        (Method::POST, format!("{token}/reset"), Some(json!({}))),
        (Method::PATCH, "/api/v1/namespaces/acme".to_owned(), Some(json!({"visibility": "public"}))),
        (Method::DELETE, "/api/v1/namespaces/admin?force=true".to_owned(), None),
        (Method::GET, "/api/v1/namespaces/admin/members".to_owned(), None),
        (
            Method::PUT,
            "/api/v1/namespaces/admin/members/users/admin".to_owned(),
            Some(json!({"role": "reader"})),
        ),
        (Method::DELETE, "/api/v1/namespaces/admin/members/users/admin".to_owned(), None),
        (Method::GET, "/api/v1/users".to_owned(), None),
        (
            Method::POST,
            "/api/v1/users".to_owned(),
            Some(json!({"username": "ann", "password": "a fine password"})),
        ),
        (Method::GET, "/api/v1/users/admin".to_owned(), None),
        (Method::PATCH, "/api/v1/users/admin".to_owned(), Some(json!({"password": "a fine password"}))),
        (Method::DELETE, "/api/v1/users/admin".to_owned(), None),
        (Method::GET, "/api/v1/teams".to_owned(), None),
        (Method::POST, "/api/v1/teams".to_owned(), Some(json!({"name": "crew"}))),
        (Method::GET, "/api/v1/teams/crew".to_owned(), None),
        (Method::PATCH, "/api/v1/teams/crew".to_owned(), Some(json!({"name": "band"}))),
        (Method::DELETE, "/api/v1/teams/crew".to_owned(), None),
        (Method::PUT, "/api/v1/teams/crew/members/admin".to_owned(), None),
        (Method::DELETE, "/api/v1/teams/crew/members/admin".to_owned(), None),
        (Method::GET, "/api/v1/settings".to_owned(), None),
        (Method::PATCH, "/api/v1/settings".to_owned(), Some(json!({"own_namespaces": false}))),
    ]
}

#[both_engines]
async fn nobody_may_do_anything(t: TestServer) {
    for caller in [t.anonymous(), t.basic("admin", "wrong"), t.basic("nobody", "wrong"), t.bearer("x")] {
        for (method, path, body) in operations() {
            // Five wrong passwords a minute are heard out, and no more.
            t.clock.advance(Length::seconds(60));
            let mut request = caller.request(method, &path);
            if let Some(body) = &body {
                request = request.json(body);
            }
            let answer = caller.send(request).await.is(401);
            assert_eq!(answer.header("www-authenticate"), "Basic realm=\"sealock\"", "{answer:?}");
            assert_eq!(answer.headers.get_all("www-authenticate").iter().count(), 1);
            assert!(["log-in-needed", "bad-credential"].contains(&answer.code().as_str()), "{answer:?}");
        }
    }
    let namespaces = t.admin().get("/api/v1/namespaces").await.is(200).json();
    assert_eq!(crate::names(&namespaces), ["admin"], "their own, from the first start");
}

#[both_engines]
async fn a_service_token_sees_itself_and_manages_nothing(t: TestServer) {
    let ci = t.service_token("acme", "deploy", json!({"permission": "pull-push"})).await;
    for caller in [t.with(&ci), t.bearer(&ci.secret)] {
        let me = caller.get("/api/v1/me").await.is(200).json();
        assert_eq!((&me["kind"], &me["token"]["name"]), (&json!("service"), &json!("deploy")));
        assert_eq!((&me["token"]["namespace"], &me["token"]["id"]), (&json!("acme"), &json!(ci.id)));
        let scope = json!({"type": "repository", "path": "*", "actions": ["pull", "push"]});
        assert_eq!(me["token"]["scopes"], json!([scope]));
        assert!(me.get("username").is_none() && me.get("is_admin").is_none(), "{me}");

        caller.get("/api/v1/namespaces").await.refused(403, "denied");
        caller.post_json("/api/v1/namespaces", &json!({"name": "other"})).await.refused(403, "denied");
        // Its own namespace, which it knows; what is in it to manage it is not shown, its own id neither.
        let nothing = "token acme/deploy manages nothing; log in as a user";
        for path in ["", "/tokens", "/members"] {
            let path = format!("/api/v1/namespaces/acme{path}");
            caller.get(&path).await.refused(403, "denied").says(nothing);
        }
        caller.patch_json("/api/v1/namespaces/acme", &json!({})).await.refused(403, "denied").says(nothing);
        for path in ["/api/v1/namespaces/admin", "/api/v1/namespaces/absent"] {
            caller
                .get(path)
                .await
                .refused(404, "not-found")
                .says("does not exist, or token acme/deploy has no role");
        }
        let path = format!("/api/v1/tokens/{}", ci.id);
        caller.get(&path).await.refused(404, "not-found");
        caller.patch_json(&path, &json!({"expires_at": null})).await.refused(404, "not-found");
        caller.delete(&path).await.refused(404, "not-found");
        caller.post(&format!("{path}/reset")).await.refused(404, "not-found");
    }
}

#[both_engines]
async fn a_user_is_told_who_they_are(t: TestServer) {
    let me = t.admin().get("/api/v1/me").await.is(200).json();
    assert_eq!(me, json!({"kind": "user", "username": "admin", "is_admin": true}));
}

#[both_engines]
async fn a_dead_token_is_told_why(t: TestServer) {
    let ci = t.service_token("acme", "deploy", json!({})).await;
    t.edit(&ci, json!({"status": "disabled"})).await.is(200);
    t.with(&ci).get("/api/v1/me").await.refused(401, "bad-credential").says("token acme/deploy is disabled");
    t.basic("another", &ci.secret).get("/api/v1/me").await.refused(401, "bad-credential").says("login name");
}

#[both_engines]
async fn what_is_not_there_says_so_as_a_problem(t: TestServer) {
    let admin = t.admin();
    for path in ["/api/v1", "/api/v1/nothing", "/api/v1/people", "/api/v1/namespaces/acme/tokens/x"] {
        let answer = admin.get(path).await.refused(404, "not-found");
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.json()["request_id"], json!(answer.header("x-request-id")));
        assert_eq!(answer.header("cache-control"), "no-store");
    }
    let answer =
        admin.send(admin.request(Method::PUT, "/api/v1/me")).await.refused(405, "method-not-allowed");
    assert_eq!(answer.header("allow"), "GET,HEAD");
}

#[both_engines]
async fn a_malformed_or_foreign_id_is_not_seen_whatever_the_verb(t: TestServer) {
    let admin = t.admin();
    for id in ["x", "%00", "%ff", "0190A5E0-7D4C-7AAA-8BBB-123456789ABC", NOBODYS_ID] {
        let path = format!("/api/v1/tokens/{id}");
        admin.get(&path).await.refused(404, "not-found");
        admin.patch_json(&path, &json!({"status": "enabled"})).await.refused(404, "not-found");
        admin.delete(&path).await.refused(404, "not-found");
        admin.post(&format!("{path}/reset")).await.refused(404, "not-found");
    }
}

#[both_engines]
async fn unknown_query_parameters_are_refused(t: TestServer) {
    let admin = t.admin();
    for path in ["/api/v1/me?a=b", "/api/v1/namespaces?page=2", "/api/v1/namespaces/acme?force=true"] {
        admin.get(path).await.refused(422, "invalid");
    }
    let answer = admin.get("/api/v1/namespaces?limit=0&after=%00").await.refused(422, "invalid");
    assert_eq!(crate::wrong_fields(&answer), ["limit", "after"]);
}

#[both_engines]
async fn the_document_is_served_to_everybody(t: TestServer) {
    let document = t.anonymous().get("/api/openapi.json").await.is(200).json();
    assert_eq!(document["servers"][0]["url"], json!("/api/v1"));
    assert!(document["paths"]["/tokens/{id}/reset"]["post"].is_object());
}
