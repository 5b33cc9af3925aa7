//! The sweeper as a task of the server: tidies away what time has ended.

use std::time::Duration;

use registry::{DbError, Swept};

use crate::app::App;

/// How often the server sweeps. Nothing waits for it: what is over is refused without it.
const SWEEP_EVERY: Duration = Duration::from_secs(60);

/// Sweeps now, by the app's clock.
pub async fn sweep(app: &App) -> Result<Swept, DbError> {
    app.registry().sweep(app.now()).await
}

/// Sweeps every minute, until it is dropped. A sweep that fails is tried again with the next.
pub async fn sweep_regularly(app: App) {
    loop {
        match sweep(&app).await {
            Ok(swept) if swept == Swept::default() => {}
            Ok(swept) => tracing::info!(?swept, "swept"),
            Err(error) => tracing::warn!(%error, "a sweep failed; the next is in a minute"),
        }
        tokio::time::sleep(SWEEP_EVERY).await;
    }
}
