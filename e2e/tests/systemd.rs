//! What systemd is told (sd_notify(3), `Type=notify`) and what it tells: the unit in docs/sealock.service stands on it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{os::unix::net::UnixDatagram, time::Duration};

use e2e::Installation;

/// For one message, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

fn told(socket: &UnixDatagram) -> String {
    let mut text = [0; 64];
    let length = socket.recv(&mut text).expect("a message");
    String::from_utf8_lossy(&text[..length]).into_owned()
}

#[tokio::test]
async fn systemd_is_told_when_requests_are_answered_and_when_the_end_begins() {
    let mut installation = Installation::new();
    let path = installation.path("notify");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    installation.set("NOTIFY_SOCKET", path.to_str().unwrap());

    let refused = installation.start(&["--database", "tape"]).await;
    assert!(!refused.is_ready, "{refused}");
    let run = installation.start(&[]).await.ready();
    assert_eq!(told(&socket), "READY=1", "and nothing by the one that did not start");
    run.stop().await;
    assert_eq!(told(&socket), "STOPPING=1");
}

/// `systemctl reload` sends SIGHUP, and so does a terminal that goes: what nobody handles ends a process.
#[tokio::test]
async fn a_server_without_a_certificate_lives_through_a_reload() {
    let installation = Installation::new();
    let run = installation.start(&[]).await.ready();
    for _ in 0..2 {
        run.signal("HUP").await;
    }
    run.logs("told to reload (SIGHUP)").await;
    assert!(run.accepts(&run.password().unwrap()).await);
    run.stop().await;
}
