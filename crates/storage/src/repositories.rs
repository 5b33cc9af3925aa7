//! Repositories: made by their first push.

use access::{
    id::{NamespaceId, RepositoryId, UserId},
    time::Instant,
};
use oci::{NamespaceName, RepositoryName};

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// A repository as stored, with what its namespace says about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRepository {
    /// The repository's id.
    pub id: RepositoryId,
    /// Its full name.
    pub name: RepositoryName,
    /// The namespace that it is in.
    pub namespace: NamespaceName,
    /// Whether anyone may pull from there.
    pub is_public: bool,
    /// Whether that namespace is some user's own.
    pub is_of_user: bool,
    /// When its first push made it.
    pub created_at: Instant,
}

macro_rules! select_repository {
    ($filter:literal) => {
        concat!(
            "SELECT r.id, r.name, n.name, n.visibility, n.owner_user_id, r.created_at \
             FROM repositories r JOIN namespaces n ON n.id = r.namespace_id WHERE ",
            $filter
        )
    };
}

const BY_ID: &str = select_repository!("r.id = $1");

/// The repository with this id.
pub async fn by_id(q: &impl Query, id: RepositoryId) -> Result<Option<StoredRepository>, DbError> {
    q.optional(BY_ID, params![id], read).await
}

/// Whose repositories are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// Everybody's.
    All,
    /// Those of one namespace.
    Of(NamespaceId),
    /// Those that a user may pull: by a role of their own or of a team, or because anyone may.
    PulledBy(UserId),
}

const ALL_AFTER: &str = select_repository!("r.name > $1 ORDER BY r.name LIMIT $2");
const OF_NAMESPACE_AFTER: &str =
    select_repository!("r.namespace_id = $3 AND r.name > $1 ORDER BY r.name LIMIT $2");
// From the namespaces to their repositories: what others have stored, and the user may not see, costs nothing.
const OF_USER_AFTER: &str = select_repository!(
    "r.namespace_id IN (\
     SELECT nu.namespace_id FROM namespace_users nu WHERE nu.user_id = $3 \
     UNION SELECT nt.namespace_id FROM namespace_teams nt \
     JOIN team_users tu ON tu.team_id = nt.team_id WHERE tu.user_id = $3 \
     UNION SELECT p.id FROM namespaces p WHERE p.visibility = 'public') \
     AND r.name > $1 ORDER BY r.name LIMIT $2"
);

/// The repositories behind the name `after`, by name.
pub async fn list(
    q: &impl Query,
    which: Which,
    after: &str,
    limit: i64,
) -> Result<Vec<StoredRepository>, DbError> {
    match which {
        Which::All => q.list(ALL_AFTER, params![after, limit], read).await,
        Which::Of(namespace) => q.list(OF_NAMESPACE_AFTER, params![after, limit, namespace], read).await,
        Which::PulledBy(user) => q.list(OF_USER_AFTER, params![after, limit, user], read).await,
    }
}

fn read(row: &Row<'_>) -> Result<StoredRepository, DbError> {
    Ok(StoredRepository {
        id: row.parsed(0, RepositoryId::parse)?,
        name: row.parsed(1, RepositoryName::parse)?,
        namespace: row.parsed(2, NamespaceName::parse)?,
        is_public: row.text(3)? == "public",
        is_of_user: !row.text(4)?.is_empty(),
        created_at: row.instant(5)?,
    })
}

/// How much is in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Content {
    /// How many tags.
    pub tags: i64,
    /// How many manifests, tagged or not.
    pub manifests: i64,
    /// Bytes of its blobs and manifests. What another repository uses too is counted in both.
    pub bytes: i64,
}

const CONTENT: &str = "SELECT \
    (SELECT CAST(COUNT(*) AS BIGINT) FROM tags t WHERE t.repository_id = $1), \
    (SELECT CAST(COUNT(*) AS BIGINT) FROM manifests m WHERE m.repository_id = $1), \
    (SELECT CAST(COALESCE(SUM(m.size), 0) AS BIGINT) FROM manifests m WHERE m.repository_id = $1), \
    (SELECT CAST(COALESCE(SUM(b.size), 0) AS BIGINT) FROM repository_blobs l \
    JOIN blobs b ON b.digest = l.digest WHERE l.repository_id = $1)";

/// How much is in the repository now.
pub async fn content(q: &impl Query, id: RepositoryId) -> Result<Content, DbError> {
    let mut rows = q.list(CONTENT, params![id], read_content).await?;
    rows.pop().ok_or(DbError::NoRow)
}

fn read_content(row: &Row<'_>) -> Result<Content, DbError> {
    Ok(Content { tags: row.int(0)?, manifests: row.int(1)?, bytes: row.int(2)?.saturating_add(row.int(3)?) })
}

/// A repository in a list, with how much is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedRepository {
    /// Its full name.
    pub name: RepositoryName,
    /// How much is in it.
    pub content: Content,
    /// When something was pushed to it last; `None` where nothing of it is left.
    pub pushed_at: Option<Instant>,
}

const WITH_CONTENT: &str = "SELECT \
    (SELECT CAST(COUNT(*) AS BIGINT) FROM tags t WHERE t.repository_id = r.id), \
    (SELECT CAST(COUNT(*) AS BIGINT) FROM manifests m WHERE m.repository_id = r.id), \
    (SELECT CAST(COALESCE(SUM(m.size), 0) AS BIGINT) FROM manifests m WHERE m.repository_id = r.id), \
    (SELECT CAST(COALESCE(SUM(b.size), 0) AS BIGINT) FROM repository_blobs l \
    JOIN blobs b ON b.digest = l.digest WHERE l.repository_id = r.id), \
    (SELECT CAST(COALESCE(MAX(t.updated_at), 0) AS BIGINT) FROM tags t WHERE t.repository_id = r.id), \
    (SELECT CAST(COALESCE(MAX(m.created_at), 0) AS BIGINT) FROM manifests m WHERE m.repository_id = r.id), \
    r.name FROM repositories r WHERE r.namespace_id = $1 AND r.name > $2 ORDER BY r.name LIMIT $3";

/// The repositories of the namespace behind the name `after`, by name, with how much is in each.
pub async fn with_content(
    q: &impl Query,
    namespace: NamespaceId,
    after: &str,
    limit: i64,
) -> Result<Vec<ListedRepository>, DbError> {
    q.list(WITH_CONTENT, params![namespace, after, limit], |row| {
        let pushed_at = row.int(4)?.max(row.int(5)?);
        Ok(ListedRepository {
            name: row.parsed(6, RepositoryName::parse)?,
            content: read_content(row)?,
            pushed_at: (pushed_at > 0).then(|| Instant::from_millis(pushed_at)),
        })
    })
    .await
}

const INSERT: &str = "INSERT INTO repositories (id, namespace_id, name, created_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (name) DO NOTHING";
const OF_NAME: &str = "SELECT id FROM repositories WHERE namespace_id = $1 AND name = $2";

/// The repository of this name in the namespace, made now with the id `new` where it isn't there yet.
/// `None` where the name stands in another namespace: a namesake that was deleted in the meantime.
pub async fn ensure(
    tx: &Tx,
    new: RepositoryId,
    namespace: NamespaceId,
    name: &RepositoryName,
    now: Instant,
) -> Result<Option<RepositoryId>, DbError> {
    if let Some(id) = of_name(tx, namespace, name).await? {
        return Ok(Some(id));
    }
    tx.execute(INSERT, params![new, namespace, name.as_str(), now]).await?;
    of_name(tx, namespace, name).await
}

async fn of_name(
    q: &impl Query,
    namespace: NamespaceId,
    name: &RepositoryName,
) -> Result<Option<RepositoryId>, DbError> {
    q.optional(OF_NAME, params![namespace, name.as_str()], |row| row.parsed(0, RepositoryId::parse)).await
}

const DELETE: &str = "DELETE FROM repositories WHERE id = $1";

/// Removes the repository with its tags, manifests and links; false where it is gone. The bytes of its blobs stay
/// until they are collected.
pub async fn delete(tx: &Tx, id: RepositoryId) -> Result<bool, DbError> {
    Ok(tx.execute(DELETE, params![id]).await? == 1)
}
