//! Clients that break off in the middle of a body: what they sent is nobody's, and no file of it stays behind.

use std::{convert::Infallible, fs, time::Duration};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use http_body::Frame;
use http_body_util::StreamBody;
use reqwest::{Body, Client, Method};
use testkit::{TestServer, Wire, both_engines, image::sha256_digest, server::ADMIN_PASSWORD};
use tokio::task::JoinHandle;

/// What is sent of a body before its client breaks off: several of the buffers that the blob store writes at a time.
const SENT_BYTES: usize = 4 * 1024 * 1024;
/// A handler that has not ended by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a client breaks off.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Its connection is cut.
    Http1Cut,
    /// Its stream is reset, on a connection that lives on (RFC 9113 §6.4).
    Http2Reset,
}

const WAYS: [Way; 2] = [Way::Http1Cut, Way::Http2Reset];

/// A request of the administrator whose body came in part.
enum Half {
    Http1(Wire),
    Http2 { client: Client, sending: JoinHandle<()> },
}

impl Half {
    async fn sent(t: &TestServer, way: Way, method: Method, path: &str) -> Self {
        match way {
            Way::Http1Cut => {
                let length = format!("Content-Length: {}", 2 * SENT_BYTES);
                let mut wire = t.admin().wire(method.as_str(), path, &[&length]).await;
                wire.send(&vec![7; SENT_BYTES]).await;
                Self::Http1(wire)
            }
            Way::Http2Reset => Self::over_http2(t, method, path),
        }
    }

    fn over_http2(t: &TestServer, method: Method, path: &str) -> Self {
        let client = Client::builder().no_proxy().http2_prior_knowledge().build().unwrap();
        let part = Frame::data(Bytes::from(vec![7; SENT_BYTES]));
        let frames = stream::iter([Ok::<_, Infallible>(part)]).chain(stream::pending());
        let request = client
            .request(method, format!("http://{}{path}", t.host))
            .basic_auth("admin", Some(ADMIN_PASSWORD))
            .body(Body::wrap(StreamBody::new(frames)));
        let sending = tokio::spawn(async move {
            let answered = request.send().await;
            panic!("answered before the body has ended: {answered:?}");
        });
        Self::Http2 { client, sending }
    }

    async fn break_off(self, t: &TestServer) {
        match self {
            Self::Http1(wire) => drop(wire),
            Self::Http2 { client, sending } => {
                sending.abort();
                assert!(sending.await.unwrap_err().is_cancelled());
                // The client, and with it the connection, lives on until here.
                let healthy = client.get(format!("http://{}/healthz", t.host)).send().await.unwrap();
                assert_eq!(healthy.status(), 200);
            }
        }
    }
}

/// How many bytes lie in the blob store.
fn kept_bytes(t: &TestServer) -> u64 {
    // A file may go between the list and the look at it.
    t.blob_paths().iter().filter_map(|path| fs::metadata(path).ok()).map(|file| file.len()).sum()
}

/// Waits until the blob store is so: nobody is left to be told that a handler has ended.
async fn until(t: &TestServer, way: Way, what: &str, is_so: impl Fn() -> bool) {
    let polling = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let seen = tokio::time::timeout(PATIENCE, polling).await;
    assert!(seen.is_ok(), "{way:?}, not so: {what}; {} bytes in {:?}", kept_bytes(t), t.blob_paths());
}

#[both_engines]
async fn a_blob_in_one_request_that_breaks_off_leaves_no_file(t: TestServer) {
    let path = format!("/v2/acme/api/blobs/uploads/?digest={}", sha256_digest(b"never whole"));
    for way in WAYS {
        let half = Half::sent(&t, way, Method::POST, &path).await;
        until(&t, way, "the body is being written", || kept_bytes(&t) > 0).await;
        half.break_off(&t).await;
        until(&t, way, "no file stays", || t.blob_files() == 0).await;
    }
}

#[both_engines]
async fn a_chunk_that_breaks_off_is_cut_away_and_the_upload_goes_on(t: TestServer) {
    let (admin, digest) = (t.admin(), sha256_digest(b"0123456789"));
    for way in WAYS {
        for method in [Method::PATCH, Method::PUT] {
            let session = admin.start_upload("acme/api").await.is(202).header("location").to_owned();
            admin.stream_chunk(&session, b"01234").await.is(202);
            let half = Half::sent(&t, way, method, &format!("{session}?digest={digest}")).await;
            until(&t, way, "the chunk is being written", || kept_bytes(&t) > 5).await;
            half.break_off(&t).await;
            until(&t, way, "what was acknowledged stays alone", || kept_bytes(&t) == 5).await;

            assert_eq!(admin.get(&session).await.is(204).header("range"), "0-4");
            admin.push_chunk(&session, "5-9", b"56789").await.is(202);
            assert_eq!(t.blob_files(), 1);
            admin.delete(&session).await.is(204);
            assert_eq!(t.blob_files(), 0);
        }
    }
}
