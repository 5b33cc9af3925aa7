//! The first start: an administrator with a password that is shown once. No default password exists.

use access::{
    id::{AuditId, UserId},
    name::Username,
    randomness::base62,
    secret::is_reserved_password,
    time::Instant,
};
use storage::{
    audit::{self, Record},
    db::{DbError, retried},
    users::{self, StoredUser},
};

use crate::{
    Registry,
    credential::Password,
    passwords::{self, PasswordError},
};

/// Characters of a random password: 142 bits.
const PASSWORD_CHARS: usize = 24;
/// The shortest password that a file may bring, in characters.
const MIN_PASSWORD_CHARS: usize = 8;
const FIRST_USERNAME: &str = "admin";

/// The administrator that the first start made.
#[derive(Debug)]
pub struct FirstAdministrator {
    /// The login name.
    pub username: Username,
    /// The password, where it was made here and has to be shown; `None` where it was brought.
    pub password: Option<Password>,
}

/// Why there is no first administrator.
#[derive(Debug, thiserror::Error)]
pub enum FirstAdministratorError {
    /// The password that was brought can't be used.
    #[error("{0}")]
    UnusablePassword(&'static str),
    /// Hashing or the database.
    #[error(transparent)]
    Password(#[from] PasswordError),
}

impl Registry {
    /// Makes the first user, an instance administrator, where there is no user yet; `None` where there is.
    pub async fn make_first_administrator(
        &self,
        brought: Option<Password>,
        now: Instant,
    ) -> Result<Option<FirstAdministrator>, FirstAdministratorError> {
        if users::any(&self.db).await.map_err(PasswordError::Storage)? {
            return Ok(None);
        }
        if let Some(password) = &brought {
            check_usable(password)?;
        }
        let made = brought.is_none();
        let password = brought.unwrap_or_else(|| Password::new(base62(self.random.as_ref(), PASSWORD_CHARS)));
        let hash = passwords::hash(password.expose().as_bytes(), self.random.as_ref())?;
        let Ok(username) = Username::parse(FIRST_USERNAME) else { return Ok(None) };
        let user = StoredUser {
            id: UserId::mint(now, self.random.as_ref()),
            username,
            is_admin: true,
            is_active: true,
            created_at: now,
        };
        let is_first =
            retried(|| self.insert_first(&user, &hash, now)).await.map_err(PasswordError::Storage)?;
        let password = Some(password).filter(|_| made);
        Ok(is_first.then_some(FirstAdministrator { username: user.username, password }))
    }

    async fn insert_first(&self, user: &StoredUser, hash: &str, now: Instant) -> Result<bool, DbError> {
        let tx = self.db.begin().await?;
        // Of two replicas that start together one finds the name taken, and says nothing.
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
        tx.commit().await?;
        Ok(true)
    }
}

fn check_usable(password: &Password) -> Result<(), FirstAdministratorError> {
    let text = password.expose();
    if text.chars().count() < MIN_PASSWORD_CHARS {
        return Err(FirstAdministratorError::UnusablePassword("a password has at least 8 characters"));
    }
    if is_reserved_password(text) {
        return Err(FirstAdministratorError::UnusablePassword(
            "a password may not begin like a token's secret (slks_ or slkp_)",
        ));
    }
    Ok(())
}
