//! Making a user, with a namespace of their own.

use access::{id::UserId, name::Username, operation::Operation, time::Instant};
use oci::NamespaceName;
use storage::{
    db::retried,
    settings,
    users::{self, StoredUser},
};

use crate::{
    Registry,
    create_namespace::namespace_created,
    grant::{Ask, Grant},
    manage::ManageError,
    passwords::NewPassword,
};

/// Make a user. Which one is said when they are made: the gate is asked before anybody reads that.
#[derive(Debug, Clone, Copy)]
pub struct CreateUser;

impl Ask for CreateUser {
    fn operation(&self) -> Operation {
        Operation::CreateUser
    }
}

/// What a new user is to be.
#[derive(Debug, Clone)]
pub struct NewUser {
    /// The login name.
    pub username: Username,
    /// The password to log in with.
    pub password: NewPassword,
    /// Whether they administer the instance.
    pub is_admin: bool,
    /// False to make an account that can't be used yet.
    pub is_active: bool,
}

/// A user that was made.
#[derive(Debug)]
pub struct CreatedUser {
    /// The user.
    pub user: StoredUser,
    /// The namespace of their own name; `None` where that is taken or not legal, or the setting is off.
    pub own_namespace: Option<NamespaceName>,
}

impl Registry {
    /// Makes the user, and in the same transaction a namespace of their name.
    pub async fn create_user(
        &self,
        grant: &Grant<CreateUser>,
        new: &NewUser,
        now: Instant,
    ) -> Result<CreatedUser, ManageError> {
        let username = &new.username;
        let hash = self.passwords.hash(&new.password, grant.origin.address, self.random.as_ref()).await?;
        let user = StoredUser {
            id: UserId::mint(now, self.random.as_ref()),
            username: username.clone(),
            is_admin: new.is_admin,
            is_active: new.is_active,
            created_at: now,
            revision: 1,
        };
        let own_namespace = retried(|| async {
            let tx = self.db.begin().await?;
            grant.still_holds(&tx, now).await?;
            if !users::insert(&tx, &user, &hash).await? {
                return Err(ManageError::NameTaken(format!("user {username} exists already")));
            }
            let mut record = grant.record("user.created", format!("user {username}"));
            record.user_id = user.id.to_string();
            record.after = user.as_history();
            self.write_history(&tx, &record, now).await?;
            let mut own = None;
            if settings::all(&tx).await?.own_namespaces && self.has_room_for_namespace(&tx).await? {
                own = self.add_own_namespace(&tx, &user, &grant.creator().1, now).await?;
            }
            if let Some(namespace) = &own {
                let record = namespace_created(record.clone(), namespace);
                self.write_history(&tx, &record, now).await?;
            }
            tx.commit().await?;
            Ok(own.map(|namespace| namespace.name))
        })
        .await?;
        Ok(CreatedUser { user, own_namespace })
    }
}
