//! What requests may hold in memory: a budget for all of them, shared fairly, and given back.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use reqwest::Method;
use serde_json::json;
use testkit::{
    Actor, Answer, TestServer, Wire, both_engines,
    image::{Image, MANIFEST_TYPE},
};
use tokio::task::yield_now;

const MIB: usize = 1024 * 1024;
const MANIFEST: &str = "/v2/acme/api/manifests/1.0";
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Begins to push a manifest of 4 MiB from an address, sends `bytes` of it, and leaves it there.
async fn unfinished(server: &TestServer, actor: &Actor, address: &str, bytes: usize) -> Wire {
    let before = server.held_memory();
    let (length, from) = ("Content-Length: 4194304", format!("X-Forwarded-For: {address}"));
    let content_type = format!("Content-Type: {MANIFEST_TYPE}");
    let mut wire = actor.wire("PUT", MANIFEST, &[length, &from, &content_type]).await;
    wire.send(&vec![b' '; bytes]).await;
    until(server, |held| held >= before + bytes).await;
    wire
}

/// Waits until what the requests hold is so.
async fn until(server: &TestServer, is_so: impl Fn(usize) -> bool) {
    while !is_so(server.held_memory()) {
        yield_now().await;
    }
}

/// Pushes a small manifest from an address.
async fn push(actor: &Actor, address: &str, image: &Image) -> Answer {
    let request = actor.request(Method::PUT, MANIFEST).header(FORWARDED_FOR, address);
    actor.send(request.header("content-type", MANIFEST_TYPE).body(image.manifest.bytes.clone())).await
}

/// Begins to push 64 KiB from an address, which must be refused.
async fn refused_push(actor: &Actor, address: &str) {
    let from = format!("X-Forwarded-For: {address}");
    let mut wire = actor.wire("PUT", MANIFEST, &["Content-Length: 65536", &from]).await;
    wire.send(&[b' '; 65536]).await;
    let refused = wire.answer().await.refused(503, "UNAVAILABLE");
    assert_eq!(refused.says("hold as much memory as they may").header("retry-after"), "1");
}

struct Pushers {
    server: TestServer,
    image: Image,
    /// Two tokens of acme, and an administrator.
    first: Actor,
    second: Actor,
    other: Actor,
}

/// Pushers at a server whose requests may hold `bytes`.
async fn pushers(t: &TestServer, bytes: usize) -> Pushers {
    let image = Image::new(1, 10);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let first = t.service_token("acme", "first", json!({ "permission": "pull-push" })).await;
    let second = t.service_token("acme", "second", json!({ "permission": "pull-push" })).await;
    let server = t.replica_with_memory(bytes, &["127.0.0.1"]).await;
    let (first, second, other) = (server.with(&first), server.with(&second), server.admin());
    Pushers { server, image, first, second, other }
}

#[both_engines]
async fn an_owner_who_holds_its_share_is_refused_and_others_are_served(t: TestServer) {
    let Pushers { server, image, first, second, other } = pushers(&t, 4 * MIB).await;
    let held = unfinished(&server, &first, "192.0.2.1", 2 * MIB - 8 * 1024).await;
    // A further token gives no further share, nor does another address.
    for actor in [&first, &second] {
        for address in ["192.0.2.1", "192.0.2.2"] {
            refused_push(actor, address).await;
        }
    }
    push(&other, "192.0.2.1", &image).await.is(201);
    push(&other, "192.0.2.3", &image).await.is(201);
    drop(held);
    until(&server, |held| held == 0).await;
    push(&first, "192.0.2.1", &image).await.is(201);
}

#[both_engines]
async fn an_address_that_holds_its_share_leaves_the_rest_to_others(t: TestServer) {
    let Pushers { server, first, other, .. } = pushers(&t, 4 * MIB).await;
    let _first = unfinished(&server, &first, "192.0.2.1", 2 * MIB - 8 * 1024).await;
    let _second = unfinished(&server, &other, "192.0.2.1", MIB - 8 * 1024).await;
    let third = t.service_token("zeta", "third", json!({ "permission": "pull-push" })).await;
    let mut wire = server
        .with(&third)
        .wire("PUT", "/v2/zeta/api/manifests/1.0", &["Content-Length: 65536", "X-Forwarded-For: 192.0.2.1"])
        .await;
    wire.send(&[b' '; 65536]).await;
    assert_eq!(wire.answer().await.refused(503, "UNAVAILABLE").header("retry-after"), "1");
    // From elsewhere it is read, and found to be no manifest.
    let elsewhere = server.with(&third).request(Method::PUT, "/v2/zeta/api/manifests/1.0");
    let elsewhere = elsewhere.header(FORWARDED_FOR, "192.0.2.2").body(vec![b' '; 65536]);
    server.with(&third).send(elsewhere).await.refused(400, "MANIFEST_INVALID");
}

#[both_engines]
async fn an_announced_length_takes_nothing_from_others(t: TestServer) {
    let Pushers { server, image, first, second, .. } = pushers(&t, 4 * MIB).await;
    let mut announced = Vec::new();
    for _ in 0..8 {
        announced.push(unfinished(&server, &first, "192.0.2.1", 1).await);
    }
    assert!(server.held_memory() <= 8 * 4096, "{}", server.held_memory());
    push(&second, "192.0.2.1", &image).await.is(201);
}

/// Requests with a body that the budget has no space for, as each interface refuses them.
#[both_engines]
async fn every_interface_says_when_to_come_back(t: TestServer) {
    t.namespace("acme").await;
    let full = t.replica_with_memory(100, &[]).await;
    let (admin, anonymous) = (full.admin(), full.anonymous());
    let body = format!("{{\"description\":\"{}\"}}", "x".repeat(200));

    let refused = admin.push_manifest("acme/api", "1.0", body.as_bytes()).await.refused(503, "UNAVAILABLE");
    assert_eq!(refused.header("retry-after"), "1");

    let json = admin.request(Method::PATCH, "/api/v1/namespaces/acme").header("if-match", "*");
    let json = json.header("content-type", "application/json").body(body.clone());
    let refused = admin.send(json).await.is(503);
    assert_eq!((refused.json()["code"].as_str(), refused.header("retry-after")), (Some("unavailable"), "2"));

    let form = format!("grant_type=password&username=admin&password={}", "x".repeat(200));
    let of_form = |path: &str| {
        let request = anonymous.request(Method::POST, path).body(form.clone());
        request.header("content-type", "application/x-www-form-urlencoded")
    };
    let refused = anonymous.send(of_form("/auth/token")).await.refused(503, "UNAVAILABLE");
    assert_eq!(refused.json()["error"], "temporarily_unavailable");
    assert_eq!(refused.header("retry-after"), "1");

    let refused = anonymous.send(of_form("/login")).await.is(503).says("hold as much memory as they may");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(full.held_memory(), 0);
}

#[both_engines]
async fn an_anonymous_caller_sends_no_long_form(t: TestServer) {
    for (path, limit) in [("/login", 8 * 1024), ("/auth/token", 32 * 1024)] {
        let request = t.anonymous().request(Method::POST, path).body("x".repeat(limit + 1));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        t.anonymous().send(request).await.is(413).says(&format!("longer than {limit} bytes"));
    }
    // Without a session the other forms of the console are refused before they are read.
    let request = t.anonymous().request(Method::POST, "/namespaces/new").body("x".repeat(1024 * 1024));
    // The client follows the redirect to the login.
    t.anonymous().send(request).await.is(200).says("Log in");
    // So are the bodies of the API and of manifests.
    let json = t.anonymous().request(Method::POST, "/api/v1/namespaces");
    t.anonymous()
        .send(json.header("content-type", "application/json").body("x".repeat(1024 * 1024)))
        .await
        .is(401);
    let manifest = t.anonymous().request(Method::PUT, MANIFEST).body("x".repeat(1024 * 1024));
    t.anonymous().send(manifest).await.refused(401, "UNAUTHORIZED");
    assert_eq!(t.held_memory(), 0);
}

#[both_engines]
async fn a_manifest_has_bounded_annotations_and_values(t: TestServer) {
    let image = Image::new(1, 10);
    t.admin().push("acme/api", "1.0", &image).await.is(201);
    let with = |more: String| {
        let manifest = String::from_utf8(image.manifest.bytes.clone()).unwrap();
        manifest.replacen('{', &format!("{{{more},"), 1)
    };
    let notes = |count: usize| {
        let notes: Vec<_> = (0..count).map(|number| format!("\"{number}\":\"\"")).collect();
        with(format!("\"annotations\":{{{}}}", notes.join(",")))
    };
    t.admin().push_manifest("acme/api", "most", notes(1024).as_bytes()).await.is(201);
    for (manifest, message) in [
        (notes(1025), "more than 1024 annotations"),
        (notes(300_000), "too many values"),
        (with(format!("\"x\":[{}0]", "0,".repeat(140_000))), "at most 131072 are taken"),
    ] {
        let refused = t.admin().push_manifest("acme/api", "too-many", manifest.as_bytes()).await;
        refused.refused(400, "MANIFEST_INVALID").says(message);
    }
    assert_eq!(t.held_memory(), 0);
}
