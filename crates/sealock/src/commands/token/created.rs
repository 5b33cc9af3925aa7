//! `sealock token created` and `end-created`: what a stolen token created, which outlives it.

use super::{TokenArgument, id_of, show};
use crate::client::answers::{self, Token};
use crate::commands::Session;
use crate::failure::Failure;
use crate::output::{count, when};

/// Lists what the token created, as far as the caller may manage it.
pub(super) async fn list(session: &mut Session, token: &TokenArgument) -> Result<(), Failure> {
    let client = session.client()?;
    let id = id_of(&client, token).await?;
    let all = client.list(&["tokens", &id, "created"]).await?;
    if session.is_json() {
        return session.answer_items(all);
    }
    if all.is_empty() {
        session.say("no token that you may manage was created with it");
        return Ok(());
    }
    let now = session.now();
    let mut rows = Vec::with_capacity(all.len());
    for token in all {
        let token: Token = answers::read(token)?;
        let created = token.created_at.map(|at| when(at, now)).unwrap_or_default();
        let used = show::last_use(&token, now);
        rows.push(vec![token.full_name(), token.id, token.status, created, used]);
    }
    session.answer_table(&["TOKEN", "ID", "STATUS", "CREATED", "LAST USED"], rows)
}

/// Deletes what the token created, after asking.
pub(super) async fn end(session: &mut Session, token: &TokenArgument, is_sure: bool) -> Result<(), Failure> {
    let client = session.client()?;
    let id = id_of(&client, token).await?;
    session.confirm(&format!("delete every token that token {id} created, for good"), is_sure)?;
    let answer = client.post_nothing(&["tokens", &id, "end-created"]).await?;
    if session.is_json() {
        return session.answer_json(&answer);
    }
    let answers::EndedCreated { ended, left } = answers::read(answer)?;
    session.say(&format!("{} deleted", count(ended, "token")));
    if left > 0 {
        let rest = "you may not manage the rest; an instance administrator can repeat this";
        session.say(&format!("{} left: {rest}", count(left, "token")));
    }
    Ok(())
}
