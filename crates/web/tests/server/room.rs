//! More connections than there may be.

use std::time::Duration;

use testkit::{Engine, TestServer};
use tokio::net::TcpSocket;
use web::Limits;

use crate::bytes::{Bytes, HEALTHZ, NEVER, SOON, UNHURRIED};

/// The head of a form, which nobody needs a credential for.
const FORM: &[u8] =
    b"POST /auth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\nExpect: 100-continue\r\n\r\n";

fn with_room_for(connections: usize, room: Duration) -> Limits {
    Limits { connections, room, head: NEVER, idle: NEVER, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_idle_makes_room() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(with_room_for(2, NEVER), None).await;
    let mut first = Bytes::sent(&server.host, HEALTHZ).await;
    first.until("ok\n").await;
    let mut second = Bytes::sent(&server.host, HEALTHZ).await;
    second.until("ok\n").await;

    let mut third = Bytes::sent(&server.host, HEALTHZ).await;
    third.until("ok\n").await;
    // Which of them idles longer the client can't say: an answer is here before the server knows that it is gone.
    let (mut nothing, mut neither) = ([0], [0]);
    let is_first = tokio::select! {
        _ = first.0.peek(&mut nothing) => true,
        _ = second.0.peek(&mut neither) => false,
    };
    let (closed, mut kept) = if is_first { (first, second) } else { (second, first) };
    assert_eq!(closed.text_until_its_end().await, "");
    kept.send(HEALTHZ).await;
    kept.until("ok\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_connections_keep_nobody_out() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(with_room_for(20, NEVER), None).await;
    let mut silent = Vec::new();
    for _ in 0..100 {
        silent.push(Bytes::sent(&server.host, b"").await);
    }
    for _ in 0..30 {
        let mut client = Bytes::sent(&server.host, HEALTHZ).await;
        client.until("ok\n").await;
        silent.push(client);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_everybody_is_served_a_newcomer_is_told_to_come_back() {
    let t = TestServer::on(Engine::Sqlite).await;
    let server = t.listener(with_room_for(1, SOON), None).await;
    let session = t.admin().start_upload("acme/api").await.is(202).header("location").to_owned();
    let authorization = testkit::actor::basic("admin", testkit::server::ADMIN_PASSWORD);
    let chunk = format!(
        "PATCH {session} HTTP/1.1\r\nHost: a\r\nAuthorization: {authorization}\r\nContent-Length: 4\r\n\
         Expect: 100-continue\r\n\r\n"
    );
    let mut upload = Bytes::sent(&server.host, chunk.as_bytes()).await;
    upload.until("100 Continue\r\n\r\n").await;

    let refused = Bytes::sent(&server.host, HEALTHZ).await.text_until_its_end().await.to_lowercase();
    assert!(refused.starts_with("http/1.1 503 "), "{refused}");
    for part in ["retry-after: 5\r\n", "connection: close\r\n", "x-request-id: ", "max_connections"] {
        assert!(refused.contains(part), "{refused}");
    }

    upload.send(b"blob").await;
    upload.until("HTTP/1.1 202 ").await;
    Bytes::sent(&server.host, HEALTHZ).await.until("ok\n").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn forms_that_do_not_come_keep_nobody_out() {
    let t = TestServer::on(Engine::Sqlite).await;
    let limits = Limits { form: UNHURRIED, owing: SOON, ..with_room_for(20, NEVER) };
    let server = t.listener(limits, None).await;
    let mut kept = Vec::new();
    for _ in 0..20 {
        let mut form = Bytes::sent(&server.host, FORM).await;
        form.until("100 Continue").await;
        kept.push(form);
    }
    for _ in 0..30 {
        let mut client = Bytes::sent(&server.host, HEALTHZ).await;
        client.until("ok\n").await;
        kept.push(client);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_machine_does_not_keep_all_the_others_out() {
    let t = TestServer::on(Engine::Sqlite).await;
    // Whoever has its seats is served, and not even slow.
    let limits = Limits { form: UNHURRIED, owing: NEVER, ..with_room_for(4, NEVER) };
    let server = t.listener(limits, None).await;
    let mut greedy = Vec::new();
    for _ in 0..4 {
        let mut form = Bytes::sent(&server.host, FORM).await;
        form.until("100 Continue").await;
        greedy.push(form);
    }
    let mut others = Vec::new();
    for _ in 0..2 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut other = Bytes(socket.connect(server.host.parse().unwrap()).await.unwrap());
        other.send(FORM).await;
        other.until("100 Continue").await;
        others.push(other);
    }
    // What is the machine's share it keeps: it may have more than one.
    for closed in greedy.drain(..2) {
        assert_eq!(closed.text_until_its_end().await, "");
    }
    for mut form in greedy {
        form.send(&[b'a'; 30_000]).await;
        form.until("HTTP/1.1 400 ").await;
    }
}
