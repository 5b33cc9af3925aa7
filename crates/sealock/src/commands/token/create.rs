//! `sealock token create`.

use std::path::PathBuf;

use access::time::{Instant, Length};
use clap::{Args, ValueEnum};
use serde_json::{Map, Value, json};

use super::scope_argument::ScopeArgument;
use super::secret_file::SecretPlace;
use crate::commands::Session;
use crate::failure::Failure;

/// `sealock token create`
#[derive(Args)]
#[command(after_help = "\
The secret goes to stdout alone, so that it can be piped; everything else goes to stderr.

Examples:
  sealock token create acme ci-bot --permission pull-push --expires-in 30d
  sealock token create acme deploy --scope 'repository:acme/web/*:pull' --secret-file deploy.secret
  sealock token create acme ci-bot -p pull | docker login HOST -u ci-bot --password-stdin")]
pub(crate) struct Create {
    /// The namespace that owns the token; the token never reaches outside of it
    namespace: String,
    /// The token's name, which is also its login name and never changes
    name: String,
    /// The short form for one scope over all repositories of the namespace
    #[arg(short, long, value_enum, conflicts_with = "scopes")]
    permission: Option<Permission>,
    /// A rule: repository:PATH:ACTIONS, where * in PATH stands for any text, or registry:list; repeatable
    #[arg(short, long = "scope", value_name = "SCOPE")]
    scopes: Vec<ScopeArgument>,
    #[command(flatten)]
    expiry: Expiry,
    /// What the token is for
    #[arg(short, long, value_name = "TEXT")]
    description: Option<String>,
    /// Make it disabled; `sealock token enable` lets it work later
    #[arg(long)]
    disabled: bool,
    /// Write the secret to a new file of mode 0600 instead of stdout
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Permission {
    Pull,
    PullPush,
}

/// When the token ends: at most one of these.
#[derive(Args)]
#[group(multiple = false)]
struct Expiry {
    /// How long it works, such as 30d or 12h; at least 1h
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    expires_in: Option<String>,
    /// The instant from which it works no more, such as 2027-01-31T00:00:00Z
    #[arg(long, value_name = "INSTANT", value_parser = instant)]
    expires_at: Option<String>,
    /// It works until somebody ends it; so it does where nothing is said
    #[arg(long)]
    never_expires: bool,
}

fn length(text: &str) -> Result<String, access::time::InvalidLength> {
    Length::parse(text).map(|_| text.to_owned())
}

fn instant(text: &str) -> Result<String, &'static str> {
    let at =
        Instant::parse_rfc3339(text).ok_or("an instant is written as 2027-01-31T00:00:00Z (RFC 3339)")?;
    Ok(at.to_string())
}

impl Create {
    /// Makes the token and hands out its secret.
    pub(super) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let client = session.client()?;
        let place = SecretPlace::open(self.secret_file.as_deref())?;
        let created = match client.post(&["namespaces", &self.namespace, "tokens"], &self.body()).await {
            Ok(created) => created,
            Err(failure) => {
                place.abandon();
                return Err(failure);
            }
        };
        let allows_nothing = created.get("scopes").and_then(Value::as_array).is_some_and(Vec::is_empty);
        place.deliver(session, "created", created)?;
        if allows_nothing {
            session.say(
                "it allows nothing yet, having no scopes; --permission or --scope at creation gives some",
            );
        }
        Ok(())
    }

    fn body(&self) -> Value {
        let mut body = Map::from_iter([("name".to_owned(), json!(self.name))]);
        let mut say = |field: &str, value: Value| body.insert(field.to_owned(), value);
        if let Some(permission) = self.permission {
            say("permission", json!(permission.to_possible_value().map(|value| value.get_name().to_owned())));
        }
        if !self.scopes.is_empty() {
            say("scopes", json!(self.scopes));
        }
        match &self.expiry {
            Expiry { expires_in: Some(length), .. } => say("expires_in", json!(length)),
            Expiry { expires_at: Some(at), .. } => say("expires_at", json!(at)),
            Expiry { never_expires: true, .. } => say("expires_at", Value::Null),
            Expiry { .. } => None,
        };
        if let Some(description) = &self.description {
            say("description", json!(description));
        }
        if self.disabled {
            say("status", json!("disabled"));
        }
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
        assert_eq!((create.namespace.as_str(), create.body()), ("acme", expect), "{said}");
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
