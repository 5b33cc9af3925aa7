//! Reading the audit: who did what, when, from where, with which token. Histories outlive their tokens.

use access::{
    id::{AuditId, TokenId},
    name::Username,
    operation::Operation,
    time::Instant,
};
use oci::NamespaceName;
use storage::{
    audit::{self, Events, Filter, Span, StoredRecord},
    users,
};

use crate::{
    Registry,
    grant::{Ask, Grant},
    manage::{ManageError, Page},
};

/// Read the audit, or what of it passes every filter that is there. The first filter of the three says whose right it
/// takes; those after it only narrow.
#[derive(Debug, Clone, Default)]
pub struct ShowAudit {
    /// What happened in this namespace.
    pub namespace: Option<NamespaceName>,
    /// What happened to this token and what was done with it, be it living or ended.
    pub token: Option<TokenId>,
    /// What this user did, and what was done to them.
    pub user: Option<Username>,
}

impl Ask for ShowAudit {
    fn operation(&self) -> Operation {
        match self {
            Self { namespace: Some(namespace), .. } => Operation::ShowNamespaceAudit(namespace.clone()),
            Self { token: Some(token), .. } => Operation::ShowTokenAudit(*token),
            Self { user: Some(user), .. } => Operation::ShowUserAudit(user.clone()),
            Self { namespace: None, token: None, user: None } => Operation::ShowAudit,
        }
    }
}

/// Look at what was done to a token, be it living or ended; what was done *with* it stands in the audit.
#[derive(Debug, Clone, Copy)]
pub struct ShowTokenHistory {
    /// Which.
    pub token: TokenId,
}

impl Ask for ShowTokenHistory {
    fn operation(&self) -> Operation {
        Operation::ShowTokenAudit(self.token)
    }
}

/// Which part of the audit is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub struct AuditPart {
    /// What happened.
    pub events: Events,
    /// Not before this instant.
    pub since: Option<Instant>,
    /// Before this instant.
    pub until: Option<Instant>,
    /// Before this row: the last of the page before.
    pub after: Option<AuditId>,
}

impl AuditPart {
    fn span(self) -> Span {
        let end = AuditId::first_at(self.until.unwrap_or(Instant::LATEST));
        Span {
            from: AuditId::first_at(self.since.unwrap_or(Instant::from_millis(0))),
            before: self.after.map_or(end, |after| after.min(end)),
        }
    }
}

impl Registry {
    /// At most `limit` rows, the newest first.
    pub async fn show_audit(
        &self,
        grant: &Grant<ShowAudit>,
        part: AuditPart,
        limit: u32,
    ) -> Result<Page<StoredRecord>, ManageError> {
        let Some(filter) = self.audit_filter(grant, part.events).await? else {
            return Ok(Page { items: Vec::new(), next: None });
        };
        let mut items = audit::newest(&self.db, filter, part.span(), i64::from(limit) + 1).await?;
        let has_more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next = items.last().filter(|_| has_more).map(|last| last.id.to_string());
        Ok(Page { items, next })
    }

    /// The newest of what was done to a token, at most `limit` rows, the newest first.
    pub async fn show_token_history(
        &self,
        grant: &Grant<ShowTokenHistory>,
        limit: u32,
    ) -> Result<Vec<StoredRecord>, ManageError> {
        Ok(audit::about_token(&self.db, grant.ask.token, i64::from(limit)).await?)
    }

    /// The filters by id, as the grant has them: a namespace made again does not inherit the history of the first.
    /// `None` where nothing can pass.
    async fn audit_filter(
        &self,
        grant: &Grant<ShowAudit>,
        events: Events,
    ) -> Result<Option<Filter>, ManageError> {
        let ShowAudit { namespace, token, user } = &grant.ask;
        let mut filter = Filter { events, token: *token, ..Filter::default() };
        if let Some(name) = namespace {
            let absent = || ManageError::Absent(format!("namespace {name} does not exist"));
            filter.namespace = Some(grant.namespace().ok_or_else(absent)?);
        }
        if let Some(username) = user {
            let Some(user) = users::by_name(&self.db, username).await? else {
                if namespace.is_none() && token.is_none() {
                    return Err(ManageError::Absent(format!("user {username} does not exist")));
                }
                return Ok(None);
            };
            filter.user = Some(user.id);
        }
        Ok(Some(filter))
    }
}
