//! Looking at tokens. Whatever has ended is absent.

use access::{id::TokenId, name::Username, operation::Operation, time::Instant};
use oci::NamespaceName;
use storage::{
    tokens::{self, PageOf, StoredToken, TokenFilter},
    users,
};

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

/// List the service tokens of the instance.
#[derive(Debug, Clone, Copy)]
pub struct ListInstanceTokens;

impl Ask for ListInstanceTokens {
    fn operation(&self) -> Operation {
        Operation::ListInstanceTokens
    }
}

/// List the personal tokens of a user.
#[derive(Debug, Clone)]
pub struct ListPersonalTokens {
    /// Whose.
    pub username: Username,
}

impl Ask for ListPersonalTokens {
    fn operation(&self) -> Operation {
        Operation::ListPersonalTokens(self.username.clone())
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

/// Which page of which tokens.
#[derive(Debug, Clone, Default)]
pub struct TokensAsked {
    /// The `next` of the page before; empty for the first.
    pub after: String,
    /// The most tokens on the page.
    pub limit: u32,
    /// Which are wanted.
    pub filter: TokenFilter,
}

/// A page of tokens that its asker may look at. Only the gate's own lists make one, so that it is the proof of that.
#[derive(Debug)]
pub struct ListedTokens(Page<StoredToken>);

impl ListedTokens {
    /// The page.
    pub const fn page(&self) -> &Page<StoredToken> {
        &self.0
    }

    /// The page, for whoever asks nothing further about its tokens.
    pub fn into_page(self) -> Page<StoredToken> {
        self.0
    }
}

impl TokensAsked {
    /// The page, one longer than what is asked for, which shows whether there are more.
    fn page(&self, now: Instant) -> PageOf<'_> {
        PageOf { after: &self.after, limit: i64::from(self.limit) + 1, now, filter: &self.filter }
    }
}

impl Registry {
    /// The living tokens of the namespace that were asked for, by name.
    pub async fn list_tokens(
        &self,
        grant: &Grant<ListTokens>,
        asked: &TokensAsked,
        now: Instant,
    ) -> Result<ListedTokens, ManageError> {
        let absent = || ManageError::Absent(format!("namespace {} does not exist", grant.ask.namespace));
        let namespace = grant.namespace().ok_or_else(absent)?;
        let found = tokens::service_page(&self.db, Some(namespace), asked.page(now)).await?;
        Ok(ListedTokens(Page::of(found, asked.limit, |token| &token.name)))
    }

    /// The living tokens of the instance that were asked for, by name.
    pub async fn list_instance_tokens(
        &self,
        _: &Grant<ListInstanceTokens>,
        asked: &TokensAsked,
        now: Instant,
    ) -> Result<ListedTokens, ManageError> {
        let found = tokens::service_page(&self.db, None, asked.page(now)).await?;
        Ok(ListedTokens(Page::of(found, asked.limit, |token| &token.name)))
    }

    /// The living personal tokens of the user that were asked for, the oldest first.
    pub async fn list_personal_tokens(
        &self,
        grant: &Grant<ListPersonalTokens>,
        asked: &TokensAsked,
        now: Instant,
    ) -> Result<ListedTokens, ManageError> {
        let username = &grant.ask.username;
        let absent = || ManageError::Absent(format!("user {username} does not exist"));
        let user = users::by_name(&self.db, username).await?.ok_or_else(absent)?;
        let mut found = tokens::personal_page(&self.db, user.id, asked.page(now)).await?;
        let limit = asked.limit as usize;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found.last().filter(|_| has_more).map(|token| token.id.to_string());
        Ok(ListedTokens(Page { items: found, next }))
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
