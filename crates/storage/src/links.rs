//! Which bytes there are (`blobs`), and in which repositories they may be used (`repository_blobs`).

use access::{
    id::{NamespaceId, RepositoryId, TokenId, UserId},
    time::Instant,
};
use oci::{Digest, RepositoryName};

use crate::{
    blobs::Key,
    db::{DbError, Query, Row, Tx},
    params,
};

/// A blob's place in the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBlob {
    /// Where its bytes are.
    pub key: Key,
    /// How many bytes it has.
    pub size: u64,
}

const LINKED: &str = "SELECT b.key, b.size FROM repository_blobs l JOIN blobs b ON b.digest = l.digest \
    WHERE l.repository_id = $1 AND l.digest = $2 AND b.damaged_key <> b.key";

/// The blob with this digest, where it is linked in the repository. One whose bytes were found damaged counts as
/// absent, so that clients push it again.
pub async fn linked(
    q: &impl Query,
    repository: RepositoryId,
    digest: &Digest,
) -> Result<Option<StoredBlob>, DbError> {
    q.optional(LINKED, params![repository, digest.to_string()], read).await
}

pub(crate) fn read(row: &Row<'_>) -> Result<StoredBlob, DbError> {
    let size = row.int(1)?;
    Ok(StoredBlob {
        key: row.parsed(0, Key::parse)?,
        size: u64::try_from(size).map_err(|_| DbError::Corrupt(format!("a blob of {size} bytes")))?,
    })
}

const STORED: &str = "SELECT key, size FROM blobs WHERE digest = $1";

/// The blob with this digest, wherever it is linked.
pub async fn stored(q: &impl Query, digest: &Digest) -> Result<Option<StoredBlob>, DbError> {
    q.optional(STORED, params![digest.to_string()], read).await
}

const REPLACE: &str = "UPDATE blobs SET key = $3, size = $4, created_at = $5 WHERE digest = $1 AND key = $2";

async fn replace(tx: &Tx, digest: &Digest, old: &Key, new: &StoredBlob, now: Instant) -> Result<(), DbError> {
    let size = column_of(new)?;
    tx.execute(REPLACE, params![digest.to_string(), old.as_str(), new.key.as_str(), size, now]).await?;
    Ok(())
}

fn column_of(blob: &StoredBlob) -> Result<i64, DbError> {
    i64::try_from(blob.size).map_err(|_| DbError::Corrupt(format!("a blob of {} bytes", blob.size)))
}

/// Takes the row of the digest, new or not, so that uploads of one digest run one after the other.
const TAKE_BLOB: &str = "INSERT INTO blobs (digest, key, size, created_at) VALUES ($1, $2, $3, $4) \
    ON CONFLICT (digest) DO UPDATE SET created_at = blobs.created_at RETURNING key";
const LINK: &str = "INSERT INTO repository_blobs (repository_id, digest, created_at) VALUES ($1, $2, $3) \
    ON CONFLICT (repository_id, digest) DO NOTHING";

/// Records newly written bytes and links them in the repository. If the digest was there already, the new bytes take the
/// place of the old ones, because they were verified a moment ago: whatever had become of the old ones, a push heals
/// them. Returns the key of the old bytes, which no row names after the commit; the caller removes them then.
pub async fn insert(
    tx: &Tx,
    repository: RepositoryId,
    digest: &Digest,
    blob: &StoredBlob,
    now: Instant,
) -> Result<Option<Key>, DbError> {
    let text = digest.to_string();
    let size = column_of(blob)?;
    let params = params![text.as_str(), blob.key.as_str(), size, now];
    let named = tx.one(TAKE_BLOB, params, |row| row.parsed(0, Key::parse)).await?;
    let old = (named != blob.key).then_some(named);
    if let Some(old) = &old {
        replace(tx, digest, old, blob, now).await?;
    }
    link(tx, repository, digest, now).await?;
    Ok(old)
}

/// Links bytes that are there already in the repository; one link more or less is the same.
pub async fn link(tx: &Tx, repository: RepositoryId, digest: &Digest, now: Instant) -> Result<(), DbError> {
    tx.execute(LINK, params![repository, digest.to_string(), now]).await.map(|_| ())
}

const HOLDERS: &str = "SELECT r.name FROM repository_blobs l JOIN repositories r ON r.id = l.repository_id \
    WHERE l.digest = $1 LIMIT $2";

/// At most `limit` repositories that hold the blob, whole or damaged, in no order.
pub async fn holders(q: &impl Query, digest: &Digest, limit: i64) -> Result<Vec<RepositoryName>, DbError> {
    q.list(HOLDERS, params![digest.to_string(), limit], |row| row.parsed(0, RepositoryName::parse)).await
}

/// From which repositories a principal may pull, in the terms of the statement that looks for one.
#[derive(Debug, Clone, Copy, Default)]
pub struct PullReach {
    /// Every namespace.
    pub is_everywhere: bool,
    /// This namespace.
    pub namespace: Option<NamespaceId>,
    /// Namespaces in which this user has a role, directly or through a team.
    pub user: Option<UserId>,
    /// Of these, only repositories that a scope of this token lets it pull.
    pub scopes_of: Option<TokenId>,
}

/// LIKE compares alike on both engines here: names and paths have no capitals, and of their characters only `_` means
/// something to LIKE. `Actions` writes pull first.
const PULLABLE_HOLDER: &str = "SELECT r.name FROM repository_blobs l \
    JOIN blobs b ON b.digest = l.digest AND b.damaged_key <> b.key \
    JOIN repositories r ON r.id = l.repository_id JOIN namespaces n ON n.id = r.namespace_id \
    WHERE l.digest = $1 AND (n.visibility = 'public' OR (\
    (CAST($2 AS BIGINT) = 1 OR n.id = $3 \
    OR EXISTS (SELECT 1 FROM namespace_users nu WHERE nu.namespace_id = n.id AND nu.user_id = $4) \
    OR EXISTS (SELECT 1 FROM namespace_teams nt JOIN team_users tu ON tu.team_id = nt.team_id \
    WHERE nt.namespace_id = n.id AND tu.user_id = $4)) \
    AND (CAST($5 AS TEXT) = '' OR EXISTS (SELECT 1 FROM token_scopes sc WHERE sc.token_id = $5 \
    AND sc.type = 'repository' AND sc.actions LIKE 'pull%' \
    AND r.name LIKE REPLACE(REPLACE(sc.path, '_', '\\_'), '*', '%') ESCAPE '\\')))) LIMIT 1";

/// A repository that holds the blob, whole, and from which `reach` or anyone may pull. One statement, however many
/// repositories out of reach hold it. Whether the caller may pull from it now, the gate decides.
pub async fn pullable_holder(
    q: &impl Query,
    digest: &Digest,
    reach: PullReach,
) -> Result<Option<RepositoryName>, DbError> {
    let id = |id: Option<String>| id.unwrap_or_default();
    let params = params![
        digest.to_string(),
        reach.is_everywhere,
        id(reach.namespace.map(|id| id.to_string())),
        id(reach.user.map(|id| id.to_string())),
        id(reach.scopes_of.map(|id| id.to_string()))
    ];
    let found = q.list(PULLABLE_HOLDER, params, |row| row.parsed(0, RepositoryName::parse)).await?;
    Ok(found.into_iter().next())
}

const IS_NEEDED: &str =
    "SELECT CAST(1 AS BIGINT) FROM manifest_blobs WHERE repository_id = $1 AND digest = $2 LIMIT 1";

/// Whether a manifest in the repository needs this blob.
pub async fn is_needed(q: &impl Query, repository: RepositoryId, digest: &Digest) -> Result<bool, DbError> {
    Ok(q.optional(IS_NEEDED, params![repository, digest.to_string()], |row| row.int(0)).await?.is_some())
}

const UNLINK: &str = "DELETE FROM repository_blobs WHERE repository_id = $1 AND digest = $2";

/// Takes the blob out of the repository; false where it wasn't in it. Fails with a conflict where a manifest
/// needs it.
pub async fn unlink(tx: &Tx, repository: RepositoryId, digest: &Digest) -> Result<bool, DbError> {
    Ok(tx.execute(UNLINK, params![repository, digest.to_string()]).await? == 1)
}
