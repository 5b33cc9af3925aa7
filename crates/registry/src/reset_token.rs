//! Resetting a token: a new secret, the old ones dead (rule 6).

use access::{
    expiry::Grace,
    id::TokenId,
    operation::Operation,
    secret::{Secret, SecretKind},
    time::Instant,
};
use storage::{
    db::{Tx, retried},
    secrets,
    tokens::{StoredOwner, StoredToken},
};

use crate::{
    Registry,
    create_token::IssuedToken,
    grant::{Ask, Grant},
    manage::ManageError,
};

/// The most secrets of one token that live at once, the new one included (DESIGN §2 rule 6).
const MAX_LIVING_SECRETS: usize = 5;

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
    /// when this returns, or live on for `keep_old_for`; one that was to end before keeps its ending. Resets that
    /// come together queue: the last one's secret is the one that works.
    pub async fn reset_token(
        &self,
        grant: &Grant<ResetToken>,
        keep_old_for: Option<Grace>,
        now: Instant,
    ) -> Result<IssuedToken, ManageError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            let mut token = self.take_token(&tx, grant, now).await?;
            grant.claim_form(&tx).await?;
            if keep_old_for.is_some() {
                self.check_room(&tx, &token, now).await?;
            }
            let old_end_at = keep_old_for.map_or(now, |grace| grace.ends_at(now));
            let secret = Secret::mint(kind_of(&token.owner), self.random.as_ref());
            match keep_old_for {
                None => secrets::end_all(&tx, token.id, now, "reset").await?,
                Some(_) => secrets::end_living_by(&tx, token.id, old_end_at, "reset").await?,
            }
            self.add_secret(&tx, token.id, &secret, now).await?;
            token.secret_hint = secret.hint();
            let mut record = grant.token_record("token.reset", &token);
            record.after = serde_json::json!({ "old_secrets_end_at": old_end_at }).to_string();
            self.write_history(&tx, &record, now).await?;
            tx.commit().await?;
            Ok(IssuedToken { token, secret, warnings: Vec::new() })
        })
        .await
    }

    /// Refuses one more living secret where there are as many as rule 6 allows.
    async fn check_room(&self, tx: &Tx, token: &StoredToken, now: Instant) -> Result<(), ManageError> {
        if secrets::living(tx, token.id, now).await?.len() < MAX_LIVING_SECRETS {
            return Ok(());
        }
        Err(ManageError::TooMany(format!(
            "{token} has {MAX_LIVING_SECRETS} living secrets, which is the most; end one of them first, or reset without \
             keeping the old value, which ends them all"
        )))
    }
}

fn kind_of(owner: &StoredOwner) -> SecretKind {
    match owner {
        StoredOwner::Namespace { .. } | StoredOwner::Instance => SecretKind::Service,
        StoredOwner::User { .. } => SecretKind::Personal,
    }
}
