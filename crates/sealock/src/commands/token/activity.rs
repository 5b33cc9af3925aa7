//! `sealock token activity`.

use clap::Args;

use super::{TokenArgument, id_of};
use crate::client::answers;
use crate::commands::Session;
use crate::failure::Failure;

/// `sealock token activity`
#[derive(Args)]
#[command(after_help = "\
Examples:
  sealock token activity acme/ci-bot --days 7")]
pub(crate) struct Activity {
    /// NAMESPACE/NAME, or the token's id
    token: TokenArgument,
    /// How many days, today included; at most 366
    #[arg(long, default_value = "30", value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=366))]
    days: u32,
}

impl Activity {
    /// Shows the days on which something was done.
    pub(super) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let client = session.client()?;
        let id = id_of(&client, &self.token).await?;
        let days = self.days.to_string();
        let answer = client.get_with(&["tokens", &id, "activity"], &[("days", &days)]).await?;
        if session.is_json() {
            return session.answer_json(&answer);
        }
        let activity: answers::Activity = answers::read(answer)?;
        let active = activity.days.into_iter().filter(|day| day.pulls + day.pushes > 0);
        let rows: Vec<_> =
            active.map(|day| vec![day.day, day.pulls.to_string(), day.pushes.to_string()]).collect();
        if rows.is_empty() {
            session.say(&format!("it pulled and pushed nothing in the last {days} days"));
            return Ok(());
        }
        session.answer_table(&["DAY", "PULLS", "PUSHES"], rows)
    }
}
