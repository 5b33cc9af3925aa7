//! Teams: named sets of users, usable as a member wherever a user is.

use access::{
    id::{TeamId, UserId},
    name::{TeamName, Username},
    time::Instant,
};

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// A team as stored.
#[derive(Debug, Clone)]
pub struct StoredTeam {
    /// The team's id.
    pub id: TeamId,
    /// Its name.
    pub name: TeamName,
    /// When it was made.
    pub created_at: Instant,
    /// Rises with every change.
    pub revision: i64,
}

const BY_NAME: &str = "SELECT id, name, created_at, revision FROM teams WHERE name = $1";

/// The team with this name.
pub async fn by_name(q: &impl Query, name: &TeamName) -> Result<Option<StoredTeam>, DbError> {
    q.optional(BY_NAME, params![name.as_str()], read).await
}

const AFTER: &str = "SELECT id, name, created_at, revision FROM teams WHERE name > $1 ORDER BY name LIMIT $2";

/// The teams behind `after`, by name.
pub async fn after(q: &impl Query, after: &str, limit: i64) -> Result<Vec<StoredTeam>, DbError> {
    q.list(AFTER, params![after, limit], read).await
}

fn read(row: &Row<'_>) -> Result<StoredTeam, DbError> {
    Ok(StoredTeam {
        id: row.parsed(0, TeamId::parse)?,
        name: row.parsed(1, TeamName::parse)?,
        created_at: row.instant(2)?,
        revision: row.int(3)?,
    })
}

const INSERT: &str =
    "INSERT INTO teams (id, name, created_at, revision) VALUES ($1, $2, $3, 1) ON CONFLICT (name) DO NOTHING";

/// Adds a team; false where the name is taken.
pub async fn insert(tx: &Tx, team: &StoredTeam) -> Result<bool, DbError> {
    Ok(tx.execute(INSERT, params![team.id, team.name.as_str(), team.created_at]).await? == 1)
}

const BUMP: &str = "UPDATE teams SET revision = revision + 1 WHERE id = $1 RETURNING revision";

/// Takes the team's row for this transaction and raises its revision; `None` where it is gone.
pub async fn bump(tx: &Tx, id: TeamId) -> Result<Option<i64>, DbError> {
    tx.optional(BUMP, params![id], |row| row.int(0)).await
}

const RENAME: &str = "UPDATE teams SET name = $2 WHERE id = $1 \
    AND NOT EXISTS (SELECT 1 FROM teams taken WHERE taken.name = $2 AND taken.id <> $1)";

/// Renames the team; false where the name is taken. Its members and roles stay: rights bind to ids.
pub async fn rename(tx: &Tx, id: TeamId, name: &TeamName) -> Result<bool, DbError> {
    Ok(tx.execute(RENAME, params![id, name.as_str()]).await? == 1)
}

const DELETE: &str = "DELETE FROM teams WHERE id = $1";

/// Removes the team with its memberships: what its users had through it is gone.
pub async fn delete(tx: &Tx, id: TeamId) -> Result<bool, DbError> {
    Ok(tx.execute(DELETE, params![id]).await? == 1)
}

const USERS: &str = "SELECT u.username FROM team_users tu JOIN users u ON u.id = tu.user_id \
    WHERE tu.team_id = $1 ORDER BY u.username";

/// The usernames of all of the team's users: for its history, and for who asks for the team whole.
pub async fn users(q: &impl Query, id: TeamId) -> Result<Vec<String>, DbError> {
    q.list(USERS, params![id], |row| row.text(0)).await
}

const USERS_AFTER: &str = "SELECT u.username FROM team_users tu JOIN users u ON u.id = tu.user_id \
    WHERE tu.team_id = $1 AND u.username > $2 ORDER BY u.username LIMIT $3";

/// The usernames of the team's users behind `after`, at most `limit`.
pub async fn users_after(
    q: &impl Query,
    id: TeamId,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    q.list(USERS_AFTER, params![id, after, limit], |row| row.text(0)).await
}

const COUNT_USERS: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM team_users WHERE team_id = $1";

/// How many users the team has.
pub async fn count_users(q: &impl Query, id: TeamId) -> Result<i64, DbError> {
    q.one(COUNT_USERS, params![id], |row| row.int(0)).await
}

const HAS_USER: &str = "SELECT u.username FROM users u JOIN team_users tu ON tu.user_id = u.id \
    WHERE u.username = $2 AND tu.team_id = $1";

/// Whether somebody is in the team.
pub async fn has_user(q: &impl Query, id: TeamId, user: &Username) -> Result<bool, DbError> {
    let found = q.optional(HAS_USER, params![id, user.as_str()], |row| row.text(0)).await?;
    Ok(found.is_some())
}

const ADD_USER: &str =
    "INSERT INTO team_users (team_id, user_id) VALUES ($1, $2) ON CONFLICT (user_id, team_id) DO NOTHING";

/// Puts a user into the team; false where they are in it already.
pub async fn add_user(tx: &Tx, team: TeamId, user: UserId) -> Result<bool, DbError> {
    Ok(tx.execute(ADD_USER, params![team, user]).await? == 1)
}

const REMOVE_USER: &str = "DELETE FROM team_users WHERE team_id = $1 AND user_id = $2";

/// Takes a user out of the team; false where they are not in it.
pub async fn remove_user(tx: &Tx, team: TeamId, user: UserId) -> Result<bool, DbError> {
    Ok(tx.execute(REMOVE_USER, params![team, user]).await? == 1)
}
