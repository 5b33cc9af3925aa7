//! The living secrets of a token: looked at, and ended one by one (rule 6).

use access::{
    id::{SecretId, TokenId},
    operation::Operation,
    time::Instant,
};
use storage::{
    db::retried,
    secrets::{self, StoredSecret},
};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::ManageError,
    show_tokens::no_token,
};

/// Look at the living secrets of a token.
#[derive(Debug, Clone, Copy)]
pub struct ListSecrets {
    /// Which token.
    pub token: TokenId,
}

impl Ask for ListSecrets {
    fn operation(&self) -> Operation {
        Operation::ListSecrets(self.token)
    }
}

/// End one secret of a token.
#[derive(Debug, Clone, Copy)]
pub struct EndSecret {
    /// Which token.
    pub token: TokenId,
    /// Which of its secrets.
    pub secret: SecretId,
}

impl Ask for EndSecret {
    fn operation(&self) -> Operation {
        Operation::EndSecret(self.token)
    }
}

impl Registry {
    /// The living secrets, the newest first: at most 5, without anything that could log in.
    pub async fn list_secrets(
        &self,
        grant: &Grant<ListSecrets>,
        now: Instant,
    ) -> Result<Vec<StoredSecret>, ManageError> {
        let token = grant.target_token().ok_or_else(no_token)?;
        Ok(secrets::living(&self.db, token, now).await?)
    }

    /// Ends the secret with every bearer made from it. The last one may go too: a reset then makes another.
    pub async fn end_secret(&self, grant: &Grant<EndSecret>, now: Instant) -> Result<(), ManageError> {
        let secret = grant.ask.secret;
        retried(|| async {
            let tx = self.db.begin().await?;
            let token = self.take_token(&tx, grant, now).await?;
            if !secrets::end_one(&tx, token.id, secret, now, "removal").await? {
                return Err(ManageError::Absent(format!(
                    "{token} has no such secret, or it has ended already"
                )));
            }
            let mut record = grant.token_record("token.secret-ended", &token);
            record.before = serde_json::json!({ "secret": secret }).to_string();
            self.write_history(&tx, &record, now).await?;
            Ok(tx.commit().await?)
        })
        .await
    }
}
