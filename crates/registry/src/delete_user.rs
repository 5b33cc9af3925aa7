//! Deleting a user. Their personal tokens end, their roles and places in teams go. Their own namespace goes with them
//! where it holds no repositories; where it does, it stays as nobody's own, with its service tokens disabled: they
//! stop with their user when that one is deactivated, and a deletion must not bring them back to life.

use access::{id::TokenId, name::Username, operation::Operation, time::Instant};
use storage::{
    blobs::State,
    db::{Tx, retried},
    leaving,
    namespaces::{self, StoredNamespace},
    tokens,
    users::{self, StoredUser},
};

use crate::{
    Registry,
    edit_user::{administers, check_another_administers},
    grant::{Ask, Grant},
    manage::ManageError,
    show_users::no_user,
};

/// Remove a user.
#[derive(Debug, Clone)]
pub struct DeleteUser {
    /// The login name.
    pub username: Username,
}

impl Ask for DeleteUser {
    fn operation(&self) -> Operation {
        Operation::DeleteUser(self.username.clone())
    }
}

impl Registry {
    /// Removes the user. Their name is free at once; whoever gets it is somebody else. The last active administrator
    /// can't be removed.
    pub async fn delete_user(&self, grant: &Grant<DeleteUser>, now: Instant) -> Result<(), ManageError> {
        let username = &grant.ask.username;
        let uploads = retried(|| async {
            let tx = self.db.begin().await?;
            users::guard_administrators(&tx).await?;
            let user = self.take_user(&tx, grant, username, now).await?;
            if administers(&user) {
                check_another_administers(&tx, &user).await?;
            }
            let mut record = grant.record("user.deleted", format!("user {username}"));
            record.user_id = user.id.to_string();
            record.before = user.as_history();
            self.write_history(&tx, &record, now).await?;
            self.end_personal_tokens(&tx, grant, &user, now).await?;
            let uploads = match namespaces::owned_by(&tx, user.id).await? {
                Some(own) => self.leave_namespace(&tx, grant, &own, now).await?,
                None => Vec::new(),
            };
            if !users::delete(&tx, user.id).await? {
                return Err(no_user(username));
            }
            tx.commit().await?;
            Ok(uploads)
        })
        .await?;
        self.abort_all(&uploads).await;
        Ok(())
    }

    async fn end_personal_tokens(
        &self,
        tx: &Tx,
        grant: &Grant<DeleteUser>,
        user: &StoredUser,
        now: Instant,
    ) -> Result<(), ManageError> {
        for (id, label) in leaving::end_all_of_user(tx, user.id, now, "deleted with its user").await? {
            let target = format!("token \"{label}\" of user {}", user.username);
            let mut record = grant.record("token.deleted", target);
            record.token_id = id.to_string();
            record.user_id = user.id.to_string();
            self.write_history(tx, &record, now).await?;
        }
        Ok(())
    }

    /// What becomes of the user's own namespace; answers with the uploads whose bytes are to go.
    async fn leave_namespace(
        &self,
        tx: &Tx,
        grant: &Grant<DeleteUser>,
        own: &StoredNamespace,
        now: Instant,
    ) -> Result<Vec<State>, ManageError> {
        if !namespaces::retire(tx, own.id).await? {
            return self.remove_namespace(tx, grant, own, now).await;
        }
        namespaces::reopen_as_nobodys(tx, own).await?;
        for (id, name) in tokens::disable_all_of_namespace(tx, own.id, now).await? {
            self.write_token_disabled(tx, grant, own, (id, &name), now).await?;
        }
        let mut record = grant.record("namespace.edited", format!("namespace {}", own.name));
        record.namespace_id = own.id.to_string();
        record.before = own.as_history();
        record.after = StoredNamespace { owner: None, ..own.clone() }.as_history();
        Ok(self.write_history(tx, &record, now).await.map(|()| Vec::new())?)
    }

    async fn write_token_disabled(
        &self,
        tx: &Tx,
        grant: &Grant<DeleteUser>,
        own: &StoredNamespace,
        (id, name): (TokenId, &str),
        now: Instant,
    ) -> Result<(), ManageError> {
        let mut record = grant.record("token.disabled", format!("token {}/{name}", own.name));
        record.token_id = id.to_string();
        record.namespace_id = own.id.to_string();
        Ok(self.write_history(tx, &record, now).await?)
    }
}
