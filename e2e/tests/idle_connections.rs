//! Ten thousand connections that asked for something once and then stay open (issue 7): the memory that they take is
//! bounded, and whoever comes meanwhile is served.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use e2e::{Installation, Run};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use testkit::missing;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// As many as there may be by default.
const CONNECTIONS: usize = 10_000;
/// What a server is allowed that has too few: a shell's usual limit.
const FEW_FILES: u64 = 1024;
/// More connections than go with those.
const MANY_CONNECTIONS: usize = FEW_FILES as usize + 100;
/// What the two tests have open at once, in one process, and some more.
const FILES: u64 = (CONNECTIONS + MANY_CONNECTIONS) as u64 + 500;
/// The most that one may take of the server's memory, in KiB; 32 were measured.
const KIB_PER_CONNECTION: u64 = 48;
const REQUEST: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// Whether this process may have that many files open, which it needs for its ends of the connections; "skipped" where
/// not, but a failure in CI.
fn may_open(files: u64) -> bool {
    let maximum = getrlimit(Resource::Nofile).maximum;
    // Root may raise the maximum too.
    let raised = Rlimit { current: Some(files), maximum: maximum.map(|maximum| maximum.max(files)) };
    let raised = setrlimit(Resource::Nofile, raised).is_ok();
    if !raised {
        let why = format!("{files} open files are wanted, and the system allows {maximum:?} (ulimit -Hn)");
        missing::skip(&missing::this_test(), &why);
    }
    raised
}

/// A connection that was answered once.
async fn idle(host: &str) -> TcpStream {
    let mut stream = TcpStream::connect(host).await.expect("a connection");
    stream.write_all(REQUEST).await.expect("room for a request");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\nok\n") {
        assert!(stream.read_buf(&mut answer).await.expect("an answer") > 0, "closed");
    }
    stream
}

/// What of the server lies in memory, in KiB.
fn memory(run: &Run) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", run.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("its size");
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// The threat: connections that ask for nothing take every file, and nobody is let in any more, not even to be told so.
#[tokio::test]
async fn where_fewer_files_are_allowed_there_are_fewer_connections_and_whoever_comes_is_served() {
    if !may_open(FILES) {
        return;
    }
    let mut installation = Installation::new();
    installation.allow_files(FEW_FILES);
    let run = installation.start(&[]).await.ready();
    run.logs("so max_connections is 426 and not 10000; raise the limit (ulimit -Hn").await;
    let mut connections = Vec::new();
    for _ in 0..MANY_CONNECTIONS {
        connections.push(idle(&run.host).await);
    }
    assert!(run.accepts(&run.password().unwrap()).await, "{run}");
    assert!(!run.log().contains("could not be accepted"), "{run}");
    run.stop().await;
}

#[tokio::test]
async fn ten_thousand_idle_connections_take_bounded_memory_and_keep_nobody_out() {
    if !may_open(FILES) {
        return;
    }
    let installation = Installation::new();
    let run = installation.start(&[]).await.ready();
    let before = memory(&run);
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        connections.push(idle(&run.host).await);
    }
    let taken = memory(&run).saturating_sub(before);
    assert!(taken < CONNECTIONS as u64 * KIB_PER_CONNECTION, "{taken} KiB for {CONNECTIONS} connections");

    // Each of these takes the place of one that asks for nothing.
    for _ in 0..20 {
        idle(&run.host).await;
    }
    assert!(run.accepts(&run.password().unwrap()).await, "{run}");
    drop(connections);
    run.stop().await;
}
