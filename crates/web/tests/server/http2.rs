//! HTTP/2 by hand: a client that says how much it takes, and takes no more.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::bytes::{GOAWAY, PATIENCE};

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const WINDOW_UPDATE: u8 = 8;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// RFC 9113 §6.5.2.
const INITIAL_WINDOW_SIZE: u16 = 4;

/// What the client's own system keeps for it, in bytes: little, so that the rest stays with the server.
pub(crate) const RECEIVE_BUFFER_BYTES: u32 = 16 * 1024;

/// A connection.
pub(crate) struct Http2(TcpStream);

impl Http2 {
    /// Takes `window` bytes of each answer, and more when it says so.
    pub(crate) async fn taking(host: &str, window: u32) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(RECEIVE_BUFFER_BYTES).expect("a small buffer");
        let connected = socket.connect(host.parse().expect("an address")).await;
        let mut connection = Self(connected.expect("a connection"));
        connection.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("a greeting");
        let settings = [&INITIAL_WINDOW_SIZE.to_be_bytes()[..], &window.to_be_bytes()].concat();
        connection.send(SETTINGS, 0, 0, &settings).await;
        connection
    }

    /// RFC 9113 §4.1. The server may have had enough and not take it.
    async fn send(&mut self, kind: u8, flags: u8, stream: u32, payload: &[u8]) {
        let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
        let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()].concat();
        let _ = self.0.write_all(&[&head, payload].concat()).await;
    }

    /// GET as that stream.
    pub(crate) async fn get(&mut self, stream: u32, path: &str, authorization: &str) {
        let fields = [(":path", path), (":authority", "a"), ("authorization", authorization)];
        self.get_with(stream, &fields).await;
    }

    /// GET by plain HTTP as that stream, with these fields.
    pub(crate) async fn get_with(&mut self, stream: u32, fields: &[(&str, &str)]) {
        let mut head = vec![0x82, 0x86];
        for (name, value) in fields {
            head.push(0);
            text(&mut head, name);
            text(&mut head, value);
        }
        self.send(HEADERS, END_STREAM | END_HEADERS, stream, &head).await;
    }

    /// Takes so many more bytes of that stream.
    pub(crate) async fn take(&mut self, stream: u32, bytes: usize) {
        let increment = u32::try_from(bytes).expect("a window").to_be_bytes();
        self.send(WINDOW_UPDATE, 0, stream, &increment).await;
        self.send(WINDOW_UPDATE, 0, 0, &increment).await;
    }

    /// The next frame, its type and its payload; a ping is answered. `None` at the end.
    async fn frame(&mut self) -> Option<(u8, Vec<u8>)> {
        let mut head = [0; 9];
        timeout(PATIENCE, self.0.read_exact(&mut head)).await.expect("it stays open").ok()?;
        let [a, b, c, kind, flags, ..] = head;
        let mut payload = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.0.read_exact(&mut payload).await.ok()?;
        if kind == PING && flags & ACK == 0 {
            self.send(PING, ACK, 0, &payload).await;
        }
        Some((kind, payload))
    }

    /// The status of the next answer, of those that RFC 7541, appendix A, has a byte for.
    pub(crate) async fn status(&mut self) -> u16 {
        loop {
            let (kind, payload) = self.frame().await.expect("closed too early");
            if kind == HEADERS {
                return match payload[0] {
                    0x88 => 200,
                    0x8c => 400,
                    other => panic!("another status: {other:#x}"),
                };
            }
        }
    }

    /// How many bytes of an answer's body come first.
    pub(crate) async fn first_bytes(&mut self) -> usize {
        loop {
            let (kind, payload) = self.frame().await.expect("closed too early");
            if kind == DATA {
                return payload.len();
            }
        }
    }

    /// Reads until the server says GOAWAY.
    pub(crate) async fn until_farewell(&mut self) {
        while self.frame().await.expect("closed without a word").0 != GOAWAY {}
    }

    /// Reads until the server closes its end of the connection.
    pub(crate) async fn until_the_other_end(&mut self) {
        while self.frame().await.is_some() {}
    }

    /// How many bytes of the answer come until the server closes the connection. The client says `step` by `step` that it
    /// takes more.
    pub(crate) async fn received_until_its_end(mut self, stream: u32, step: usize) -> usize {
        let (mut received, mut promised) = (0, 0);
        loop {
            if received >= promised {
                promised += step;
                self.take(stream, step).await;
            }
            match self.frame().await {
                Some((DATA, payload)) => received += payload.len(),
                Some(_) => {}
                None => return received,
            }
        }
    }
}

/// A string of HPACK, without Huffman (RFC 7541 §5.2).
fn text(head: &mut Vec<u8>, text: &str) {
    // RFC 7541 §5.1: an integer with a prefix of seven bits.
    match text.len() {
        short @ 0..127 => head.push(short as u8),
        long => {
            let rest = long - 127;
            assert!(rest < 128 * 128, "{long} bytes");
            head.extend([127, (rest % 128) as u8 | 128, (rest / 128) as u8]);
        }
    }
    head.extend(text.as_bytes());
}
