//! `sealock token disable`, `enable` and `rm`: one after the other, and each is reported when it is done.

use serde_json::json;

use super::{Found, TokenArgument, find_all, names};
use crate::client::answers;
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::{printable, when};

/// Disables or enables tokens. Both ways any time, so nobody is asked.
pub(super) async fn set_status(
    session: &mut Session,
    tokens: &[TokenArgument],
    status: &str,
) -> Result<(), Failure> {
    let client = session.client()?;
    let mut changed = Vec::new();
    for Found { token, .. } in find_all(&client, tokens).await? {
        let answer = client.patch(&["tokens", &token.id], &json!({ "status": status })).await?;
        let after: answers::Token = answers::read(answer.clone())?;
        session.say(&format!("token {} is {}", printable(&after.full_name()), printable(&after.status)));
        changed.push(answer);
    }
    if session.is_json() { session.answer_items(changed) } else { Ok(()) }
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
    let mut deleted = Vec::new();
    for Found { json, token } in found {
        client.delete(&["tokens", &token.id]).await?;
        session.say(&format!("token {} is deleted", printable(&token.full_name())));
        deleted.push(json);
    }
    if session.is_json() { session.answer_items(deleted) } else { Ok(()) }
}
