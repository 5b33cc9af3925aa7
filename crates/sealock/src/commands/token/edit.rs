//! `sealock token edit`.

use clap::Args;
use serde_json::{Map, Value, json};

use super::create::Permission;
use super::expiry::Expiry;
use super::scope_argument::ScopeArgument;
use super::stands_for::StandsFor;
use super::{TokenArgument, find};
use crate::client::answers;
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::printable;

/// `sealock token edit`
#[derive(Args)]
#[command(after_help = "\
Examples:
  sealock token edit acme/ci-bot --expires-in 30d
  sealock token edit acme/ci-bot --permission pull --description 'nightly build'
  sealock token edit acme/ci-bot --allow-from 10.1.0.0/16 --allow-from 192.168.7.4
  sealock token edit acme/ci-bot --allow-from-anywhere
  sealock token edit 0190a5e0-7d4c-7aaa-8bbb-123456789abc --name 'old laptop'")]
pub(crate) struct Edit {
    /// NAMESPACE/NAME, or the token's id
    token: TokenArgument,
    /// Another label, of a personal token; the name of a service token never changes
    #[arg(long, value_name = "LABEL")]
    name: Option<String>,
    /// Replace the networks or addresses that it may be used from by this one; repeatable
    #[arg(long, value_name = "CIDR", conflicts_with = "allow_from_anywhere")]
    allow_from: Vec<String>,
    /// Let it be used from any address
    #[arg(long)]
    allow_from_anywhere: bool,
    #[command(flatten)]
    expiry: Expiry,
    /// Replace its scopes by one over everything that it may reach
    #[arg(short, long, value_enum, conflicts_with = "scopes")]
    permission: Option<Permission>,
    /// Replace its scopes by these; `sealock token scope` changes one alone
    #[arg(short, long = "scope", value_name = "SCOPE")]
    scopes: Vec<ScopeArgument>,
    /// Let it work, or stop it
    #[arg(long, value_parser = ["enabled", "disabled"])]
    status: Option<String>,
    /// What it is for
    #[arg(short, long, value_name = "TEXT", conflicts_with = "no_description")]
    description: Option<String>,
    /// Remove the description
    #[arg(long)]
    no_description: bool,
    /// Whom or what it is for: user:NAME or service:NAME
    #[arg(long, value_name = "WHOM", conflicts_with = "no_stands_for")]
    stands_for: Option<StandsFor>,
    /// It is for nobody in particular
    #[arg(long)]
    no_stands_for: bool,
}

impl Edit {
    /// Changes what was named, and nothing else.
    pub(super) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let body = self.body();
        if body.is_empty() {
            return Err(Failure::Usage("nothing to change was named; --help says what there is".to_owned()));
        }
        let client = session.client()?;
        let token = find(&client, &self.token).await?.token;
        let answer = client.patch(&["tokens", &token.id], &Value::Object(body)).await?;
        if session.is_json() {
            return session.answer_json(&answer);
        }
        let after: answers::Token = answers::read(answer)?;
        session.say(&format!("token {} is changed", printable(&after.full_name())));
        Ok(())
    }

    fn body(&self) -> Map<String, Value> {
        let mut body = Map::new();
        let mut say = |field: &str, value: Value| body.insert(field.to_owned(), value);
        if let Some(name) = &self.name {
            say("name", json!(name));
        }
        if let Some(permission) = self.permission {
            say("permission", json!(permission.as_str()));
        }
        if !self.scopes.is_empty() {
            say("scopes", json!(self.scopes));
        }
        if !self.allow_from.is_empty() || self.allow_from_anywhere {
            say("allowed_addresses", json!(self.allow_from));
        }
        if let Some(status) = &self.status {
            say("status", json!(status));
        }
        if self.description.is_some() || self.no_description {
            say("description", json!(self.description));
        }
        if self.stands_for.is_some() || self.no_stands_for {
            say("stands_for", json!(self.stands_for));
        }
        self.expiry.say(&mut body);
        body
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::{Command, FromArgMatches};

    use super::*;

    #[test]
    fn what_was_said_is_sent_and_nothing_else() {
        for (said, expect) in [
            ("", json!({})),
            ("--name phone", json!({"name": "phone"})),
            ("--expires-in 30d", json!({"expires_in": "30d"})),
            ("--never-expires", json!({"expires_at": null})),
            ("-p pull --status disabled", json!({"permission": "pull", "status": "disabled"})),
            (
                "-d nightly --stands-for user:anna",
                json!({"description": "nightly", "stands_for": {"user": "anna"}}),
            ),
            (
                "--allow-from 10.1.0.0/16 --allow-from 192.168.7.4",
                json!({"allowed_addresses": ["10.1.0.0/16", "192.168.7.4"]}),
            ),
            ("--allow-from-anywhere", json!({"allowed_addresses": []})),
            ("--no-description --no-stands-for", json!({"description": null, "stands_for": null})),
        ] {
            let command = Edit::augment_args(Command::new("edit").no_binary_name(true));
            let words = std::iter::once("acme/ci-bot").chain(said.split_whitespace());
            let edit = Edit::from_arg_matches(&command.try_get_matches_from(words).unwrap()).unwrap();
            assert_eq!(Value::Object(edit.body()), expect, "{said}");
        }
    }
}
