//! Making a personal token: by its user, or by an administrator for them.

use access::{
    name::{TokenLabel, Username},
    operation::Operation,
    rights::PersonalAccess,
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

/// Make a personal token.
#[derive(Debug, Clone)]
pub struct CreatePersonalToken {
    /// Whose it will be.
    pub username: Username,
}

impl Ask for CreatePersonalToken {
    fn operation(&self) -> Operation {
        Operation::CreatePersonalToken(self.username.clone())
    }
}

impl Registry {
    /// Makes the token, and its secret, which leaves with this answer and is never seen again. Its login name is the
    /// username; what it may do is at most what the user may at the time of use. `access` never changes.
    pub async fn create_personal_token(
        &self,
        grant: &Grant<CreatePersonalToken>,
        access: PersonalAccess,
        new: NewToken<TokenLabel>,
        now: Instant,
    ) -> Result<IssuedToken, ManageError> {
        let username = &grant.ask.username;
        let secret = Secret::mint(SecretKind::Personal, self.random.as_ref());
        let token = retried(|| async {
            let tx = self.db.begin().await?;
            let id = self.hold_user(&tx, grant, username, now).await?;
            let access = match access {
                PersonalAccess::Account => "account",
                PersonalAccess::Scoped => "scoped",
            };
            let owner = StoredOwner::User { id, username: username.to_string(), access: access.to_owned() };
            let token = self.insert_token(&tx, grant, owner, &new, &secret, now).await?;
            tx.commit().await?;
            Ok::<_, ManageError>(token)
        })
        .await?;
        Ok(IssuedToken { token, secret, warnings: new.warnings })
    }
}
