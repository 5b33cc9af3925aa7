//! Scopes of a token one by one, felt by whoever is logged in with it already.

use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, ServiceToken, TestServer, both_engines, image::Image};

use crate::wrong_fields;

fn path(token: &ServiceToken) -> String {
    format!("/api/v1/tokens/{}/scopes", token.id)
}

fn scope(path: &str, actions: &[&str]) -> Value {
    json!({"type": "repository", "path": path, "actions": actions})
}

async fn add(t: &TestServer, token: &ServiceToken, scope: Value) -> Answer {
    t.admin().post_json(&path(token), &scope).await
}

/// Ids and paths, in order.
async fn scopes(t: &TestServer, token: &ServiceToken) -> Vec<(String, String)> {
    let shown = t.admin().get(&format!("/api/v1/tokens/{}", token.id)).await.is(200).json();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    shown["scopes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|scope| (text(&scope["id"]), text(&scope["path"])))
        .collect()
}

#[both_engines]
async fn a_client_that_is_logged_in_feels_each_change_with_its_next_request(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"scopes": [scope("acme/web", &["pull"])]})).await;
    let docker = t.with(&ci).asks("repository:acme/api:pull,push").await;
    docker.start_upload("acme/api").await.refused(404, "NAME_UNKNOWN");

    let added = add(&t, &ci, scope("acme/api", &["pull", "push"])).await.is(201);
    assert_eq!(added.header("etag"), "\"2\"");
    // The bearer was fetched when there was no right to put into it; the client fetches another, without logging in.
    let docker = t.with(&ci).asks("repository:acme/api:pull,push").await;
    docker.push("acme/api", "1.0", &Image::new(1, 100)).await.is(201);

    let [web, api] = scopes(&t, &ci).await.try_into().unwrap();
    t.admin().delete(&format!("{}/{}", path(&ci), api.0)).await.is(204);
    docker
        .start_upload("acme/api")
        .await
        .refused(404, "NAME_UNKNOWN")
        .says("token acme/ci-bot has no scope that covers it");
    assert_eq!(scopes(&t, &ci).await, [web], "the other scope keeps its id");

    let web = t.with(&ci).asks("repository:acme/web:pull").await;
    web.get("/v2/acme/web/tags/list").await.refused(404, "NAME_UNKNOWN").says("acme/web");
    t.admin().delete(&path(&ci)).await.is(204);
    assert_eq!(scopes(&t, &ci).await, []);
    web.get("/v2/acme/web/tags/list").await.refused(404, "NAME_UNKNOWN").says("has no scope that covers it");
}

#[both_engines]
async fn the_ids_of_scopes_outlive_changes_of_the_others(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"scopes": [scope("acme/a", &["pull"])]})).await;
    add(&t, &ci, scope("acme/b", &["pull"])).await.is(201);
    add(&t, &ci, scope("acme/c", &["pull"])).await.is(201);
    let before = scopes(&t, &ci).await;
    assert_eq!(
        before.iter().map(|(_, path)| path.as_str()).collect::<Vec<_>>(),
        ["acme/a", "acme/b", "acme/c"]
    );
    // Replaced as a whole: what was there before is the same scope still.
    let all = json!({"scopes": [scope("acme/c", &["pull"]), scope("acme/d", &["pull"]), scope("acme/a", &["pull"])]});
    t.edit(&ci, all).await.is(200);
    let after = scopes(&t, &ci).await;
    assert_eq!((&after[0], &after[2]), (&before[2], &before[0]));
    assert!(before.iter().all(|(id, _)| *id != after[1].0), "{after:?}");
}

#[both_engines]
async fn what_breaks_a_rule_is_named_and_changes_nothing(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"scopes": [scope("acme/a", &["pull"])]})).await;
    for (body, field) in [
        (scope("app", &["pull"]), "path"),
        (scope("**", &["pull"]), "path"),
        (scope("acme/A", &["pull"]), "path"),
        (scope("acme/b", &["push"]), "actions"),
        (scope("acme/b", &[]), "actions"),
        (json!({"type": "organization", "actions": ["pull"]}), "type"),
        (json!({"path": "acme/b", "actions": ["pull"]}), "type"),
        (json!({"type": "registry", "path": "acme/b", "actions": ["list"]}), "path"),
        (json!({"type": "registry", "actions": ["list"], "id": "x"}), "id"),
        (json!({"scopes": []}), "scopes"),
    ] {
        let refused = add(&t, &ci, body.clone()).await.refused(422, "invalid");
        assert_eq!(wrong_fields(&refused)[0], field, "{body}");
    }
    add(&t, &ci, scope("app", &["pull"])).await.says("did you mean acme/app?");
    let nobody = "0190a5e0-7d4c-7aaa-8bbb-123456789abc";
    for id in [nobody, "x"] {
        t.admin().delete(&format!("{}/{id}", path(&ci))).await.refused(404, "not-found");
    }
    let other = t.service_token("acme", "other", json!({"scopes": [scope("acme/b", &["pull"])]})).await;
    let of_other = scopes(&t, &other).await[0].0.clone();
    t.admin().delete(&format!("{}/{of_other}", path(&ci))).await.refused(404, "not-found");
    assert_eq!((scopes(&t, &ci).await.len(), scopes(&t, &other).await.len()), (1, 1));
}

#[both_engines]
async fn a_token_has_at_most_a_hundred_scopes(t: TestServer) {
    let many: Vec<_> = (0..100).map(|number| scope(&format!("acme/r{number}"), &["pull"])).collect();
    let ci = t.service_token("acme", "ci-bot", json!({"scopes": many})).await;
    add(&t, &ci, scope("acme/more", &["pull"])).await.refused(409, "too-many").says("100 scopes");
    let first = scopes(&t, &ci).await[0].0.clone();
    t.admin().delete(&format!("{}/{first}", path(&ci))).await.is(204);
    let warned = add(&t, &ci, scope("acme/more", &["delete"])).await.is(201).json();
    assert_eq!(warned["warnings"][0]["field"], json!("actions"));
    assert_eq!(scopes(&t, &ci).await.len(), 100);
}

#[both_engines]
async fn a_change_based_on_another_revision_is_refused(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let send = async |method: Method, tag: &str| {
        let request = t.admin().request(method, &path(&ci)).header("if-match", tag);
        t.admin().send(request.json(&scope("acme/b", &["pull"]))).await
    };
    send(Method::POST, "\"7\"").await.refused(412, "changed");
    let etag = send(Method::POST, "\"1\"").await.is(201).header("etag").to_owned();
    let stale = t.admin().request(Method::DELETE, &path(&ci)).header("if-match", "\"1\"");
    t.admin().send(stale).await.refused(412, "changed");
    assert_eq!(scopes(&t, &ci).await.len(), 2);
    let fresh = t.admin().request(Method::DELETE, &path(&ci)).header("if-match", etag);
    t.admin().send(fresh).await.is(204);
}
