//! When something has leaked and nobody knows what: everything of a namespace or of a user is stopped at one stroke.
//! Tokens are disabled, not deleted, so that they can be looked at and enabled again one by one.

use access::{
    id::{TokenId, UserId},
    name::Username,
    operation::Operation,
    time::Instant,
};
use oci::NamespaceName;
use storage::{
    db::{Tx, retried},
    tokens, users,
};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::ManageError,
};

/// Disable every service token of a namespace.
#[derive(Debug, Clone)]
pub struct DisableTokens {
    /// Whose.
    pub namespace: NamespaceName,
}

impl Ask for DisableTokens {
    fn operation(&self) -> Operation {
        Operation::DisableTokens(self.namespace.clone())
    }
}

/// Disable every personal token of a user, and end what was made with their password.
#[derive(Debug, Clone)]
pub struct EndAll {
    /// Whose.
    pub username: Username,
}

impl Ask for EndAll {
    fn operation(&self) -> Operation {
        Operation::EndAll(self.username.clone())
    }
}

impl Registry {
    /// Disables the living service tokens of the namespace, those included that somebody is just making or enabling;
    /// answers how many were enabled.
    pub async fn disable_tokens(
        &self,
        grant: &Grant<DisableTokens>,
        now: Instant,
    ) -> Result<usize, ManageError> {
        let name = &grant.ask.namespace;
        retried(|| async {
            let tx = self.db.begin().await?;
            let namespace = self.hold_namespace(&tx, grant, name, now).await?;
            let disabled = tokens::disable_all_of_namespace(&tx, namespace, now).await?;
            for (id, token) in &disabled {
                self.record_disabled(&tx, grant, *id, format!("token {name}/{token}"), None, now).await?;
            }
            tx.commit().await?;
            Ok(disabled.len())
        })
        .await
    }

    /// Disables the user's living personal tokens, as [`Self::disable_tokens`] does, and ends every bearer and session
    /// made with the password so far. The password stays: whoever knows it can log in again. Answers how many tokens
    /// were enabled.
    pub async fn end_all(&self, grant: &Grant<EndAll>, now: Instant) -> Result<usize, ManageError> {
        let username = &grant.ask.username;
        retried(|| async {
            let tx = self.db.begin().await?;
            // Held first and ended then: whoever ends their own logins by password loses their right only now.
            let user = self.hold_user(&tx, grant, username, now).await?;
            users::end_logins(&tx, user).await?;
            let mut record = grant.record("user.logins-ended", format!("user {username}"));
            record.user_id = user.to_string();
            self.write_history(&tx, &record, now).await?;
            let disabled = tokens::disable_all_of_user(&tx, user, now).await?;
            for (id, label) in &disabled {
                let target = format!("token \"{label}\" of user {username}");
                self.record_disabled(&tx, grant, *id, target, Some(user), now).await?;
            }
            tx.commit().await?;
            Ok(disabled.len())
        })
        .await
    }

    async fn record_disabled<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        token: TokenId,
        target: String,
        user: Option<UserId>,
        now: Instant,
    ) -> Result<(), ManageError> {
        let mut record = grant.record("token.disabled", target);
        record.token_id = token.to_string();
        record.user_id = user.map(|id| id.to_string()).unwrap_or_default();
        record.before = serde_json::json!({ "status": "enabled" }).to_string();
        record.after = serde_json::json!({ "status": "disabled" }).to_string();
        Ok(self.write_history(tx, &record, now).await?)
    }
}
