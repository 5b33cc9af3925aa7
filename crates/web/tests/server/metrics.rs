//! `/metrics`, on a listener of its own.

use std::time::Duration;

use testkit::{Engine, Listener, TestServer, image::Image};
use tokio::time::{sleep, timeout};

use crate::bytes::{Bytes, PATIENCE};

async fn scraped(host: &str) -> String {
    let get = b"GET /metrics HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    Bytes::sent(host, get).await.text_until_its_end().await
}

/// The value of a count, by the listener of the metrics; 0 where nothing was counted yet.
pub(crate) async fn count_at(metrics: &Listener, name: &str) -> u64 {
    let text = scraped(&metrics.host).await;
    if text.contains(name) { count(&text, name) } else { 0 }
}

/// Waits until a count is so high.
pub(crate) async fn until_count(metrics: &Listener, name: &str, expect: u64) {
    let polling = async {
        while count_at(metrics, name).await != expect {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(PATIENCE, polling).await.is_ok(), "{name} is not {expect}");
}

/// The value of a count.
fn count(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_is_counted_by_words_of_ours() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.metrics_listener().await;
    t.admin().push("acme/api", "1.0", &Image::new(1, 1000)).await.is(201);
    t.admin().get("/v2/acme/api/tags/list").await.is(200);
    let secret = t.service_token("acme", "ci-bot", serde_json::json!({})).await.secret;
    t.anonymous().get(&format!("/nothing/{secret}")).await.is(404);
    t.anonymous().get(&format!("/v2/{secret}/manifests/1.0")).await;
    t.anonymous().send(t.anonymous().request("SLKS".parse().unwrap(), "/v2/")).await;

    let text = scraped(&server.host).await;
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    assert!(
        text.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"),
        "{text}"
    );
    assert_eq!(count(&text, "sealock_requests_total{face=\"v2\",method=\"read\",status=\"200\"}"), 1);
    assert_eq!(count(&text, "sealock_requests_total{face=\"console\",method=\"read\",status=\"404\"}"), 1);
    assert!(
        count(&text, "sealock_requests_total{face=\"v2\",method=\"write\",status=\"201\"}") >= 3,
        "{text}"
    );
    assert!(text.contains("sealock_request_seconds_count{face=\"api\"}"), "{text}");
    assert!(count(&text, "sealock_received_bytes_total") > 1000, "{text}");
    assert!(count(&text, "sealock_connections") >= 1, "{text}");
    assert_eq!(count(&text, "sealock_uploads"), 0);
    for told in [secret.as_str(), "acme", "ci-bot", "SLKS", "127.0.0.1"] {
        assert!(!text.contains(told), "{told} stands in {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_and_registry_never_share_a_listener() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.metrics_listener().await;
    let other = Bytes::sent(&server.host, b"GET /v2/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    assert!(other.text_until_its_end().await.starts_with("HTTP/1.1 404 "));
    t.admin().get("/metrics").await.is(404);
}
