//! `/readyz`: whether requests can be answered, and what is missing where they can't. Anybody may ask, so the causes
//! stand in the log alone.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    Extension,
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use tokio::sync::Mutex;

use crate::{app::App, server::Certificate};

/// What is said while there is no certificate, from files or ordered, that clients take.
const NO_CERTIFICATE: &str = "certificate: there is none that clients accept yet, or it is over\n";

/// The looks at what is missing. There is one at a time, since each writes to the disk, and whoever comes while one runs
/// shares the next: anybody may ask, and must keep nobody from asking.
#[derive(Default)]
pub(crate) struct Looks {
    begun: AtomicU64,
    last: Mutex<Look>,
}

#[derive(Default)]
struct Look {
    number: u64,
    missing: String,
}

impl Looks {
    /// What a look says that began after this was called.
    async fn missing(&self, look: impl Future<Output = String>) -> String {
        let before = self.begun.load(Ordering::SeqCst);
        let mut last = self.last.lock().await;
        if last.number <= before {
            last.number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
            last.missing = look.await;
        }
        last.missing.clone()
    }
}

/// 200 and `ready`, or 503 with a line for each thing that is missing.
pub(crate) async fn ready(
    State(app): State<App>,
    Extension(certificate): Extension<Option<Arc<Certificate>>>,
) -> Response {
    let missing = app.looks().missing(lines(&app, certificate.as_deref())).await;
    if missing.is_empty() {
        return "ready\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, format!("not ready\n{missing}")).into_response()
}

/// A line for each thing that is missing; its cause goes to the log.
async fn lines(app: &App, certificate: Option<&Certificate>) -> String {
    let mut lines = String::new();
    for what in app.registry().missing(app.now()).await {
        tracing::warn!(cause = what.source(), "not ready: {what}");
        lines.push_str(&format!("{what}\n"));
    }
    // Whoever keeps the certificate has logged why.
    if certificate.is_some_and(|certificate| !certificate.is_fit()) {
        lines.push_str(NO_CERTIFICATE);
    }
    lines
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn whoever_asks_meanwhile_shares_the_next_look() {
        let (looks, count) = (Looks::default(), AtomicU64::new(0));
        let ask = || {
            looks.missing(async {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                tokio::task::yield_now().await;
                number.to_string()
            })
        };
        let answers = join_all((0..100).map(|_| ask())).await;
        // The first had begun when the others came.
        assert_eq!((answers[0].as_str(), answers[1].as_str(), answers[99].as_str()), ("1", "2", "2"));
        assert_eq!(ask().await, "3", "what is over says nothing about now");
    }
}
