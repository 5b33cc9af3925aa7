//! Whose tokens are meant: a namespace's, one's own, another user's, or the instance's.

use clap::Args;
use serde_json::Value;

use crate::client::Client;
use crate::failure::Failure;

/// Exactly one of these.
#[derive(Args)]
#[group(id = "owner", required = true, multiple = false)]
pub(super) struct OwnerArgument {
    /// The namespace that owns the token, which never reaches outside of it
    namespace: Option<String>,
    /// Your own personal tokens, which have at most your rights
    #[arg(long)]
    mine: bool,
    /// The personal tokens of a user; for administrators, and for USERNAME
    #[arg(long, value_name = "USERNAME")]
    user: Option<String>,
    /// The tokens of the instance, which reach into every namespace that their scopes name; for administrators
    #[arg(long)]
    instance: bool,
}

/// Whose tokens they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Owner {
    Namespace(String),
    User(String),
    Instance,
}

impl OwnerArgument {
    /// Whose tokens are meant; the server is asked who is logged in where that matters.
    pub(super) async fn resolve(self, client: &Client) -> Result<Owner, Failure> {
        match self {
            Self { namespace: Some(namespace), .. } => Ok(Owner::Namespace(namespace)),
            Self { user: Some(username), .. } => Ok(Owner::User(username)),
            Self { mine: true, .. } => {
                let me = client.get(&["me"]).await?;
                let username = me.get("username").and_then(Value::as_str);
                username.map(|name| Owner::User(name.to_owned())).ok_or_else(|| {
                    Failure::Usage("this login is a service token, which has no tokens of its own".to_owned())
                })
            }
            Self { .. } => Ok(Owner::Instance),
        }
    }
}

impl Owner {
    /// Where its tokens are in the API.
    pub(super) fn path(&self) -> Vec<&str> {
        match self {
            Self::Namespace(namespace) => vec!["namespaces", namespace, "tokens"],
            Self::User(username) => vec!["users", username, "tokens"],
            Self::Instance => vec!["tokens"],
        }
    }

    /// How `token create` is told about it.
    pub(super) fn argument(&self) -> String {
        match self {
            Self::Namespace(namespace) => namespace.clone(),
            Self::User(username) => format!("--user {username}"),
            Self::Instance => "--instance".to_owned(),
        }
    }
}

/// How sentences call it.
impl std::fmt::Display for Owner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Namespace(namespace) => f.write_str(namespace),
            Self::User(username) => write!(f, "user {username}"),
            Self::Instance => f.write_str("the instance"),
        }
    }
}
