//! Members: who has which role in a namespace. A user's role is the highest of their own and their teams'.

use access::{
    id::{NamespaceId, TeamId, UserId},
    role::Role,
};

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// Whoever can be a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberId {
    /// A person.
    User(UserId),
    /// A team.
    Team(TeamId),
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    /// A team.
    Team,
    /// A person.
    User,
}

impl MemberKind {
    fn parse(word: &str) -> Result<Self, ()> {
        match word {
            "teams" => Ok(Self::Team),
            "users" => Ok(Self::User),
            _ => Err(()),
        }
    }
}

/// `teams` or `users`, as the path of the API has it, in the order of their list.
impl std::fmt::Display for MemberKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Team => "teams",
            Self::User => "users",
        })
    }
}

/// A member as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredMember {
    /// Whether it is a team or a user.
    pub kind: MemberKind,
    /// The username or the team's name.
    pub name: String,
    /// The role.
    pub role: Role,
}

const OF_NAMESPACE: &str = "SELECT members.kind, members.name, members.role FROM (\
    SELECT CAST('teams' AS TEXT) AS kind, t.name AS name, nt.role AS role \
    FROM namespace_teams nt JOIN teams t ON t.id = nt.team_id WHERE nt.namespace_id = $1 \
    UNION ALL SELECT CAST('users' AS TEXT), u.username, nu.role \
    FROM namespace_users nu JOIN users u ON u.id = nu.user_id WHERE nu.namespace_id = $1) members \
    WHERE members.kind > $2 OR (members.kind = $2 AND members.name > $3) \
    ORDER BY members.kind, members.name LIMIT $4";

/// The members behind (`kind`, `name`): teams first, each by name.
pub async fn of_namespace(
    q: &impl Query,
    namespace: NamespaceId,
    after: (&str, &str),
    limit: i64,
) -> Result<Vec<StoredMember>, DbError> {
    q.list(OF_NAMESPACE, params![namespace, after.0, after.1, limit], read).await
}

fn read(row: &Row<'_>) -> Result<StoredMember, DbError> {
    Ok(StoredMember { kind: row.parsed(0, MemberKind::parse)?, name: row.text(1)?, role: read_role(row, 2)? })
}

fn read_role(row: &Row<'_>, column: usize) -> Result<Role, DbError> {
    let rank = row.int(column)?;
    Role::from_rank(rank).ok_or_else(|| DbError::Corrupt(format!("a role of rank {rank}")))
}

const USER_ROLE: &str = "SELECT role FROM namespace_users WHERE namespace_id = $1 AND user_id = $2";
const TEAM_ROLE: &str = "SELECT role FROM namespace_teams WHERE namespace_id = $1 AND team_id = $2";

/// The member's own role in the namespace; a user's teams are not looked at.
pub async fn role(q: &impl Query, namespace: NamespaceId, member: MemberId) -> Result<Option<Role>, DbError> {
    match member {
        MemberId::User(id) => q.optional(USER_ROLE, params![namespace, id], |row| read_role(row, 0)).await,
        MemberId::Team(id) => q.optional(TEAM_ROLE, params![namespace, id], |row| read_role(row, 0)).await,
    }
}

const SET_USER: &str = "INSERT INTO namespace_users (namespace_id, user_id, role) VALUES ($1, $2, $3) \
    ON CONFLICT (namespace_id, user_id) DO UPDATE SET role = excluded.role";
const SET_TEAM: &str = "INSERT INTO namespace_teams (namespace_id, team_id, role) VALUES ($1, $2, $3) \
    ON CONFLICT (namespace_id, team_id) DO UPDATE SET role = excluded.role";

/// Gives the member this role, whatever it had.
pub async fn set(tx: &Tx, namespace: NamespaceId, member: MemberId, role: Role) -> Result<(), DbError> {
    match member {
        MemberId::User(id) => tx.execute(SET_USER, params![namespace, id, role.rank()]).await?,
        MemberId::Team(id) => tx.execute(SET_TEAM, params![namespace, id, role.rank()]).await?,
    };
    Ok(())
}

const REMOVE_USER: &str = "DELETE FROM namespace_users WHERE namespace_id = $1 AND user_id = $2";
const REMOVE_TEAM: &str = "DELETE FROM namespace_teams WHERE namespace_id = $1 AND team_id = $2";

/// Takes the member's role away; false where it had none.
pub async fn remove(tx: &Tx, namespace: NamespaceId, member: MemberId) -> Result<bool, DbError> {
    let removed = match member {
        MemberId::User(id) => tx.execute(REMOVE_USER, params![namespace, id]).await?,
        MemberId::Team(id) => tx.execute(REMOVE_TEAM, params![namespace, id]).await?,
    };
    Ok(removed == 1)
}
