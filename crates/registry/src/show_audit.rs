//! Reading the audit: who did what, when, from where, with which token. Histories outlive their tokens.

use access::{
    id::{AuditId, NamespaceId, TokenId, UserId},
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
    authorize::acts_as_administrator,
    grant::{Ask, Grant},
    manage::{ManageError, Page},
};

/// Read the audit, or what of it passes every filter that is there. The first filter says whose right it
/// takes; those after it only narrow.
#[derive(Debug, Clone, Default)]
pub struct ShowAudit {
    /// What happened in this namespace, by name. Instance administrators may name deleted ones, and write an id instead.
    pub namespace: Option<NamespaceName>,
    /// What happened to this token and what was done with it, be it living or ended.
    pub token: Option<TokenId>,
    /// The creation of tokens that were created with this token, be it living or ended.
    pub created_with: Option<TokenId>,
    /// What this user did, and what was done to them; as with namespaces.
    pub user: Option<Username>,
}

impl Ask for ShowAudit {
    fn operation(&self) -> Operation {
        match self {
            Self { namespace: Some(namespace), .. } => Operation::ShowNamespaceAudit(namespace.clone()),
            Self { token: Some(token), .. } | Self { created_with: Some(token), .. } => {
                Operation::ShowTokenAudit(*token)
            }
            Self { user: Some(user), .. } => Operation::ShowUserAudit(user.clone()),
            Self { namespace: None, token: None, created_with: None, user: None } => Operation::ShowAudit,
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
        let filters = self.audit_filters(grant, part.events).await?;
        let mut items =
            audit::newest_of_any(&self.db, &filters, part.span(), limit.saturating_add(1)).await?;
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

    /// The filters by id. A name means the present namespace or user; only an instance administrator also gets the rows of
    /// every deleted one that had the name, so that a namespace made again does not inherit the history of the first.
    async fn audit_filters(
        &self,
        grant: &Grant<ShowAudit>,
        events: Events,
    ) -> Result<Vec<Filter>, ManageError> {
        let ShowAudit { namespace, token, created_with, user } = &grant.ask;
        let mut filters =
            vec![Filter { events, token: *token, created_with: *created_with, ..Filter::default() }];
        if let Some(name) = namespace {
            let ids = self.audited_namespaces(grant, name).await?;
            filters = with_each(&filters, &ids, |filter, id| Filter { namespace: Some(id), ..filter });
        }
        if let Some(username) = user {
            let ids = self.audited_users(grant, username).await?;
            filters = with_each(&filters, &ids, |filter, id| Filter { user: Some(id), ..filter });
        }
        Ok(filters)
    }

    async fn audited_namespaces(
        &self,
        grant: &Grant<ShowAudit>,
        name: &NamespaceName,
    ) -> Result<Vec<NamespaceId>, ManageError> {
        let mut ids: Vec<_> = grant.namespace().into_iter().collect();
        if acts_as_administrator(grant.principal()) {
            let others = audit::namespaces_called(&self.db, name.as_str()).await?.into_iter();
            ids.extend(others.filter(|id| Some(*id) != grant.namespace()));
        }
        if ids.is_empty() {
            return Err(ManageError::Absent(format!("namespace {name} does not exist")));
        }
        Ok(ids)
    }

    /// As a filter that only narrows, a name means every user who ever had it: the caller may see the rows anyway.
    async fn audited_users(
        &self,
        grant: &Grant<ShowAudit>,
        username: &Username,
    ) -> Result<Vec<UserId>, ManageError> {
        let ShowAudit { namespace, token, created_with, .. } = &grant.ask;
        let only_narrows = namespace.is_some() || token.is_some() || created_with.is_some();
        let present = users::by_name(&self.db, username).await?.map(|user| user.id);
        let mut ids: Vec<_> = present.into_iter().collect();
        if only_narrows || acts_as_administrator(grant.principal()) {
            let others = audit::users_called(&self.db, username.as_str()).await?.into_iter();
            ids.extend(others.filter(|id| Some(*id) != present));
        }
        if ids.is_empty() && !only_narrows {
            return Err(ManageError::Absent(format!("user {username} does not exist")));
        }
        Ok(ids)
    }
}

/// Each filter, once for each id.
fn with_each<Id: Copy>(
    filters: &[Filter],
    ids: &[Id],
    narrowed: impl Fn(Filter, Id) -> Filter,
) -> Vec<Filter> {
    let narrowed = &narrowed;
    ids.iter().flat_map(|id| filters.iter().map(move |filter| narrowed(*filter, *id))).collect()
}
