//! `sealock serve`: puts the house together and lets requests in.

use crate::config::ServeConfig;

/// Serves until the process is told to stop; returns an error where it could not start.
pub(crate) async fn run(config: ServeConfig) -> anyhow::Result<()> {
    tracing::info!(?config, "configuration read");
    anyhow::bail!("this build has no server yet")
}
