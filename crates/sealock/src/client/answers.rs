//! What the API answers, as far as the commands show it. Unknown fields are passed over, missing ones are allowed
//! where a newer or older server may leave them out.

use access::time::Instant;
use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::failure::Failure;

/// One page of a list.
#[derive(Deserialize)]
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    pub(crate) next: Option<String>,
}

/// A namespace.
#[derive(Deserialize)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    pub(crate) visibility: String,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) created_at: Option<Instant>,
}

/// A token, without its secret.
#[derive(Deserialize)]
pub(crate) struct Token {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) username: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) status: String,
    pub(crate) permission: Option<String>,
    #[serde(default)]
    pub(crate) scopes: Vec<Scope>,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) expires_at: Option<Instant>,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) created_at: Option<Instant>,
    #[serde(default)]
    pub(crate) created_by: Value,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) last_used_at: Option<Instant>,
    pub(crate) last_used_from: Option<String>,
    pub(crate) last_used_by: Option<String>,
    pub(crate) secret_hint: Option<String>,
    pub(crate) pulls: Option<u64>,
    pub(crate) pushes: Option<u64>,
}

/// A repository.
#[derive(Deserialize)]
pub(crate) struct Repository {
    pub(crate) name: String,
    pub(crate) visibility: String,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) created_at: Option<Instant>,
}

/// A row of the audit.
#[derive(Deserialize)]
pub(crate) struct AuditRow {
    pub(crate) at: String,
    pub(crate) actor: String,
    pub(crate) event: String,
    pub(crate) target: String,
    #[serde(default)]
    pub(crate) from: String,
}

/// How often a token was used, day by day.
#[derive(Deserialize)]
pub(crate) struct Activity {
    pub(crate) days: Vec<Day>,
}

/// How often a token was used on one day.
#[derive(Deserialize)]
pub(crate) struct Day {
    pub(crate) day: String,
    pub(crate) pulls: u64,
    pub(crate) pushes: u64,
}

/// One rule of a token.
#[derive(Deserialize)]
pub(crate) struct Scope {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) path: Option<String>,
    pub(crate) actions: Vec<String>,
}

/// What creation and reset add to a token (DESIGN §3.3).
#[derive(Deserialize)]
pub(crate) struct Issued {
    pub(crate) secret: String,
    pub(crate) login: LoginHint,
}

/// How to log in with a new secret. The ready commands are not read: they hold the secret, or may.
#[derive(Deserialize)]
pub(crate) struct LoginHint {
    pub(crate) host: String,
    pub(crate) username: String,
}

impl Token {
    /// The token as commands take it: `NAMESPACE/NAME`, or the bare name of one that has no namespace.
    pub(crate) fn full_name(&self) -> String {
        match self.namespace.as_ref().or(self.username.as_ref()) {
            Some(owner) => format!("{owner}/{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// `repository:acme/*:pull,push` or `registry:list`: the form that `--scope` takes.
impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let actions = self.actions.join(",");
        match &self.path {
            Some(path) => write!(f, "{}:{path}:{actions}", self.kind),
            None => write!(f, "{}:{actions}", self.kind),
        }
    }
}

/// Understands an answer.
pub(crate) fn read<T: DeserializeOwned>(answer: Value) -> Result<T, Failure> {
    serde_json::from_value(answer).map_err(|_| {
        let version = env!("CARGO_PKG_VERSION");
        Failure::Refused(format!(
            "the server's answer is not what sealock {version} knows; is the server of another version?"
        ))
    })
}

fn optional_instant<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Instant>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let read = |text: String| {
        Instant::parse_rfc3339(&text).ok_or_else(|| D::Error::custom("not an RFC 3339 instant"))
    };
    text.map(read).transpose()
}
