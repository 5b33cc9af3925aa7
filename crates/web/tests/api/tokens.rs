//! Service tokens: made, shown, listed, edited, reset, deleted.

use access::time::Length;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Answer, ServiceToken, TestServer, both_engines};

use crate::{names, wrong_fields};

const TOKENS: &str = "/api/v1/namespaces/acme/tokens";

fn path(token: &ServiceToken) -> String {
    format!("/api/v1/tokens/{}", token.id)
}

async fn make(t: &TestServer, body: Value) -> Answer {
    t.namespace("acme").await;
    t.admin().post_json(TOKENS, &body).await
}

#[both_engines]
async fn a_new_token_shows_its_secret_once_with_the_ready_commands(t: TestServer) {
    let body = json!({"name": "deploy", "permission": "pull-push", "expires_in": "30d", "description": "CI"});
    let answer = make(&t, body).await.is(201);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("etag"), "\"1\"");
    let made = answer.json();
    assert_eq!(answer.header("location"), format!("/api/v1/tokens/{}", made["id"].as_str().unwrap()));
    let secret = made["secret"].as_str().unwrap();
    assert!(
        secret.starts_with("slks_")
            && secret.starts_with(made["secret_hint"].as_str().unwrap().trim_end_matches('…'))
    );
    let host = &t.host;
    let login = json!({
        "host": host, "username": "deploy", "command": format!("docker login {host} -u deploy -p {secret}"),
        "command_stdin": format!("docker login {host} -u deploy --password-stdin"),
    });
    assert_eq!(made["login"], login);
    for (field, expected) in [
        ("kind", json!("service")),
        ("namespace", json!("acme")),
        ("name", json!("deploy")),
        ("description", json!("CI")),
        ("access", json!("scoped")),
        ("status", json!("enabled")),
        ("expires_at", json!("2026-01-31T00:00:00Z")),
        ("permission", json!("pull-push")),
        ("created_at", json!("2026-01-01T00:00:00Z")),
        ("created_by", json!("admin")),
    ] {
        assert_eq!(made[field], expected, "{field}");
    }
    assert!(made.get("warnings").is_none(), "{made}");

    let shown = t.admin().get(&format!("/api/v1/tokens/{}", made["id"].as_str().unwrap())).await.is(200);
    let listed = t.admin().get(TOKENS).await.is(200);
    for answer in [&shown, &listed] {
        assert!(!answer.text().contains(secret) && !answer.text().contains("login"), "{answer:?}");
    }
    assert_eq!(listed.json()["items"][0], shown.json());
}

#[both_engines]
async fn a_token_without_rights_is_made_with_a_warning(t: TestServer) {
    let made = make(&t, json!({"name": "deploy"})).await.is(201).json();
    assert_eq!(
        (&made["scopes"], &made["expires_at"], &made["permission"]),
        (&json!([]), &json!(null), &json!("custom"))
    );
    assert_eq!(made["warnings"][0]["field"], json!("scopes"));
    let deletes = json!([{"type": "repository", "path": "acme/*", "actions": ["delete"]}]);
    let made = make(&t, json!({"name": "cleaner", "scopes": deletes})).await.is(201).json();
    assert_eq!(made["warnings"][0]["field"], json!("scopes[0].actions"));
}

#[both_engines]
async fn scopes_read_back_as_they_were_given_with_ids(t: TestServer) {
    let scopes = json!([
        {"type": "repository", "path": "acme/web/*", "actions": ["pull", "push"]},
        {"type": "repository", "path": "*", "actions": ["pull", "admin"]},
        {"type": "registry", "actions": ["*"]},
    ]);
    let made = make(&t, json!({"name": "deploy", "scopes": scopes})).await.is(201).json();
    let mut read = made["scopes"].as_array().unwrap().clone();
    let ids: std::collections::BTreeSet<_> = read
        .iter_mut()
        .map(|scope| scope.as_object_mut().unwrap().remove("id").unwrap().to_string())
        .collect();
    assert_eq!(ids.len(), 3);
    let expected = json!([
        {"type": "repository", "path": "acme/web/*", "actions": ["pull", "push"]},
        {"type": "repository", "path": "*", "actions": ["pull", "delete"]},
        {"type": "registry", "actions": ["list"]},
    ]);
    assert_eq!(Value::Array(read), expected);
}

#[both_engines]
async fn every_mistake_in_a_new_token_is_told_at_once(t: TestServer) {
    let body = json!({
        "name": "A", "is_admin": true, "secret": "x", "status": 1, "expires_in": "59m", "permission": "pull",
        "scopes": [], "description": "\u{7}",
    });
    let mut fields = wrong_fields(&make(&t, body).await.refused(422, "invalid"));
    fields.sort();
    assert_eq!(fields, ["description", "expires_in", "is_admin", "name", "permission", "secret", "status"]);
    let elsewhere = json!([{"type": "repository", "path": "app", "actions": ["pull"]}]);
    let answer = make(&t, json!({"name": "deploy", "scopes": elsewhere})).await.refused(422, "invalid");
    assert_eq!(wrong_fields(&answer.says("did you mean acme/app?")), ["scopes[0].path"]);
    assert_eq!(t.admin().get(TOKENS).await.json()["items"], json!([]));
}

#[both_engines]
async fn a_name_lives_once_and_is_free_after_expiry_and_deletion(t: TestServer) {
    let first = t.service_token("acme", "deploy", json!({"expires_in": "1h"})).await;
    make(&t, json!({"name": "deploy"})).await.refused(409, "name-taken").says("acme");
    t.clock.advance(Length::hours(1));
    t.admin().get(&path(&first)).await.refused(404, "not-found");
    t.admin().patch_json(&path(&first), &json!({"expires_at": null})).await.refused(404, "not-found");
    let second = t.service_token("acme", "deploy", json!({})).await;
    assert_ne!(first.id, second.id);
    t.admin().delete(&path(&second)).await.is(204);
    t.admin().delete(&path(&second)).await.refused(404, "not-found");
    t.service_token("acme", "deploy", json!({})).await;
}

#[both_engines]
async fn an_edit_changes_what_it_names_and_nothing_else(t: TestServer) {
    let token = t
        .service_token(
            "acme",
            "deploy",
            json!({"permission": "pull", "expires_in": "2d", "description": "a"}),
        )
        .await;
    let before = t.admin().get(&path(&token)).await.is(200).json();
    for (change, field, expected) in [
        (json!({"status": "disabled"}), "status", json!("disabled")),
        (json!({"description": "b"}), "description", json!("b")),
        (json!({"description": null}), "description", json!(null)),
        (json!({"expires_in": "1h"}), "expires_at", json!("2026-01-01T01:00:00Z")),
        (json!({"expires_at": null}), "expires_at", json!(null)),
        (json!({"permission": "pull-push"}), "permission", json!("pull-push")),
    ] {
        let after = t.edit(&token, change).await.is(200).json();
        assert_eq!(after[field], expected, "{after}");
        assert_eq!(t.admin().get(&path(&token)).await.json(), after);
    }
    let after = t.edit(&token, json!({"scopes": []})).await.is(200).json();
    assert_eq!((&after["scopes"], &after["warnings"][0]["field"]), (&json!([]), &json!("scopes")));
    for field in ["id", "kind", "namespace", "name", "access", "secret_hint", "created_at", "created_by"] {
        assert_eq!(after[field], before[field], "{field}");
    }
}

#[both_engines]
async fn what_no_edit_can_change_is_refused(t: TestServer) {
    let token = t.service_token("acme", "deploy", json!({})).await;
    let before = t.admin().get(&path(&token)).await;
    let answer = t.edit(&token, json!({"name": "other"})).await.refused(422, "invalid");
    assert_eq!(wrong_fields(&answer.says("can't change")), ["name"]);
    let answer = t
        .edit(&token, json!({"is_admin": true, "kind": "personal", "id": "x"}))
        .await
        .refused(422, "invalid");
    assert_eq!(wrong_fields(&answer), ["id", "kind", "is_admin"]);
    let scopes = json!([{"type": "repository", "path": "other/*", "actions": ["pull"]}]);
    let answer = t.edit(&token, json!({"scopes": scopes})).await.refused(422, "invalid");
    assert_eq!(wrong_fields(&answer), ["scopes[0].path"]);
    assert_eq!(t.admin().get(&path(&token)).await.body, before.body);
}

#[both_engines]
async fn an_edit_of_what_somebody_else_changed_is_refused(t: TestServer) {
    let token = t.service_token("acme", "deploy", json!({})).await;
    let edit = async |if_match: &str, description: &str| {
        let request = t.admin().request(Method::PATCH, &path(&token)).header("if-match", if_match);
        t.admin().send(request.json(&json!({"description": description}))).await
    };
    let read = t.admin().get(&path(&token)).await.header("etag").to_owned();
    let after = edit(&read, "mine").await.is(200);
    edit(&read, "yours").await.refused(412, "changed");
    edit(&format!("W/{}", after.header("etag")), "weak").await.refused(412, "changed");
    edit("\"1\", \"2\"", "several").await.refused(400, "malformed");
    assert_eq!(t.admin().get(&path(&token)).await.json()["description"], json!("mine"));
    assert_eq!(t.admin().get(&path(&token)).await.header("etag"), after.header("etag"));
    edit(after.header("etag"), "mine again").await.is(200);
    edit("*", "whoever's").await.is(200);
}

#[both_engines]
async fn a_reset_ends_the_old_secret_and_shows_the_new_one(t: TestServer) {
    let token = t.service_token("acme", "deploy", json!({"permission": "pull"})).await;
    let reset = format!("{}/reset", path(&token));
    let before = t.admin().get(&path(&token)).await.header("etag").to_owned();
    let answer = t.admin().post(&reset).await.is(200);
    assert_ne!(answer.header("etag"), before);
    let secret = answer.json()["secret"].as_str().unwrap().to_owned();
    assert_ne!(secret, token.secret);
    t.with(&token).get("/api/v1/me").await.refused(401, "bad-credential").says("ended by a reset");
    t.basic("deploy", &secret).get("/api/v1/me").await.is(200);
    assert_eq!(answer.json()["login"]["username"], json!("deploy"));
    assert_eq!(answer.json()["permission"], json!("pull"));

    t.admin().post_json(&reset, &json!({})).await.is(200);
    let answer = t.admin().post_json(&reset, &json!({"secret": "mine"})).await.refused(422, "invalid");
    assert_eq!(wrong_fields(&answer), ["secret"]);
}

#[both_engines]
async fn a_disabled_token_is_refused_and_comes_back(t: TestServer) {
    let token = t.service_token("acme", "deploy", json!({"status": "disabled"})).await;
    t.with(&token).get("/api/v1/me").await.refused(401, "bad-credential");
    t.edit(&token, json!({"status": "enabled"})).await.is(200);
    t.with(&token).get("/api/v1/me").await.is(200);
    t.edit(&token, json!({"status": "disabled"})).await.is(200);
    t.with(&token).get("/api/v1/me").await.refused(401, "bad-credential");
}

#[both_engines]
async fn lists_hold_the_living_tokens_of_one_namespace_by_name(t: TestServer) {
    for name in ["ccc", "aaa", "bbb"] {
        t.service_token("acme", name, json!({"permission": "pull"})).await;
    }
    t.service_token("other", "zzz", json!({})).await;
    t.service_token("acme", "short", json!({"expires_in": "1h"})).await;
    t.clock.advance(Length::hours(1));
    let page = t.admin().get(&format!("{TOKENS}?limit=2")).await.is(200).json();
    assert_eq!((names(&page), &page["next"]), (vec!["aaa", "bbb"], &json!("bbb")));
    assert_eq!(page["items"][0]["scopes"][0]["path"], json!("*"));
    let page = t.admin().get(&format!("{TOKENS}?limit=2&after=bbb")).await.is(200).json();
    assert_eq!((names(&page), &page["next"]), (vec!["ccc"], &json!(null)));
}

#[both_engines]
async fn a_forged_host_is_never_told_to_anybody(t: TestServer) {
    t.namespace("acme").await;
    let admin = t.admin();
    let request = admin.request(Method::POST, TOKENS).header("host", "evil.example");
    let made = admin.send(request.json(&json!({"name": "deploy"}))).await.is(201);
    assert_eq!(made.json()["login"]["host"], json!(t.host));
    assert!(!made.text().contains("evil.example"), "{made:?}");
}
