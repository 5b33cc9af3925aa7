//! The first start: an administrator with a password that is shown once. No default password exists.

use access::{
    id::{AuditId, UserId},
    name::Username,
    randomness::base62,
    time::Instant,
};
use storage::{
    audit::{self, Record},
    db::{DbError, retried},
    users::{self, StoredUser},
};

use crate::{
    Registry,
    create_namespace::namespace_created,
    credential::Password,
    passwords::{NewPassword, PasswordError, UnusablePassword},
};

/// Characters of a random password: 142 bits.
const PASSWORD_CHARS: usize = 24;
const FIRST_USERNAME: &str = "admin";

/// The administrator that the first start is about to make.
#[derive(Debug)]
pub struct FirstAdministrator {
    /// The password, where it was made here and has to be shown; `None` where it was brought.
    pub password: Option<Password>,
    user: StoredUser,
    hash: String,
}

impl FirstAdministrator {
    /// The login name.
    pub fn username(&self) -> &Username {
        &self.user.username
    }
}

/// Why there is no first administrator.
#[derive(Debug, thiserror::Error)]
pub enum FirstAdministratorError {
    /// The password that was brought can't be used.
    #[error(transparent)]
    UnusablePassword(#[from] UnusablePassword),
    /// Hashing or the database.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl Registry {
    /// Whether there is no user yet, so that somebody has to be the first.
    pub async fn wants_administrator(&self) -> Result<bool, DbError> {
        Ok(!users::any(&self.db).await?)
    }

    /// The first user, an instance administrator, with a password that was brought or is made here. Nothing is
    /// stored: whoever calls tells the password first and keeps the administrator then, so that a password that
    /// nobody saw never locks an instance.
    pub async fn prepare_administrator(
        &self,
        brought: Option<Password>,
        now: Instant,
    ) -> Result<FirstAdministrator, FirstAdministratorError> {
        let made = brought.is_none();
        let password = brought.unwrap_or_else(|| Password::new(base62(self.random.as_ref(), PASSWORD_CHARS)));
        let usable = NewPassword::parse(password.clone())?;
        let hash = self.passwords.hash(&usable, None, self.random.as_ref()).await?;
        let username = Username::parse(FIRST_USERNAME).map_err(|_| PasswordError::Hashing)?;
        let user = StoredUser {
            id: UserId::mint(now, self.random.as_ref()),
            username,
            is_admin: true,
            is_active: true,
            created_at: now,
            revision: 1,
        };
        Ok(FirstAdministrator { password: Some(password).filter(|_| made), user, hash })
    }

    /// Stores the first administrator. False where a replica that started at the same moment made one before: then
    /// this one's password is void.
    pub async fn keep_administrator(
        &self,
        first: &FirstAdministrator,
        now: Instant,
    ) -> Result<bool, DbError> {
        retried(|| self.insert_first(&first.user, &first.hash, now)).await
    }

    async fn insert_first(&self, user: &StoredUser, hash: &str, now: Instant) -> Result<bool, DbError> {
        let tx = self.db.begin().await?;
        // Of two replicas that start together one finds the name taken.
        if !users::insert(&tx, user, hash).await? {
            return Ok(false);
        }
        let record = Record {
            actor: "the first start".to_owned(),
            event: "user.created",
            target: format!("user {}", user.username),
            user_id: user.id.to_string(),
            after: serde_json::json!({ "is_admin": true }).to_string(),
            ..Record::default()
        };
        audit::record(&tx, AuditId::mint(now, self.random.as_ref()), now, &record).await?;
        if let Some(namespace) = self.add_own_namespace(&tx, user, user.username.as_str(), now).await? {
            let record = namespace_created(record, &namespace);
            audit::record(&tx, AuditId::mint(now, self.random.as_ref()), now, &record).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
