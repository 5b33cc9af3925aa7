//! `sealock token create`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::expiry::Expiry;
use super::owner::OwnerArgument;
use super::scope_argument::ScopeArgument;
use super::secret_file::SecretPlace;
use super::stands_for::StandsFor;
use crate::commands::Session;
use crate::failure::Failure;

/// `sealock token create`
#[derive(Args)]
#[command(allow_missing_positional = true)]
#[command(after_help = "\
The secret goes to stdout alone, so that it can be piped; everything else goes to stderr.

Examples:
  sealock token create acme ci-bot --permission pull-push --expires-in 30d
  sealock token create acme deploy --scope 'repository:acme/web/*:pull' --secret-file deploy.secret
  sealock token create acme ci-bot -p pull | docker login HOST -u ci-bot --password-stdin
  sealock token create acme ci-bot -p pull-push --allow-from 10.1.0.0/16 --allow-from 2001:db8::7
  sealock token create --mine laptop --expires-in 90d
  sealock token create --user anna phone --scope 'repository:acme/*:pull'
  sealock token create --instance mirror --permission pull")]
pub(crate) struct Create {
    #[command(flatten)]
    owner: OwnerArgument,
    /// The token's name, which is also its login name and never changes; of a personal token, a label
    name: String,
    /// The short form for one scope over everything that the token may reach
    #[arg(short, long, value_enum, conflicts_with = "scopes")]
    permission: Option<Permission>,
    /// A rule: repository:PATH:ACTIONS, where * in PATH stands for any text, or registry:list; repeatable
    #[arg(short, long = "scope", value_name = "SCOPE")]
    scopes: Vec<ScopeArgument>,
    /// Let it be used only from this network, such as 10.1.0.0/16, or from this address; repeatable
    #[arg(long, value_name = "CIDR")]
    allow_from: Vec<String>,
    #[command(flatten)]
    expiry: Expiry,
    /// Of a personal token: mirror all rights of its user, or allow only what its scopes allow too
    #[arg(long, value_enum, conflicts_with_all = ["namespace", "instance"])]
    access: Option<Access>,
    /// What the token is for
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// Whom or what it is for, to be found by later: user:NAME or service:NAME
    #[arg(long, value_name = "WHOM")]
    stands_for: Option<StandsFor>,
    /// Make it disabled; `sealock token enable` lets it work later
    #[arg(long)]
    disabled: bool,
    /// Write the secret to a new file of mode 0600 instead of stdout
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Permission {
    Pull,
    PullPush,
}

impl Permission {
    /// The word of the API.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Pull => "pull",
            Self::PullPush => "pull-push",
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
enum Access {
    Account,
    Scoped,
}

impl Create {
    /// Makes the token and hands out its secret.
    pub(super) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let client = session.client()?;
        let body = self.body();
        let place = SecretPlace::open(self.secret_file.as_deref())?;
        let owner = match self.owner.resolve(&client).await {
            Ok(owner) => owner,
            Err(failure) => {
                place.abandon();
                return Err(failure);
            }
        };
        let created = match client.post(&owner.path(), &body).await {
            Ok(created) => created,
            Err(failure) => {
                place.abandon();
                return Err(failure);
            }
        };
        let has_none = created.get("scopes").and_then(Value::as_array).is_some_and(Vec::is_empty);
        let allows_nothing = has_none && created.get("access").and_then(Value::as_str) != Some("account");
        place.deliver(session, "created", created)?;
        if allows_nothing {
            session.say("it allows nothing yet, having no scopes; `sealock token scope add` gives it some");
        }
        Ok(())
    }

    fn body(&self) -> Value {
        let mut body = Map::from_iter([("name".to_owned(), json!(self.name))]);
        let mut say = |field: &str, value: Value| body.insert(field.to_owned(), value);
        if let Some(permission) = self.permission {
            say("permission", json!(permission.as_str()));
        }
        if !self.scopes.is_empty() {
            say("scopes", json!(self.scopes));
        }
        if !self.allow_from.is_empty() {
            say("allowed_addresses", json!(self.allow_from));
        }
        match self.access {
            Some(Access::Account) => say("access", json!("account")),
            Some(Access::Scoped) => say("access", json!("scoped")),
            None => None,
        };
        if let Some(description) = &self.description {
            say("description", json!(description));
        }
        if let Some(stands_for) = &self.stands_for {
            say("stands_for", json!(stands_for));
        }
        if self.disabled {
            say("status", json!("disabled"));
        }
        self.expiry.say(&mut body);
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use clap::{Args, Command, FromArgMatches};

    use super::*;

    fn check(said: &str, expect: Value) {
        let words = said.split_whitespace();
        let matches =
            Create::augment_args(Command::new("create").no_binary_name(true)).try_get_matches_from(words);
        let create = Create::from_arg_matches(&matches.unwrap()).unwrap();
        assert_eq!(create.body(), expect, "{said}");
    }

    #[test]
    fn what_was_said_is_sent_and_nothing_else() {
        check("acme ci-bot", json!({"name": "ci-bot"}));
        check(
            "acme ci-bot --permission pull-push --expires-in 30d",
            json!({"name": "ci-bot", "permission": "pull-push", "expires_in": "30d"}),
        );
        check(
            "acme ci-bot -p pull --never-expires",
            json!({"name": "ci-bot", "permission": "pull", "expires_at": null}),
        );
        check(
            "acme ci-bot --expires-at 2027-01-31T01:00:00+01:00",
            json!({"name": "ci-bot", "expires_at": "2027-01-31T00:00:00Z"}),
        );
        check(
            "acme ci-bot --disabled -d nightly",
            json!({"name": "ci-bot", "status": "disabled", "description": "nightly"}),
        );
        check("--mine laptop", json!({"name": "laptop"}));
        check(
            "acme ci-bot --allow-from 10.1.0.0/16 --allow-from 2001:db8::7",
            json!({"name": "ci-bot", "allowed_addresses": ["10.1.0.0/16", "2001:db8::7"]}),
        );
        check("--user anna laptop --access scoped", json!({"name": "laptop", "access": "scoped"}));
        check(
            "--instance mirror --stands-for service:backup",
            json!({"name": "mirror", "stands_for": {"service": "backup"}}),
        );
        let scopes = json!([
            {"type": "repository", "path": "acme/*", "actions": ["pull"]},
            {"type": "registry", "actions": ["list"]},
        ]);
        check(
            "acme ci-bot --scope repository:acme/*:pull --scope registry:list",
            json!({"name": "ci-bot", "scopes": scopes}),
        );
    }
}
