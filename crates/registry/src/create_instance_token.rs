//! Making a service token of the instance: its scopes reach into every namespace.

use access::{
    operation::Operation,
    secret::{Secret, SecretKind},
    time::Instant,
};
use storage::{db::retried, tokens::StoredOwner};

use crate::{
    Registry,
    create_token::{IssuedToken, NewToken},
    grant::{Ask, Grant},
    manage::ManageError,
};

/// Make a service token of the instance.
#[derive(Debug, Clone, Copy)]
pub struct CreateInstanceToken;

impl Ask for CreateInstanceToken {
    fn operation(&self) -> Operation {
        Operation::CreateInstanceToken
    }
}

impl Registry {
    /// Makes the token, and its secret, which leaves with this answer and is never seen again.
    pub async fn create_instance_token(
        &self,
        grant: &Grant<CreateInstanceToken>,
        new: NewToken,
        now: Instant,
    ) -> Result<IssuedToken, ManageError> {
        let secret = Secret::mint(SecretKind::Service, self.random.as_ref());
        let token = retried(|| async {
            let tx = self.db.begin().await?;
            grant.still_holds(&tx, now).await?;
            let token = self.insert_token(&tx, grant, StoredOwner::Instance, &new, &secret, now).await?;
            tx.commit().await?;
            Ok::<_, ManageError>(token)
        })
        .await?;
        Ok(IssuedToken { token, secret, warnings: new.warnings })
    }
}
