//! Clients that take their time: each state of a connection has its deadline.

use reqwest::header;
use testkit::{Engine, TestServer, image::Blob};
use web::Limits;

use crate::bytes::{Bytes, GOAWAY, HASTY, HEALTHZ, HTTP2_HEALTHZ, NEVER, PATIENCE, SOON, UNHURRIED, frames};

fn patient() -> Limits {
    Limits {
        head: NEVER,
        idle: NEVER,
        content: UNHURRIED,
        form: UNHURRIED,
        stall: NEVER,
        ..Limits::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_head_that_does_not_come_to_its_end_is_not_waited_for() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(Limits { head: SOON, ..patient() }, None).await;
    for begun in
        ["", "G", "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: 1", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
    {
        let received = Bytes::sent(&server.host, begun.as_bytes()).await.until_its_end().await;
        assert!(!received.starts_with(b"HTTP/1.1 200"), "{begun:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_later_head_has_its_deadline_and_being_idle_is_none() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(Limits { head: SOON, ..patient() }, None).await;
    let mut kept = Bytes::sent(&server.host, HEALTHZ).await;
    kept.until("ok\n").await;
    let mut other = Bytes::sent(&server.host, HEALTHZ).await;
    other.until("ok\n").await;
    other.send(b"GET /hea").await;
    assert_eq!(other.text_until_its_end().await, "");
    // The first has waited longer, but for nothing that has begun.
    kept.send(HEALTHZ).await;
    kept.until("ok\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_idle_too_long_is_closed() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(Limits { idle: SOON, ..patient() }, None).await;
    let mut http1 = Bytes::sent(&server.host, HEALTHZ).await;
    http1.until("ok\n").await;
    assert_eq!(http1.text_until_its_end().await, "");

    let http2 = Bytes::sent(&server.host, HTTP2_HEALTHZ).await.until_its_end().await;
    assert!(frames(&http2).contains(&GOAWAY), "{http2:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_drips_is_cut_and_says_the_rule() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(Limits { content: HASTY, ..patient() }, None).await;
    let authorization = testkit::actor::basic("admin", testkit::server::ADMIN_PASSWORD);
    let manifest = format!(
        "PUT /v2/acme/api/manifests/1.0 HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\n\
         Content-Type: application/vnd.oci.image.manifest.v1+json\r\nContent-Length: 5000\r\n\r\n{{"
    );
    let answer = Bytes::sent(&server.host, manifest.as_bytes()).await.text_until_its_end().await;
    assert!(
        answer.starts_with("HTTP/1.1 408 ") && answer.contains("hardly anything of the body came"),
        "{answer}"
    );

    let session = t.admin().start_upload("acme/api").await.is(202).header("location").to_owned();
    t.admin().stream_chunk(&session, b"01234").await.is(202);
    let chunk = format!(
        "PATCH {session} HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\nContent-Length: 5000\r\n\r\n56"
    );
    let answer = Bytes::sent(&server.host, chunk.as_bytes()).await.text_until_its_end().await;
    assert!(
        answer.starts_with("HTTP/1.1 408 ") && answer.contains("hardly anything of the body came"),
        "{answer}"
    );
    // What was acknowledged before is there.
    assert_eq!(t.admin().get(&session).await.is(204).header("range"), "0-4");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_does_not_come_is_not_waited_for_as_long_as_a_push() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(Limits { form: HASTY, ..patient() }, None).await;
    let authorization = testkit::actor::basic("admin", testkit::server::ADMIN_PASSWORD);
    for (path, form) in [
        ("/auth/token", "\"error\":\"invalid_request\""),
        ("/login", "<h1>Too slow</h1>"),
        ("/api/v1/namespaces", "\"code\":\"too-slow\""),
    ] {
        let begun = format!(
            "POST {path} HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\n\
             Content-Type: application/json\r\nContent-Length: 6000\r\n\r\n{{"
        );
        let answer = Bytes::sent(&server.host, begun.as_bytes()).await.text_until_its_end().await;
        // Said by each face in its own form.
        assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains(form), "{path}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_stops_reading_in_the_middle_of_a_blob_is_cut_off() {
    let t = TestServer::on(Engine::Sqlite).await;
    // More than what the buffers of a connection take.
    const BYTES: usize = 24 * 1024 * 1024;
    let blob = Blob::new("application/octet-stream", vec![7; BYTES]);
    t.admin().push_blob("acme/api", &blob).await.is(201);
    let authorization = testkit::actor::basic("admin", testkit::server::ADMIN_PASSWORD);
    let get = format!(
        "GET /v2/acme/api/blobs/{} HTTP/1.1\r\nHost: a\r\n{}: {authorization}\r\n\r\n",
        blob.digest,
        header::AUTHORIZATION
    );

    let server = t.listener(Limits { stall: SOON, stop: NEVER, ..patient() }, None).await;
    let mut reader = Bytes::sent(&server.host, get.as_bytes()).await;
    reader.until("\r\n\r\n").await;
    // Ends when no connection is left: the reader's was cut, since its answer can't come to its end.
    tokio::time::timeout(PATIENCE, server.stop()).await.expect("the reader is waited for");
    assert!(reader.until_its_end().await.len() < BYTES);
}
