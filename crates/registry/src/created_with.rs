//! What a token created outlives it (rule 8). When the token was stolen, all of it can be listed and ended in one act.

use std::collections::HashSet;

use access::{
    id::TokenId,
    operation::{Need, Operation},
    rights::Principal,
    time::Instant,
};
use storage::{
    db::{Query, Tx, retried},
    rights::Who,
    tokens::{
        self, StoredOwner, StoredToken,
        created_with::{CreatedWith, page_created_by},
    },
};

use crate::{
    Registry,
    act_on_tokens::Act,
    authorize::Refusal,
    grant::{Ask, Grant},
    manage::{ManageError, Page},
};

/// Tokens that are read at a time while they are ended: it bounds memory for any number of them.
const ENDED_AT_A_TIME: i64 = 100;

/// List what a token created, also after the token ended.
#[derive(Debug, Clone, Copy)]
pub struct ListCreated {
    /// The creating token.
    pub token: TokenId,
}

impl Ask for ListCreated {
    fn operation(&self) -> Operation {
        Operation::ListCreated(self.token)
    }
}

/// End what a token created, also after the token ended.
#[derive(Debug, Clone, Copy)]
pub struct EndCreated {
    /// The creating token.
    pub token: TokenId,
}

impl Ask for EndCreated {
    fn operation(&self) -> Operation {
        Operation::EndCreated(self.token)
    }
}

/// What became of the tokens that a token created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EndedCreated {
    /// The number of tokens that were ended.
    pub ended: usize,
    /// The number of tokens that stay valid, as the caller may not manage them.
    pub left: usize,
}

impl<A: Ask> Grant<A> {
    /// The credential that the caller brought, as a new token remembers it.
    pub(crate) fn created_with(&self) -> Option<CreatedWith> {
        match (&self.rights.principal, &self.who) {
            (Principal::Token(token), _) => {
                Some(CreatedWith::Token { id: token.id, name: token.to_string() })
            }
            (Principal::User(_), Who::Session(_)) => Some(CreatedWith::Session),
            (Principal::User(_), _) => Some(CreatedWith::Password),
            (Principal::Anonymous, _) => None,
        }
    }

    /// Holds the token that the caller brought, and reads the rights again. So a token that is created with another is
    /// committed before that one is ended, and what it created is listed, or it is not created.
    pub(crate) async fn hold_credential(&self, tx: &Tx, now: Instant) -> Result<(), ManageError> {
        if let Principal::Token(token) = &self.rights.principal {
            tokens::hold(tx, token.id, now).await?;
            self.still_holds(tx, now).await?;
        }
        Ok(())
    }

    /// Whether the caller may manage this token.
    async fn manages(&self, q: &impl Query, token: TokenId, now: Instant) -> Result<bool, ManageError> {
        match self.holds_for(q, &Need::ManageToken(token), now).await {
            Ok(_) => Ok(true),
            Err(Refusal::Unseen(_) | Refusal::Denied(_)) => Ok(false),
            Err(refusal) => Err(refusal.into()),
        }
    }
}

impl Registry {
    /// One page of the living tokens that the token created, directly or through tokens that it created: the oldest
    /// first, of at most `limit`. It leaves out those that the caller may not manage, so a page may be shorter than
    /// `limit` and still have a next one; but it is never empty then.
    pub async fn list_created(
        &self,
        grant: &Grant<ListCreated>,
        after: &str,
        limit: u32,
        now: Instant,
    ) -> Result<Page<StoredToken>, ManageError> {
        let mut after = after.to_owned();
        loop {
            let page = self.page_of_created(grant, &after, limit, now).await?;
            match page.next {
                Some(next) if page.items.is_empty() => after = next,
                _ => return Ok(page),
            }
        }
    }

    async fn page_of_created(
        &self,
        grant: &Grant<ListCreated>,
        after: &str,
        limit: u32,
        now: Instant,
    ) -> Result<Page<StoredToken>, ManageError> {
        let creator = grant.ask.token;
        let mut found = page_created_by(&self.db, creator, after, i64::from(limit) + 1, now).await?;
        let has_more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = found.last().filter(|_| has_more).map(|last| last.id.to_string());
        // Who may manage a token depends on its owner alone (rule 9).
        let mut managed: HashSet<String> = HashSet::new();
        let mut items = Vec::with_capacity(found.len());
        for token in found {
            let owner = owner_id(&token.owner);
            if managed.contains(&owner) || grant.manages(&self.db, token.id, now).await? {
                managed.insert(owner);
                items.push(token);
            }
        }
        Ok(Page { items, next })
    }

    /// Ends every living token that the token created, directly or through tokens that it created, in one transaction
    /// with an audit row for each. Those that the caller may not manage stay valid and are counted. The creating token
    /// itself stays as it is; end it first, or it can create more.
    pub async fn end_created(
        &self,
        grant: &Grant<EndCreated>,
        now: Instant,
    ) -> Result<EndedCreated, ManageError> {
        retried(|| async {
            let tx = self.db.begin().await?;
            // A creation with this token that is under way is committed now, or waits for this transaction.
            tokens::hold(&tx, grant.ask.token, now).await?;
            grant.still_holds(&tx, now).await?;
            let done = self.end_all_created(&tx, grant, now).await?;
            tx.commit().await?;
            Ok(done)
        })
        .await
    }

    async fn end_all_created(
        &self,
        tx: &Tx,
        grant: &Grant<EndCreated>,
        now: Instant,
    ) -> Result<EndedCreated, ManageError> {
        let (mut done, mut after) = (EndedCreated::default(), String::new());
        loop {
            let page = page_created_by(tx, grant.ask.token, &after, ENDED_AT_A_TIME, now).await?;
            let Some(last) = page.last() else { return Ok(done) };
            after = last.id.to_string();
            for token in &page {
                if !tokens::hold(tx, token.id, now).await? {
                    // It ended a moment ago.
                } else if grant.manages(tx, token.id, now).await? {
                    self.act_on(tx, grant, token.id, Act::Delete, now).await?;
                    done.ended += 1;
                } else {
                    done.left += 1;
                }
            }
        }
    }
}

fn owner_id(owner: &StoredOwner) -> String {
    match owner {
        StoredOwner::Namespace { id, .. } => id.to_string(),
        StoredOwner::User { id, .. } => id.to_string(),
        StoredOwner::Instance => String::new(),
    }
}
