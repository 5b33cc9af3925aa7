//! Heads that are too large, and what is no head at all.

use testkit::{Engine, TestServer};
use web::Limits;

use crate::{
    bytes::{Bytes, HEALTHZ},
    http2::Http2,
};

fn healthz_with(header: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{header}\r\n\r\n")
}

async fn answer_to(host: &str, head: &str) -> String {
    Bytes::sent(host, head.as_bytes()).await.text_until_its_end().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_is_too_large_is_answered_431() {
    let t = TestServer::on(Engine::Sqlite).await;
    let cookie = |bytes: usize| healthz_with(&format!("Cookie: {}", "c".repeat(bytes)));
    let answer = answer_to(&t.host, &cookie(32_000)).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let answer = answer_to(&t.host, &cookie(32 * 1024)).await;
    assert!(answer.starts_with("HTTP/1.1 431 ") && answer.contains("the limit is 32768"), "{answer}");
    let path = format!("GET /v2/{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "a".repeat(33_000));
    let answer = answer_to(&t.host, &path).await;
    assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    // DESIGN §3.1: every answer under /v2/ has them.
    for header in ["x-content-type-options: nosniff\r\n", "content-security-policy: sandbox\r\n"] {
        assert!(answer.contains(header), "{answer}");
    }
    // Without words, where it was not even taken apart.
    let many: String = (0..200).map(|number| format!("X-{number}: 1\r\n")).collect();
    for head in [cookie(70_000), healthz_with(many.trim_end())] {
        let answer = answer_to(&t.host, &head).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_says_once_for_whom_it_is() {
    let t = TestServer::on(Engine::Sqlite).await;
    for (version, hosts, status) in [
        ("1.1", "Host: a\r\n", 200),
        ("1.1", "", 400),
        ("1.1", "Host: a\r\nHost: b\r\n", 400),
        ("1.1", "Host: a\r\nhost: a\r\n", 400),
        ("1.0", "", 200),
        ("1.0", "Host: a\r\nHost: a\r\n", 400),
    ] {
        for path in ["/healthz", "/v2/"] {
            let head = format!("GET {path} HTTP/{version}\r\n{hosts}Connection: close\r\n\r\n");
            let answer = answer_to(&t.host, &head).await;
            // Nobody is signed in.
            let status = if status == 200 && path == "/v2/" { 401 } else { status };
            assert!(answer.starts_with(&format!("HTTP/{version} {status} ")), "{head}{answer}");
            assert!(
                status != 400 || answer.ends_with("Host headers; send one (RFC 9112, section 3.2).\n"),
                "{answer}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_closed_and_the_next_client_is_served() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(Limits::default(), None).await;
    for garbage in [
        b"\0\0\0\0\0\0\0\0\r\n\r\n".as_slice(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
        b"HELO registry.example.com\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ] {
        let answer = Bytes::sent(&server.host, garbage).await.text_until_its_end().await;
        assert!(!answer.contains(" 200 ") && !answer.contains(" 500 "), "{answer}");
    }
    Bytes::sent(&server.host, HEALTHZ).await.until("ok\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_http2_request_whose_host_is_not_its_authority_is_malformed() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(Limits::default(), None).await;
    let mut http2 = Http2::taking(&server.host, 65_535).await;
    for (stream, (named, status)) in (1..).step_by(2).zip([
        (&[(":authority", "a.example")][..], 200),
        (&[(":authority", "a.example"), ("host", "A.example:80")], 200),
        (&[(":authority", "a.example"), ("host", "b.example")], 400),
        (&[(":authority", "a.example"), ("host", "a.example:81")], 400),
        (&[(":authority", "a.example"), ("host", "a.example"), ("host", "a.example")], 400),
        (&[("host", "b.example")], 200),
    ]) {
        // Pseudo-header fields come first (RFC 9113 §8.3).
        let fields = [&[(":path", "/healthz")], named].concat();
        http2.get_with(stream, &fields).await;
        assert_eq!(http2.status().await, status, "{fields:?}");
    }
    // In HTTP/1 the target of the request wins (RFC 9112 §3.2.2).
    let head = "GET http://a.example/healthz HTTP/1.1\r\nHost: b.example\r\nConnection: close\r\n\r\n";
    assert!(answer_to(&server.host, head).await.starts_with("HTTP/1.1 200 "));
}
