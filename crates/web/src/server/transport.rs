//! The bytes of a connection, plain or through TLS, as they pass.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};
use tokio_rustls::server::TlsStream;

use super::pulse::Pulse;
use crate::metrics::Metrics;

/// What is read after our goodbye before the connection is closed on whatever else comes, in bytes: window updates and
/// pings of answers that are on their way, and no upload that nobody wants.
const MAX_LINGER_BYTES: usize = 256 * 1024;
/// How much of it is read at a time, in bytes.
const LINGER_CHUNK_BYTES: usize = 4096;

/// What HTTP is spoken on.
pub(super) enum Transport {
    /// TCP.
    Plain(TcpStream),
    /// TLS on TCP; boxed, since it is some hundred times larger.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A transport that tells the connection's pulse what comes and goes, counts what passes, and is not closed on what the
/// other end is still reading.
pub(super) struct Watched {
    transport: Transport,
    pulse: Arc<Pulse>,
    metrics: Arc<Metrics>,
    /// What may still be read once we have said goodbye, in bytes.
    lingers: Option<usize>,
}

impl Watched {
    /// From now on.
    pub(super) fn new(transport: Transport, pulse: Arc<Pulse>, metrics: Arc<Metrics>) -> Self {
        Self { transport, pulse, metrics, lingers: None }
    }

    fn sent(&self, polled: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        self.pulse.wrote();
        let count = ready!(polled)?;
        self.metrics.sent(count);
        Poll::Ready(Ok(count))
    }

    /// Says goodbye, once: all that was written is on its way then.
    fn poll_goodbye(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if let Some(left) = self.lingers {
            return Poll::Ready(Ok(left));
        }
        ready!(match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_shutdown(context),
            Transport::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        })?;
        self.lingers = Some(MAX_LINGER_BYTES);
        self.pulse.closes();
        Poll::Ready(Ok(MAX_LINGER_BYTES))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Transport::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        })?;
        let count = buffer.filled().len() - before;
        if count > 0 {
            self.pulse.received();
            self.metrics.received(count);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Transport::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        };
        self.sent(polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Transport::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        };
        self.sent(polled)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.transport {
            Transport::Plain(stream) => stream.is_write_vectored(),
            Transport::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(match &mut self.transport {
            Transport::Plain(stream) => Pin::new(stream).poll_flush(context),
            Transport::Tls(stream) => Pin::new(stream).poll_flush(context),
        })?;
        self.pulse.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut left = ready!(self.poll_goodbye(context))?;
        let mut chunk = [0; LINGER_CHUNK_BYTES];
        while left > 0 {
            let mut buffer = ReadBuf::new(&mut chunk);
            // An end without a goodbye is an end, too.
            if ready!(self.as_mut().poll_read(context, &mut buffer)).is_err() || buffer.filled().is_empty() {
                break;
            }
            left = left.saturating_sub(buffer.filled().len());
            self.lingers = Some(left);
        }
        Poll::Ready(Ok(()))
    }
}
