//! Namespaces: the unit of tenancy.

use access::{
    id::{NamespaceId, UserId},
    name::Username,
    time::Instant,
};
use oci::NamespaceName;

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// A namespace as stored.
#[derive(Debug, Clone)]
pub struct StoredNamespace {
    /// The namespace's id.
    pub id: NamespaceId,
    /// Its name.
    pub name: NamespaceName,
    /// Whether anyone may pull from it.
    pub is_public: bool,
    /// When it was made.
    pub created_at: Instant,
    /// Who made it, in words.
    pub created_by: String,
    /// The user whose own namespace it is.
    pub owner: Option<NamespaceOwner>,
    /// Rises with every change.
    pub revision: i64,
}

/// The user whose own namespace one is: its service tokens stop while that user is deactivated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamespaceOwner {
    /// The user's id.
    pub id: UserId,
    /// The login name.
    pub username: Username,
}

impl StoredNamespace {
    /// `public` or `private`.
    pub fn visibility(&self) -> &'static str {
        if self.is_public { "public" } else { "private" }
    }

    /// What the audit keeps of a namespace, as JSON.
    pub fn as_history(&self) -> String {
        let owner = self.owner.as_ref().map(|owner| owner.username.as_str());
        serde_json::json!({ "visibility": self.visibility(), "owner": owner }).to_string()
    }
}

macro_rules! select_namespace {
    ($filter:literal) => {
        concat!(
            "SELECT n.id, n.name, n.visibility, n.created_at, n.created_by, u.id, u.username, n.revision \
             FROM namespaces n LEFT JOIN users u ON u.id = n.owner_user_id ",
            $filter
        )
    };
}

const BY_ID: &str = select_namespace!("WHERE n.id = $1");

/// The namespace with this id.
pub async fn by_id(q: &impl Query, id: NamespaceId) -> Result<Option<StoredNamespace>, DbError> {
    q.optional(BY_ID, params![id], read).await
}

const BY_NAME: &str = select_namespace!("WHERE n.name = $1");

/// The namespace with this name.
pub async fn by_name(q: &impl Query, name: &NamespaceName) -> Result<Option<StoredNamespace>, DbError> {
    q.optional(BY_NAME, params![name.as_str()], read).await
}

const ALL_AFTER: &str = select_namespace!("WHERE n.name > $1 ORDER BY n.name LIMIT $2");

/// Every namespace behind `after`, by name: what an instance administrator sees.
pub async fn all(q: &impl Query, after: &str, limit: i64) -> Result<Vec<StoredNamespace>, DbError> {
    q.list(ALL_AFTER, params![after, limit], read).await
}

const OF_USER_AFTER: &str = select_namespace!(
    "WHERE n.name > $1 AND n.id IN (\
        SELECT nu.namespace_id FROM namespace_users nu WHERE nu.user_id = $3 \
        UNION ALL SELECT nt.namespace_id FROM namespace_teams nt \
        JOIN team_users tu ON tu.team_id = nt.team_id WHERE tu.user_id = $3) \
     ORDER BY n.name LIMIT $2"
);

/// The namespaces behind `after` in which the user has a role, by name.
pub async fn of_user(
    q: &impl Query,
    user: UserId,
    after: &str,
    limit: i64,
) -> Result<Vec<StoredNamespace>, DbError> {
    q.list(OF_USER_AFTER, params![after, limit, user], read).await
}

fn read(row: &Row<'_>) -> Result<StoredNamespace, DbError> {
    Ok(StoredNamespace {
        id: row.parsed(0, NamespaceId::parse)?,
        name: row.parsed(1, NamespaceName::parse)?,
        is_public: row.text(2)? == "public",
        created_at: row.instant(3)?,
        created_by: row.text(4)?,
        owner: match row.opt_parsed(5, UserId::parse)? {
            None => None,
            Some(id) => Some(NamespaceOwner { id, username: row.parsed(6, Username::parse)? }),
        },
        revision: row.int(7)?,
    })
}

// The count stops at the limit, so that it costs little with any number of rows.
const COUNT: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM namespaces LIMIT $1) present";
const COUNT_OF_CREATOR: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM namespaces \
    WHERE created_by_id = $1 AND created_by_id <> '' LIMIT $2) present";

/// Counts the namespaces, up to `limit`. The settings are to be held, so that none is just being created.
pub async fn count(q: &impl Query, limit: i64) -> Result<i64, DbError> {
    q.one(COUNT, params![limit], |row| row.int(0)).await
}

/// Counts those that the user or token created, up to `limit`; one's own namespace, which comes with an account,
/// is not among them.
pub async fn count_of_creator(q: &impl Query, creator: &str, limit: i64) -> Result<i64, DbError> {
    q.one(COUNT_OF_CREATOR, params![creator, limit], |row| row.int(0)).await
}

const INSERT: &str = "INSERT INTO namespaces \
    (id, name, visibility, owner_user_id, created_at, created_by, created_by_id, revision) \
    VALUES ($1, $2, $3, $6, $4, $5, $7, 1) ON CONFLICT (name) DO NOTHING";

/// Adds a namespace, which the user or token with the id `creator` creates; '' counts for no user. False where the
/// name is taken.
pub async fn insert(tx: &Tx, namespace: &StoredNamespace, creator: &str) -> Result<bool, DbError> {
    let owner = namespace.owner.as_ref().map(|owner| owner.id.to_string()).unwrap_or_default();
    let params = params![
        namespace.id,
        namespace.name.as_str(),
        namespace.visibility(),
        namespace.created_at,
        namespace.created_by.as_str(),
        owner,
        creator
    ];
    Ok(tx.execute(INSERT, params).await? == 1)
}

const BUMP: &str = "UPDATE namespaces SET revision = revision + 1 WHERE id = $1 RETURNING revision";

/// Takes the namespace's row for this transaction and raises its revision, so that edits of it and of its members
/// queue here; `None` where it is gone. To be the first write of each.
pub async fn bump(tx: &Tx, id: NamespaceId) -> Result<Option<i64>, DbError> {
    tx.optional(BUMP, params![id], |row| row.int(0)).await
}

const HOLD: &str = "UPDATE namespaces SET revision = revision WHERE id = $1";

/// Keeps the namespace from being deleted until this transaction ends, for rows that name it without a foreign key;
/// false where it is gone.
pub async fn hold(tx: &Tx, id: NamespaceId) -> Result<bool, DbError> {
    Ok(tx.execute(HOLD, params![id]).await? == 1)
}

const SET_VISIBILITY: &str = "UPDATE namespaces SET visibility = $2 WHERE id = $1";

/// Writes whether anyone may pull from the namespace.
pub async fn set_visibility(tx: &Tx, namespace: &StoredNamespace) -> Result<(), DbError> {
    tx.execute(SET_VISIBILITY, params![namespace.id, namespace.visibility()]).await?;
    Ok(())
}

const OWNED_BY: &str = select_namespace!("WHERE n.owner_user_id = $1");

/// The own namespace of a user, whatever it is called.
pub async fn owned_by(q: &impl Query, owner: UserId) -> Result<Option<StoredNamespace>, DbError> {
    q.optional(OWNED_BY, params![owner], read).await
}

// Writing the name, a key, waits for every transaction that is just adding a row which points at this one, such as a
// push that makes a repository, and keeps later ones waiting (PostgreSQL: FOR UPDATE against FOR KEY SHARE). A plain
// update would let them in between the question below and the deletion.
const RETIRE: &str = "UPDATE namespaces SET name = id WHERE id = $1";
const HOLDS_REPOSITORIES: &str = "SELECT CAST(1 AS BIGINT) FROM repositories WHERE namespace_id = $1 LIMIT 1";

/// Closes the namespace, which is to be deleted, to everybody else, and says whether it holds repositories: nobody
/// can add one any more before this transaction ends.
pub async fn retire(tx: &Tx, id: NamespaceId) -> Result<bool, DbError> {
    tx.execute(RETIRE, params![id]).await?;
    Ok(tx.optional(HOLDS_REPOSITORIES, params![id], |row| row.int(0)).await?.is_some())
}

const REOPEN: &str =
    "UPDATE namespaces SET name = $2, owner_user_id = '', revision = revision + 1 WHERE id = $1";

/// Opens a namespace that was retired again, as nobody's own.
pub async fn reopen_as_nobodys(tx: &Tx, namespace: &StoredNamespace) -> Result<(), DbError> {
    tx.execute(REOPEN, params![namespace.id, namespace.name.as_str()]).await?;
    Ok(())
}

const DELETE: &str = "DELETE FROM namespaces WHERE id = $1";

/// Removes the namespace with its members, repositories and upload sessions. Its tokens are to be ended before.
pub async fn delete(tx: &Tx, id: NamespaceId) -> Result<bool, DbError> {
    Ok(tx.execute(DELETE, params![id]).await? == 1)
}
