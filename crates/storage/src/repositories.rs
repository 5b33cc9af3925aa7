//! Repositories: made by their first push.

use access::{
    id::{NamespaceId, RepositoryId},
    time::Instant,
};
use oci::RepositoryName;

use crate::{
    db::{DbError, Query, Tx},
    params,
};

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
