//! The same act on several tokens: all of them, or none.

use access::{
    id::TokenId,
    operation::{Need, Operation},
    time::Instant,
};
use storage::{
    db::{Tx, retried},
    tokens::{self, StoredToken},
};

use crate::{
    Registry,
    authorize::Refusal,
    edit_token::status_event,
    grant::{Ask, Grant},
    manage::ManageError,
};

/// The most tokens of one act.
pub const MAX_ACTED_ON: usize = 100;

/// Disable, enable or delete several tokens.
#[derive(Debug, Clone, Copy)]
pub struct ActOnTokens;

impl Ask for ActOnTokens {
    fn operation(&self) -> Operation {
        Operation::ActOnTokens
    }
}

/// What is done to each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// Stop it, until it is enabled again.
    Disable,
    /// Let it work again.
    Enable,
    /// End it for good.
    Delete,
}

impl Registry {
    /// Does `act` to every one of `ids`, which are at most [`MAX_ACTED_ON`], in one transaction; answers with the
    /// tokens in the order of their ids, the deleted as they were. One that the caller may not manage stops it all, and
    /// is named. One that is so already stays as it is.
    pub async fn act_on_tokens(
        &self,
        grant: &Grant<ActOnTokens>,
        ids: &[TokenId],
        act: Act,
        now: Instant,
    ) -> Result<Vec<StoredToken>, ManageError> {
        // Always in the same order, so that two acts on the same tokens queue instead of waiting for each other.
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        ids.dedup();
        retried(|| async {
            let tx = self.db.begin().await?;
            let mut done = Vec::with_capacity(ids.len());
            for id in &ids {
                done.push(self.act_on(&tx, grant, *id, act, now).await?);
            }
            tx.commit().await?;
            Ok(done)
        })
        .await
    }

    /// Does `act` to one token that the caller may manage, with its audit row; answers with the token as it is then.
    pub(crate) async fn act_on<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        id: TokenId,
        act: Act,
        now: Instant,
    ) -> Result<StoredToken, ManageError> {
        let absent = || ManageError::Absent(format!("there is no token {id}, or you may not manage it"));
        if !tokens::hold(tx, id, now).await? {
            return Err(absent());
        }
        grant.holds_for(tx, &Need::ManageToken(id), now).await.map_err(|refusal| match refusal {
            Refusal::Unseen(_) => absent(),
            refusal => refusal.into(),
        })?;
        let before = tokens::by_id(tx, id, now).await?.ok_or_else(absent)?;
        if act == Act::Enable && !before.is_enabled {
            grant.holds_for(tx, &Need::StrengthenToken(id), now).await?;
        }
        if act != Act::Delete && before.is_enabled == (act == Act::Enable) {
            return Ok(before);
        }
        let mut after = before.clone();
        after.revision = tokens::bump(tx, id, now).await?.ok_or_else(absent)?;
        let event = match act {
            Act::Delete => {
                tokens::end(tx, id, now, "deleted").await?;
                "token.deleted"
            }
            Act::Disable | Act::Enable => {
                after.is_enabled = act == Act::Enable;
                tokens::update(tx, &after, false).await?;
                status_event(after.is_enabled)
            }
        };
        let mut record = grant.token_record(event, &after);
        record.before = before.as_history();
        if act != Act::Delete {
            record.after = after.as_history();
        }
        self.write_history(tx, &record, now).await?;
        Ok(after)
    }
}
