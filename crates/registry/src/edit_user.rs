//! Editing a user: password, `is_admin`, `is_active`. What this takes away is gone for every request that starts
//! after it returned (rule 7): the user's standing is read live with each of their tokens and bearers.

use access::{
    field_error::FieldError,
    id::UserId,
    name::Username,
    operation::{Need, Operation},
    rights::Principal,
    time::Instant,
};
use storage::{
    db::{Tx, retried},
    leaving::{self, TokenElsewhere},
    users::{self, StoredUser},
};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::{ManageError, check_revision},
    passwords::NewPassword,
    show_users::no_user,
};

/// The most tokens that a deactivation lists: one page (DESIGN §3.3).
const MAX_TOLD_TOKENS: i64 = 1_000;

/// Why an edit of the caller's own password without the current one is refused.
pub const CURRENT_PASSWORD_REQUIRED: &str =
    "you change your own password with the one that you have now; send it along";

/// Change a user in some way. Whoever may is not yet one who may set their password, `is_admin` or `is_active`.
#[derive(Debug, Clone)]
pub struct EditUser {
    /// The login name.
    pub username: Username,
}

impl Ask for EditUser {
    fn operation(&self) -> Operation {
        Operation::EditUser(self.username.clone())
    }
}

/// What changes; whatever is `None` stays.
#[derive(Debug, Clone, Default)]
pub struct UserEdit {
    /// The password. Bearers made with the one before are dead; tokens live on.
    pub password: Option<NewPassword>,
    /// Whether they administer the instance.
    pub is_admin: Option<bool>,
    /// Whether the account may be used.
    pub is_active: Option<bool>,
    /// Only if the user still has this revision.
    pub if_revision: Option<i64>,
}

/// A user after an edit.
#[derive(Debug)]
pub struct EditedUser {
    /// The user.
    pub user: StoredUser,
    /// Where the edit deactivated them: the service tokens that they made outside their own namespace, which live on;
    /// at most 1,000.
    pub tokens_made_elsewhere: Option<Vec<TokenElsewhere>>,
}

impl Registry {
    /// Sets what an administrator sets. The last active administrator stays one. Administrators set the passwords of
    /// other users here; their own they change with [`Registry::change_password`]. An edit that changes nothing leaves
    /// no trace.
    pub async fn edit_user(
        &self,
        grant: &Grant<EditUser>,
        edit: &UserEdit,
        now: Instant,
    ) -> Result<EditedUser, ManageError> {
        // Also checked before the hash, because hashing is expensive; checked again in the transaction.
        grant.holds_for(&self.db, &Need::AdministerAccounts, now).await?;
        if edit.password.is_some() && is_own(grant) {
            let message = CURRENT_PASSWORD_REQUIRED.to_owned();
            return Err(ManageError::Invalid(vec![FieldError::new("current_password", message)]));
        }
        let hash = match &edit.password {
            Some(password) => {
                Some(self.passwords.hash(password, grant.origin.address, self.random.as_ref()).await?)
            }
            None => None,
        };
        retried(|| async {
            let tx = self.db.begin().await?;
            if edit.is_admin.is_some() || edit.is_active.is_some() {
                users::guard_administrators(&tx).await?;
            }
            let before = self.take_user(&tx, grant, &grant.ask.username, now).await?;
            grant.holds_for(&tx, &Need::AdministerAccounts, now).await?;
            check_revision(edit.if_revision, before.revision)?;
            let after = edited(&before, edit);
            if hash.is_none() && after.as_history() == before.as_history() {
                tx.roll_back().await?;
                let user = StoredUser { revision: before.revision - 1, ..before };
                return Ok(EditedUser { user, tokens_made_elsewhere: None });
            }
            if administers(&before) && !administers(&after) {
                check_another_administers(&tx, &before).await?;
            }
            users::update(&tx, &after).await?;
            if let Some(hash) = &hash {
                users::set_password(&tx, after.id, hash).await?;
            }
            let tokens_made_elsewhere = match before.is_active && !after.is_active {
                true => Some(leaving::made_elsewhere(&tx, after.id, now, MAX_TOLD_TOKENS).await?),
                false => None,
            };
            let mut record = grant.record(event(edit), format!("user {}", after.username));
            record.user_id = after.id.to_string();
            record.before = before.as_history();
            record.after = after.as_history();
            self.write_history(&tx, &record, now).await?;
            tx.commit().await?;
            Ok(EditedUser { user: after, tokens_made_elsewhere })
        })
        .await
    }

    /// What a deactivation would leave behind: the living service tokens that the user made outside their own namespace,
    /// at most 1,000. For whoever thinks about it, and for whoever looks after it later.
    pub async fn tokens_made_elsewhere(
        &self,
        grant: &Grant<EditUser>,
        now: Instant,
    ) -> Result<Vec<TokenElsewhere>, ManageError> {
        let username = &grant.ask.username;
        let user = users::by_name(&self.db, username).await?.ok_or_else(|| no_user(username))?;
        Ok(leaving::made_elsewhere(&self.db, user.id, now, MAX_TOLD_TOKENS).await?)
    }

    /// Takes the user's row for this transaction, with the rights read again behind it: edits of one user queue here.
    pub(crate) async fn take_user<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        username: &Username,
        now: Instant,
    ) -> Result<StoredUser, ManageError> {
        let user = users::by_name(tx, username).await?.ok_or_else(|| no_user(username))?;
        users::bump(tx, user.id).await?.ok_or_else(|| no_user(username))?;
        grant.still_holds(tx, now).await?;
        users::by_id(tx, user.id).await?.ok_or_else(|| no_user(username))
    }

    /// Holds that row without changing it, with the rights read again behind it, for what is added to the user without
    /// a foreign key: a new password, or the user's deletion, comes before and is seen, or comes after and sees what
    /// was added.
    pub(crate) async fn hold_user<A: Ask>(
        &self,
        tx: &Tx,
        grant: &Grant<A>,
        username: &Username,
        now: Instant,
    ) -> Result<UserId, ManageError> {
        let user = users::by_name(tx, username).await?.ok_or_else(|| no_user(username))?;
        if !users::hold(tx, user.id).await? {
            return Err(no_user(username));
        }
        grant.still_holds(tx, now).await?;
        Ok(user.id)
    }
}

/// Refuses where nobody else administers the instance. Behind `users::guard_administrators` that stays true until the
/// transaction ends.
pub(crate) async fn check_another_administers(tx: &Tx, user: &StoredUser) -> Result<(), ManageError> {
    if users::has_other_administrator(tx, user.id).await? {
        return Ok(());
    }
    Err(ManageError::LastAdministrator(format!("user {}", user.username)))
}

/// Whether the caller edits their own account. An administrator's session must not replace its own password without
/// the current one: a thief of the session would keep the account (`change_password` asks for it).
fn is_own(grant: &Grant<EditUser>) -> bool {
    matches!(grant.principal(), Principal::User(user) if user.username == grant.ask.username)
}

pub(crate) fn administers(user: &StoredUser) -> bool {
    user.is_admin && user.is_active
}

fn edited(before: &StoredUser, edit: &UserEdit) -> StoredUser {
    StoredUser {
        is_admin: edit.is_admin.unwrap_or(before.is_admin),
        is_active: edit.is_active.unwrap_or(before.is_active),
        ..before.clone()
    }
}

/// The most telling word for what was done; a password shows in no other way.
fn event(edit: &UserEdit) -> &'static str {
    match edit {
        UserEdit { password: Some(_), .. } => "user.password-set",
        UserEdit { is_admin: None, is_active: Some(false), .. } => "user.deactivated",
        UserEdit { is_admin: None, is_active: Some(true), .. } => "user.activated",
        _ => "user.edited",
    }
}
