//! `sealock token reset`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::expiry::length;
use super::secret_file::SecretPlace;
use super::{TokenArgument, find};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::printable;

/// `sealock token reset`
#[derive(Args)]
#[command(after_help = "\
Examples:
  sealock token reset acme/ci-bot
  sealock token reset acme/ci-bot --yes | docker login HOST -u ci-bot --password-stdin
  sealock token reset acme/ci-bot --yes --secret-file ci-bot.secret
  sealock token reset acme/ci-bot --keep-old-for 24h")]
pub(crate) struct Reset {
    /// NAMESPACE/NAME, or the token's id
    token: TokenArgument,
    /// Let the old secret live on for so long, at most 7d, so that nothing stops while the new one is handed out
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    keep_old_for: Option<String>,
    /// Write the secret to a new file of mode 0600 instead of stdout
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
    /// Don't ask
    #[arg(short, long)]
    yes: bool,
}

impl Reset {
    /// Asks, gives the token a new secret and hands it out.
    pub(super) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let client = session.client()?;
        let token = find(&client, &self.token).await?.token;
        let name = printable(&token.full_name());
        let old = match &self.keep_old_for {
            Some(length) => format!("end the old one after {length}"),
            None => "end the old one now".to_owned(),
        };
        session.confirm(&format!("give token {name} a new secret and {old}"), self.yes)?;
        let place = SecretPlace::open(self.secret_file.as_deref())?;
        let body = self.keep_old_for.map_or(json!({}), |length| json!({ "keep_old_for": length }));
        match client.post(&["tokens", &token.id, "reset"], &body).await {
            Ok(answer) => place.deliver(session, "reset", answer),
            Err(failure) => {
                place.abandon();
                Err(failure)
            }
        }
    }
}
