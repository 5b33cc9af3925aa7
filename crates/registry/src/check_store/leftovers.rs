//! Files that nobody names: what a crash between a file and its row leaves, or between a row's end and its file's.

use std::mem;

use futures_util::{TryStreamExt as _, stream::BoxStream};
use storage::{
    blobs::{BlobError, Key, Listed},
    checks::{self, Keyed},
};

use super::{Check, CheckError, GRACE, Outcome, PAGE, Problem, ProblemKind};

/// Where a file lies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Blobs,
    Uploads,
}

impl Check<'_> {
    pub(super) async fn leftovers(&mut self) -> Result<(), CheckError> {
        let blobs = self.blobs;
        self.leftovers_in(Place::Blobs, blobs.list()).await?;
        self.leftovers_in(Place::Uploads, blobs.list_uploads()).await
    }

    async fn leftovers_in(
        &mut self,
        place: Place,
        mut listed: BoxStream<'_, Result<Listed, BlobError>>,
    ) -> Result<(), CheckError> {
        let mut suspects = Vec::new();
        while let Some(file) = listed.try_next().await? {
            self.checked.files += 1;
            // Most are what they should be; this look only keeps the batches small.
            if place == Place::Blobs && checks::is_named(self.db, &file.key).await? {
                continue;
            }
            suspects.push(file);
            if suspects.len() == PAGE {
                self.judge(place, mem::take(&mut suspects)).await?;
            }
        }
        self.judge(place, suspects).await
    }

    /// Sessions first, rows second: the transaction that ends a session is the one that makes the row, so a file whose
    /// upload was finished in between is seen by one of the two looks. What has no session, a blob sent in one request,
    /// and a second copy about to take the first one's place, are young.
    async fn judge(&mut self, place: Place, mut suspects: Vec<Listed>) -> Result<(), CheckError> {
        if suspects.is_empty() {
            return Ok(());
        }
        self.acquit_uploads(&mut suspects).await?;
        for file in suspects {
            if place == Place::Blobs && checks::is_named(self.db, &file.key).await? {
                continue;
            }
            if file.modified > self.now.minus(GRACE) {
                self.checked.too_young += 1;
                self.checked.youngest = self.checked.youngest.max(Some(file.modified));
                continue;
            }
            // Whoever took its name away takes it too: an upload that was finished, cancelled or swept, a second copy.
            if !self.is_there(place, &file.key).await? {
                continue;
            }
            self.blobs_are_its_own().await?;
            let is_removed = self.how.repair && self.knows_all_names;
            if is_removed {
                self.remove(place, &file.key).await?;
            }
            self.found(&orphan(place, &file, is_removed));
        }
        Ok(())
    }

    async fn is_there(&self, place: Place, key: &Key) -> Result<bool, BlobError> {
        match place {
            Place::Uploads => self.blobs.has_upload(key).await,
            Place::Blobs => match self.blobs.size(key).await {
                Err(BlobError::NotFound) => Ok(false),
                size => size.map(|_| true),
            },
        }
    }

    /// Takes the files out that an upload session names.
    async fn acquit_uploads(&mut self, suspects: &mut Vec<Listed>) -> Result<(), CheckError> {
        suspects.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        let mut after = String::new();
        loop {
            let page = checks::sessions_after(self.db, &after, PAGE as i64).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.key.clone();
            for Keyed { row, .. } in page {
                let Ok(session) = row else {
                    self.knows_all_names = false;
                    continue;
                };
                if let Ok(at) = suspects.binary_search_by(|file| file.key.cmp(session.state.key())) {
                    suspects.remove(at);
                }
            }
        }
    }

    async fn remove(&self, place: Place, key: &Key) -> Result<(), BlobError> {
        match place {
            Place::Blobs => self.blobs.delete(key).await,
            Place::Uploads => self.blobs.drop_upload(key).await,
        }
    }
}

fn orphan(place: Place, file: &Listed, is_removed: bool) -> Problem {
    Problem {
        kind: match place {
            Place::Blobs => ProblemKind::OrphanBlob,
            Place::Uploads => ProblemKind::OrphanUpload,
        },
        what: file.key.to_string(),
        repositories: Vec::new(),
        bytes: file.size,
        outcome: Outcome::repaired(is_removed),
    }
}
