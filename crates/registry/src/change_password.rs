//! Changing one's own password, with the one that it replaces.

use access::{field_error::FieldError, name::Username, operation::Operation, time::Instant};
use storage::{
    db::retried,
    users::{self, StoredUser},
};

use crate::{
    Registry,
    credential::Password,
    grant::{Ask, Grant},
    manage::{ManageError, check_revision},
    passwords::NewPassword,
};

/// Change one's own password.
#[derive(Debug, Clone)]
pub struct ChangePassword {
    /// The login name: the caller's own.
    pub username: Username,
}

impl Ask for ChangePassword {
    fn operation(&self) -> Operation {
        Operation::ChangePassword(self.username.clone())
    }
}

impl Registry {
    /// Replaces the password by `new`, where `current` is right: whoever sits at a terminal that somebody left logged
    /// in does not know it. Bearers made with the old one are dead when this returns; tokens live on.
    pub async fn change_password(
        &self,
        grant: &Grant<ChangePassword>,
        current: &Password,
        new: &NewPassword,
        if_revision: Option<i64>,
        now: Instant,
    ) -> Result<StoredUser, ManageError> {
        let username = &grant.ask.username;
        let from = grant.origin.address;
        if self.passwords.check(&self.db, username.as_str(), current, from, now).await?.is_none() {
            let message = format!("this is not the password of user {username}");
            return Err(ManageError::Invalid(vec![FieldError::new("current_password", message)]));
        }
        let hash = self.passwords.hash(new, from, self.random.as_ref()).await?;
        retried(|| async {
            let tx = self.db.begin().await?;
            // The rights that are read behind this hold one generation of the password only: of two changes at once
            // the second is refused.
            let user = self.take_user(&tx, grant, username, now).await?;
            check_revision(if_revision, user.revision)?;
            users::set_password(&tx, user.id, &hash).await?;
            let mut record = grant.record("user.password-changed", format!("user {username}"));
            record.user_id = user.id.to_string();
            self.write_history(&tx, &record, now).await?;
            tx.commit().await?;
            Ok(user)
        })
        .await
    }
}
