//! Where requests come from (DESIGN §3.5): behind proxies that the operator trusts, and from whoever only says so.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use access::time::Length;
use reqwest::Method;
use serde_json::json;
use testkit::{Actor, Answer, ServiceToken, TestServer, both_engines};

const FORWARDED_FOR: &str = "x-forwarded-for";
const OFFICE: &str = "203.0.113.9";

async fn from(actor: &Actor, hops: &str, method: Method, path: &str) -> Answer {
    actor.send(actor.request(method, path).header(FORWARDED_FOR, hops)).await
}

async fn token_of_the_office(t: &TestServer) -> ServiceToken {
    let body = json!({ "permission": "pull-push", "allowed_addresses": [OFFICE] });
    t.service_token("acme", "ci-bot", body).await
}

#[both_engines]
async fn a_token_is_used_from_where_a_trusted_proxy_says(t: TestServer) {
    let token = token_of_the_office(&t).await;
    let proxied = t.replica_behind(&["127.0.0.1", "10.0.0.0/8"]).await;
    let client = proxied.with(&token);
    for hops in [OFFICE, "198.51.100.7, 203.0.113.9", "203.0.113.9:4711, 10.1.2.3", "::ffff:203.0.113.9"] {
        from(&client, hops, Method::GET, "/v2/").await.is(200);
        from(&client, hops, Method::GET, "/api/v1/me").await.is(200);
        from(&client, hops, Method::GET, "/auth/token?service=sealock").await.is(200);
    }
    for (hops, told) in [
        ("203.0.113.9, 198.51.100.7", "198.51.100.7"),
        ("203.0.113.9, unknown", "127.0.0.1"),
        ("203.0.113.9, unknown, 10.1.2.3", "10.1.2.3"),
        ("", "127.0.0.1"),
    ] {
        from(&client, hops, Method::GET, "/v2/").await.refused(401, "UNAUTHORIZED").says(told);
    }
    client.get("/v2/").await.refused(401, "UNAUTHORIZED").says("127.0.0.1");
}

#[both_engines]
async fn whoever_is_no_trusted_proxy_comes_from_their_own_address(t: TestServer) {
    let token = token_of_the_office(&t).await;
    for server in [&t, &t.replica_behind(&["10.0.0.0/8", "127.0.0.2"]).await] {
        let client = server.with(&token);
        for path in ["/v2/", "/api/v1/me", "/auth/token?service=sealock"] {
            from(&client, OFFICE, Method::GET, path).await.is(401).says("127.0.0.1");
        }
        // Nor does an address of their choice give anybody five more guesses.
        let guesser = |guess: usize| server.basic("nobody", &format!("wrong {guess}"));
        for guess in 0..5 {
            from(&guesser(guess), &format!("203.0.{guess}.9"), Method::GET, "/v2/").await.is(401);
        }
        from(&guesser(5), "198.51.100.7", Method::GET, "/v2/").await.refused(429, "TOOMANYREQUESTS");
    }
}

#[both_engines]
async fn audit_sessions_and_use_name_the_client_and_not_the_proxy(t: TestServer) {
    let proxied = t.replica_behind(&["127.0.0.1"]).await;
    let token = proxied.service_token("acme", "ci-bot", json!({ "permission": "pull" })).await;
    t.clock.advance(Length::seconds(1));
    let by_password = proxied.admin();
    let request = by_password.request(Method::PATCH, &format!("/api/v1/tokens/{}", token.id));
    let request = request.json(&json!({ "description": "from the office" }));
    by_password.send(request.header(FORWARDED_FOR, OFFICE)).await.is(200);
    let audit = proxied.admin().get(&format!("/api/v1/audit?token={}", token.id)).await.is(200).json();
    assert_eq!(audit["items"][0]["from"], OFFICE, "{audit}");
    assert_eq!(audit["items"][1]["from"], "127.0.0.1", "{audit}");

    from(&proxied.with(&token), OFFICE, Method::GET, "/v2/").await.is(200);
    proxied.write_usage().await;
    let shown = proxied.admin().get(&format!("/api/v1/tokens/{}", token.id)).await.is(200).json();
    assert_eq!(shown["last_used_from"], OFFICE, "{shown}");
}

#[both_engines]
async fn no_other_forwarding_header_changes_anything(t: TestServer) {
    let proxied = t.replica_behind(&["127.0.0.1"]).await;
    let token = token_of_the_office(&proxied).await;
    for (name, value) in [
        ("forwarded", "for=203.0.113.9;proto=https;host=evil.example"),
        ("x-real-ip", OFFICE),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-port", "443"),
    ] {
        let anonymous = proxied.anonymous();
        let plain = anonymous.get("/v2/").await.is(401);
        let forged = anonymous.send(anonymous.request(Method::GET, "/v2/").header(name, value)).await.is(401);
        assert_eq!(plain.header("www-authenticate"), forged.header("www-authenticate"), "{name}");
        let client = proxied.with(&token);
        client.send(client.request(Method::GET, "/v2/").header(name, value)).await.is(401).says("127.0.0.1");
    }
}
