//! Who has which role in a namespace: users and teams. A role given or taken away is felt by the next request of
//! whoever has it, for it is read live.

use access::{
    name::{TeamName, Username},
    operation::Operation,
    role::Role,
    time::Instant,
};
use oci::NamespaceName;
use storage::{
    audit::Record,
    db::{Query, retried},
    members::{self, MemberId, StoredMember},
    teams, users,
};

use crate::{
    Registry,
    edit_namespace::no_namespace,
    grant::{Ask, Grant},
    manage::{ManageError, Page},
    show_teams::no_team,
    show_users::no_user,
};

/// Whoever can be a member, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberName {
    /// A person.
    User(Username),
    /// A team.
    Team(TeamName),
}

impl std::fmt::Display for MemberName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(name) => write!(f, "user {name}"),
            Self::Team(name) => write!(f, "team {name}"),
        }
    }
}

/// List who has which role in a namespace.
#[derive(Debug, Clone)]
pub struct ListMembers {
    /// Which.
    pub namespace: NamespaceName,
}

impl Ask for ListMembers {
    fn operation(&self) -> Operation {
        Operation::ListMembers(self.namespace.clone())
    }
}

/// Give somebody a role in a namespace.
#[derive(Debug, Clone)]
pub struct SetMember {
    /// Where.
    pub namespace: NamespaceName,
    /// Who.
    pub member: MemberName,
}

impl Ask for SetMember {
    fn operation(&self) -> Operation {
        Operation::SetMember(self.namespace.clone())
    }
}

/// Take somebody's role in a namespace away.
#[derive(Debug, Clone)]
pub struct RemoveMember {
    /// Where.
    pub namespace: NamespaceName,
    /// Who.
    pub member: MemberName,
}

impl Ask for RemoveMember {
    fn operation(&self) -> Operation {
        Operation::RemoveMember(self.namespace.clone())
    }
}

impl Registry {
    /// The members behind `after`, which is a kind, a slash and a name: teams first, each by name.
    pub async fn list_members(
        &self,
        grant: &Grant<ListMembers>,
        after: &str,
        limit: u32,
    ) -> Result<Page<StoredMember>, ManageError> {
        let namespace = grant.namespace().ok_or_else(|| no_namespace(&grant.ask.namespace))?;
        let after = after.split_once('/').unwrap_or((after, ""));
        let limit = limit as usize;
        let wanted = i64::try_from(limit).unwrap_or(i64::MAX).saturating_add(1);
        let mut items = members::of_namespace(&self.db, namespace, after, wanted).await?;
        let has_more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| has_more).map(|last| format!("{}/{}", last.kind, last.name));
        Ok(Page { items, next })
    }

    /// The role of its own that a member has now; what a user has through a team is not looked at. For whoever asks
    /// before taking it away, never for what is done.
    pub async fn own_role(
        &self,
        grant: &Grant<SetMember>,
        now: Instant,
    ) -> Result<Option<Role>, ManageError> {
        let SetMember { namespace, member } = &grant.ask;
        let namespace = grant.namespace().ok_or_else(|| no_namespace(namespace))?;
        let member = self.trying_a_name(grant, now, find(&self.db, member)).await?;
        Ok(members::role(&self.db, namespace, member).await?)
    }

    /// Gives the member this role instead of the one it has. If it has this role, nothing changes.
    pub async fn set_member(
        &self,
        grant: &Grant<SetMember>,
        role: Role,
        now: Instant,
    ) -> Result<(), ManageError> {
        let SetMember { namespace, member } = &grant.ask;
        let set = retried(|| async {
            let tx = self.db.begin().await?;
            let namespace = self.take_namespace(&tx, grant, namespace, now).await?;
            let id = find(&tx, member).await?;
            let before = members::role(&tx, namespace.id, id).await?;
            if before == Some(role) {
                return Ok(tx.roll_back().await?);
            }
            members::set(&tx, namespace.id, id, role).await?;
            let mut record = grant.record("member.set", format!("{member} in namespace {}", namespace.name));
            concerning(&mut record, id);
            record.before = as_history(before);
            record.after = as_history(Some(role));
            self.write_history(&tx, &record, now).await?;
            Ok::<_, ManageError>(tx.commit().await?)
        });
        self.trying_a_name(grant, now, set).await.map_err(|error| error.or_absent(&member.to_string()))
    }

    /// Takes the member's own role away; what a user has through a team stays.
    pub async fn remove_member(&self, grant: &Grant<RemoveMember>, now: Instant) -> Result<(), ManageError> {
        let RemoveMember { namespace, member } = &grant.ask;
        let removed = retried(|| async {
            let tx = self.db.begin().await?;
            let namespace = self.take_namespace(&tx, grant, namespace, now).await?;
            let id = find(&tx, member).await?;
            let before = members::role(&tx, namespace.id, id).await?;
            if !members::remove(&tx, namespace.id, id).await? {
                let absent = format!("{member} is no member of namespace {}", namespace.name);
                return Err(ManageError::Absent(absent));
            }
            let target = format!("{member} in namespace {}", namespace.name);
            let mut record = grant.record("member.removed", target);
            concerning(&mut record, id);
            record.before = as_history(before);
            self.write_history(&tx, &record, now).await?;
            Ok(tx.commit().await?)
        });
        self.trying_a_name(grant, now, removed).await
    }
}

async fn find(q: &impl Query, member: &MemberName) -> Result<MemberId, ManageError> {
    match member {
        MemberName::User(name) => {
            Ok(MemberId::User(users::by_name(q, name).await?.ok_or_else(|| no_user(name))?.id))
        }
        MemberName::Team(name) => {
            Ok(MemberId::Team(teams::by_name(q, name).await?.ok_or_else(|| no_team(name))?.id))
        }
    }
}

/// A user finds in their own history what was done to their roles.
fn concerning(record: &mut Record<'_>, member: MemberId) {
    if let MemberId::User(id) = member {
        record.user_id = id.to_string();
    }
}

fn as_history(role: Option<Role>) -> String {
    role.map(|role| serde_json::json!({ "role": role }).to_string()).unwrap_or_default()
}
