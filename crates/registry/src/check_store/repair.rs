//! What `--repair` changes in the database: each change with its audit row, in one transaction.

use access::id::AuditId;
use storage::{
    audit::{self, Record},
    checks::{self, CheckedBlob, CheckedManifest, CheckedSession},
    db::{DbError, Tx, retried},
};

use super::{Check, GRACE, ProblemKind};
use crate::{history::record_at_the_store, upload::SESSION_LIFETIME};

impl Check<'_> {
    /// Says at the row what is wrong with its bytes, or that nothing is any more; false where it names others by now.
    pub(super) async fn mark(&self, row: &CheckedBlob, damage: Option<ProblemKind>) -> Result<bool, DbError> {
        let key = &row.blob.key;
        let event = if damage.is_some() { "blob.marked-damaged" } else { "blob.found-whole" };
        let told = serde_json::json!({ "damage": damage.map(ProblemKind::as_str), "size": row.blob.size });
        let record = Record { after: told.to_string(), ..record_at_the_store(event, row.digest.to_string()) };
        retried(|| async {
            let tx = self.db.begin().await?;
            let is_changed = match damage {
                Some(_) => checks::mark(&tx, &row.digest, key).await?,
                None => checks::unmark(&tx, &row.digest, key).await?,
            };
            self.commit(tx, is_changed, &record).await
        })
        .await
    }

    /// Ends a session that lost bytes, unless it moved on, or a request may be at work on it: one that claimed it less
    /// than [`GRACE`] ago and did not say that it was done.
    pub(super) async fn end_session(&self, session: &CheckedSession) -> Result<bool, DbError> {
        let claimed_long_ago = self.now.minus(GRACE).plus(SESSION_LIFETIME);
        let target = format!("upload {} to {}", session.id, session.repository);
        let record = Record {
            namespace_id: session.namespace_id.clone(),
            before: serde_json::json!({ "bytes": session.state.offset() }).to_string(),
            ..record_at_the_store("upload.ended", target)
        };
        retried(|| async {
            let tx = self.db.begin().await?;
            let is_ended = checks::end_session(&tx, session, claimed_long_ago).await?;
            self.commit(tx, is_ended, &record).await
        })
        .await
    }

    /// Ends a session that nobody can go on with, since its row can't be read.
    pub(super) async fn end_unreadable_session(&self, key: &str) -> Result<bool, DbError> {
        let record = record_at_the_store("upload.ended", format!("upload {key}"));
        retried(|| async {
            let tx = self.db.begin().await?;
            let is_ended = checks::end_unreadable_session(&tx, key).await?;
            self.commit(tx, is_ended, &record).await
        })
        .await
    }

    /// Says at a manifest's row how many bytes its payload has; false where it says another length by now.
    pub(super) async fn set_size(&self, row: &CheckedManifest, size: u64) -> Result<bool, DbError> {
        let told = |size: u64| serde_json::json!({ "size": size }).to_string();
        let record = Record {
            namespace_id: row.namespace_id.clone(),
            before: told(row.size),
            after: told(size),
            ..record_at_the_store("manifest.size-corrected", format!("{}@{}", row.repository, row.digest))
        };
        retried(|| async {
            let tx = self.db.begin().await?;
            let is_set = checks::set_size(&tx, row, size).await?;
            self.commit(tx, is_set, &record).await
        })
        .await
    }

    /// Takes a manifest's payload away; false where it is another one by now.
    pub(super) async fn drop_payload(&self, row: &CheckedManifest, payload: &[u8]) -> Result<bool, DbError> {
        let record = Record {
            namespace_id: row.namespace_id.clone(),
            ..record_at_the_store("manifest.payload-dropped", format!("{}@{}", row.repository, row.digest))
        };
        retried(|| async {
            let tx = self.db.begin().await?;
            let is_dropped = checks::drop_payload(&tx, row.id, payload).await?;
            self.commit(tx, is_dropped, &record).await
        })
        .await
    }

    /// Writes what was done, if anything was, and makes it last; answers whether.
    async fn commit(&self, tx: Tx, is_changed: bool, record: &Record<'_>) -> Result<bool, DbError> {
        if is_changed {
            let now = self.clock.now();
            audit::record(&tx, AuditId::mint(now, self.random), now, record).await?;
        }
        tx.commit().await?;
        Ok(is_changed)
    }
}
