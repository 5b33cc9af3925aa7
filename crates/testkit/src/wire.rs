//! Requests byte by byte: for what a well-behaved client would not send, and for clients that break off.

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::Answer;

/// A connection on which a request was begun. Dropped, it is closed.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    sent: String,
    has_body: bool,
}

impl Wire {
    /// Connects to `host` and sends the head of a request as it stands; `headers` are whole lines.
    pub(crate) async fn begin(host: &str, method: &str, target: &str, headers: &[String]) -> Self {
        let stream = TcpStream::connect(host).await.expect("a connection");
        let mut wire = Self { stream, has_body: true, sent: String::new() };
        wire.begin_next(method, target, headers).await;
        wire
    }

    /// Sends the head of another request, once the answer to the one before was read.
    pub(crate) async fn begin_next(&mut self, method: &str, target: &str, headers: &[String]) {
        self.sent = format!("{method} {target}");
        self.has_body = method != "HEAD";
        let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
        self.send(format!("{} HTTP/1.1\r\n{lines}\r\n", self.sent).as_bytes()).await;
    }

    /// Sends more bytes. The server may have had enough and not take them.
    pub async fn send(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Waits for "100 Continue" after `Expect: 100-continue`: from then on the server reads the body, so whatever it
    /// decides by the head is decided.
    pub async fn continued(&mut self) {
        const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";
        let mut received = [0; CONTINUE.len()];
        self.stream.read_exact(&mut received).await.expect("a beginning of an answer");
        assert_eq!(String::from_utf8_lossy(&received), String::from_utf8_lossy(CONTINUE), "{}", self.sent);
    }

    /// Waits for the answer, and closes the connection.
    pub async fn answer(mut self) -> Answer {
        self.next_answer().await
    }

    /// Waits for the answer's head and as much of a body as that announces; the connection stays for another request.
    pub async fn next_answer(&mut self) -> Answer {
        let mut received = Vec::new();
        let head = loop {
            if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
                break received.drain(..end + 4).collect::<Vec<u8>>();
            }
            let count = self.stream.read_buf(&mut received).await.unwrap_or_else(|error| self.broken(&error));
            assert!(count > 0, "{}: the connection was closed without an answer", self.sent);
        };
        let (status, headers) = read_head(&String::from_utf8_lossy(&head));
        let length = headers.get("content-length").and_then(|value| value.to_str().ok()?.parse().ok());
        let length = length.filter(|_| self.has_body).unwrap_or(0);
        while received.len() < length {
            let count = self.stream.read_buf(&mut received).await.unwrap_or_else(|error| self.broken(&error));
            assert!(count > 0, "{}: the connection was closed within the answer", self.sent);
        }
        Answer { sent: self.sent.clone(), status, headers, body: received }
    }

    fn broken(&self, error: &std::io::Error) -> usize {
        panic!("{}: {error}", self.sent)
    }
}

fn read_head(head: &str) -> (u16, HeaderMap) {
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)).expect("a status line");
    let fields = lines.filter_map(|line| line.split_once(": "));
    let headers = fields.map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header's name");
        (name, HeaderValue::from_str(value).expect("a header's value"))
    });
    (
        status.parse().expect("a status"),
        headers.fold(HeaderMap::new(), |mut map, (name, value)| {
            map.append(name, value);
            map
        }),
    )
}
