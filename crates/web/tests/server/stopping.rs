//! The order to stop: what runs may finish, and nobody else is waited for.

use std::time::Duration;

use testkit::{Engine, TestServer, image::Blob};
use tokio::time::timeout;
use web::Limits;

use crate::{
    bytes::{Bytes, GOAWAY, HEALTHZ, HTTP2_HEALTHZ, NEVER, PATIENCE, SOON, UNHURRIED, frames},
    http2::Http2,
};

fn patient() -> Limits {
    Limits { head: NEVER, idle: NEVER, content: UNHURRIED, stop: NEVER, linger: SOON, ..Limits::default() }
}

/// The begin of a chunk of four bytes, whose handler waits for them.
async fn half_an_upload(t: &TestServer, host: &str) -> Bytes {
    let session = t.admin().start_upload("acme/api").await.is(202).header("location").to_owned();
    let authorization = testkit::actor::basic("admin", testkit::server::ADMIN_PASSWORD);
    let chunk = format!(
        "PATCH {session} HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\nContent-Length: 4\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    let mut upload = Bytes::sent(host, chunk.as_bytes()).await;
    upload.until("100 Continue\r\n\r\n").await;
    upload
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_who_asks_for_nothing_is_waited_for() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(patient(), None).await;
    let silent = Bytes::sent(&server.host, b"").await;
    let slow = Bytes::sent(&server.host, b"GET /heal").await;
    let mut idle = Bytes::sent(&server.host, HEALTHZ).await;
    idle.until("ok\n").await;
    let mut http2 = Bytes::sent(&server.host, HTTP2_HEALTHZ).await;
    http2.until("ok\n").await;

    timeout(PATIENCE, server.stop()).await.expect("it stops");
    for closed in [silent, slow, idle] {
        assert_eq!(closed.text_until_its_end().await, "");
    }
    let farewell = http2.until_its_end().await;
    assert!(frames(&farewell).contains(&GOAWAY), "{farewell:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_runs_comes_until_its_end() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(patient(), None).await;
    let host = server.host.clone();
    let mut upload = half_an_upload(&t, &host).await;
    let mut idle = Bytes::sent(&host, HEALTHZ).await;
    idle.until("ok\n").await;
    let stopping = tokio::spawn(server.stop());
    // Closed by now is what asked for nothing: the order has arrived.
    assert_eq!(idle.text_until_its_end().await, "");
    upload.send(b"blob").await;
    let answer = upload.text_until_its_end().await;
    assert!(answer.starts_with("HTTP/1.1 202 "), "{answer}");
    timeout(PATIENCE, stopping).await.expect("it stops").unwrap();
    assert!(tokio::net::TcpStream::connect(&host).await.is_err(), "still listening");
}

/// A download of so many bytes over HTTP/2, of which `window` may come before the client says more; and its first bytes.
async fn download(t: &TestServer, host: &str, bytes: usize, window: u32) -> (Http2, usize) {
    let blob = Blob::new("application/octet-stream", vec![7; bytes]);
    t.admin().push_blob("acme/api", &blob).await.is(201);
    let authorization = testkit::actor::basic("admin", testkit::server::ADMIN_PASSWORD);
    let mut reader = Http2::taking(host, window).await;
    reader.get(1, &format!("/v2/acme/api/blobs/{}", blob.digest), &authorization).await;
    let first = reader.first_bytes().await;
    (reader, first)
}

/// Every deadline of a goodbye has passed when it begins.
fn in_a_hurry() -> Limits {
    Limits { goodbye: Duration::ZERO, linger: NEVER, ..patient() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_that_we_have_read_and_its_client_has_not_comes_until_its_end() {
    const BYTES: usize = 200_000;
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(Limits { linger: Duration::ZERO, ..in_a_hurry() }, None).await;
    let (mut reader, first) = download(&t, &server.host, BYTES, 1000).await;
    let stopping = tokio::spawn(server.stop());
    reader.until_farewell().await;
    assert_eq!(first + reader.received_until_its_end(1, 1000).await, BYTES);
    timeout(PATIENCE, stopping).await.expect("it stops").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_network_still_holds_is_not_overtaken_by_a_reset() {
    const BYTES: usize = 60_000;
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(in_a_hurry(), None).await;
    let (reader, first) = download(&t, &server.host, BYTES, BYTES as u32).await;
    let mut idle = Bytes::sent(&server.host, HEALTHZ).await;
    idle.until("ok\n").await;
    let stopping = tokio::spawn(server.stop());
    assert_eq!(idle.text_until_its_end().await, "");
    assert_eq!(first + reader.received_until_its_end(1, 1000).await, BYTES);
    timeout(PATIENCE, stopping).await.expect("it stops").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_that_does_not_end_is_cut_at_the_deadline() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(Limits { stop: SOON, ..patient() }, None).await;
    let upload = half_an_upload(&t, &server.host).await;
    timeout(PATIENCE, server.stop()).await.expect("it stops");
    assert_eq!(upload.text_until_its_end().await, "");
}
