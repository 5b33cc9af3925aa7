//! Manifests, their payloads byte for byte, and what they need to be whole.

use access::{
    id::{ManifestId, RepositoryId},
    time::Instant,
};
use oci::{Digest, Tag};

use crate::{
    db::{DbError, Query, Row, Tx},
    params,
};

/// A manifest as stored, without its payload.
#[derive(Debug, Clone)]
pub struct StoredManifest {
    /// The manifest's id.
    pub id: ManifestId,
    /// The digest under which it is pulled.
    pub digest: Digest,
    /// The Content-Type under which it was pushed and is served.
    pub media_type: String,
    /// The payload's length in bytes.
    pub size: u64,
    /// OCI 1.1 `artifactType`, or empty.
    pub artifact_type: String,
    /// The digest of the manifest that this one is about, if any.
    pub subject: Option<Digest>,
    /// The manifest's own annotations as a JSON object, or empty.
    pub annotations: String,
    /// When it was pushed first.
    pub created_at: Instant,
    /// The principal that pushed it first, in words.
    pub created_by: String,
}

macro_rules! select_manifest {
    ($columns:literal, $from:literal) => {
        concat!(
            "SELECT m.id, m.digest, m.media_type, m.size, m.artifact_type, m.subject_digest, m.created_at, \
             m.created_by, m.annotations",
            $columns,
            " FROM ",
            $from
        )
    };
}

// Neither engine reads the bytes themselves for their length.
const BY_DIGEST: &str = select_manifest!(
    ", CAST(LENGTH(p.bytes) AS BIGINT)",
    "manifests m JOIN manifest_payloads p ON p.manifest_id = m.id WHERE m.repository_id = $1 AND m.digest = $2"
);

/// The manifest with this digest in the repository. One that lost its payload, or has one of another length, counts as
/// absent, so that clients push it again.
pub async fn by_digest(
    q: &impl Query,
    repository: RepositoryId,
    digest: &Digest,
) -> Result<Option<StoredManifest>, DbError> {
    Ok(q.optional(BY_DIGEST, params![repository, digest.to_string()], read_whole).await?.flatten())
}

const BY_TAG: &str = select_manifest!(
    ", CAST(LENGTH(p.bytes) AS BIGINT)",
    "tags t JOIN manifests m ON m.id = t.manifest_id JOIN manifest_payloads p ON p.manifest_id = m.id \
     WHERE t.repository_id = $1 AND t.name = $2"
);

/// The manifest that the tag points at, on the same terms.
pub async fn by_tag(
    q: &impl Query,
    repository: RepositoryId,
    tag: &Tag,
) -> Result<Option<StoredManifest>, DbError> {
    Ok(q.optional(BY_TAG, params![repository, tag.as_str()], read_whole).await?.flatten())
}

/// `None`, and a word to the operator, where the payload has another length than the row says.
fn read_whole(row: &Row<'_>) -> Result<Option<StoredManifest>, DbError> {
    let (manifest, bytes) = (read(row)?, row.int(9)?.cast_unsigned());
    if bytes == manifest.size {
        return Ok(Some(manifest));
    }
    let StoredManifest { digest, size, .. } = manifest;
    tracing::error!(%digest, size, bytes, "a manifest's payload has another length than its row says; run `sealock fsck`");
    Ok(None)
}

fn read(row: &Row<'_>) -> Result<StoredManifest, DbError> {
    let size = row.int(3)?;
    Ok(StoredManifest {
        id: row.parsed(0, ManifestId::parse)?,
        digest: row.parsed(1, Digest::parse)?,
        media_type: row.text(2)?,
        size: u64::try_from(size).map_err(|_| DbError::Corrupt(format!("a manifest of {size} bytes")))?,
        artifact_type: row.text(4)?,
        subject: if row.text(5)?.is_empty() { None } else { Some(row.parsed(5, Digest::parse)?) },
        created_at: row.instant(6)?,
        created_by: row.text(7)?,
        annotations: row.text(8)?,
    })
}

const AFTER: &str = select_manifest!(
    "",
    "manifests m WHERE m.repository_id = $1 AND m.digest > $2 ORDER BY m.digest LIMIT $3"
);

/// The manifests of the repository behind the digest `after`, by digest.
pub async fn after(
    q: &impl Query,
    repository: RepositoryId,
    after: &str,
    limit: i64,
) -> Result<Vec<StoredManifest>, DbError> {
    q.list(AFTER, params![repository, after, limit], read).await
}

/// A tag with the manifest that it points at.
#[derive(Debug, Clone)]
pub struct TaggedManifest {
    /// The tag's name.
    pub tag: String,
    /// When it began to point there.
    pub updated_at: Instant,
    /// The manifest.
    pub manifest: StoredManifest,
    /// Bytes of all blobs that it, or an entry of it, needs; each counted once.
    pub content_bytes: u64,
}

// What an index of indexes holds below its entries is not counted: nobody has shown one.
macro_rules! select_with_bytes {
    ($columns:literal, $from:literal) => {
        concat!(
            "SELECT m.id, m.digest, m.media_type, m.size, m.artifact_type, m.subject_digest, m.created_at, \
             m.created_by, m.annotations, (SELECT CAST(COALESCE(SUM(b.size), 0) AS BIGINT) FROM blobs b \
             WHERE b.digest IN (SELECT mb.digest FROM manifest_blobs mb WHERE mb.manifest_id = m.id \
             UNION SELECT eb.digest FROM manifest_children c \
             JOIN manifests e ON e.repository_id = c.repository_id AND e.digest = c.digest \
             JOIN manifest_blobs eb ON eb.manifest_id = e.id WHERE c.manifest_id = m.id))",
            $columns,
            " FROM ",
            $from
        )
    };
}

const TAGGED: &str = select_with_bytes!(
    ", t.name, t.updated_at",
    "tags t JOIN manifests m ON m.id = t.manifest_id \
     WHERE t.repository_id = $1 AND t.name > $2 ORDER BY t.name LIMIT $3"
);

/// The tags of the repository behind `after` with their manifests, by name.
pub async fn tagged(
    q: &impl Query,
    repository: RepositoryId,
    after: &str,
    limit: i64,
) -> Result<Vec<TaggedManifest>, DbError> {
    q.list(TAGGED, params![repository, after, limit], |row| {
        let (manifest, content_bytes) = read_with_bytes(row)?;
        Ok(TaggedManifest { tag: row.text(10)?, updated_at: row.instant(11)?, manifest, content_bytes })
    })
    .await
}

const ENTRIES: &str = select_with_bytes!(
    "",
    "manifest_children i JOIN manifests m ON m.repository_id = i.repository_id AND m.digest = i.digest \
     WHERE i.manifest_id = $1 ORDER BY m.digest LIMIT $2"
);

/// The manifests among the entries of an index, each with the bytes of all blobs that it needs.
pub async fn entries(
    q: &impl Query,
    index: ManifestId,
    limit: i64,
) -> Result<Vec<(StoredManifest, u64)>, DbError> {
    q.list(ENTRIES, params![index, limit], read_with_bytes).await
}

fn read_with_bytes(row: &Row<'_>) -> Result<(StoredManifest, u64), DbError> {
    let bytes = row.int(9)?;
    let bytes = u64::try_from(bytes).map_err(|_| DbError::Corrupt(format!("blobs of {bytes} bytes")))?;
    Ok((read(row)?, bytes))
}

const CONTENT_BYTES: &str = select_with_bytes!("", "manifests m WHERE m.id = $1");

/// Bytes of all blobs that the manifest, or an entry of it, needs; each counted once.
pub async fn content_bytes(q: &impl Query, id: ManifestId) -> Result<u64, DbError> {
    let found = q.optional(CONTENT_BYTES, params![id], read_with_bytes).await?;
    Ok(found.map(|(_, bytes)| bytes).unwrap_or_default())
}

// `subject_digest <> ''` is what the index is limited to; neither engine would conclude it from the parameter.
const REFERRERS: &str = select_manifest!(
    "",
    "manifests m WHERE m.repository_id = $1 AND m.subject_digest = $2 AND m.subject_digest <> '' \
     AND m.digest > $3 AND (CAST($4 AS TEXT) = '' OR m.artifact_type = $4) ORDER BY m.digest LIMIT $5"
);

/// The manifests of the repository about `subject`, behind the digest `after`, by digest; of one artifact type, or
/// of any where `artifact_type` is empty.
pub async fn referrers(
    q: &impl Query,
    repository: RepositoryId,
    subject: &Digest,
    artifact_type: &str,
    after: &str,
    limit: i64,
) -> Result<Vec<StoredManifest>, DbError> {
    q.list(REFERRERS, params![repository, subject.to_string(), after, artifact_type, limit], read).await
}

const PAYLOAD: &str = "SELECT bytes FROM manifest_payloads WHERE manifest_id = $1";

/// The payload, byte for byte as it was pushed.
pub async fn payload(q: &impl Query, id: ManifestId) -> Result<Option<Vec<u8>>, DbError> {
    q.optional(PAYLOAD, params![id], |row| row.blob(0)).await
}

const INSERT: &str = "INSERT INTO manifests (id, repository_id, digest, media_type, size, artifact_type, \
    subject_digest, created_at, created_by, annotations) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
    ON CONFLICT (repository_id, digest) DO UPDATE SET size = excluded.size RETURNING id";
const INSERT_PAYLOAD: &str = "INSERT INTO manifest_payloads (manifest_id, bytes) VALUES ($1, $2) \
    ON CONFLICT (manifest_id) DO UPDATE SET bytes = excluded.bytes";

/// Adds a manifest with its payload, and answers its id: another one than it came with where the repository has
/// it already. Either way its row is taken for this transaction, so that no deletion comes in between.
pub async fn insert(
    tx: &Tx,
    repository: RepositoryId,
    manifest: &StoredManifest,
    payload: &[u8],
) -> Result<ManifestId, DbError> {
    let size =
        i64::try_from(manifest.size).map_err(|_| DbError::Corrupt("a manifest beyond 2^63 bytes".into()))?;
    let subject = manifest.subject.as_ref().map(Digest::to_string).unwrap_or_default();
    let params = params![
        manifest.id,
        repository,
        manifest.digest.to_string(),
        manifest.media_type.as_str(),
        size,
        manifest.artifact_type.as_str(),
        subject,
        manifest.created_at,
        manifest.created_by.as_str(),
        manifest.annotations.as_str()
    ];
    let id = tx.one(INSERT, params, |row| row.parsed(0, ManifestId::parse)).await?;
    // Whatever had become of payload and length: these bytes were verified a moment ago (DESIGN §5, 3).
    tx.execute(INSERT_PAYLOAD, params![id, payload]).await?;
    Ok(id)
}

const NEEDS_BLOB: &str = "INSERT INTO manifest_blobs (manifest_id, repository_id, digest) \
    SELECT $1, l.repository_id, l.digest FROM repository_blobs l WHERE l.repository_id = $2 AND l.digest = $3";

/// Says that the manifest needs this blob; false where the blob isn't linked in the repository.
/// The blob can't be removed while the row stands. To be called once per digest.
pub async fn needs_blob(
    tx: &Tx,
    manifest: ManifestId,
    repository: RepositoryId,
    digest: &Digest,
) -> Result<bool, DbError> {
    Ok(tx.execute(NEEDS_BLOB, params![manifest, repository, digest.to_string()]).await? == 1)
}

const NEEDS_MANIFEST: &str = "INSERT INTO manifest_children (manifest_id, repository_id, digest) \
    SELECT $1, m.repository_id, m.digest FROM manifests m WHERE m.repository_id = $2 AND m.digest = $3";

/// Says that the manifest, an index, needs this other manifest; false where the repository doesn't have it.
/// To be called once per digest.
pub async fn needs_manifest(
    tx: &Tx,
    manifest: ManifestId,
    repository: RepositoryId,
    digest: &Digest,
) -> Result<bool, DbError> {
    Ok(tx.execute(NEEDS_MANIFEST, params![manifest, repository, digest.to_string()]).await? == 1)
}

const IS_NEEDED: &str =
    "SELECT CAST(1 AS BIGINT) FROM manifest_children WHERE repository_id = $1 AND digest = $2 LIMIT 1";

/// Whether an index in the repository has this manifest among its entries.
pub async fn is_needed(q: &impl Query, repository: RepositoryId, digest: &Digest) -> Result<bool, DbError> {
    Ok(q.optional(IS_NEEDED, params![repository, digest.to_string()], |row| row.int(0)).await?.is_some())
}

const TAKE: &str = "UPDATE manifests SET size = size WHERE repository_id = $1 AND digest = $2 RETURNING id";

/// Takes the manifest's row for this transaction, so that no push points another tag at it meanwhile, and answers its
/// id; `None` where the repository has no such manifest.
pub async fn take(tx: &Tx, repository: RepositoryId, digest: &Digest) -> Result<Option<ManifestId>, DbError> {
    tx.optional(TAKE, params![repository, digest.to_string()], |row| row.parsed(0, ManifestId::parse)).await
}

const DELETE: &str = "DELETE FROM manifests WHERE id = $1";

/// Removes the manifest, its payload, its needs and every tag that points at it. Fails with a conflict where an
/// index still has it as an entry.
pub async fn delete(tx: &Tx, id: ManifestId) -> Result<bool, DbError> {
    Ok(tx.execute(DELETE, params![id]).await? == 1)
}
