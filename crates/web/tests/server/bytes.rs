//! A client that says what it likes, byte by byte.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use web::Pace;

/// What has not happened by then never will.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// A deadline that passes while the test waits for it, and that a request beats on a busy machine, where the test may not
/// run for some 100 ms.
pub(crate) const SOON: Duration = Duration::from_millis(500);
/// One that never does.
pub(crate) const NEVER: Duration = Duration::from_secs(3600);

/// Bodies that may take as long as they like.
pub(crate) const UNHURRIED: Pace = Pace { bytes: 0, window: NEVER };
/// Bodies that have to come at once.
pub(crate) const HASTY: Pace = Pace { bytes: 100, window: SOON };

pub(crate) const HEALTHZ: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// HTTP/2's greeting, settings that are the defaults, and `GET /healthz` as stream 1 (RFC 9113 §3.4, RFC 7541 §6.2.2).
pub(crate) const HTTP2_HEALTHZ: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \0\0\0\x04\0\0\0\0\0\
    \0\0\x0f\x01\x05\0\0\0\x01\x82\x86\x04\x08/healthz\x01\x01a";

/// A connection.
pub(crate) struct Bytes(pub(crate) TcpStream);

impl Bytes {
    /// To `host`, with something sent already.
    pub(crate) async fn sent(host: &str, bytes: &[u8]) -> Self {
        let mut connection = Self(TcpStream::connect(host).await.expect("a connection"));
        connection.send(bytes).await;
        connection
    }

    /// The server may have had enough and not take them.
    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes).await;
    }

    /// What came, as soon as it holds `end`.
    pub(crate) async fn until(&mut self, end: &str) -> String {
        let mut received = Vec::new();
        let reading = async {
            while !String::from_utf8_lossy(&received).contains(end) {
                let count = self.0.read_buf(&mut received).await.expect("bytes");
                assert!(count > 0, "closed after {:?}, before {end:?}", String::from_utf8_lossy(&received));
            }
        };
        timeout(PATIENCE, reading).await.unwrap_or_else(|_| panic!("{end:?} never came"));
        String::from_utf8_lossy(&received).into_owned()
    }

    /// What comes until the server closes the connection.
    pub(crate) async fn until_its_end(mut self) -> Vec<u8> {
        let mut received = Vec::new();
        // Closed by a reset is closed, too.
        let _ = timeout(PATIENCE, self.0.read_to_end(&mut received)).await.expect("it stays open");
        received
    }

    /// The same, as text.
    pub(crate) async fn text_until_its_end(self) -> String {
        String::from_utf8_lossy(&self.until_its_end().await).into_owned()
    }
}

/// The types of the frames of HTTP/2 in `received` (RFC 9113 §4.1, §6).
pub(crate) fn frames(mut received: &[u8]) -> Vec<u8> {
    let mut types = Vec::new();
    while let [a, b, c, kind, _flags, _, _, _, _, rest @ ..] = received {
        types.push(*kind);
        let length = u32::from_be_bytes([0, *a, *b, *c]) as usize;
        received = rest.get(length..).unwrap_or_default();
    }
    types
}

/// GOAWAY (RFC 9113 §6.8).
pub(crate) const GOAWAY: u8 = 7;
