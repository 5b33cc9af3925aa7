//! `sealock token …`: the commands, and which token is meant by what was typed.

mod activity;
mod can;
mod change;
mod create;
mod created;
mod edit;
mod expiry;
mod owner;
mod reset;
mod scope;
mod scope_argument;
mod secret_file;
mod secrets;
mod show;
mod stands_for;

use access::id::TokenId;
use clap::Subcommand;
use serde_json::Value;

use crate::client::Client;
use crate::client::answers::{self, Token};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::printable;

const DISABLE_ALL_EXAMPLES: &str = "\
Its admins may. The tokens stay, and each works again when it is enabled. Personal tokens and those
of the instance are not stopped: `sealock user end-all` and `sealock token disable` do that.

Examples:
  sealock token disable-all acme
  sealock token disable-all acme --yes
  sealock token ls acme --status disabled
  sealock token enable acme/ci-bot";

const END_CREATED_EXAMPLES: &str = "\
Delete the stolen token first, or it can create more; its id still names what it created.

Examples:
  sealock token ls --mine
  sealock token rm 0190a5e0-7d4c-7aaa-8bbb-123456789abc
  sealock token created 0190a5e0-7d4c-7aaa-8bbb-123456789abc
  sealock token end-created 0190a5e0-7d4c-7aaa-8bbb-123456789abc";

/// `sealock token`
#[derive(Subcommand)]
#[command(after_help = "\
Examples:
  sealock token create acme ci-bot --permission pull-push --expires-in 30d
  sealock token show acme/ci-bot
  sealock token disable acme/ci-bot acme/web-bot
  sealock token disable-all acme            something has leaked, and nobody knows which
  sealock token rm acme/ci-bot")]
pub(crate) enum Command {
    /// Make a token for a namespace, for yourself, for another user or for the instance; its secret is shown once
    Create(create::Create),
    /// List the tokens of a namespace, of a user or of the instance
    #[command(visible_alias = "list")]
    Ls(show::Ls),
    /// Show everything about a token, except its secret, which nobody can show again
    Show {
        /// NAMESPACE/NAME, or the token's id
        token: TokenArgument,
    },
    /// Show how often a token pulled and pushed, day by day
    Activity(activity::Activity),
    /// List the living tokens that a token created, also after that token ended
    Created {
        /// NAMESPACE/NAME, or the token's id
        token: TokenArgument,
    },
    /// Delete every token that a token created: it was stolen
    #[command(after_help = END_CREATED_EXAMPLES)]
    EndCreated {
        /// NAMESPACE/NAME, or the token's id
        token: TokenArgument,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Change the expiry, permission, addresses, status, description or label of a token
    Edit(edit::Edit),
    /// The scopes of a token: what it allows, and where
    #[command(subcommand)]
    Scope(scope::Command),
    /// Give a token a new secret; the old one and every login made with it are dead at once, or after a while
    Reset(reset::Reset),
    /// The secrets of a token that live side by side after a reset that kept the old one
    #[command(subcommand)]
    Secrets(secrets::Command),
    /// Say whether a token may do something, and by which rule
    Can(can::Can),
    /// Stop tokens from working, until they are enabled again
    Disable {
        /// NAMESPACE/NAME, or the tokens' ids
        #[arg(required = true, value_name = "TOKEN")]
        tokens: Vec<TokenArgument>,
    },
    /// Stop every service token of a namespace at one stroke: something has leaked, and nobody knows which
    #[command(after_help = DISABLE_ALL_EXAMPLES)]
    DisableAll {
        /// Whose tokens
        namespace: String,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
    /// Let disabled tokens work again
    Enable {
        /// NAMESPACE/NAME, or the tokens' ids
        #[arg(required = true, value_name = "TOKEN")]
        tokens: Vec<TokenArgument>,
    },
    /// Delete tokens for good
    #[command(visible_alias = "delete")]
    Rm {
        /// NAMESPACE/NAME, or the tokens' ids
        #[arg(required = true, value_name = "TOKEN")]
        tokens: Vec<TokenArgument>,
        /// Don't ask
        #[arg(short, long)]
        yes: bool,
    },
}

impl Command {
    /// Does what was said.
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::Create(create) => create.run(session).await,
            Self::Ls(ls) => ls.run(session).await,
            Self::Show { token } => show::one(session, &token).await,
            Self::Activity(activity) => activity.run(session).await,
            Self::Created { token } => created::list(session, &token).await,
            Self::EndCreated { token, yes } => created::end(session, &token, yes).await,
            Self::Edit(edit) => edit.run(session).await,
            Self::Scope(command) => command.run(session).await,
            Self::Reset(reset) => reset.run(session).await,
            Self::Secrets(command) => command.run(session).await,
            Self::Can(can) => can.run(session).await,
            Self::Disable { tokens } => change::set_status(session, &tokens, "disable").await,
            Self::DisableAll { namespace, yes } => change::disable_all(session, &namespace, yes).await,
            Self::Enable { tokens } => change::set_status(session, &tokens, "enable").await,
            Self::Rm { tokens, yes } => change::delete(session, &tokens, yes).await,
        }
    }
}

/// Which token is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenArgument {
    /// By its id, which never changes and is never used again.
    Id(TokenId),
    /// By the name it goes by now.
    Name { namespace: String, name: String },
}

impl std::str::FromStr for TokenArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(Self::Name { namespace: namespace.to_owned(), name: name.to_owned() })
            }
            Some(_) => Err("a token is named NAMESPACE/NAME, such as acme/ci-bot".to_owned()),
            None => TokenId::parse(text).map(Self::Id).map_err(|_| {
                format!("a token is named NAMESPACE/NAME or by its id; did you mean NAMESPACE/{text}?")
            }),
        }
    }
}

/// A token as the server knows it: its JSON, and what was understood of it.
struct Found {
    json: Value,
    token: Token,
}

/// Asks the server for the token that is meant.
async fn find(client: &Client, argument: &TokenArgument) -> Result<Found, Failure> {
    let json = match argument {
        TokenArgument::Id(id) => client.get(&["tokens", &id.to_string()]).await?,
        TokenArgument::Name { namespace, name } => {
            let all = client.list(&["namespaces", namespace, "tokens"]).await?;
            let named = all.into_iter().find(|token| token.get("name").and_then(Value::as_str) == Some(name));
            named.ok_or_else(|| {
                let look = format!("`sealock token ls {namespace}` lists those there are");
                Failure::Refused(format!("there is no token {name} in {namespace}; {look}"))
            })?
        }
    };
    Ok(Found { token: answers::read(json.clone())?, json })
}

/// The id of the token that is meant; one that is named by its id need not live any more.
pub(crate) async fn id_of(client: &Client, argument: &TokenArgument) -> Result<String, Failure> {
    match argument {
        TokenArgument::Id(id) => Ok(id.to_string()),
        TokenArgument::Name { .. } => Ok(find(client, argument).await?.token.id),
    }
}

/// All of them, before anything is done to the first: a typo in the last one should change nothing.
async fn find_all(client: &Client, arguments: &[TokenArgument]) -> Result<Vec<Found>, Failure> {
    let mut all: Vec<Found> = Vec::with_capacity(arguments.len());
    for argument in arguments {
        let found = find(client, argument).await?;
        // The same one by name and by id is meant once.
        if all.iter().all(|other| other.token.id != found.token.id) {
            all.push(found);
        }
    }
    Ok(all)
}

/// The names of several tokens, for a sentence.
fn names(tokens: &[Found]) -> String {
    let names: Vec<String> = tokens.iter().map(|found| printable(&found.token.full_name())).collect();
    match names.as_slice() {
        [one] => format!("token {one}"),
        several => format!("{} tokens ({})", several.len(), several.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_meant_by_id_or_by_namespace_and_name() {
        let id = "0190a5e0-7d4c-7aaa-8bbb-123456789abc";
        let named = TokenArgument::Name { namespace: "acme".into(), name: "ci-bot".into() };
        assert_eq!("acme/ci-bot".parse(), Ok(named));
        assert_eq!(id.parse(), TokenId::parse(id).map(TokenArgument::Id).map_err(|error| error.to_string()));
    }

    #[test]
    fn what_names_no_token_is_refused_with_the_form() {
        for text in ["", "ci-bot", "/ci", "acme/", "acme/team/ci", "0190A5E0-7D4C-7AAA-8BBB-123456789ABC"] {
            let message = text.parse::<TokenArgument>().err();
            assert!(
                message.as_deref().is_some_and(|message| message.contains("NAMESPACE/NAME")),
                "{text}: {message:?}"
            );
        }
    }
}
