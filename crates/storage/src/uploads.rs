//! Upload sessions. The row is what several appends and several replicas agree by: each append claims it with a
//! new number, and only the latest claim may acknowledge.

use access::{
    id::{NamespaceId, UploadId},
    time::Instant,
};
use oci::{Digest, RepositoryName};

use crate::{
    blobs::State,
    db::{DbError, Param, Query, Row, Tx},
    params,
};

/// A session taken for one append.
#[derive(Debug)]
pub struct ClaimedUpload {
    /// Where the upload stands.
    pub state: State,
    /// This append's number; a later one takes the session over.
    pub claim: u64,
    /// Whether an earlier append never said that it was done: it may still be writing.
    pub takes_over: bool,
}

const INSERT: &str = "INSERT INTO upload_sessions (id, namespace_id, repository, principal, state, \
    claim, claim_is_open, expires_at) VALUES ($1, $2, $3, $4, $5, 0, 0, $6)";

/// Whose session it is: an id in another repository, namespace or hand is as good as none.
#[derive(Debug, Clone, Copy)]
pub struct SessionKey<'a> {
    /// The session.
    pub id: UploadId,
    /// The namespace in which it was opened, by id: a namespace made again owes it nothing.
    pub namespace: NamespaceId,
    /// The repository that the blob is for, which may not exist yet.
    pub repository: &'a RepositoryName,
    /// Who opened it, as kind and id.
    pub principal: &'a str,
}

/// Opens a session.
pub async fn insert(tx: &Tx, key: SessionKey<'_>, state: &State, expires_at: Instant) -> Result<(), DbError> {
    let params =
        params![key.id, key.namespace, key.repository.as_str(), key.principal, state.to_bytes(), expires_at];
    tx.execute(INSERT, params).await?;
    Ok(())
}

const FIND: &str = "SELECT state FROM upload_sessions \
    WHERE id = $1 AND namespace_id = $2 AND repository = $3 AND principal = $4 AND expires_at > $5";

/// Where the session stands, unless it is somebody else's or has expired.
pub async fn find(q: &impl Query, key: SessionKey<'_>, now: Instant) -> Result<Option<State>, DbError> {
    q.optional(FIND, mine(&key, now).as_slice(), |row| read_state(row, 0)).await
}

fn mine<'a>(key: &'a SessionKey<'a>, now: Instant) -> Vec<Param<'a>> {
    params![key.id, key.namespace, key.repository.as_str(), key.principal, now].to_vec()
}

pub(crate) fn read_state(row: &Row<'_>, column: usize) -> Result<State, DbError> {
    State::from_bytes(&row.blob(column)?)
        .map_err(|error| DbError::Corrupt(format!("an upload's state: {error}")))
}

const CLAIM: &str = "UPDATE upload_sessions SET claim = claim + 1 \
    WHERE id = $1 AND namespace_id = $2 AND repository = $3 AND principal = $4 AND expires_at > $5 \
    RETURNING state, claim, claim_is_open";
const OPEN: &str = "UPDATE upload_sessions SET claim_is_open = 1, expires_at = $2 WHERE id = $1";

/// Claims the session for one append and moves its expiry; `None` where it is somebody else's or gone. The row
/// is written before it is read, so that two claims queue.
pub async fn claim(
    tx: &Tx,
    key: SessionKey<'_>,
    now: Instant,
    expires_at: Instant,
) -> Result<Option<ClaimedUpload>, DbError> {
    let read = |row: &Row<'_>| {
        let claim = row.int(1)?.unsigned_abs();
        Ok(ClaimedUpload { state: read_state(row, 0)?, claim, takes_over: row.bool(2)? })
    };
    let claimed = tx.optional(CLAIM, mine(&key, now).as_slice(), read).await?;
    if claimed.is_some() {
        tx.execute(OPEN, params![key.id, expires_at]).await?;
    }
    Ok(claimed)
}

const STATE: &str = "SELECT state FROM upload_sessions WHERE id = $1";

/// Where the session stands, whoever holds it; `None` once it is gone.
pub async fn state(q: &impl Query, id: UploadId) -> Result<Option<State>, DbError> {
    q.optional(STATE, params![id], |row| read_state(row, 0)).await
}

const ACKNOWLEDGE: &str = "UPDATE upload_sessions SET state = $3, claim_is_open = 0 WHERE id = $1 AND claim = $2 AND claim_is_open = 1";

/// Makes `state` the session's truth and closes the claim; false where a later claim took over or the session
/// is gone. Also how a failed append gives its claim back: with the state that it found.
pub async fn acknowledge(tx: &Tx, id: UploadId, claim: u64, state: &State) -> Result<bool, DbError> {
    Ok(tx.execute(ACKNOWLEDGE, params![id, claim.cast_signed(), state.to_bytes()]).await? == 1)
}

const DELETE_CLAIMED: &str = "DELETE FROM upload_sessions WHERE id = $1 AND claim = $2";

/// Ends the session, where this claim still holds it: the commit of an upload happens once.
pub async fn delete_claimed(tx: &Tx, id: UploadId, claim: u64) -> Result<bool, DbError> {
    Ok(tx.execute(DELETE_CLAIMED, params![id, claim.cast_signed()]).await? == 1)
}

const REMEMBER: &str = "INSERT INTO ended_uploads (id, namespace_id, repository, principal, digest, forget_at) \
    SELECT id, namespace_id, repository, principal, CAST($3 AS TEXT), CAST($4 AS BIGINT) \
    FROM upload_sessions WHERE id = $1 AND claim = $2";

/// Ends the session as [`delete_claimed`] does, in the transaction that links the blob, and remembers until `forget_at`
/// that it became `digest`.
pub async fn end_as_blob(
    tx: &Tx,
    id: UploadId,
    claim: u64,
    digest: &Digest,
    forget_at: Instant,
) -> Result<bool, DbError> {
    tx.execute(REMEMBER, params![id, claim.cast_signed(), digest.as_str(), forget_at]).await?;
    delete_claimed(tx, id, claim).await
}

const BECAME: &str = "SELECT CAST(1 AS BIGINT) FROM ended_uploads e \
    JOIN repositories r ON r.name = e.repository AND r.namespace_id = e.namespace_id \
    JOIN repository_blobs rb ON rb.repository_id = r.id AND rb.digest = e.digest \
    JOIN blobs b ON b.digest = e.digest AND b.damaged_key <> b.key \
    WHERE e.id = $1 AND e.namespace_id = $2 AND e.repository = $3 AND e.principal = $4 AND e.forget_at > $5 \
    AND e.digest = $6";

/// Whether that session became `digest` a while ago, and the blob is still there.
pub async fn became(
    q: &impl Query,
    key: SessionKey<'_>,
    digest: &Digest,
    now: Instant,
) -> Result<bool, DbError> {
    let mut params = mine(&key, now);
    params.push(digest.as_str().into());
    Ok(q.optional(BECAME, params.as_slice(), |row| row.int(0)).await?.is_some())
}

const FORGET: &str = "DELETE FROM ended_uploads WHERE id IN \
    (SELECT e.id FROM ended_uploads e WHERE e.forget_at <= $1 ORDER BY e.forget_at LIMIT $2)";

/// Forgets at most `limit` ended sessions whose time is over. Returns their number.
pub async fn forget(tx: &Tx, now: Instant, limit: i64) -> Result<u64, DbError> {
    tx.execute(FORGET, params![now, limit]).await
}

// The count stops at the limit, so that it costs little with any number of rows.
const OPEN_OF_PRINCIPAL: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM upload_sessions \
    WHERE principal = $1 AND expires_at > $2 LIMIT $3) open";
const OPEN_OF_NAMESPACE: &str = "SELECT COUNT(*) FROM (SELECT 1 FROM upload_sessions \
    WHERE namespace_id = $1 AND expires_at > $2 LIMIT $3) open";

/// Counts the open sessions of a principal, up to `limit`.
pub async fn count_of_principal(
    q: &impl Query,
    principal: &str,
    now: Instant,
    limit: i64,
) -> Result<i64, DbError> {
    q.one(OPEN_OF_PRINCIPAL, params![principal, now, limit], |row| row.int(0)).await
}

/// Counts the open sessions of a namespace, up to `limit`.
pub async fn count_of_namespace(
    q: &impl Query,
    namespace: NamespaceId,
    now: Instant,
    limit: i64,
) -> Result<i64, DbError> {
    q.one(OPEN_OF_NAMESPACE, params![namespace, now, limit], |row| row.int(0)).await
}

const MOVE_TO: &str =
    "UPDATE upload_sessions SET state = $3 WHERE id = $1 AND claim = $2 AND claim_is_open = 1";

/// Makes `state` the session's truth and keeps the claim: how a take-over moves to a place of its own.
/// False where a later claim took over or the session is gone.
pub async fn move_to(tx: &Tx, id: UploadId, claim: u64, state: &State) -> Result<bool, DbError> {
    Ok(tx.execute(MOVE_TO, params![id, claim.cast_signed(), state.to_bytes()]).await? == 1)
}

const EXPIRED: &str =
    "SELECT id, state FROM upload_sessions WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2";

/// A session whose time is over.
#[derive(Debug)]
pub struct ExpiredUpload {
    /// Its id, as it stands in its row.
    pub id: String,
    /// Where it stands; an error where the row holds what this version can't read, which ends it all the same.
    pub state: Result<State, DbError>,
}

/// At most `limit` sessions whose time is over, with where each stands.
pub async fn expired(q: &impl Query, now: Instant, limit: i64) -> Result<Vec<ExpiredUpload>, DbError> {
    let read = |row: &Row<'_>| Ok(ExpiredUpload { id: row.text(0)?, state: read_state(row, 1) });
    q.list(EXPIRED, params![now, limit], read).await
}

const DELETE_EXPIRED: &str = "DELETE FROM upload_sessions WHERE id = $1 AND expires_at <= $2";

/// Ends a session whose time is over; false where another replica did, so that its bytes are taken away once.
pub async fn delete_expired(tx: &Tx, id: &str, now: Instant) -> Result<bool, DbError> {
    Ok(tx.execute(DELETE_EXPIRED, params![id, now]).await? == 1)
}

const OF_NAMESPACE: &str = "SELECT state FROM upload_sessions WHERE namespace_id = $1 ORDER BY id";

/// Where the uploads of a namespace stand, so that their bytes can be taken away when it is deleted. One whose state
/// can't be read keeps no namespace alive: it is left out, and its bytes are for `fsck` to find.
pub async fn of_namespace(q: &impl Query, namespace: NamespaceId) -> Result<Vec<State>, DbError> {
    let states = q.list(OF_NAMESPACE, params![namespace], |row| Ok(read_state(row, 0).ok())).await?;
    Ok(states.into_iter().flatten().collect())
}
