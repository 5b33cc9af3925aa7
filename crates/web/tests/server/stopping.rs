//! The order to stop: what runs may finish, and nobody else is waited for.

use std::time::Duration;

use testkit::{Engine, Fault, TestServer, image::Blob};
use tokio::{
    net::TcpSocket,
    time::{sleep, timeout},
};
use web::Limits;

use crate::{
    bytes::{Bytes, GOAWAY, HEALTHZ, HTTP2_HEALTHZ, NEVER, PATIENCE, SOON, UNHURRIED, frames},
    http2::{Http2, RECEIVE_BUFFER_BYTES},
};

pub(crate) fn patient() -> Limits {
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

/// Current thread: the server knows that an answer is gone when its client has it.
#[tokio::test]
async fn whoever_idles_through_our_goodbye_is_not_waited_for() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(Limits { goodbye: NEVER, linger: NEVER, ..patient() }, None).await;
    let mut http1 = Bytes::sent(&server.host, HEALTHZ).await;
    http1.until("ok\n").await;
    let mut http2 = Http2::taking(&server.host, 1000).await;
    http2.get(1, "/healthz", "").await;
    http2.first_bytes().await;
    let mut new = Http2::taking(&server.host, 1000).await;
    let stopping = tokio::spawn(server.stop());
    // They answer what HTTP/2 asks, and close nothing.
    http2.until_the_other_end().await;
    new.until_the_other_end().await;
    timeout(PATIENCE, stopping).await.expect("it stops").unwrap();
    drop((http1, http2, new));
}

/// How a client leaves an act that it asked for.
#[derive(Debug, Clone, Copy)]
enum Way {
    HangsUp,
    IsCutAtTheDeadline,
}

#[tokio::test(flavor = "multi_thread")]
async fn an_act_that_outlives_its_connection_is_waited_for() {
    for way in [Way::HangsUp, Way::IsCutAtTheDeadline] {
        let (t, faults) = TestServer::with_faults().await;
        let stop = if matches!(way, Way::HangsUp) { NEVER } else { Duration::ZERO };
        let server = t.listener(Limits { stop, ..patient() }, None).await;
        let blob = Blob::new("", b"blob".to_vec());
        let session = t.admin().start_upload("acme/api").await.is(202).header("location").to_owned();
        t.admin().stream_chunk(&session, &blob.bytes).await.is(202);
        faults.record();
        faults.strike(1, Fault::Stalls);
        let authorization = testkit::actor::basic("admin", testkit::server::ADMIN_PASSWORD);
        let finish = format!(
            "PUT {session}?digest={} HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\n\
             Content-Length: 0\r\n\r\n",
            blob.digest
        );
        let client = Bytes::sent(&server.host, finish.as_bytes()).await;
        let begun = async {
            while !faults.calls().iter().any(|call| call == "open uploads/KEY") {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(PATIENCE, begun).await.expect("the act begins");

        let mut stopping = tokio::spawn(server.stop());
        match way {
            Way::HangsUp => drop(client),
            Way::IsCutAtTheDeadline => assert_eq!(client.text_until_its_end().await, ""),
        }
        assert!(timeout(SOON, &mut stopping).await.is_err(), "{way:?}: stopped in the middle of it");
        assert!(faults.mend());
        timeout(PATIENCE, stopping).await.expect("it stops").unwrap();
        t.admin().head(&format!("/v2/acme/api/blobs/{}", blob.digest)).await.is(200);
    }
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

/// The same over HTTP/1, of which its client has read nothing.
async fn unread_over_http1(host: &str, bytes: usize) -> Bytes {
    let digest = Blob::new("", vec![7; bytes]).digest;
    let authorization = testkit::actor::basic("admin", testkit::server::ADMIN_PASSWORD);
    let get = format!(
        "GET /v2/acme/api/blobs/{digest} HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\n\r\n"
    );
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES).unwrap();
    let mut reader = Bytes(socket.connect(host.parse().unwrap()).await.unwrap());
    reader.send(get.as_bytes()).await;
    reader.0.readable().await.unwrap();
    reader
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
    let http1 = unread_over_http1(&server.host, BYTES).await;
    let mut idle = Bytes::sent(&server.host, HEALTHZ).await;
    idle.until("ok\n").await;
    let stopping = tokio::spawn(server.stop());
    assert_eq!(idle.text_until_its_end().await, "");
    assert_eq!(first + reader.received_until_its_end(1, 1000).await, BYTES);
    let http1 = http1.until_its_end().await;
    assert!(http1.ends_with(&[7; BYTES]), "{} bytes", http1.len());
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
