//! What `fsck` asks of the tables, page by page, so that neither memory nor a statement grows with the store; and how
//! it marks what is damaged, so that a push of the same bytes heals it.

use access::{
    id::{ManifestId, UploadId},
    time::Instant,
};
use oci::Digest;

use crate::{
    blobs::{Key, State},
    db::{DbError, Query, Row, Tx},
    links::{self, StoredBlob},
    params,
    uploads::read_state,
};

/// A row, and the key by which it is found: the place to go on behind.
#[derive(Debug)]
pub struct Keyed<T> {
    /// The key, as it stands in the row.
    pub key: String,
    /// The row; an error where it holds what this version can't have written, which is no reason to look at no other.
    pub row: Result<T, DbError>,
}

/// A blob's row as it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedBlob {
    /// The digest that its bytes are to have.
    pub digest: Digest,
    /// Where they are to lie, and how many they are to be.
    pub blob: StoredBlob,
    /// Whether an earlier check found them damaged.
    pub is_marked: bool,
}

const BLOBS_AFTER: &str = "SELECT key, size, digest, CASE WHEN damaged_key = key THEN CAST(1 AS BIGINT) \
    ELSE CAST(0 AS BIGINT) END FROM blobs WHERE digest > $1 ORDER BY digest LIMIT $2";

/// The blobs behind the digest `after`, by digest.
pub async fn blobs_after(
    q: &impl Query,
    after: &str,
    limit: i64,
) -> Result<Vec<Keyed<CheckedBlob>>, DbError> {
    q.list(BLOBS_AFTER, params![after, limit], |row| Ok(Keyed { key: row.text(2)?, row: read_blob(row) }))
        .await
}

fn read_blob(row: &Row<'_>) -> Result<CheckedBlob, DbError> {
    let digest = row.parsed(2, Digest::parse)?;
    Ok(CheckedBlob { digest, blob: links::read(row)?, is_marked: row.bool(3)? })
}

const NAMES: &str = "SELECT CAST(1 AS BIGINT) FROM blobs WHERE key = $1";

/// Whether a blob's row names this place.
pub async fn is_named(q: &impl Query, key: &Key) -> Result<bool, DbError> {
    Ok(q.optional(NAMES, params![key.as_str()], |row| row.int(0)).await?.is_some())
}

const MARK: &str = "UPDATE blobs SET damaged_key = key WHERE digest = $1 AND key = $2";
const UNMARK: &str = "UPDATE blobs SET damaged_key = '' WHERE digest = $1 AND key = $2";

/// Says that the bytes under this key are damaged: the blob counts as absent until other bytes take their place.
/// False where they have already.
pub async fn mark(tx: &Tx, digest: &Digest, key: &Key) -> Result<bool, DbError> {
    Ok(tx.execute(MARK, params![digest.to_string(), key.as_str()]).await? == 1)
}

/// Says that the bytes under this key are whole again: somebody brought them back.
pub async fn unmark(tx: &Tx, digest: &Digest, key: &Key) -> Result<bool, DbError> {
    Ok(tx.execute(UNMARK, params![digest.to_string(), key.as_str()]).await? == 1)
}

/// An upload session as it is checked.
#[derive(Debug)]
pub struct CheckedSession {
    /// Its id.
    pub id: UploadId,
    /// Where it stands.
    pub state: State,
    /// The namespace in which it was opened, by id.
    pub namespace_id: String,
    /// The repository that the blob is for.
    pub repository: String,
}

const SESSIONS_AFTER: &str =
    "SELECT id, state, namespace_id, repository FROM upload_sessions WHERE id > $1 ORDER BY id LIMIT $2";

/// The upload sessions behind the id `after`, by id.
pub async fn sessions_after(
    q: &impl Query,
    after: &str,
    limit: i64,
) -> Result<Vec<Keyed<CheckedSession>>, DbError> {
    let read = |row: &Row<'_>| Ok(Keyed { key: row.text(0)?, row: read_session(row) });
    q.list(SESSIONS_AFTER, params![after, limit], read).await
}

fn read_session(row: &Row<'_>) -> Result<CheckedSession, DbError> {
    Ok(CheckedSession {
        id: row.parsed(0, UploadId::parse)?,
        state: read_state(row, 1)?,
        namespace_id: row.text(2)?,
        repository: row.text(3)?,
    })
}

const END_SESSION: &str = "DELETE FROM upload_sessions WHERE id = $1 AND state = $2 \
    AND (claim_is_open = 0 OR expires_at <= $3)";

/// Ends a session that still stands where it was found, and that no request is at work on: none has claimed it, or
/// whoever did was killed. A claim moves the expiry, so one that expires by `expires_by` was claimed long before.
pub async fn end_session(tx: &Tx, session: &CheckedSession, expires_by: Instant) -> Result<bool, DbError> {
    let params = params![session.id, session.state.to_bytes(), expires_by];
    Ok(tx.execute(END_SESSION, params).await? == 1)
}

const TAKE_SESSION: &str = "UPDATE upload_sessions SET claim = claim WHERE id = $1 \
    RETURNING id, state, namespace_id, repository";
const DROP_SESSION: &str = "DELETE FROM upload_sessions WHERE id = $1";

/// Ends a session whose row can't be read, with which nobody can go on; false where it is gone, or can be read by now.
pub async fn end_unreadable_session(tx: &Tx, key: &str) -> Result<bool, DbError> {
    let is_unreadable = tx.optional(TAKE_SESSION, params![key], |row| Ok(read_session(row).is_err())).await?;
    Ok(is_unreadable == Some(true) && tx.execute(DROP_SESSION, params![key]).await? == 1)
}

/// A row that points at another, which a constraint says is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The first part of the row's key: the place to go on behind.
    pub owner: String,
    /// The second part.
    pub name: String,
    /// The repository that it stands in; empty where that is gone too.
    pub repository: String,
    /// Whether what it points at is there.
    pub is_whole: bool,
}

/// The tables whose rows point at content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Referring {
    /// Links: a repository and a blob.
    Links,
    /// A manifest and a blob that it needs.
    ManifestBlobs,
    /// An index and a manifest that it needs.
    ManifestChildren,
    /// A repository's tag and a manifest of it.
    Tags,
}

impl Referring {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Links, Self::ManifestBlobs, Self::ManifestChildren, Self::Tags];
}

// Joins, and no EXISTS among the columns: PostgreSQL may answer that by reading all of the other table for a page.
macro_rules! select_references {
    ($key:literal, $table:literal, $joins:literal, $there:literal) => {
        concat!(
            "SELECT ",
            $key,
            ", COALESCE(r.name, ''), CASE WHEN ",
            $there,
            " THEN CAST(1 AS BIGINT) ELSE CAST(0 AS BIGINT) END FROM ",
            $table,
            " t LEFT JOIN repositories r ON r.id = t.repository_id ",
            $joins,
            " WHERE (",
            $key,
            ") > ($1, $2) ORDER BY ",
            $key,
            " LIMIT $3"
        )
    };
}

const LINKS: &str = select_references!(
    "t.repository_id, t.digest",
    "repository_blobs",
    "LEFT JOIN blobs b ON b.digest = t.digest",
    "b.digest IS NOT NULL AND r.id IS NOT NULL"
);
const MANIFEST_BLOBS: &str = select_references!(
    "t.manifest_id, t.digest",
    "manifest_blobs",
    "LEFT JOIN repository_blobs l ON l.repository_id = t.repository_id AND l.digest = t.digest \
     LEFT JOIN manifests o ON o.id = t.manifest_id",
    "l.digest IS NOT NULL AND o.id IS NOT NULL"
);
const MANIFEST_CHILDREN: &str = select_references!(
    "t.manifest_id, t.digest",
    "manifest_children",
    "LEFT JOIN manifests m ON m.repository_id = t.repository_id AND m.digest = t.digest \
     LEFT JOIN manifests o ON o.id = t.manifest_id",
    "m.id IS NOT NULL AND o.id IS NOT NULL"
);
const TAGS: &str = select_references!(
    "t.repository_id, t.name",
    "tags",
    "LEFT JOIN manifests m ON m.id = t.manifest_id AND m.repository_id = t.repository_id",
    "m.id IS NOT NULL"
);

/// The references of a table behind (`owner`, `name`), in this order.
pub async fn references_after(
    q: &impl Query,
    table: Referring,
    (owner, name): (&str, &str),
    limit: i64,
) -> Result<Vec<Reference>, DbError> {
    let after = params![owner, name, limit];
    let read = |row: &Row<'_>| {
        let (owner, name, repository) = (row.text(0)?, row.text(1)?, row.text(2)?);
        Ok(Reference { owner, name, repository, is_whole: row.bool(3)? })
    };
    match table {
        Referring::Links => q.list(LINKS, after, read).await,
        Referring::ManifestBlobs => q.list(MANIFEST_BLOBS, after, read).await,
        Referring::ManifestChildren => q.list(MANIFEST_CHILDREN, after, read).await,
        Referring::Tags => q.list(TAGS, after, read).await,
    }
}

/// A manifest as it is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedManifest {
    /// Its id.
    pub id: ManifestId,
    /// The digest that its payload is to have.
    pub digest: Digest,
    /// The repository that it is in; empty where that is gone.
    pub repository: String,
    /// The namespace of that, by id; empty likewise.
    pub namespace_id: String,
    /// How many bytes its payload is to have.
    pub size: u64,
    /// How many it has; none where there is no payload.
    pub payload_bytes: Option<u64>,
}

// Neither engine reads the bytes themselves for their length.
const MANIFESTS_AFTER: &str = "SELECT m.id, m.digest, COALESCE(r.name, ''), COALESCE(r.namespace_id, ''), \
    m.size, COALESCE(CAST(LENGTH(p.bytes) AS BIGINT), CAST(-1 AS BIGINT)) FROM manifests m \
    LEFT JOIN repositories r ON r.id = m.repository_id LEFT JOIN manifest_payloads p ON p.manifest_id = m.id \
    WHERE m.id > $1 ORDER BY m.id LIMIT $2";

/// The manifests behind the id `after`, by id.
pub async fn manifests_after(
    q: &impl Query,
    after: &str,
    limit: i64,
) -> Result<Vec<Keyed<CheckedManifest>>, DbError> {
    let read = |row: &Row<'_>| Ok(Keyed { key: row.text(0)?, row: read_manifest(row) });
    q.list(MANIFESTS_AFTER, params![after, limit], read).await
}

fn read_manifest(row: &Row<'_>) -> Result<CheckedManifest, DbError> {
    let size = row.int(4)?;
    Ok(CheckedManifest {
        id: row.parsed(0, ManifestId::parse)?,
        digest: row.parsed(1, Digest::parse)?,
        repository: row.text(2)?,
        namespace_id: row.text(3)?,
        size: u64::try_from(size).map_err(|_| DbError::Corrupt(format!("a manifest of {size} bytes")))?,
        payload_bytes: u64::try_from(row.int(5)?).ok(),
    })
}

const MANIFEST: &str = "SELECT CAST(1 AS BIGINT) FROM manifests WHERE id = $1";

/// Whether the manifest is still there.
pub async fn has_manifest(q: &impl Query, id: ManifestId) -> Result<bool, DbError> {
    Ok(q.optional(MANIFEST, params![id], |row| row.int(0)).await?.is_some())
}

const SET_SIZE: &str = "UPDATE manifests SET size = $3 WHERE id = $1 AND size = $2";

/// Says how many bytes the payload has, which is what its manifest's digest says; false where the row says another
/// length by now than the one that was read.
pub async fn set_size(tx: &Tx, row: &CheckedManifest, size: u64) -> Result<bool, DbError> {
    Ok(tx.execute(SET_SIZE, params![row.id, row.size.cast_signed(), size.cast_signed()]).await? == 1)
}

const DROP_PAYLOAD: &str = "DELETE FROM manifest_payloads WHERE manifest_id = $1 AND bytes = $2";

/// Takes a payload away that is not what its manifest's digest says: the manifest counts as absent until it is pushed
/// again. False where that has happened.
pub async fn drop_payload(tx: &Tx, id: ManifestId, damaged: &[u8]) -> Result<bool, DbError> {
    Ok(tx.execute(DROP_PAYLOAD, params![id, damaged]).await? == 1)
}
