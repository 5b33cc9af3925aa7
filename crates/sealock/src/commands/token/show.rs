//! `sealock token ls` and `show`.

use access::id::TokenId;
use access::time::Instant;
use clap::Args;
use serde_json::Value;

use super::expiry::length;
use super::owner::{Owner, OwnerArgument};
use super::stands_for::StandsFor;
use super::{TokenArgument, find};
use crate::client::answers::{self, CreatedWith, Token};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::{printable, when};

/// `sealock token ls`
#[derive(Args)]
#[command(after_help = "\
Examples:
  sealock token ls acme
  sealock token ls acme --unused 90d
  sealock token ls --mine --expiring 14d
  sealock token ls acme --stands-for user:anna")]
pub(crate) struct Ls {
    #[command(flatten)]
    owner: OwnerArgument,
    /// Only those with this status
    #[arg(long, value_parser = ["enabled", "disabled"])]
    status: Option<String>,
    /// Only those that nobody used for so long, such as 90d
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    unused: Option<String>,
    /// Only those that expire within this time, such as 14d
    #[arg(long, value_name = "LENGTH", value_parser = length)]
    expiring: Option<String>,
    /// Only those that are for user:NAME or service:NAME
    #[arg(long, value_name = "WHOM")]
    stands_for: Option<StandsFor>,
    /// Only those that were created with the token of this id
    #[arg(long, value_name = "ID", value_parser = TokenId::parse)]
    created_with: Option<TokenId>,
    /// Only those whose name or description has this in it
    #[arg(short, long, value_name = "TEXT")]
    query: Option<String>,
}

impl Ls {
    /// Lists the tokens of an owner.
    pub(super) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        let client = session.client()?;
        let stands_for = self.stands_for.as_ref().map(ToString::to_string);
        let created_with = self.created_with.map(|id| id.to_string());
        let filter = [
            ("status", self.status.as_deref()),
            ("unused", self.unused.as_deref()),
            ("expiring", self.expiring.as_deref()),
            ("stands_for", stands_for.as_deref()),
            ("created_with", created_with.as_deref()),
            ("q", self.query.as_deref()),
        ];
        let filter: Vec<_> = filter.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let owner = self.owner.resolve(&client).await?;
        let all = client.list_some(&owner.path(), &filter, usize::MAX).await?;
        if session.is_json() {
            return session.answer_items(all);
        }
        if all.is_empty() {
            session.say(&nothing(&owner, !filter.is_empty()));
            return Ok(());
        }
        table(session, all)
    }
}

/// What is said of an empty list.
fn nothing(owner: &Owner, is_filtered: bool) -> String {
    let (name, argument) = (printable(&owner.to_string()), printable(&owner.argument()));
    if is_filtered {
        return format!("{name} has no such tokens");
    }
    format!("{name} has no tokens yet; make one with `sealock token create {argument} NAME`")
}

fn table(session: &mut Session, all: Vec<Value>) -> Result<(), Failure> {
    let now = session.now();
    let mut rows = Vec::with_capacity(all.len());
    for token in all {
        let token: Token = answers::read(token)?;
        let (expires, used) = (expiry(&token, now), last_use(&token, now));
        // Labels may be there twice, so commands take the id, which stands beside.
        let name = if token.namespace.is_some() { token.full_name() } else { token.name.clone() };
        let mut row = vec![name, permission(&token), token.status.clone(), expires, used];
        row.push(token.stands_for.as_ref().map(ToString::to_string).unwrap_or_default());
        row.extend(token.namespace.is_none().then(|| token.id.clone()));
        rows.push(row);
    }
    let mut header = vec!["TOKEN", "PERMISSION", "STATUS", "EXPIRES", "LAST USED", "FOR"];
    header.extend(rows.first().filter(|row| row.len() > header.len()).map(|_| "ID"));
    session.answer_table(&header, rows)
}

/// Shows one token.
pub(super) async fn one(session: &mut Session, token: &TokenArgument) -> Result<(), Failure> {
    let found = find(&session.client()?, token).await?;
    if session.is_json() {
        return session.answer_json(&found.json);
    }
    let now = session.now();
    let rows = facts(&found.token, now).into_iter().map(|(name, fact)| vec![name.to_owned(), fact]);
    session.answer_table(&["FIELD", "VALUE"], rows.collect())
}

fn facts(token: &Token, now: Instant) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("token", token.full_name()),
        ("id", token.id.clone()),
        ("status", token.status.clone()),
        ("permission", permission(token)),
        ("expires", expiry(token, now)),
    ];
    facts.extend(token.scopes.iter().map(|scope| ("scope", scope.to_string())));
    facts.push(("allowed from", addresses(token)));
    if let Some(description) = token.description.as_ref().filter(|text| !text.is_empty()) {
        facts.push(("description", description.clone()));
    }
    if let Some(whom) = &token.stands_for {
        facts.push(("for", whom.to_string()));
    }
    if let Some(hint) = &token.secret_hint {
        facts.push(("secret", hint.clone()));
    }
    if let Some(at) = token.created_at {
        facts.push(("created", when(at, now)));
    }
    if let Some(by) = maker(&token.created_by) {
        facts.push(("created by", by));
    }
    if let Some(with) = token.created_with.as_ref().and_then(credential) {
        facts.push(("created with", with));
    }
    facts.push(("last used", last_use(token, now)));
    if let (Some(pulls), Some(pushes)) = (token.pulls, token.pushes) {
        facts.push(("pulls, pushes", format!("{pulls}, {pushes}")));
    }
    facts
}

fn permission(token: &Token) -> String {
    match (token.permission.as_deref(), token.scopes.len()) {
        (Some("custom") | None, 0) => "none".to_owned(),
        (Some("custom") | None, 1) => "1 scope".to_owned(),
        (Some("custom") | None, count) => format!("{count} scopes"),
        (Some(permission), _) => permission.to_owned(),
    }
}

/// From where it may be used.
fn addresses(token: &Token) -> String {
    if token.allowed_addresses.is_empty() {
        "anywhere".to_owned()
    } else {
        token.allowed_addresses.join(", ")
    }
}

fn expiry(token: &Token, now: Instant) -> String {
    token.expires_at.map_or("never".to_owned(), |at| when(at, now))
}

pub(super) fn last_use(token: &Token, now: Instant) -> String {
    let Some(at) = token.last_used_at else { return "never".to_owned() };
    let from = token.last_used_from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
    let by = token.last_used_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    format!("{}{from}{by}", when(at, now))
}

/// The credential that a token was created with; `None` for a kind that this version does not know.
fn credential(with: &CreatedWith) -> Option<String> {
    match with.kind.as_str() {
        "token" => Some(format!("{} ({})", with.name.as_deref()?, with.id.as_deref()?)),
        "password" => Some("a password".to_owned()),
        "session" => Some("the console".to_owned()),
        _ => None,
    }
}

/// Who made the token: a name, or an object with one.
fn maker(created_by: &Value) -> Option<String> {
    let name = |field: &str| created_by.get(field).and_then(Value::as_str);
    created_by.as_str().or_else(|| name("username")).or_else(|| name("name")).map(str::to_owned)
}
