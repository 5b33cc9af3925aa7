//! Tags: names that point at manifests of the same repository.

use access::{
    id::{ManifestId, RepositoryId},
    time::Instant,
};
use oci::{Digest, Tag};

use crate::{
    db::{DbError, Query, Tx},
    params,
};

/// A tag whose row is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenTag {
    /// The digest of the manifest that it points at, which may have lost its payload; `None` where no constraint holds
    /// any more and there is none (`fsck` tells it as a dangling tag).
    pub digest: Option<Digest>,
}

const TAKE: &str = "UPDATE tags SET updated_at = updated_at WHERE repository_id = $1 AND name = $2";
const POINTS_AT: &str = "SELECT m.digest FROM tags t JOIN manifests m ON m.id = t.manifest_id WHERE t.repository_id = $1 AND t.name = $2";

/// Takes the tag's row for this transaction, and answers what it points at, which stays true until the commit; `None`
/// where there is no such tag. Damage takes no tag away: one whose manifest can't be pulled is moved and deleted like
/// any other.
pub async fn take(tx: &Tx, repository: RepositoryId, tag: &Tag) -> Result<Option<TakenTag>, DbError> {
    if tx.execute(TAKE, params![repository, tag.as_str()]).await? == 0 {
        return Ok(None);
    }
    // A statement of its own: what PostgreSQL joined to a row that it waited for could be what stood there before.
    let params = params![repository, tag.as_str()];
    let digest = tx.optional(POINTS_AT, params, |row| row.parsed(0, Digest::parse)).await?;
    Ok(Some(TakenTag { digest }))
}

const CREATE: &str = "INSERT INTO tags (repository_id, name, manifest_id, updated_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (repository_id, name) DO NOTHING";

/// Makes the tag, and has it point at the manifest; false where there is such a tag.
pub async fn create(
    tx: &Tx,
    repository: RepositoryId,
    tag: &Tag,
    manifest: ManifestId,
    now: Instant,
) -> Result<bool, DbError> {
    Ok(tx.execute(CREATE, params![repository, tag.as_str(), manifest, now]).await? == 1)
}

const POINT: &str = "INSERT INTO tags (repository_id, name, manifest_id, updated_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (repository_id, name) DO UPDATE SET manifest_id = excluded.manifest_id, updated_at = excluded.updated_at";

/// Makes the tag point at the manifest, whatever it pointed at before.
pub async fn point(
    tx: &Tx,
    repository: RepositoryId,
    tag: &Tag,
    manifest: ManifestId,
    now: Instant,
) -> Result<(), DbError> {
    tx.execute(POINT, params![repository, tag.as_str(), manifest, now]).await?;
    Ok(())
}

const AFTER: &str = "SELECT name FROM tags WHERE repository_id = $1 AND name > $2 ORDER BY name LIMIT $3";

/// The tags behind `after`, in the order of their bytes (OCI 1.1 "Listing Tags": lexical).
pub async fn after(
    q: &impl Query,
    repository: RepositoryId,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    q.list(AFTER, params![repository, after, limit], |row| row.text(0)).await
}

const OF_MANIFEST: &str = "SELECT name FROM tags WHERE manifest_id = $1 AND name > $2 ORDER BY name LIMIT $3";

/// The tags behind `after` that point at the manifest, in the order of their bytes.
pub async fn of_manifest(
    q: &impl Query,
    manifest: ManifestId,
    after: &str,
    limit: i64,
) -> Result<Vec<String>, DbError> {
    q.list(OF_MANIFEST, params![manifest, after, limit], |row| row.text(0)).await
}

/// A tag as listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTag {
    /// Its name.
    pub name: String,
    /// The digest of the manifest that it points at.
    pub digest: Digest,
    /// When it began to point there.
    pub updated_at: Instant,
}

const WITH_DIGESTS: &str = "SELECT t.name, m.digest, t.updated_at FROM tags t JOIN manifests m ON m.id = t.manifest_id \
    WHERE t.repository_id = $1 AND t.name > $2 ORDER BY t.name LIMIT $3";

/// The tags behind `after` with what they point at, in the order of their bytes.
pub async fn with_digests(
    q: &impl Query,
    repository: RepositoryId,
    after: &str,
    limit: i64,
) -> Result<Vec<StoredTag>, DbError> {
    q.list(WITH_DIGESTS, params![repository, after, limit], |row| {
        Ok(StoredTag {
            name: row.text(0)?,
            digest: row.parsed(1, Digest::parse)?,
            updated_at: row.instant(2)?,
        })
    })
    .await
}

const DELETE: &str = "DELETE FROM tags WHERE repository_id = $1 AND name = $2";

/// Removes the tag and leaves its manifest; false where there is no such tag.
pub async fn delete(tx: &Tx, repository: RepositoryId, tag: &Tag) -> Result<bool, DbError> {
    Ok(tx.execute(DELETE, params![repository, tag.as_str()]).await? == 1)
}
