//! More than is worked on at once: it is told to come back, costs no more than the telling, and is served soon.

use std::fs;

use oci::manifest::MAX_MANIFEST_BYTES;
use reqwest::Client;
use serde_json::json;
use testkit::{
    Fault, ServiceToken, TestServer, actor,
    image::{Blob, Image},
    server::ADMIN_PASSWORD,
};
use tokio::time::timeout;

use crate::{
    bytes::{Bytes, PATIENCE},
    http2::Http2,
    metrics::{count_at, until_count},
    stopping::patient,
};

/// Requests of one connection that are answered at once, as ARCHITECTURE.md has it.
const AT_ONCE: usize = 32;

async fn pusher(t: &TestServer) -> ServiceToken {
    t.service_token("acme", "ci-bot", json!({"permission": "pull-push"})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_connection_asks_beyond_its_share_is_told_to_come_back() {
    let (t, faults) = TestServer::with_faults().await;
    let (token, metrics) = (pusher(&t).await, t.metrics_listener().await);
    // One connection, whatever it is asked for.
    let client = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
    let healthz = || client.get(format!("http://{}/healthz", t.host)).send();
    assert_eq!(healthz().await.unwrap().status(), 200);
    let blob = Blob::new("", b"blob".to_vec());
    let path = format!("http://{}/v2/acme/api/blobs/uploads/?digest={}", t.host, blob.digest);
    faults.strike(1, Fault::Stalls);
    let push = || client.post(&path).basic_auth(&token.name, Some(&token.secret)).body("blob").send();
    let mut pushes: Vec<_> = (0..AT_ONCE).map(|_| tokio::spawn(push())).collect();
    until_count(&metrics, "sealock_uploads", AT_ONCE as u64).await;
    // A stream that is reset makes room for the next by HTTP/2's own rules; its handler is still at work.
    let reset = pushes.pop().unwrap();
    reset.abort();
    assert!(reset.await.unwrap_err().is_cancelled());

    let refused = healthz().await.unwrap();
    let retry_after = refused.headers().get("retry-after").map(|value| value.to_str().unwrap());
    assert_eq!((refused.status().as_u16(), retry_after), (503, Some("1")), "{refused:?}");
    assert!(refused.headers().contains_key("x-request-id"), "{refused:?}");
    let text = refused.text().await.unwrap();
    assert_eq!(text, "Too many requests of this connection are still being worked on. Try again soon.\n");
    t.anonymous().get("/healthz").await.is(200);

    faults.mend();
    for push in pushes {
        assert_eq!(push.await.unwrap().unwrap().status(), 201);
    }
    until_count(&metrics, "sealock_uploads", 0).await;
    assert_eq!(healthz().await.unwrap().status(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_as_many_blobs_are_read_as_may_be_a_pull_is_told_to_come_back() {
    let t = TestServer::with_readers(1).await;
    // More than what the buffers of a connection take.
    const BYTES: usize = 24 * 1024 * 1024;
    let blob = Blob::new("", vec![7; BYTES]);
    t.admin().push_blob("acme/api", &blob).await.is(201);
    let (path, admin) = (format!("/v2/acme/api/blobs/{}", blob.digest), t.admin());
    let authorization = actor::basic("admin", ADMIN_PASSWORD);
    let get = format!(
        "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: {authorization}\r\n\r\n"
    );
    let mut reader = Bytes::sent(&t.host, get.as_bytes()).await;
    let head = reader.until("\r\n\r\n").await;
    assert!(head.starts_with("HTTP/1.1 200 "), "{head}");

    for _ in 0..3 {
        let refused = admin.get(&path).await.refused(503, "UNAVAILABLE");
        assert_eq!(refused.header("retry-after"), "1");
        let message = "as many blobs are being read as may be at once; try again in a moment";
        let expect = json!({"errors": [{"code": "UNAVAILABLE", "message": message}]});
        assert_eq!(refused.json(), expect);
    }
    // Nothing else waits for the reader.
    assert_eq!(admin.head(&path).await.is(200).header("content-length"), BYTES.to_string());
    admin.push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    admin.pull("acme/api", "1.0").await.is(200);

    assert!(reader.until_its_end().await.len() > BYTES - 64 * 1024, "the reader was cut off");
    assert!(admin.get(&path).await.is(200).body == blob.bytes);
}

/// An image under `acme/api:1.0` whose manifest is as long as may be.
async fn push_largest(t: &TestServer) -> Vec<u8> {
    let image = Image::new(1, 10);
    t.admin().push("acme/api", "small", &image).await.is(201);
    let mut manifest = image.manifest.bytes;
    manifest.resize(MAX_MANIFEST_BYTES, b' ');
    t.admin().push_manifest("acme/api", "1.0", &manifest).await.is(201);
    manifest
}

/// Deletes that manifest from `acme/api`, with its tags.
async fn delete(t: &TestServer, manifest: Vec<u8>) {
    let digest = Blob::new("", manifest).digest;
    t.admin().delete(&format!("/v2/acme/api/manifests/{digest}")).await.is(202);
}

/// What this process has in memory, in bytes.
fn resident_bytes() -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

#[tokio::test(flavor = "multi_thread")]
async fn large_manifests_that_nobody_takes_are_not_kept() {
    const CONNECTIONS: usize = 4;
    // All of them would be 512 MiB. Other tests run beside, and have their own.
    const MAX_GROWTH_BYTES: usize = 256 * 1024 * 1024;
    let t = TestServer::with_readers(1).await;
    let manifest = push_largest(&t).await;
    let (token, metrics) = (pusher(&t).await, t.metrics_listener().await);
    let authorization = actor::basic(&token.name, &token.secret);
    let answered = "sealock_requests_total{face=\"v2\",method=\"read\",status=\"200\"}";
    assert_eq!(t.with(&token).pull("acme/api", "1.0").await.is(200).body.len(), manifest.len());
    let (before, had) = (count_at(&metrics, answered).await, resident_bytes());

    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS {
        // As many as it has asked for would have begun.
        let mut connection = Http2::taking(&t.host, 1).await;
        for stream in 0..AT_ONCE as u32 {
            connection.get(2 * stream + 1, "/v2/acme/api/manifests/1.0", &authorization).await;
        }
        silent.push(connection);
    }
    until_count(&metrics, answered, before + (CONNECTIONS * AT_ONCE) as u64).await;
    assert!(t.with(&token).pull("acme/api", "1.0").await.is(200).body == manifest);
    let grown = resident_bytes().saturating_sub(had);
    assert!(grown < MAX_GROWTH_BYTES, "{grown} bytes more than before");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_manifest_that_is_deleted_while_it_is_taken_comes_whole() {
    let t = TestServer::with_readers(1).await;
    let server = t.listener(patient(), None).await;
    let manifest = push_largest(&t).await;
    let mut reader = Http2::taking(&server.host, 1000).await;
    let authorization = actor::basic("admin", ADMIN_PASSWORD);
    reader.get(1, "/v2/acme/api/manifests/1.0", &authorization).await;
    let first = reader.first_bytes().await;
    delete(&t, manifest).await;
    let stopping = tokio::spawn(server.stop());
    assert_eq!(first + reader.received_until_its_end(1, 64 * 1024).await, MAX_MANIFEST_BYTES);
    timeout(PATIENCE, stopping).await.expect("it stops").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_manifest_that_is_deleted_while_it_waits_for_room_is_broken_off() {
    let t = TestServer::with_readers(1).await;
    let server = t.listener(patient(), None).await;
    let manifest = push_largest(&t).await;
    let metrics = t.metrics_listener().await;
    let answered = "sealock_requests_total{face=\"v2\",method=\"read\",status=\"200\"}";
    let before = count_at(&metrics, answered).await;
    let mut reader = Http2::taking(&server.host, 1).await;
    let authorization = actor::basic("admin", ADMIN_PASSWORD);
    reader.get(1, "/v2/acme/api/manifests/1.0", &authorization).await;
    let first = reader.first_bytes().await;
    reader.get(3, "/v2/acme/api/manifests/1.0", &authorization).await;
    until_count(&metrics, answered, before + 2).await;
    delete(&t, manifest).await;
    let stopping = tokio::spawn(server.stop());
    // All of the one, and not a byte of the other.
    assert_eq!(first + reader.received_until_its_end(1, 64 * 1024).await, MAX_MANIFEST_BYTES);
    timeout(PATIENCE, stopping).await.expect("it stops").unwrap();
}
