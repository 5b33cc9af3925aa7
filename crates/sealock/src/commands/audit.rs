//! `sealock audit`.

use access::time::{Instant, Length};
use clap::Args;

use crate::client::answers::{self, AuditRow};
use crate::commands::Session;
use crate::commands::token::{TokenArgument, id_of};
use crate::failure::Failure;

/// `sealock audit`
#[derive(Args)]
#[command(after_help = "\
Administrators see all of it. Whoever administers a namespace sees its part with --namespace, a user
their own with --user, whoever manages a token its history with --token; a token that has ended is
named by its id. Instance administrators may also name deleted namespaces and users, or write an id.

Examples:
  sealock audit --since 24h
  sealock audit --namespace acme --user anna --since 2026-12-01T00:00:00Z --until 24h
  sealock audit --token acme/ci-bot --limit 1000
  sealock audit --namespace acme --event token.disabled")]
pub(crate) struct Audit {
    /// What happened in this namespace
    #[arg(long)]
    namespace: Option<String>,
    /// What happened to this token and what was done with it: NAMESPACE/NAME, or its id
    #[arg(long)]
    token: Option<TokenArgument>,
    /// What this user did and what was done to them
    #[arg(long, value_name = "USERNAME")]
    user: Option<String>,
    /// What happened: an event such as token.disabled, or a kind for all of its events, such as token
    #[arg(long)]
    event: Option<String>,
    /// Not before this instant (2026-12-01T00:00:00Z), or this long ago (24h)
    #[arg(long, value_name = "WHEN")]
    since: Option<When>,
    /// Before this instant, or this long ago
    #[arg(long, value_name = "WHEN")]
    until: Option<When>,
    /// How many rows at most, counted from the newest
    #[arg(long, default_value = "100", value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

/// An instant, or a length back from now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum When {
    At(Instant),
    Ago(Length),
}

impl std::str::FromStr for When {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let at = Instant::parse_rfc3339(text).map(Self::At);
        let when = at.or_else(|| Length::parse(text).ok().map(Self::Ago));
        when.ok_or("write an instant such as 2026-12-01T00:00:00Z (RFC 3339), or a length such as 24h or 7d")
    }
}

impl When {
    fn instant(self, now: Instant) -> String {
        match self {
            Self::At(at) => at.to_string(),
            Self::Ago(length) => now.minus(length).to_string(),
        }
    }
}

impl Audit {
    /// Shows the rows that pass the filters.
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let (client, now) = (session.client()?, session.now());
        let token = match &self.token {
            Some(token) => Some(id_of(&client, token).await?),
            None => None,
        };
        let (since, until) =
            (self.since.map(|when| when.instant(now)), self.until.map(|when| when.instant(now)));
        let filters: Vec<(&str, &str)> = [
            ("namespace", &self.namespace),
            ("token", &token),
            ("user", &self.user),
            ("event", &self.event),
            ("since", &since),
            ("until", &until),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.as_deref().map(|value| (name, value)))
        .collect();
        let rows = client.list_some(&["audit"], &filters, self.limit as usize).await?;
        show(session, rows)
    }
}

fn show(session: &mut Session, rows: Vec<serde_json::Value>) -> Result<(), Failure> {
    if session.is_json() {
        return session.answer_items(rows);
    }
    if rows.is_empty() {
        session.say("nothing happened, as far as these filters let through");
        return Ok(());
    }
    let mut table = Vec::with_capacity(rows.len());
    // The newest last: where a terminal stops is where one looks first.
    for row in rows.into_iter().rev() {
        let AuditRow { at, actor, event, target, from } = answers::read(row)?;
        table.push(vec![at, actor, event, target, from]);
    }
    session.answer_table(&["AT", "WHO", "DID", "TO", "FROM"], table)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_instants_or_lengths_back_from_now() {
        let now = Instant::from_millis(1_767_225_600_000);
        for (text, instant) in
            [("24h", "2025-12-31T00:00:00Z"), ("2025-12-01T02:00:00+02:00", "2025-12-01T00:00:00Z")]
        {
            assert_eq!(text.parse::<When>().map(|when| when.instant(now)), Ok(instant.to_owned()));
        }
        for text in ["", "yesterday", "24", "2025-12-01", "-1h"] {
            assert!(text.parse::<When>().is_err(), "{text}");
        }
    }
}
