//! Resetting a token: a new secret, the old ones dead (rule 6).

use access::{
    id::TokenId,
    operation::Operation,
    secret::{Secret, SecretKind},
    time::Instant,
};
use storage::{db::retried, secrets, tokens::StoredOwner};

use crate::{
    Registry,
    create_token::IssuedToken,
    grant::{Ask, Grant},
    manage::ManageError,
};

/// Give a token a new secret.
#[derive(Debug, Clone, Copy)]
pub struct ResetToken {
    /// Which.
    pub token: TokenId,
}

impl Ask for ResetToken {
    fn operation(&self) -> Operation {
        Operation::ResetToken(self.token)
    }
}

impl Registry {
    /// Gives the token a new secret, shown this once. The old secrets and every bearer made from them are dead
    /// when this returns. Resets that come together queue: the last one's secret is the one that works.
    pub async fn reset_token(
        &self,
        grant: &Grant<ResetToken>,
        now: Instant,
    ) -> Result<IssuedToken, ManageError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            let mut token = self.take_token(&tx, grant, now).await?;
            let secret = Secret::mint(kind_of(&token.owner), self.random.as_ref());
            secrets::end_living_by(&tx, token.id, now, "reset").await?;
            self.add_secret(&tx, token.id, &secret, now).await?;
            token.secret_hint = secret.hint();
            let mut record = grant.record("token.reset", token.to_string());
            record.token_id = token.id.to_string();
            self.write_history(&tx, &record, now).await?;
            tx.commit().await?;
            Ok(IssuedToken { token, secret, warnings: Vec::new() })
        })
        .await
    }
}

fn kind_of(owner: &StoredOwner) -> SecretKind {
    match owner {
        StoredOwner::Namespace { .. } | StoredOwner::Instance => SecretKind::Service,
        StoredOwner::User { .. } => SecretKind::Personal,
    }
}
