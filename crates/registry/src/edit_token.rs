//! Editing a token: description, status, expiry, scopes.

use access::{
    expiry::Expiry, id::TokenId, name::Description, operation::Operation, scope::Scopes, time::Instant,
};
use storage::{
    db::{Tx, retried},
    tokens::{self, StoredToken},
};

use crate::{
    Registry,
    create_token::with_ids,
    grant::{Ask, Grant},
    manage::ManageError,
    show_tokens::no_token,
};

/// Change a token.
#[derive(Debug, Clone, Copy)]
pub struct EditToken {
    /// Which.
    pub token: TokenId,
}

impl Ask for EditToken {
    fn operation(&self) -> Operation {
        Operation::EditToken(self.token)
    }
}

/// What changes; whatever is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct TokenEdit {
    /// The free text; `Some(None)` removes it.
    pub description: Option<Option<Description>>,
    /// Enabled or disabled.
    pub is_enabled: Option<bool>,
    /// When it ends by itself.
    pub expiry: Option<Expiry>,
    /// All of its scopes.
    pub scopes: Option<Scopes>,
    /// Only if the token still has this revision.
    pub if_revision: Option<i64>,
}

impl Registry {
    /// Changes the token. What this takes away is gone for every request that starts after it returned (rule 7).
    pub async fn edit_token(
        &self,
        grant: &Grant<EditToken>,
        edit: &TokenEdit,
        now: Instant,
    ) -> Result<StoredToken, ManageError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            let before = self.take_token(&tx, grant, now).await?;
            // The row was raised by one when it was taken.
            if edit.if_revision.is_some_and(|revision| revision + 1 != before.revision) {
                return Err(ManageError::Changed);
            }
            let after = self.edited(&before, edit, now);
            tokens::update(&tx, &after, edit.scopes.is_some()).await?;
            let mut record = grant.record(event(edit), after.to_string());
            record.token_id = after.id.to_string();
            record.before = before.as_history();
            record.after = after.as_history();
            self.write_history(&tx, &record, now).await?;
            tx.commit().await?;
            Ok(after)
        })
        .await
    }

    fn edited(&self, before: &StoredToken, edit: &TokenEdit, now: Instant) -> StoredToken {
        let mut after = before.clone();
        if let Some(description) = &edit.description {
            after.description = description.as_ref().map(|text| text.as_str().to_owned()).unwrap_or_default();
        }
        after.is_enabled = edit.is_enabled.unwrap_or(before.is_enabled);
        after.expiry = edit.expiry.unwrap_or(before.expiry);
        if let Some(scopes) = &edit.scopes {
            after.scopes = with_ids(scopes, now, self.random.as_ref());
        }
        after
    }

    /// Takes the token that the grant names for this transaction, with the rights read again behind it: edits of
    /// one token queue at its row.
    pub(crate) async fn take_token<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        now: Instant,
    ) -> Result<StoredToken, ManageError> {
        let id = grant.target_token().ok_or_else(no_token)?;
        tokens::bump(tx, id, now).await?.ok_or_else(no_token)?;
        grant.still_holds(tx, now).await?;
        tokens::by_id(tx, id, now).await?.ok_or_else(no_token)
    }
}

fn event(edit: &TokenEdit) -> &'static str {
    match edit {
        TokenEdit { is_enabled: Some(true), description: None, expiry: None, scopes: None, .. } => "token.enabled",
        TokenEdit { is_enabled: Some(false), description: None, expiry: None, scopes: None, .. } => "token.disabled",
        _ => "token.edited",
    }
}
