//! The sweeper: what time has ended is tidied away. Nothing is refused or allowed because of it; an expired token is
//! dead at the instant of its expiry, whether or not anybody swept since (rule 2).

use access::{
    id::AuditId,
    time::{Instant, Length},
};
use storage::{
    audit::{self, Record},
    db::{DbError, Tx, retried},
    secrets, sessions, signing_keys,
    tombstones::{self, ExpiredToken},
    uploads::{self, ExpiredUpload},
};

use crate::{Registry, signing::RETIRED_VERIFIES_FOR};

/// How long a tombstone explains refusals (DESIGN §2 rule 2).
const KEPT_AS_TOMBSTONE: Length = Length::days(90);
/// How many rows one transaction of the sweeper takes at most, so that nobody waits long behind it.
const AT_ONCE: i64 = 200;

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// Tokens that were found expired and became tombstones.
    pub expired_tokens: usize,
    /// Tombstones, and ended secrets of living tokens, that were older than 90 days.
    pub purged: u64,
    /// Upload sessions that nobody went on with, whose bytes went too.
    pub uploads: usize,
    /// Upload sessions that became a blob an hour ago, and are remembered no longer.
    pub ended_uploads: u64,
    /// Sessions of the console that had expired.
    pub sessions: u64,
    /// Retired signing keys, none of whose bearers can be alive.
    pub keys: u64,
}

impl Registry {
    /// Makes tombstones of expired tokens, removes tombstones after 90 days, ends expired upload sessions. Replicas may
    /// sweep at once: each thing is done by one of them.
    pub async fn sweep(&self, now: Instant) -> Result<Swept, DbError> {
        let mut swept = Swept::default();
        loop {
            let ended = retried(|| self.end_expired(now)).await?;
            swept.expired_tokens += ended;
            if ended < AT_ONCE as usize {
                break;
            }
        }
        swept.purged = self.purge(now.minus(KEPT_AS_TOMBSTONE)).await?;
        swept.uploads = self.end_expired_uploads(now).await?;
        swept.ended_uploads = self.forget_ended_uploads(now).await?;
        swept.sessions = self.purge_sessions(now).await?;
        swept.keys = self.purge_keys(now.minus(RETIRED_VERIFIES_FOR)).await?;
        Ok(swept)
    }

    async fn end_expired(&self, now: Instant) -> Result<usize, DbError> {
        let tx = self.db.begin().await?;
        let expired = tombstones::end_expired(&tx, now, AT_ONCE).await?;
        for token in &expired {
            self.record_expired(&tx, token, now).await?;
        }
        tx.commit().await?;
        Ok(expired.len())
    }

    async fn purge(&self, ended_by: Instant) -> Result<u64, DbError> {
        let mut all = 0;
        loop {
            let purged = retried(|| async {
                let tx = self.db.begin().await?;
                let purged = [
                    tombstones::purge(&tx, ended_by, AT_ONCE).await?,
                    secrets::purge(&tx, ended_by, AT_ONCE).await?,
                ];
                tx.commit().await?;
                Ok::<_, DbError>(purged)
            });
            let purged = purged.await?;
            all += purged.iter().sum::<u64>();
            if purged.iter().all(|count| *count < AT_ONCE.unsigned_abs()) {
                return Ok(all);
            }
        }
    }

    async fn forget_ended_uploads(&self, now: Instant) -> Result<u64, DbError> {
        let mut all = 0;
        loop {
            let forgotten = retried(|| async {
                let tx = self.db.begin().await?;
                let forgotten = uploads::forget(&tx, now, AT_ONCE).await?;
                tx.commit().await?;
                Ok::<_, DbError>(forgotten)
            });
            let forgotten = forgotten.await?;
            all += forgotten;
            if forgotten < AT_ONCE.unsigned_abs() {
                return Ok(all);
            }
        }
    }

    async fn purge_sessions(&self, now: Instant) -> Result<u64, DbError> {
        let mut all = 0;
        loop {
            let purged = retried(|| async {
                let tx = self.db.begin().await?;
                let purged = sessions::purge(&tx, now, AT_ONCE).await?;
                tx.commit().await?;
                Ok::<_, DbError>(purged)
            });
            let purged = purged.await?;
            all += purged;
            if purged < AT_ONCE.unsigned_abs() {
                return Ok(all);
            }
        }
    }

    async fn purge_keys(&self, retired_by: Instant) -> Result<u64, DbError> {
        let purged = retried(|| async {
            let tx = self.db.begin().await?;
            let purged = signing_keys::purge(&tx, retired_by).await?;
            tx.commit().await?;
            Ok::<_, DbError>(purged)
        });
        purged.await
    }

    async fn end_expired_uploads(&self, now: Instant) -> Result<usize, DbError> {
        let mut all = 0;
        loop {
            let expired = uploads::expired(&self.db, now, AT_ONCE).await?;
            for upload in &expired {
                all += usize::from(self.end_expired_upload(upload, now).await?);
            }
            if expired.len() < AT_ONCE as usize {
                return Ok(all);
            }
        }
    }

    /// The row first: while it is there, nobody but its session knows where the bytes are. If this dies in between, the
    /// bytes are left for `fsck`; the other way round, a session would be left without its bytes.
    async fn end_expired_upload(&self, upload: &ExpiredUpload, now: Instant) -> Result<bool, DbError> {
        let is_ours = retried(|| async {
            let tx = self.db.begin().await?;
            let is_ours = uploads::delete_expired(&tx, &upload.id, now).await?;
            tx.commit().await?;
            Ok::<_, DbError>(is_ours)
        });
        let is_ours = is_ours.await?;
        match &upload.state {
            Ok(state) if is_ours => self.abort(state).await,
            // It goes like the others: were it left, it would be in the way of each sweep to come.
            Err(error) if is_ours => {
                tracing::warn!(%error, upload = upload.id, "an expired upload can't be read; fsck will find its bytes");
            }
            Ok(_) | Err(_) => {}
        }
        Ok(is_ours)
    }

    /// Writes that a token was found expired, by whoever found it.
    pub(crate) async fn record_expired(
        &self,
        tx: &Tx,
        token: &ExpiredToken,
        now: Instant,
    ) -> Result<(), DbError> {
        let record = Record {
            actor: "the sweeper".to_owned(),
            event: "token.expired",
            target: token.to_string(),
            namespace_id: token.namespace.map(|id| id.to_string()).unwrap_or_default(),
            token_id: token.id.to_string(),
            user_id: token.user.map(|id| id.to_string()).unwrap_or_default(),
            before: serde_json::json!({ "expires_at": token.expired_at }).to_string(),
            ..Record::default()
        };
        audit::record(tx, AuditId::mint(now, self.random.as_ref()), now, &record).await
    }
}
