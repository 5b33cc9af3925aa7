//! What a server does on its own, beside answering requests.

use std::time::Duration;

use tokio::{
    sync::oneshot,
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

use crate::app::App;

/// How often the use of tokens is written (DESIGN §2 rule 10: at most 10 s of it are lost in a crash).
const WRITE_USAGE_EVERY: Duration = Duration::from_secs(9);

/// The server's own work, until it is told to finish.
pub(crate) struct Upkeep {
    finish: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Upkeep {
    /// Begins.
    pub(crate) fn of(app: App) -> Self {
        let (finish, finished) = oneshot::channel();
        Self { finish, task: tokio::spawn(write_usage(app, finished)) }
    }

    /// Does what is left to do. To be called when no request can come any more.
    pub(crate) async fn finish(self) {
        let _ = self.finish.send(());
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the server's upkeep had ended early");
        }
    }
}

/// A batch in the making is never broken off: what was taken for it would be lost.
async fn write_usage(app: App, mut finished: oneshot::Receiver<()>) {
    let mut ticks = interval(WRITE_USAGE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_last = tokio::select! {
            _ = ticks.tick() => false,
            _ = &mut finished => true,
        };
        if let Err(error) = app.registry().write_usage().await {
            tracing::warn!(%error, is_last, "the use of tokens could not be written");
        }
        if is_last {
            return;
        }
    }
}
