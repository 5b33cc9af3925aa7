//! Namespaces: the unit of tenancy.

use access::{
    id::{NamespaceId, UserId},
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
}

impl StoredNamespace {
    /// `public` or `private`.
    pub fn visibility(&self) -> &'static str {
        if self.is_public { "public" } else { "private" }
    }
}

const BY_ID: &str = "SELECT id, name, visibility, created_at, created_by FROM namespaces WHERE id = $1";

/// The namespace with this id.
pub async fn by_id(q: &impl Query, id: NamespaceId) -> Result<Option<StoredNamespace>, DbError> {
    q.optional(BY_ID, params![id], read).await
}

const BY_NAME: &str = "SELECT id, name, visibility, created_at, created_by FROM namespaces WHERE name = $1";

/// The namespace with this name.
pub async fn by_name(q: &impl Query, name: &NamespaceName) -> Result<Option<StoredNamespace>, DbError> {
    q.optional(BY_NAME, params![name.as_str()], read).await
}

const ALL_AFTER: &str = "SELECT id, name, visibility, created_at, created_by FROM namespaces \
    WHERE name > $1 ORDER BY name LIMIT $2";

/// Every namespace behind `after`, by name: what an instance administrator sees.
pub async fn all(q: &impl Query, after: &str, limit: i64) -> Result<Vec<StoredNamespace>, DbError> {
    q.list(ALL_AFTER, params![after, limit], read).await
}

const OF_USER_AFTER: &str = "SELECT n.id, n.name, n.visibility, n.created_at, n.created_by FROM namespaces n \
    WHERE n.name > $1 AND n.id IN (\
        SELECT nu.namespace_id FROM namespace_users nu WHERE nu.user_id = $3 \
        UNION ALL SELECT nt.namespace_id FROM namespace_teams nt \
        JOIN team_users tu ON tu.team_id = nt.team_id WHERE tu.user_id = $3) \
    ORDER BY n.name LIMIT $2";

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
    })
}

const INSERT: &str = "INSERT INTO namespaces (id, name, visibility, owner_user_id, created_at, created_by, revision) \
    VALUES ($1, $2, $3, '', $4, $5, 1) ON CONFLICT (name) DO NOTHING";

/// Adds a namespace; false where the name is taken.
pub async fn insert(tx: &Tx, namespace: &StoredNamespace) -> Result<bool, DbError> {
    let params = params![
        namespace.id,
        namespace.name.as_str(),
        namespace.visibility(),
        namespace.created_at,
        namespace.created_by.as_str()
    ];
    Ok(tx.execute(INSERT, params).await? == 1)
}
