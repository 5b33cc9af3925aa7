//! One connection from the handshake to the goodbye.

use std::{net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use axum::Router;
use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use registry::machine_of;
use tokio::{net::TcpStream, sync::watch};
use tokio_util::task::TaskTracker;

use super::{
    asker::{Asker, MAX_AT_ONCE},
    limits::Limits,
    pulse::{Over, Pulse},
    seats::{Line, Place, Seats},
    tls::{self, Certificate},
    transport::{Transport, Watched},
};
use crate::{head_limit::MAX_PARSED_HEAD_BYTES, metrics::Metrics, trusted_proxies::TrustedProxies};

/// How often the other end of an HTTP/2 connection is asked whether it lives, and how long it may take to say so: a machine
/// that was switched off closes nothing.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_PATIENCE: Duration = Duration::from_secs(20);
/// Up to what a stream of HTTP/2 asks for its next piece before the client took the last, in bytes: a quarter of a piece of
/// a blob, so that it never has two.
const MAX_SEND_BYTES: usize = 64 * 1024;

/// What a client may send over an HTTP/2 connection before a handler reads it, in bytes: hyper keeps it. A window that adapts
/// grows to 16 MiB for a client that sends to handlers which do not read. With 1 MiB, one connection pushes 20 MiB/s over a
/// round trip of 50 ms.
const MAX_UNREAD_BYTES: u32 = 1024 * 1024;
/// The same for one of its streams, so that a stream which is not read does not stop the others.
const MAX_UNREAD_OF_STREAM_BYTES: u32 = MAX_UNREAD_BYTES / 4;

/// What the connections of a listener share.
pub(super) struct Door {
    pub(super) http: auto::Builder<TokioExecutor>,
    pub(super) router: Router,
    /// Answers those for whom there is no room.
    pub(super) refusing: Router,
    /// Answers what a connection asks beyond what it may ask at once.
    pub(super) busy: Router,
    pub(super) limits: Limits,
    pub(super) seats: Seats,
    /// Whose connections are many people's.
    pub(super) proxies: TrustedProxies,
    pub(super) certificate: Option<Arc<Certificate>>,
    pub(super) metrics: Arc<Metrics>,
    /// The connections and what they asked for, which may outlive them.
    pub(super) tasks: TaskTracker,
}

/// HTTP/1 and HTTP/2 as we speak them. Deadlines of HTTP/1 are the pulse's: hyper's own takes being idle for a slow head.
pub(super) fn http() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // A connection that sends no more is over, and not half closed: an act on a disk that hangs would keep the place of
    // everybody who has given up on it.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(None).max_buf_size(MAX_PARSED_HEAD_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_connection_window_size(MAX_UNREAD_BYTES)
        .initial_stream_window_size(MAX_UNREAD_OF_STREAM_BYTES)
        .max_send_buf_size(MAX_SEND_BYTES)
        .max_concurrent_streams(u32::try_from(MAX_AT_ONCE).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(PING_PATIENCE)
        .max_header_list_size(u32::try_from(MAX_PARSED_HEAD_BYTES).unwrap_or(u32::MAX));
    builder
}

/// What the connections of a listener are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Go on.
    Serve,
    /// The requests that run are the last.
    Finish,
    /// There is no more time for those either.
    Leave,
}

/// A connection that is let in.
pub(super) struct Visit {
    pub(super) peer: SocketAddr,
    pub(super) pulse: Arc<Pulse>,
    pub(super) limits: Limits,
    pub(super) router: Router,
    pub(super) busy: Router,
    pub(super) tasks: TaskTracker,
}

impl Door {
    /// Looks after a connection until it has ended.
    pub(super) async fn attend(
        &self,
        stream: TcpStream,
        peer: SocketAddr,
        place: Place,
        orders: watch::Receiver<Order>,
    ) {
        // Small answers go out at once: a docker push waits for each of them.
        let _ = stream.set_nodelay(true);
        let machine = (!self.proxies.trust(peer.ip())).then(|| machine_of(peer.ip()));
        // Held, whichever it is, until the connection has ended.
        let place = match place.is_seat {
            true => place,
            false => self.seats.room(self.limits.room, machine).await.unwrap_or(place),
        };
        if place.is_seat {
            let _counted = self.metrics.connection();
            let pulse = Pulse::new(Arc::clone(self.seats.line()), machine);
            self.receive(stream, self.visit(peer, pulse, self.limits, &self.router), orders).await;
        } else {
            self.metrics.refused_connection();
            let pulse = Pulse::new(Arc::new(Line::new(1)), None);
            let limits = self.limits.of_a_refusal();
            self.receive(stream, self.visit(peer, pulse, limits, &self.refusing), orders).await;
        }
    }

    fn visit(&self, peer: SocketAddr, pulse: Arc<Pulse>, limits: Limits, router: &Router) -> Visit {
        let (router, busy, tasks) = (router.clone(), self.busy.clone(), self.tasks.clone());
        Visit { peer, pulse, limits, router, busy, tasks }
    }

    /// Comes to the point where HTTP is spoken.
    async fn receive(&self, stream: TcpStream, visit: Visit, mut orders: watch::Receiver<Order>) {
        let opened = tokio::select! {
            opened = self.open(stream) => opened,
            over = visit.pulse.over(&visit.limits) => {
                return tracing::debug!(peer = %visit.peer, ?over, "a connection is over");
            }
            _ = orders.changed() => return,
        };
        if let Some(transport) = opened {
            self.converse(transport, visit, orders).await;
        }
    }

    /// The transport, after the TLS handshake where there is a certificate; `None` where nothing can be spoken.
    async fn open(&self, stream: TcpStream) -> Option<Transport> {
        let Some(certificate) = &self.certificate else { return Some(Transport::Plain(stream)) };
        tls::accept(stream, certificate).await.map(|stream| Transport::Tls(Box::new(stream)))
    }

    async fn converse(&self, transport: Transport, visit: Visit, mut orders: watch::Receiver<Order>) {
        let (peer, pulse, mut limits) = (visit.peer, Arc::clone(&visit.pulse), visit.limits);
        let is_tls = matches!(transport, Transport::Tls(_));
        let watched = Watched::new(transport, Arc::clone(&pulse), Arc::clone(&self.metrics));
        let asker = Asker::new(visit, is_tls);
        let service = service_fn(|request: Request<Incoming>| asker.answer(request));
        let mut connection = pin!(self.http.serve_connection(TokioIo::new(watched), service));
        let mut is_leaving = false;
        loop {
            limits = tokio::select! {
                ended = connection.as_mut() => {
                    if let Err(error) = ended {
                        tracing::debug!(%peer, error, "a connection ended early");
                    }
                    return;
                }
                over = pulse.over(&limits) => {
                    tracing::debug!(%peer, ?over, "a connection is over");
                    match over {
                        Over::Idle if !is_leaving => limits.of_a_goodbye(),
                        Over::NoRoom if !is_leaving => limits.of_making_room(),
                        _ => return,
                    }
                }
                told = orders.changed() => {
                    if told.is_err() || *orders.borrow() == Order::Leave {
                        return;
                    }
                    limits.of_a_goodbye()
                }
            };
            // HTTP/2 says GOAWAY; a request that was on its way meanwhile is still answered.
            connection.as_mut().graceful_shutdown();
            pulse.leaves();
            is_leaving = true;
        }
    }
}
