//! `sealock fsck`: whether rows and bytes agree, and making them agree again. For operators, on the store itself, beside
//! running servers: nothing that a request is at work on is touched.
//!
//! It reads pages and streams, so its memory does not grow with the store. Its cost does: a point read for each file,
//! a look at the file for each row, and with `read` every byte there is.

mod content;
mod leftovers;
mod problem;
mod repair;

use access::{
    id::StoreId,
    randomness::Randomness,
    time::{Clock, Instant, Length},
};
use storage::{
    blobs::{BlobError, BlobStore},
    db::{Db, DbError},
    store,
};

pub use problem::{Checked, Outcome, Problem, ProblemKind};

/// How long a file that no row names is left alone. A push makes the row within seconds after the file came to its
/// place; the rest is for clocks that differ, of this machine and of the store.
pub const GRACE: Length = Length::hours(1);

/// How many rows, or files, are in memory at once.
const PAGE: usize = 500;

/// What to do beyond comparing rows with names and sizes.
#[derive(Debug, Clone, Copy, Default)]
pub struct HowToCheck {
    /// Read every byte and compare digests.
    pub read: bool,
    /// Remove what nobody names, and mark what is damaged as absent, so that clients push it again.
    pub repair: bool,
}

/// Why a check could not be done to its end.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The database.
    #[error(transparent)]
    Database(#[from] DbError),
    /// The blob store, beyond one blob.
    #[error("the blob store failed, which says nothing about the blobs in it: {0}")]
    Blobs(#[from] BlobError),
    /// Where the blobs were is something else: what is not found there says nothing.
    #[error(
        "the blob store is not there any more, or another one is in its place: a volume went away while it was checked. \
         Bring it back and run `sealock fsck` again"
    )]
    OtherBlobs,
}

/// Checks the whole store, and tells each problem as it is found. Without `repair` nothing is changed. The age of files
/// is measured by `clock`, as it stands at the beginning.
pub async fn check_store(
    db: &Db,
    blobs: &dyn BlobStore,
    how: HowToCheck,
    clock: &dyn Clock,
    random: &dyn Randomness,
    tell: &mut (dyn FnMut(&Problem) + Send),
) -> Result<Checked, CheckError> {
    let store = store::id(db).await?;
    let (now, checked) = (clock.now(), Checked::default());
    let mut check = Check { db, blobs, how, clock, random, tell, store, now, checked, knows_all_names: true };
    // Bytes before leftovers: what is only found while the other is repaired would be told by the next check.
    check.blobs().await?;
    check.uploads().await?;
    check.manifests().await?;
    check.references().await?;
    check.leftovers().await?;
    Ok(check.checked)
}

/// A check under way.
struct Check<'a> {
    db: &'a Db,
    blobs: &'a dyn BlobStore,
    how: HowToCheck,
    clock: &'a dyn Clock,
    random: &'a dyn Randomness,
    tell: &'a mut (dyn FnMut(&Problem) + Send),
    /// Which store the database belongs to.
    store: Option<StoreId>,
    /// When it began.
    now: Instant,
    checked: Checked,
    /// Whether every row that may name a file could be read. If not, none is removed because nobody names it.
    knows_all_names: bool,
}

impl Check<'_> {
    fn found(&mut self, problem: &Problem) {
        self.checked.problems += 1;
        match problem.outcome {
            Outcome::Left => {}
            Outcome::Absent => self.checked.absent += 1,
            Outcome::Repaired => self.checked.repaired += 1,
        }
        (self.tell)(problem);
    }

    /// A row that can't be read.
    fn found_unreadable(&mut self, table: &str, key: &str, outcome: Outcome) {
        self.found(&Problem {
            kind: ProblemKind::UnreadableRow,
            what: format!("{table} {key}"),
            repositories: Vec::new(),
            bytes: 0,
            outcome,
        });
    }

    /// Refuses to go on where the blob store is not the database's any more. To be asked between a look at it that finds
    /// something wrong and what is concluded from that: a volume that went away would have everything marked.
    async fn blobs_are_its_own(&self) -> Result<(), CheckError> {
        if self.blobs.store_id().await? == self.store { Ok(()) } else { Err(CheckError::OtherBlobs) }
    }
}
