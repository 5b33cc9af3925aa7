//! `sealock token can`: what a token may do, and by which rule.

use std::net::IpAddr;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{TokenArgument, find};
use crate::client::answers::{self, Explanation};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::printable;

/// `sealock token can`
#[derive(Args)]
#[command(after_help = "\
The exit code is 0 where the token may, and 1 where it may not.

Examples:
  sealock token can acme/ci-bot push acme/api
  sealock token can acme/ci-bot pull acme/api --from 203.0.113.9")]
pub(crate) struct Can {
    /// NAMESPACE/NAME, or the token's id
    token: TokenArgument,
    /// What it would do
    #[arg(value_enum)]
    action: Action,
    /// The repository, by its full name; it need not exist
    repository: String,
    /// From which address; left out, the answer says from where the token may be used
    #[arg(long, value_name = "ADDRESS")]
    from: Option<IpAddr>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Action {
    Pull,
    Push,
    Delete,
}

impl Action {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::Push => "push",
            Self::Delete => "delete",
        }
    }
}

impl Can {
    /// Asks the server what its gate would decide now.
    pub(super) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let client = session.client()?;
        let token = find(&client, &self.token).await?.token;
        let mut asked = json!({ "action": self.action.as_str(), "repository": self.repository });
        if let Some(from) = self.from {
            asked["from"] = json!(from);
        }
        let answer = client.post(&["tokens", &token.id, "explain"], &asked).await?;
        if session.is_json() {
            session.answer_json(&answer)?;
        }
        let Explanation { allowed, rule, reason } = answers::read(answer)?;
        if !allowed {
            return Err(Failure::Refused(printable(&reason.unwrap_or_else(|| "it may not".to_owned()))));
        }
        if session.is_json() {
            return Ok(());
        }
        session.answer(&format!("yes: {}\n", printable(&rule.unwrap_or_default())))
    }
}
