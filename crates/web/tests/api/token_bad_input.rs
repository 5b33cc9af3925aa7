//! The bad input of issue 4, as one table: at creation and by PATCH, each named by its field, and nothing changed.

use access::time::Length;
use reqwest::Method;
use serde_json::{Value, json};
use testkit::{Actor, Answer, TestServer, both_engines};

use crate::wrong_fields;

const TOKENS: &str = "/api/v1/namespaces/acme/tokens";

fn scope(path: &str, actions: &[&str]) -> Value {
    json!([{"type": "repository", "path": path, "actions": actions}])
}

/// A field that is wrong wherever it stands, and the place that is told.
fn table() -> Vec<(&'static str, Value, &'static str)> {
    let many: Vec<_> = (0..101).map(|n| scope(&format!("acme/r{n}"), &["pull"])[0].clone()).collect();
    let many_addresses: Vec<_> = (0..51).map(|n| format!("192.0.2.{n}")).collect();
    vec![
        // The clock stands at 2026-01-01T00:00:00Z.
        ("expires_at", json!("2026-01-01T00:59:00Z"), "expires_at"),
        ("expires_at", json!("2025-12-31T00:00:00Z"), "expires_at"),
        ("expires_at", json!("+010000-01-01T00:00:00Z"), "expires_at"),
        ("expires_at", json!("10000-01-01T00:00:00Z"), "expires_at"),
        ("expires_at", json!(1.5e9), "expires_at"),
        ("expires_at", json!(1_900_000_000), "expires_at"),
        ("expires_in", json!("59m"), "expires_in"),
        ("expires_in", json!("30"), "expires_in"),
        ("expires_in", json!(30), "expires_in"),
        ("expires_in", json!("9999999w"), "expires_in"),
        ("scopes", scope("acme/*", &["push"]), "scopes[0].actions"),
        ("scopes", scope("acme/*", &["fly"]), "scopes[0].actions"),
        ("scopes", json!([{"type": "organization", "actions": ["pull"]}]), "scopes[0].type"),
        ("scopes", json!([{"type": "registry", "actions": ["list"], "owner": "x"}]), "scopes[0].owner"),
        ("scopes", json!(many), "scopes"),
        ("scopes", scope("other/*", &["pull"]), "scopes[0].path"),
        ("scopes", scope("**", &["pull"]), "scopes[0].path"),
        ("scopes", scope("", &["pull"]), "scopes[0].path"),
        ("scopes", scope("a/../*", &["pull"]), "scopes[0].path"),
        ("scopes", scope("acme/UPPER", &["pull"]), "scopes[0].path"),
        ("allowed_addresses", json!(many_addresses), "allowed_addresses"),
        ("allowed_addresses", json!(null), "allowed_addresses"),
        ("allowed_addresses", json!("10.1.0.0/16"), "allowed_addresses"),
        ("allowed_addresses", json!({"10.1.0.0/16": true}), "allowed_addresses"),
        ("allowed_addresses", json!([10]), "allowed_addresses[0]"),
        ("allowed_addresses", json!(["10.1.0.0/33"]), "allowed_addresses[0]"),
        ("allowed_addresses", json!(["10.1.2.3/16"]), "allowed_addresses[0]"),
        ("allowed_addresses", json!(["10.1.0.0/16", "ci.example.com"]), "allowed_addresses[1]"),
        ("allowed_addresses", json!(["10.1.0.1", "::1", "::ffff:10.1.0.1"]), "allowed_addresses[2]"),
        ("permission", json!("push"), "permission"),
        ("status", json!("off"), "status"),
        ("description", json!("x".repeat(1001)), "description"),
        ("is_admin", json!(true), "is_admin"),
        ("owner", json!("root"), "owner"),
        ("secret", json!("slks_x"), "secret"),
        ("id", json!("0190a5e0-7d4c-7aaa-8bbb-123456789abc"), "id"),
        ("kind", json!("personal"), "kind"),
    ]
}

async fn send(actor: &Actor, method: &Method, path: &str, body: Vec<u8>) -> Answer {
    let request = actor.request(method.clone(), path).header("content-type", "application/json");
    actor.send(request.body(body)).await
}

#[both_engines]
async fn every_wrong_field_is_refused_by_name_at_creation_and_by_edit(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let (admin, token) = (t.admin(), format!("/api/v1/tokens/{}", ci.id));
    let before = admin.get(TOKENS).await.is(200).text();
    for (field, value, told) in table() {
        for (method, path) in [(Method::POST, TOKENS), (Method::PATCH, token.as_str())] {
            let mut body = json!({});
            if method == Method::POST {
                body["name"] = json!("made");
            }
            body[field] = value.clone();
            let refused = send(&admin, &method, path, body.to_string().into_bytes()).await;
            assert_eq!(wrong_fields(&refused.refused(422, "invalid")), [told], "{method} {body}");
        }
    }
    // A service token's name is for ever.
    let refused = admin.patch_json(&token, &json!({"name": "other"})).await.refused(422, "invalid");
    assert_eq!(wrong_fields(&refused), ["name"]);
    let outside = json!({"name": "made", "scopes": scope("app", &["pull"])});
    admin.post_json(TOKENS, &outside).await.refused(422, "invalid").says("did you mean acme/app?");
    let host_bits = json!({"name": "made", "allowed_addresses": ["10.1.2.3/16"]});
    admin.post_json(TOKENS, &host_bits).await.refused(422, "invalid").says("did you mean 10.1.0.0/16?");
    assert_eq!(admin.get(TOKENS).await.is(200).text(), before);
}

#[both_engines]
async fn what_can_t_be_read_is_refused_before_anything_is_looked_at(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let (admin, token) = (t.admin(), format!("/api/v1/tokens/{}", ci.id));
    let before = admin.get(TOKENS).await.is(200).text();
    let large = format!("{{\"name\":\"made\",\"description\":\"{}\"}}", "x".repeat(2_000_000));
    for (body, status, code) in [
        (b"{\"name\":\"made\"".to_vec(), 400, "malformed"),
        (b"{\"status\":\"enabled\",\"status\":\"disabled\"}".to_vec(), 400, "malformed"),
        (b"{\"description\":\"\xff\"}".to_vec(), 400, "malformed"),
        (b"[]".to_vec(), 400, "malformed"),
        (large.into_bytes(), 413, "too-large"),
    ] {
        for (method, path) in [(Method::POST, TOKENS), (Method::PATCH, token.as_str())] {
            send(&admin, &method, path, body.clone()).await.refused(status, code);
        }
    }
    admin.post_json(TOKENS, &json!({"name": "ci-bot"})).await.refused(409, "name-taken");
    assert_eq!(admin.get(TOKENS).await.is(200).text(), before);
}

#[both_engines]
async fn a_secret_that_is_not_quite_one_logs_nobody_in(t: TestServer) {
    let ci = t.service_token("acme", "ci-bot", json!({"permission": "pull"})).await;
    let secret = &ci.secret;
    for (name, text) in [
        ("other", secret.clone()),
        ("CI-BOT", secret.clone()),
        ("ci-bot ", secret.clone()),
        ("ci-bot", format!("{secret} ")),
        ("ci-bot", format!(" {secret}")),
        ("ci-bot", secret.to_uppercase()),
        ("ci-bot", secret.to_lowercase()),
        ("ci-bot", secret[..secret.len() - 1].to_owned()),
        ("ci-bot", secret[1..].to_owned()),
        ("ci-bot", String::new()),
    ] {
        // Some are taken for passwords, and of wrong ones five a minute are heard out.
        t.clock.advance(Length::seconds(60));
        t.basic(name, &text).get("/api/v1/me").await.refused(401, "bad-credential");
        t.basic(name, &text).get("/v2/").await.refused(401, "UNAUTHORIZED");
    }
    t.with(&ci).get("/v2/").await.is(200);
}
