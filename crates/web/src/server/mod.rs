//! Accepting connections. A loop of our own, because axum's sets no deadline for headers (slowloris).

mod answer;
mod asker;
mod certificate_files;
mod challenges;
mod connection;
mod limits;
mod pace;
mod pulse;
mod seats;
mod stage;
mod strict_transport;
mod tls;
mod transport;
mod validity;

use std::{future::Future, pin::pin, sync::Arc, time::Duration};

use axum::Extension;
use tokio::{
    net::TcpListener,
    sync::watch,
    time::{sleep, timeout},
};
use tokio_util::task::TaskTracker;

use self::connection::{Door, Order};
pub(crate) use self::{
    answer::{InOnePiece, MAX_SMALL_BYTES},
    pace::TooSlow,
};
pub use self::{
    certificate_files::CertificateFiles,
    challenges::{Challenges, PemPair},
    limits::{Limits, Pace},
    seats::MAX_IN_LOBBY,
    tls::{Certificate, CertificateError},
    validity::Validity,
};
use crate::{app::App, metrics, router, trusted_proxies::TrustedProxies, usage_writer::write_usage};

/// How long to wait before accepting again where the system has no more files to give.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long handlers may go on whose connections were cut off: they see their bodies break, and tidy up.
const TIDY_TIME: Duration = Duration::from_secs(5);
/// Connections to the listener of the metrics: a few that scrape.
const MAX_SCRAPERS: usize = 16;

/// Serves every face on `listener` until `stop` is done, then lets running requests finish for a while. With a certificate
/// TLS is spoken, and nothing else.
pub async fn serve(
    listener: TcpListener,
    app: App,
    limits: Limits,
    certificate: Option<Arc<Certificate>>,
    stop: impl Future<Output = ()> + Send,
) {
    let door = Door {
        http: connection::http(),
        // `/readyz` speaks of the certificate too.
        router: router::router(app.clone()).layer(Extension(certificate.clone())),
        refusing: router::without_room(app.clone()),
        busy: router::too_many_at_once(app.clone()),
        limits,
        seats: seats::Seats::new(limits.connections),
        proxies: app.trusted_proxies().clone(),
        certificate,
        metrics: Arc::clone(app.metrics()),
        tasks: TaskTracker::new(),
    };
    let tasks = door.tasks.clone();
    let left = accept(listener, door, stop).await;
    if left > 0 {
        tracing::warn!(
            connections = left,
            "some transfers were still running at the deadline and were cut off"
        );
    }
    tasks.close();
    if timeout(TIDY_TIME, tasks.wait()).await.is_err() {
        tracing::warn!(tasks = tasks.len(), "some requests are still being worked on; they are left alone");
    }
    // No request notes any more: this is the last of it.
    write_usage(&app).await;
}

/// Serves `/metrics`, and nothing else, on `listener` until it is dropped.
pub async fn serve_metrics(listener: TcpListener, app: App) {
    let limits = Limits { connections: MAX_SCRAPERS, ..Limits::default() };
    let door = Door {
        http: connection::http(),
        router: metrics::router(app.clone()),
        refusing: router::without_room(app.clone()),
        busy: router::too_many_at_once(app),
        limits,
        seats: seats::Seats::new(limits.connections),
        proxies: TrustedProxies::default(),
        certificate: None,
        // What is counted are the registry's connections, not the looks at the count.
        metrics: Arc::default(),
        tasks: TaskTracker::new(),
    };
    accept(listener, door, std::future::pending()).await;
}

/// Lets connections in until `stop` is done; how many were cut off in the end.
async fn accept(listener: TcpListener, door: Door, stop: impl Future<Output = ()> + Send) -> usize {
    let door = Arc::new(door);
    let (orders, hears) = watch::channel(Order::Serve);
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, peer)) => match door.seats.enter() {
                Some(place) => {
                    let (door, hears) = (Arc::clone(&door), hears.clone());
                    let tasks = door.tasks.clone();
                    tasks.spawn(async move { door.attend(stream, peer, place, hears).await });
                }
                None => door.metrics.refused_connection(),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                door.seats.line().tell_first(None);
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop((listener, hears));
    orders.send_replace(Order::Finish);
    let has_finished = timeout(door.limits.stop, orders.closed()).await.is_ok();
    let left = if has_finished { 0 } else { orders.receiver_count() };
    orders.send_replace(Order::Leave);
    left
}
