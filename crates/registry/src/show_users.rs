//! Looking at users.

use access::{name::Username, operation::Operation};
use storage::users::{self, StoredUser};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::{ManageError, Page},
};

/// List everybody's accounts.
#[derive(Debug, Clone, Copy)]
pub struct ListUsers;

impl Ask for ListUsers {
    fn operation(&self) -> Operation {
        Operation::ListUsers
    }
}

/// Look at one user.
#[derive(Debug, Clone)]
pub struct ShowUser {
    /// The login name.
    pub username: Username,
}

impl Ask for ShowUser {
    fn operation(&self) -> Operation {
        Operation::ShowUser(self.username.clone())
    }
}

impl Registry {
    /// The users behind `after`, by login name.
    pub async fn list_users(
        &self,
        _: &Grant<ListUsers>,
        after: &str,
        limit: u32,
    ) -> Result<Page<StoredUser>, ManageError> {
        let found = users::after(&self.db, after, i64::from(limit) + 1).await?;
        Ok(Page::of(found, limit, |user| user.username.as_str()))
    }

    /// The user that the grant names.
    pub async fn show_user(&self, grant: &Grant<ShowUser>) -> Result<StoredUser, ManageError> {
        let username = &grant.ask.username;
        users::by_name(&self.db, username).await?.ok_or_else(|| no_user(username))
    }
}

/// What is said of a user who isn't there, to whoever may know.
pub(crate) fn no_user(username: &Username) -> ManageError {
    ManageError::Absent(format!("user {username} does not exist"))
}
