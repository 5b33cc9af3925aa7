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

/// What an act on several tokens came to.
#[derive(Deserialize)]
pub(crate) struct Batch {
    pub(crate) items: Vec<Value>,
}

/// What an emergency came to.
#[derive(Deserialize)]
pub(crate) struct Disabled {
    /// How many tokens worked and do no more.
    pub(crate) disabled: i64,
}

/// What became of the tokens that a token created.
#[derive(Deserialize)]
pub(crate) struct EndedCreated {
    /// The number of tokens that were deleted.
    pub(crate) ended: i64,
    /// The number of tokens that stay valid, as the caller may not manage them.
    pub(crate) left: i64,
}

/// The settings of the instance.
#[derive(Deserialize)]
pub(crate) struct Settings {
    pub(crate) users_make_namespaces: bool,
    pub(crate) own_namespaces: bool,
    pub(crate) tokens_for_others: bool,
    /// The limits among them.
    #[serde(flatten)]
    pub(crate) others: serde_json::Map<String, serde_json::Value>,
}

/// A namespace.
#[derive(Deserialize)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    pub(crate) visibility: String,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) created_at: Option<Instant>,
    pub(crate) created_by: Option<String>,
    pub(crate) owner: Option<String>,
    pub(crate) role: Option<String>,
}

/// A user.
#[derive(Deserialize)]
pub(crate) struct User {
    pub(crate) username: String,
    pub(crate) is_admin: bool,
    pub(crate) is_active: bool,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) created_at: Option<Instant>,
    /// After a creation: the namespace that was made along.
    pub(crate) own_namespace: Option<String>,
    /// After a deactivation: what it does not stop.
    #[serde(default)]
    pub(crate) tokens_made_elsewhere: Vec<TokenElsewhere>,
}

/// A service token that lives on when its maker is deactivated.
#[derive(Deserialize)]
pub(crate) struct TokenElsewhere {
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    pub(crate) status: String,
}

/// A team.
#[derive(Deserialize)]
pub(crate) struct Team {
    pub(crate) name: String,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) created_at: Option<Instant>,
    /// Its users, where one team is shown.
    #[serde(default)]
    pub(crate) users: Vec<String>,
}

/// A member of a namespace.
#[derive(Deserialize)]
pub(crate) struct Member {
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) role: String,
}

/// The credential that a token was created with.
#[derive(Deserialize)]
pub(crate) struct CreatedWith {
    pub(crate) kind: String,
    /// The id of a token.
    pub(crate) id: Option<String>,
    /// What that token was called.
    pub(crate) name: Option<String>,
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
    pub(crate) stands_for: Option<StandsFor>,
    pub(crate) permission: Option<String>,
    #[serde(default)]
    pub(crate) scopes: Vec<Scope>,
    /// The networks that it works from; empty is anywhere.
    #[serde(default)]
    pub(crate) allowed_addresses: Vec<String>,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) expires_at: Option<Instant>,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) created_at: Option<Instant>,
    #[serde(default)]
    pub(crate) created_by: Value,
    #[serde(default)]
    pub(crate) created_with: Option<CreatedWith>,
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

/// Whom or what a token is for.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum StandsFor {
    User(String),
    Service(String),
}

/// A living secret of a token, without anything that could log in.
#[derive(Deserialize)]
pub(crate) struct Secret {
    pub(crate) id: String,
    pub(crate) hint: String,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) created_at: Option<Instant>,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) ends_at: Option<Instant>,
    #[serde(default, deserialize_with = "optional_instant")]
    pub(crate) last_used_at: Option<Instant>,
    pub(crate) last_used_from: Option<String>,
    pub(crate) last_used_by: Option<String>,
}

/// What the gate would decide.
#[derive(Deserialize)]
pub(crate) struct Explanation {
    pub(crate) allowed: bool,
    pub(crate) rule: Option<String>,
    pub(crate) reason: Option<String>,
}

/// One rule of a token.
#[derive(Deserialize)]
pub(crate) struct Scope {
    #[serde(default)]
    pub(crate) id: String,
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
    /// How sentences call it: `acme/ci-bot`, `"laptop" of user anna`, or the bare name of one of the instance.
    pub(crate) fn full_name(&self) -> String {
        match (&self.namespace, &self.username) {
            (Some(namespace), _) => format!("{namespace}/{}", self.name),
            (None, Some(username)) => format!("\"{}\" of user {username}", self.name),
            (None, None) => self.name.clone(),
        }
    }

    /// How commands take it: `NAMESPACE/NAME`, or the id of one that no namespace owns.
    pub(crate) fn argument(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.id.clone(),
        }
    }
}

/// `user:anna` or `service:nightly build`: the form that `--stands-for` takes.
impl std::fmt::Display for StandsFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(name) => write!(f, "user:{name}"),
            Self::Service(name) => write!(f, "service:{name}"),
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
