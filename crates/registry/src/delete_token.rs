//! Deleting a token: it is absent to every face from then on; its tombstone explains refusals for 90 days.

use access::{id::TokenId, operation::Operation, time::Instant};
use storage::{db::retried, tokens};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::ManageError,
};

/// End a token for good.
#[derive(Debug, Clone, Copy)]
pub struct DeleteToken {
    /// Which.
    pub token: TokenId,
}

impl Ask for DeleteToken {
    fn operation(&self) -> Operation {
        Operation::DeleteToken(self.token)
    }
}

impl Registry {
    /// Ends the token. Its name is free again at once; its id is never used again.
    pub async fn delete_token(&self, grant: &Grant<DeleteToken>, now: Instant) -> Result<(), ManageError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            let token = self.take_token(&tx, grant, now).await?;
            tokens::end(&tx, token.id, now, "deleted").await?;
            let mut record = grant.token_record("token.deleted", &token);
            record.before = token.as_history();
            self.write_history(&tx, &record, now).await?;
            Ok(tx.commit().await?)
        })
        .await
    }
}
