//! Bodies that are no JSON, too large, of another type, or that nobody wants.

use reqwest::Method;
use serde_json::json;
use testkit::{Actor, Answer, TestServer, both_engines};

const KIBIBYTE: usize = 1024;
const MEBIBYTE: usize = 1024 * KIBIBYTE;

async fn post(t: &TestServer, content_type: Option<&str>, body: impl Into<reqwest::Body>) -> Answer {
    let admin = t.admin();
    let mut request = admin.request(Method::POST, "/api/v1/namespaces").body(body);
    if let Some(content_type) = content_type {
        request = request.header("content-type", content_type);
    }
    admin.send(request).await
}

#[both_engines]
async fn what_is_no_json_is_malformed_and_its_place_is_named(t: TestServer) {
    for (body, place) in [
        (b"{\"name\":".as_slice(), "line 1 column 8"),
        (b"{\"name\":\"acme\"} x", "line 1 column 17"),
        (b"{\"name\":\"acme\",\"name\":\"other\"}", "there twice"),
        (b"{\"name\":\"acme\",\"x\":1,\"x\":1}", "there twice"),
        (b"{\"name\":\"\xff\"}", "byte 10"),
        (b"[\"acme\"]", "no object"),
        (b"", "line 1 column 0"),
    ] {
        post(&t, Some("application/json"), body).await.refused(400, "malformed").says(place);
    }
    t.admin().get("/api/v1/namespaces/acme").await.refused(404, "not-found");
}

#[both_engines]
async fn another_type_is_refused(t: TestServer) {
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        post(&t, content_type, "{\"name\":\"acme\"}").await.refused(415, "not-json");
    }
    post(&t, Some("application/json; charset=utf-8"), "{\"name\":\"acme\"}").await.is(201);
}

#[both_engines]
async fn two_megabytes_are_refused_and_the_client_sees_the_refusal(t: TestServer) {
    let body = format!("{{\"name\":\"acme\"}}{}", " ".repeat(2_000_000));
    post(&t, Some("application/json"), body).await.refused(413, "too-large").says("1048576 bytes");
}

/// Refusals that leave the body unread, each for another reason: the gate, the path, the method, the query.
async fn refusals(t: &TestServer) -> Vec<(Actor, &'static str, &'static str, u16)> {
    let ci = t.service_token("acme", "ci-bot", json!({})).await;
    vec![
        (t.anonymous(), "POST", "/api/v1/namespaces", 401),
        (t.basic("admin", "wrong"), "PATCH", "/api/v1/settings", 401),
        (t.with(&ci), "POST", "/api/v1/namespaces", 403),
        (t.with(&ci), "POST", "/api/v1/namespaces/absent/tokens", 404),
        (t.admin(), "POST", "/api/v1/nothing", 404),
        (t.admin(), "PUT", "/api/v1/me", 405),
        (t.admin(), "POST", "/api/v1/namespaces?a=b", 422),
        (t.admin(), "POST", "/api/v1/namespaces", 415),
        (t.admin(), "DELETE", "/api/v1/namespaces/absent", 404),
        (t.anonymous(), "GET", "/api/v0/repositories", 401),
        (t.anonymous(), "POST", "/nothing", 404),
    ]
}

#[both_engines]
async fn whoever_is_refused_in_the_middle_of_a_large_body_reads_why(t: TestServer) {
    let body = vec![b' '; 16 * MEBIBYTE];
    for (caller, method, path, status) in refusals(&t).await {
        let request = caller.request(method.parse().unwrap(), path).body(body.clone());
        let refused = caller.send(request).await.is(status);
        assert_eq!(refused.header("connection"), "close", "no request can follow bytes that nobody reads");
    }
}

#[both_engines]
async fn what_is_left_of_a_small_body_is_read_and_the_connection_kept(t: TestServer) {
    let body = vec![b' '; 200 * KIBIBYTE];
    let length = format!("Content-Length: {}", body.len());
    for (caller, method, path, status) in refusals(&t).await {
        let mut wire = caller.wire(method, path, &[&length]).await;
        wire.send(&body).await;
        let refused = wire.next_answer().await.is(status);
        assert_eq!(refused.header("connection"), "", "{refused:?}");
        t.admin().wire_again(&mut wire, "GET", "/api/v1/me", &[]).await;
        wire.next_answer().await.is(200);
    }
}

#[both_engines]
async fn a_body_of_unknown_length_that_nobody_wants_ends_the_connection(t: TestServer) {
    for (caller, method, path, status) in refusals(&t).await {
        let mut wire = caller.wire(method, path, &["Transfer-Encoding: chunked"]).await;
        wire.send(b"3\r\n{  \r\n").await;
        assert_eq!(wire.next_answer().await.is(status).header("connection"), "close");
    }
}
