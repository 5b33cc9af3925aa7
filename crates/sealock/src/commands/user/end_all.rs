//! `sealock user end-all`: when something of a user's has leaked, and nobody knows what.

use clap::Args;

use crate::client::answers::{self, Disabled};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::{count, printable};

/// `sealock user end-all`
#[derive(Args)]
#[command(after_help = "\
That user may, and administrators. The tokens are disabled, not deleted. The password stays: where
it may have leaked too, change it with `sealock user passwd`, or for somebody else with
`sealock user edit USERNAME --password`.

Examples:
  sealock user end-all ann
  sealock user end-all ann --yes
  sealock token ls --user ann --status disabled")]
pub(crate) struct EndAll {
    /// The login name
    username: String,
    /// Don't ask
    #[arg(short, long)]
    yes: bool,
}

impl EndAll {
    /// Ends all of it, after asking.
    pub(super) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let client = session.client()?;
        let user = printable(&self.username);
        let question =
            format!("stop every personal token of user {user} and every login made with their password");
        session.confirm(&question, self.yes)?;
        let answer = client.post_nothing(&["users", &self.username, "end-all"]).await?;
        if session.is_json() {
            return session.answer_json(&answer);
        }
        let Disabled { disabled } = answers::read(answer)?;
        session.say(&format!(
            "{} disabled: no personal token of user {user} works now",
            count(disabled, "token")
        ));
        session.say("every login made with the password has ended; the password itself stays");
        Ok(())
    }
}
