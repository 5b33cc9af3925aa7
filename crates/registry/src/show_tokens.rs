//! Looking at tokens. Whatever has ended is absent.

use access::{id::TokenId, operation::Operation, time::Instant};
use oci::NamespaceName;
use storage::tokens::{self, StoredToken};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::{ManageError, Page},
};

/// List the service tokens of a namespace.
#[derive(Debug, Clone)]
pub struct ListTokens {
    /// Whose.
    pub namespace: NamespaceName,
}

impl Ask for ListTokens {
    fn operation(&self) -> Operation {
        Operation::ListTokens(self.namespace.clone())
    }
}

/// Look at one token.
#[derive(Debug, Clone, Copy)]
pub struct ShowToken {
    /// Which.
    pub token: TokenId,
}

impl Ask for ShowToken {
    fn operation(&self) -> Operation {
        Operation::ShowToken(self.token)
    }
}

impl Registry {
    /// The living tokens of the namespace behind `after`, by name.
    pub async fn list_tokens(
        &self,
        grant: &Grant<ListTokens>,
        after: &str,
        limit: u32,
        now: Instant,
    ) -> Result<Page<StoredToken>, ManageError> {
        let absent = || ManageError::Absent(format!("namespace {} does not exist", grant.ask.namespace));
        let namespace = grant.namespace().ok_or_else(absent)?;
        let found = tokens::of_namespace(&self.db, namespace, after, now, i64::from(limit) + 1).await?;
        Ok(Page::of(found, limit, |token| &token.name))
    }

    /// The token that the grant names.
    pub async fn show_token(
        &self,
        grant: &Grant<ShowToken>,
        now: Instant,
    ) -> Result<StoredToken, ManageError> {
        let id = grant.target_token().ok_or_else(no_token)?;
        tokens::by_id(&self.db, id, now).await?.ok_or_else(no_token)
    }
}

/// What is said of a token that isn't there, to whoever may know.
pub(crate) fn no_token() -> ManageError {
    ManageError::Absent("there is no such token; it may have been deleted or have expired".to_owned())
}
