//! `sealock token ls` and `show`.

use access::time::Instant;
use serde_json::Value;

use super::{TokenArgument, find};
use crate::client::answers::{self, Token};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::{printable, when};

/// Lists a namespace's tokens.
pub(super) async fn list(session: &mut Session, namespace: &str) -> Result<(), Failure> {
    let all = session.client()?.list(&["namespaces", namespace, "tokens"]).await?;
    if session.is_json() {
        return session.answer_items(all);
    }
    if all.is_empty() {
        let namespace = printable(namespace);
        session.say(&format!(
            "{namespace} has no tokens yet; make one with `sealock token create {namespace} NAME --permission pull-push`"
        ));
        return Ok(());
    }
    let now = session.now();
    let mut rows = Vec::with_capacity(all.len());
    for token in all {
        let token: Token = answers::read(token)?;
        let (expires, used) = (expiry(&token, now), last_use(&token, now));
        rows.push(vec![token.full_name(), permission(&token), token.status, expires, used]);
    }
    session.answer_table(&["TOKEN", "PERMISSION", "STATUS", "EXPIRES", "LAST USED"], rows)
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
    if let Some(description) = token.description.as_ref().filter(|text| !text.is_empty()) {
        facts.push(("description", description.clone()));
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

fn expiry(token: &Token, now: Instant) -> String {
    token.expires_at.map_or("never".to_owned(), |at| when(at, now))
}

fn last_use(token: &Token, now: Instant) -> String {
    let Some(at) = token.last_used_at else { return "never".to_owned() };
    let from = token.last_used_from.as_ref().map(|from| format!(" from {from}")).unwrap_or_default();
    let by = token.last_used_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    format!("{}{from}{by}", when(at, now))
}

/// Who made the token: a name, or an object with one.
fn maker(created_by: &Value) -> Option<String> {
    let name = |field: &str| created_by.get(field).and_then(Value::as_str);
    created_by.as_str().or_else(|| name("username")).or_else(|| name("name")).map(str::to_owned)
}
