//! Bodies that are no JSON, too large, or of another type.

use reqwest::Method;
use testkit::{Answer, TestServer, both_engines};

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
