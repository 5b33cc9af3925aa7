//! `sealock token disable`, `enable` and `rm`: done to all that were named, or to none; and `disable-all`.

use serde_json::{Value, json};

use super::{Found, TokenArgument, find_all, names};
use crate::client::answers;
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::{count, printable, when};

/// Disables or enables tokens. Both ways any time, so nobody is asked.
pub(super) async fn set_status(
    session: &mut Session,
    tokens: &[TokenArgument],
    act: &str,
) -> Result<(), Failure> {
    let client = session.client()?;
    let found = find_all(&client, tokens).await?;
    let answer = client.post(&["tokens", "batch"], &batch(&found, act)).await?;
    let answers::Batch { items } = answers::read(answer)?;
    for token in &items {
        let after: answers::Token = answers::read(token.clone())?;
        session.say(&format!("token {} is {}", printable(&after.full_name()), printable(&after.status)));
    }
    if session.is_json() { session.answer_items(items) } else { Ok(()) }
}

/// Disables all that a namespace has, after asking: whatever pulls and pushes with them stops at once.
pub(super) async fn disable_all(
    session: &mut Session,
    namespace: &str,
    is_sure: bool,
) -> Result<(), Failure> {
    let client = session.client()?;
    let shown = printable(namespace);
    session.confirm(&format!("stop every service token of namespace {shown} at once"), is_sure)?;
    let answer = client.post_nothing(&["namespaces", namespace, "tokens", "disable-all"]).await?;
    if session.is_json() {
        return session.answer_json(&answer);
    }
    let answers::Disabled { disabled } = answers::read(answer)?;
    session.say(&format!(
        "{} disabled: no service token of namespace {shown} works now",
        count(disabled, "token")
    ));
    Ok(())
}

/// Deletes tokens, after asking. The question says when each was last used: what will break.
pub(super) async fn delete(
    session: &mut Session,
    tokens: &[TokenArgument],
    is_sure: bool,
) -> Result<(), Failure> {
    let client = session.client()?;
    let found = find_all(&client, tokens).await?;
    if !is_sure {
        let now = session.now();
        for Found { token, .. } in &found {
            let used = token
                .last_used_at
                .map_or("never used".to_owned(), |at| format!("last used {}", when(at, now)));
            session.say(&format!("token {}: {used}", printable(&token.full_name())));
        }
    }
    session.confirm(&format!("delete {} for good", names(&found)), is_sure)?;
    client.post(&["tokens", "batch"], &batch(&found, "delete")).await?;
    for Found { token, .. } in &found {
        session.say(&format!("token {} is deleted", printable(&token.full_name())));
    }
    if !session.is_json() {
        return Ok(());
    }
    session.answer_items(found.into_iter().map(|found| found.json).collect())
}

fn batch(found: &[Found], act: &str) -> Value {
    let ids: Vec<&str> = found.iter().map(|found| found.token.id.as_str()).collect();
    json!({ "ids": ids, "do": act })
}
