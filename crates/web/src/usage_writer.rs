//! Writing down the use of tokens as a task of the server (rule 10).

use std::time::Duration;

use tokio::time::sleep;

use crate::app::App;

/// How often the use of tokens is written: at most 10 s of it are lost in a crash (DESIGN §2 rule 10).
const WRITE_EVERY: Duration = Duration::from_secs(9);

/// Writes every few seconds, until it is dropped. To be dropped after [`crate::serve`] is done: that writes the rest,
/// behind a batch that is being written.
pub async fn write_usage_regularly(app: App) {
    loop {
        sleep(WRITE_EVERY).await;
        write_usage(&app).await;
    }
}

/// Writes now. What can't be written is kept for the next time.
pub(crate) async fn write_usage(app: &App) {
    if let Err(error) = app.registry().write_usage().await {
        tracing::warn!(%error, "the use of tokens could not be written");
    }
}
