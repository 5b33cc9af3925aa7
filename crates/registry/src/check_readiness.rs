//! Whether requests can be answered, and what is missing if not.

use std::{
    io,
    sync::{Arc, PoisonError},
    time::Duration,
};

use access::time::{Instant, Length, MAX_CLOCK_DIFFERENCE};
use futures_util::{StreamExt, stream};
use storage::{
    blobs::{BlobError, BlobStore, Body, BodyError},
    db::{Db, DbError},
};
use tokio::{sync::Mutex, task::JoinHandle, time::timeout};

use crate::Registry;

/// How far this machine's clock may be from the database's, in seconds: two replicas that are wrong in opposite directions
/// differ by at most [`MAX_CLOCK_DIFFERENCE`] then.
const MAX_SECONDS_OFF: u64 = MAX_CLOCK_DIFFERENCE.as_millis().unsigned_abs() / 2000;
/// How long database and blob store may take to answer: a disk or a network that hangs says nothing at all, and whoever
/// asks whether requests can be answered waits some seconds at most (a probe of Kubernetes one, unless told otherwise).
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a write to the database that succeeded stands for the next ones: any client may ask, and each write costs an fsync.
const WRITTEN_FOR: Length = Length::seconds(5);
/// What is written to see whether something can be.
const PROBE: &[u8] = b"?";

/// Something without which requests are not answered, or wrongly.
#[derive(Debug, thiserror::Error)]
pub enum Missing {
    /// The database.
    #[error("the database does not answer")]
    Database(#[source] DbError),
    /// A database that takes writes: its file system is read-only, for example.
    #[error("the database can't be written to")]
    WritableDatabase(#[source] DbError),
    /// The blob store.
    #[error("the blob store can't be written to")]
    Blobs(#[source] BlobError),
    /// Any word of the blob store.
    #[error("the blob store does not answer")]
    SilentBlobs,
    /// The right time: tokens and bearers would end too early or too late.
    #[error(
        "this machine's clock is {seconds} s off the database's, and {MAX_SECONDS_OFF} s are allowed; \
         set it (NTP)"
    )]
    Time {
        /// By how much, in seconds.
        seconds: u64,
    },
}

/// The look at the blob store that is under way, if one is. A disk that hangs is asked once and not again by everybody who
/// wants to know: each question keeps a thread.
#[derive(Default)]
pub(crate) struct BlobLook(Mutex<Option<JoinHandle<Result<(), BlobError>>>>);

impl BlobLook {
    /// What came of writing a byte; `None` where nothing has for [`PATIENCE`], and the next who asks waits for the same.
    async fn outcome(&self, blobs: &Arc<dyn BlobStore>) -> Option<Result<(), BlobError>> {
        let mut under_way = self.0.lock().await;
        let look = under_way.get_or_insert_with(|| tokio::spawn(write_a_byte(Arc::clone(blobs))));
        let outcome = timeout(PATIENCE, look).await.ok()?;
        *under_way = None;
        Some(outcome.unwrap_or_else(|panicked| Err(BlobError::Io(io::Error::other(panicked)))))
    }
}

async fn write_a_byte(blobs: Arc<dyn BlobStore>) -> Result<(), BlobError> {
    let begun = blobs.begin(None).await?;
    let body: Body<'_> = stream::iter([Ok::<_, BodyError>(PROBE.into())]).boxed();
    let written = blobs.append(&begun, body, PROBE.len() as u64).await;
    // Also where it went wrong half way.
    let dropped = blobs.abort(&begun).await;
    written.and(dropped)
}

/// Checks that database and blob store can be written to, before a start changes either. A full disk does not refuse
/// the start, because pulls work without writing.
///
/// # Errors
/// With the one that cannot be written to.
pub async fn check_writable(db: &Db, blobs: &Arc<dyn BlobStore>) -> Result<(), Missing> {
    not_writable(db.check_writable().await).map_or(Ok(()), Err)?;
    match write_a_byte(Arc::clone(blobs)).await {
        Ok(()) | Err(BlobError::Full) => Ok(()),
        Err(error) => Err(Missing::Blobs(error)),
    }
}

/// What a write that failed says about the database. If it was busy, others were writing.
fn not_writable(written: Result<(), DbError>) -> Option<Missing> {
    match written {
        Ok(()) | Err(DbError::Full | DbError::Busy(_)) => None,
        Err(error) => Some(Missing::WritableDatabase(error)),
    }
}

/// When the database was last seen to take a write.
#[derive(Default)]
pub(crate) struct LastWrite(std::sync::Mutex<Option<Instant>>);

impl LastWrite {
    /// Checks that the database can be written to, unless that was so less than [`WRITTEN_FOR`] ago.
    async fn check(&self, db: &Db, now: Instant) -> Result<(), DbError> {
        let last = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| (last..last.plus(WRITTEN_FOR)).contains(&now)) {
            return Ok(());
        }
        db.check_writable().await?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(())
    }
}

impl Registry {
    /// Returns what is missing; nothing if requests can be answered. It writes a byte to the blob store and removes it, and
    /// writes to the database at most once in [`WRITTEN_FOR`]. A full disk counts as nothing missing, because pulls work
    /// (DESIGN §5, 7). Answers within [`PATIENCE`], even if a disk or the database hangs.
    pub async fn missing(&self, now: Instant) -> Vec<Missing> {
        let asked = async {
            let time = self.db.clock().await?;
            Ok((time, self.last_write.check(&self.db, now).await))
        };
        let (asked, written) = tokio::join!(timeout(PATIENCE, asked), self.blob_look.outcome(&self.blobs));
        let no_answer = |_| Err(DbError::Unavailable(format!("no answer for {} s", PATIENCE.as_secs())));
        let mut missing = Vec::new();
        match asked.unwrap_or_else(no_answer) {
            Ok((theirs, written)) => {
                missing.extend(not_writable(written));
                missing.extend(theirs.and_then(|theirs| wrong_time(now, theirs)));
            }
            Err(error) => missing.push(Missing::Database(error)),
        }
        match written {
            Some(Ok(()) | Err(BlobError::Full)) => {}
            Some(Err(error)) => missing.push(Missing::Blobs(error)),
            None => missing.push(Missing::SilentBlobs),
        }
        missing
    }
}

fn wrong_time(ours: Instant, theirs: Instant) -> Option<Missing> {
    let seconds = ours.as_millis().abs_diff(theirs.as_millis()).div_ceil(1000);
    (seconds > MAX_SECONDS_OFF).then_some(Missing::Time { seconds })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_wrong_beyond_fifteen_seconds_either_way() {
        let said = |ours, theirs| {
            wrong_time(Instant::from_millis(ours), Instant::from_millis(theirs))
                .map(|missing| missing.to_string())
        };
        assert_eq!((said(10_000, 25_000), said(25_000, 10_000)), (None, None));
        let text = "this machine's clock is 16 s off the database's, and 15 s are allowed; set it (NTP)";
        assert_eq!(said(10_000, 25_001).as_deref(), Some(text));
        assert_eq!(said(25_001, 10_000).as_deref(), Some(text));
    }
}
