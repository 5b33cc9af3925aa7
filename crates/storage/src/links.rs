//! Which bytes there are (`blobs`), and in which repositories they may be used (`repository_blobs`).

use access::{id::RepositoryId, time::Instant};
use oci::{Digest, RepositoryName};

use crate::{
    blobs::Key,
    db::{DbError, Query, Row, Tx},
    params,
    repositories::Which,
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

/// Lets a whole copy take the place of a damaged one; false where somebody else did so before.
pub async fn replace(
    tx: &Tx,
    digest: &Digest,
    damaged: &Key,
    whole: &StoredBlob,
    now: Instant,
) -> Result<bool, DbError> {
    let size = column_of(whole)?;
    let params = params![digest.to_string(), damaged.as_str(), whole.key.as_str(), size, now];
    Ok(tx.execute(REPLACE, params).await? == 1)
}

fn column_of(blob: &StoredBlob) -> Result<i64, DbError> {
    i64::try_from(blob.size).map_err(|_| DbError::Corrupt(format!("a blob of {} bytes", blob.size)))
}

const INSERT_BLOB: &str = "INSERT INTO blobs (digest, key, size, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (digest) DO NOTHING";
const LINK: &str = "INSERT INTO repository_blobs (repository_id, digest, created_at) VALUES ($1, $2, $3) \
    ON CONFLICT (repository_id, digest) DO NOTHING";

/// Records newly written bytes and links them in the repository. False where the digest was there already:
/// the new copy is then nobody's, and the caller removes it after the commit.
pub async fn insert(
    tx: &Tx,
    repository: RepositoryId,
    digest: &Digest,
    blob: &StoredBlob,
    now: Instant,
) -> Result<bool, DbError> {
    let text = digest.to_string();
    let size = column_of(blob)?;
    let is_new = tx.execute(INSERT_BLOB, params![text.as_str(), blob.key.as_str(), size, now]).await? == 1;
    link(tx, repository, digest, now).await?;
    Ok(is_new)
}

/// Links bytes that are there already in the repository; one link more or less is the same.
pub async fn link(tx: &Tx, repository: RepositoryId, digest: &Digest, now: Instant) -> Result<(), DbError> {
    tx.execute(LINK, params![repository, digest.to_string(), now]).await.map(|_| ())
}

macro_rules! select_holders {
    ($filter:literal) => {
        concat!(
            "SELECT r.name FROM repository_blobs l JOIN repositories r ON r.id = l.repository_id WHERE l.digest = $1",
            $filter,
            " LIMIT $2"
        )
    };
}

const HOLDERS: &str = select_holders!("");
const HOLDERS_OF_NAMESPACE: &str = select_holders!(
    " AND (r.namespace_id = $3 OR r.namespace_id IN (SELECT p.id FROM namespaces p WHERE p.visibility = 'public'))"
);
const HOLDERS_OF_USER: &str = select_holders!(
    " AND r.namespace_id IN (\
     SELECT nu.namespace_id FROM namespace_users nu WHERE nu.user_id = $3 \
     UNION SELECT nt.namespace_id FROM namespace_teams nt \
     JOIN team_users tu ON tu.team_id = nt.team_id WHERE tu.user_id = $3 \
     UNION SELECT p.id FROM namespaces p WHERE p.visibility = 'public')"
);

/// At most `limit` repositories that hold the blob, in no order, among those of `which` and those that anyone may
/// pull from. Whether the caller may pull from one of them is for the gate to say.
pub async fn holders(
    q: &impl Query,
    digest: &Digest,
    which: Which,
    limit: i64,
) -> Result<Vec<RepositoryName>, DbError> {
    let digest = digest.to_string();
    let name = |row: &Row<'_>| row.parsed(0, RepositoryName::parse);
    match which {
        Which::All => q.list(HOLDERS, params![digest, limit], name).await,
        Which::Of(namespace) => q.list(HOLDERS_OF_NAMESPACE, params![digest, limit, namespace], name).await,
        Which::PulledBy(user) => q.list(HOLDERS_OF_USER, params![digest, limit, user], name).await,
    }
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
