//! One more listener of a test server, with limits and a certificate of its own.

use std::sync::Arc;

use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};
use web::{App, Certificate, Limits};

/// A listener; it stops when this is dropped.
pub struct Listener {
    /// Its authority, such as `127.0.0.1:40123`.
    pub host: String,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Listener {
    /// Serves `app` at a port of its own.
    pub(crate) async fn start(app: App, limits: Limits, certificate: Option<Arc<Certificate>>) -> Self {
        Self::at(bound().await, app, limits, certificate)
    }

    /// Serves `app` there.
    pub(crate) fn at(
        listener: TcpListener,
        app: App,
        limits: Limits,
        certificate: Option<Arc<Certificate>>,
    ) -> Self {
        let host = listener.local_addr().expect("an address").to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(web::serve(listener, app, limits, certificate, async move {
            let _ = stopped.await;
        }));
        Self { host, stop, serving }
    }

    /// A listener that serves the metrics of `app` alone.
    pub(crate) async fn of_metrics(app: App) -> Self {
        let listener = bound().await;
        let host = listener.local_addr().expect("an address").to_string();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(async move {
            tokio::select! {
                () = web::serve_metrics(listener, app) => {}
                _ = stopped => {}
            }
        });
        Self { host, stop, serving }
    }

    /// Tells it to stop, and waits until it has.
    pub async fn stop(self) {
        drop(self.stop);
        self.serving.await.expect("a clean stop");
    }
}

async fn bound() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.expect("a port")
}
