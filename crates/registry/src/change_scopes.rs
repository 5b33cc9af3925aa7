//! One scope more for a token, one less, or none at all. The ids of the others stay.

use access::{
    id::{ScopeId, TokenId},
    operation::Operation,
    scope::{MAX_SCOPES, Scope},
    time::Instant,
};
use storage::{
    db::{Tx, retried},
    scopes::{self, StoredScope},
    tokens::{self, StoredToken},
};

use crate::{
    Registry,
    edit_token::check_has_scopes,
    grant::{Ask, Grant},
    manage::{ManageError, check_revision},
};

/// Give a token one more scope.
#[derive(Debug, Clone, Copy)]
pub struct AddScope {
    /// Which token.
    pub token: TokenId,
}

impl Ask for AddScope {
    fn operation(&self) -> Operation {
        Operation::AddScope(self.token)
    }
}

/// Take a scope from a token, or all of them.
#[derive(Debug, Clone, Copy)]
pub struct RemoveScopes {
    /// Which token.
    pub token: TokenId,
    /// Which scope; `None` is every one.
    pub scope: Option<ScopeId>,
}

impl Ask for RemoveScopes {
    fn operation(&self) -> Operation {
        Operation::RemoveScopes(self.token)
    }
}

/// A token to which a scope was added.
#[derive(Debug)]
pub struct AddedScope {
    /// The token as it is now.
    pub token: StoredToken,
    /// False where it had this scope already.
    pub is_new: bool,
}

impl Registry {
    /// Adds the scope behind the others: who is logged in with the token already has it from the next request on.
    /// Where it has this scope already, nothing changes.
    pub async fn add_scope(
        &self,
        grant: &Grant<AddScope>,
        scope: &Scope,
        if_revision: Option<i64>,
        now: Instant,
    ) -> Result<AddedScope, ManageError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            let before = self.take_token(&tx, grant, now).await?;
            check_revision(if_revision, before.revision)?;
            check_has_scopes(&before, "type")?;
            if before.scopes.iter().any(|held| held.scope == *scope) {
                tx.roll_back().await?;
                let token = StoredToken { revision: before.revision - 1, ..before };
                return Ok(AddedScope { token, is_new: false });
            }
            check_takes_more(&before)?;
            let added = StoredScope { id: ScopeId::mint(now, self.random.as_ref()), scope: scope.clone() };
            scopes::append(&tx, before.id, &added).await?;
            let mut after = before.clone();
            after.scopes.push(added);
            self.commit_scopes(tx, grant, "token.scope-added", &before, &after, now).await?;
            Ok(AddedScope { token: after, is_new: true })
        })
        .await
    }

    /// Takes the scope away, or all. What it allowed is refused for every request that starts after this returned
    /// (rule 7); a token without scopes allows nothing. Taking all is refused where the token mirrors its user: it would
    /// go on as before.
    pub async fn remove_scopes(
        &self,
        grant: &Grant<RemoveScopes>,
        if_revision: Option<i64>,
        now: Instant,
    ) -> Result<StoredToken, ManageError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            let before = self.take_token(&tx, grant, now).await?;
            check_revision(if_revision, before.revision)?;
            match grant.ask.scope {
                None => {
                    check_has_scopes(&before, "scopes")?;
                    if before.scopes.is_empty() {
                        tx.roll_back().await?;
                        return Ok(StoredToken { revision: before.revision - 1, ..before });
                    }
                    scopes::delete_all(&tx, before.id).await?;
                }
                Some(id) if scopes::delete(&tx, before.id, id).await? => {}
                Some(_) => {
                    return Err(ManageError::Absent(format!(
                        "{before} has no such scope; it may be gone already"
                    )));
                }
            }
            let after = tokens::by_id(&tx, before.id, now).await?.unwrap_or_else(|| before.clone());
            self.commit_scopes(tx, grant, "token.scope-removed", &before, &after, now).await?;
            Ok(after)
        })
        .await
    }

    async fn commit_scopes<A: Ask>(
        &self,
        tx: Tx,
        grant: &Grant<A>,
        event: &'static str,
        before: &StoredToken,
        after: &StoredToken,
        now: Instant,
    ) -> Result<(), ManageError> {
        let mut record = grant.token_record(event, after);
        record.before = before.as_history();
        record.after = after.as_history();
        self.write_history(&tx, &record, now).await?;
        Ok(tx.commit().await?)
    }
}

/// Refuses one more scope where the token has as many as it may.
fn check_takes_more(token: &StoredToken) -> Result<(), ManageError> {
    if token.scopes.len() >= MAX_SCOPES {
        return Err(ManageError::TooMany(format!(
            "{token} has {MAX_SCOPES} scopes, which is the most; remove one first, or let one path with * cover several"
        )));
    }
    Ok(())
}
