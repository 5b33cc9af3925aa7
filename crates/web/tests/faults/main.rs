//! What was acknowledged is there, and what failed left the old state or the new one: when the disk or the database
//! fails at any call, and when the power goes at any instant (DESIGN §5, 1 and 5 to 7).
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod failing;
mod healing;
mod leftovers;
mod order;
mod power_loss;
mod starting;

use access::time::Instant;
use registry::HowToCheck;
use serde_json::json;
use testkit::{Actor, ServiceToken, TestServer, image::Blob, randomness::SeededRandomness};

/// So late that no file counts as young any more.
const MUCH_LATER: Instant = Instant::from_millis(4_000_000_000_000);

/// Names and sizes, and nothing is changed.
const LOOK: HowToCheck = HowToCheck { read: false, repair: false };

/// Every byte, and whatever can be mended.
const EVERYTHING: HowToCheck = HowToCheck { read: true, repair: true };

/// Whoever may do everything with the content of `acme`. A token, since passwords cost a tenth of a second.
async fn holder(t: &TestServer) -> ServiceToken {
    let scope = json!({"type": "repository", "path": "*", "actions": ["pull", "push", "delete"]});
    t.service_token("acme", "ci-bot", json!({ "scopes": [scope] })).await
}

fn blob(seed: u64) -> Blob {
    Blob::new("", SeededRandomness::new(seed).bytes(3000))
}

fn path_of(digest: &str) -> String {
    format!("/v2/acme/api/blobs/{digest}")
}

/// The whole blob in one request.
async fn push_at_once(ci: &Actor, blob: &Blob) -> testkit::Answer {
    let path = format!("/v2/acme/api/blobs/uploads/?digest={}", blob.digest);
    ci.send(ci.request(reqwest::Method::POST, &path).body(blob.bytes.clone())).await
}

/// Asks where the upload stands, and finishes it from there; `None` where there is no such session. Answers how many
/// bytes it had.
async fn go_on(ci: &Actor, location: &str, blob: &Blob) -> Option<usize> {
    let status = ci.get(location).await;
    if status.status == 404 {
        return None;
    }
    let range = status.is(204).header("range").to_owned();
    let last: usize = range.split_once('-').unwrap().1.parse().unwrap();
    let offset = if last == 0 { 0 } else { last + 1 };
    ci.stream_chunk(location, &blob.bytes[offset..]).await.is(202);
    ci.finish_upload(location, &blob.digest, b"").await.is(201);
    Some(offset)
}

/// Whether the blob is there: whole, or not at all.
async fn is_there(ci: &Actor, blob: &Blob) -> bool {
    let path = path_of(&blob.digest);
    let head = ci.head(&path).await;
    let pulled = ci.get(&path).await;
    assert_eq!(head.status, pulled.status, "{head:?}\n{pulled:?}");
    if pulled.status == 404 {
        return false;
    }
    assert!(pulled.is(200).body == blob.bytes, "{}: other bytes", blob.digest);
    true
}
