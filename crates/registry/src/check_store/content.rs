//! Whether every row has what it names: a blob its bytes, an upload what was acknowledged, a manifest its payload, a
//! reference what it points at.

use std::io::ErrorKind;

use futures_util::TryStreamExt as _;
use oci::Digest;
use storage::{
    blobs::BlobError,
    checks::{self, CheckedBlob, CheckedManifest, CheckedSession, Keyed, Reference, Referring},
    db::DbError,
    links, manifests, uploads,
};

use super::{Check, CheckError, Outcome, PAGE, Problem, ProblemKind};
use crate::digesting::{Digesting, digest_of};

/// How many repositories with a damaged blob are told: whoever pushes it to one of them heals it for all.
const MAX_HOLDERS: i64 = 3;

impl Check<'_> {
    pub(super) async fn blobs(&mut self) -> Result<(), CheckError> {
        let mut after = String::new();
        loop {
            let page = checks::blobs_after(self.db, &after, PAGE as i64).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.key.clone();
            for Keyed { key, row } in page {
                self.checked.blobs += 1;
                match row {
                    Ok(row) => self.blob(&row).await?,
                    Err(_) => {
                        self.knows_all_names = false;
                        self.found_unreadable("blobs", &key, Outcome::Left);
                    }
                }
            }
        }
    }

    async fn blob(&mut self, row: &CheckedBlob) -> Result<(), CheckError> {
        let damage = self.damage(row).await?;
        let Some(kind) = damage.or(row.is_marked.then_some(ProblemKind::WholeAgain)) else { return Ok(()) };
        let is_damaged = damage.is_some();
        if is_damaged {
            self.blobs_are_its_own().await?;
        }
        let changed = match (self.how.repair, is_damaged == row.is_marked) {
            (true, false) => self.mark(row, damage).await?,
            // It may have been pushed again, or removed, since its row was read.
            _ => links::stored(self.db, &row.digest).await?.as_ref() == Some(&row.blob),
        };
        if !changed {
            return Ok(());
        }
        let holders = match links::holders(self.db, &row.digest, MAX_HOLDERS).await {
            // A name that can't be read is told where manifests are.
            Err(DbError::Corrupt(_)) => Vec::new(),
            holders => holders?,
        };
        self.found(&Problem {
            kind,
            what: row.digest.to_string(),
            repositories: holders.iter().map(ToString::to_string).collect(),
            bytes: row.blob.size,
            outcome: match is_damaged {
                true if row.is_marked || self.how.repair => Outcome::Absent,
                true => Outcome::Left,
                false => Outcome::repaired(self.how.repair),
            },
        });
        Ok(())
    }

    async fn damage(&mut self, row: &CheckedBlob) -> Result<Option<ProblemKind>, CheckError> {
        let size = match self.blobs.size(&row.blob.key).await {
            Ok(size) => size,
            Err(error) => return damage_of(error).map(Some),
        };
        if size != row.blob.size {
            return Ok(Some(ProblemKind::WrongSize));
        }
        // One that was found damaged is whole only once its bytes say so.
        if !self.how.read && !row.is_marked {
            return Ok(None);
        }
        match self.digest(row).await {
            Ok(digest) if digest == row.digest => Ok(None),
            Ok(_) => Ok(Some(ProblemKind::WrongBytes)),
            Err(error) => damage_of(error).map(Some),
        }
    }

    /// The digest that the bytes have.
    async fn digest(&mut self, row: &CheckedBlob) -> Result<Digest, BlobError> {
        let mut bytes = self.blobs.read(&row.blob.key, None).await?.bytes;
        let mut digesting = Digesting::by(row.digest.algorithm());
        while let Some(chunk) = bytes.try_next().await? {
            self.checked.bytes_read += chunk.len() as u64;
            digesting.update(&chunk);
        }
        Ok(digesting.digest())
    }

    pub(super) async fn uploads(&mut self) -> Result<(), CheckError> {
        let mut after = String::new();
        loop {
            let page = checks::sessions_after(self.db, &after, PAGE as i64).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.key.clone();
            for Keyed { key, row } in page {
                self.checked.uploads += 1;
                match row {
                    Ok(session) => self.upload(&session).await?,
                    Err(_) => {
                        let is_repaired = self.how.repair && self.end_unreadable_session(&key).await?;
                        self.found_unreadable("upload_sessions", &key, Outcome::repaired(is_repaired));
                    }
                }
            }
        }
    }

    async fn upload(&mut self, session: &CheckedSession) -> Result<(), CheckError> {
        if session.state.offset() == 0 || !self.is_lost(session).await? {
            return Ok(());
        }
        self.blobs_are_its_own().await?;
        let is_repaired = self.how.repair && self.end_session(session).await?;
        self.found(&Problem {
            kind: ProblemKind::LostUpload,
            what: session.id.to_string(),
            repositories: vec![session.repository.clone()],
            bytes: session.state.offset(),
            outcome: Outcome::repaired(is_repaired),
        });
        Ok(())
    }

    /// Whether acknowledged bytes are missing where the session says that they are, still.
    async fn is_lost(&self, session: &CheckedSession) -> Result<bool, CheckError> {
        let CheckedSession { id, state, .. } = session;
        match self.blobs.upload_size(state).await {
            Ok(size) if size >= state.offset() => return Ok(false),
            Ok(_) | Err(BlobError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
        // A session that ended or moved on takes its bytes along.
        let present = uploads::state(self.db, *id).await?;
        Ok(present.is_some_and(|present| present.to_bytes() == state.to_bytes()))
    }

    pub(super) async fn manifests(&mut self) -> Result<(), CheckError> {
        let mut after = String::new();
        loop {
            let page = checks::manifests_after(self.db, &after, PAGE as i64).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after = last.key.clone();
            for Keyed { key, row } in page {
                self.checked.manifests += 1;
                match row {
                    Ok(row) => self.manifest(&row).await?,
                    Err(_) => self.found_unreadable("manifests", &key, Outcome::Left),
                }
            }
        }
    }

    async fn manifest(&mut self, row: &CheckedManifest) -> Result<(), CheckError> {
        if row.payload_bytes == Some(row.size) && !self.how.read {
            return Ok(());
        }
        let payload = match manifests::payload(self.db, row.id).await {
            Err(DbError::Corrupt(_)) => {
                self.found_unreadable("manifest_payloads", &row.id.to_string(), Outcome::Left);
                return Ok(());
            }
            payload => payload?,
        };
        let (kind, bytes, outcome) = match &payload {
            Some(payload) => {
                let bytes = payload.len() as u64;
                self.checked.bytes_read += bytes;
                if digest_of(payload, row.digest.algorithm()) == row.digest {
                    // The bytes are those that were pushed, so where the lengths differ it is the row's that is wrong.
                    if bytes == row.size || self.how.repair && !self.set_size(row, bytes).await? {
                        return Ok(());
                    }
                    (ProblemKind::WrongManifestSize, bytes, Outcome::repaired(self.how.repair))
                } else {
                    if self.how.repair && !self.drop_payload(row, payload).await? {
                        return Ok(());
                    }
                    let outcome = if self.how.repair { Outcome::Absent } else { Outcome::Left };
                    (ProblemKind::WrongManifest, bytes, outcome)
                }
            }
            // Deleted since its row was read.
            None if !checks::has_manifest(self.db, row.id).await? => return Ok(()),
            None => (ProblemKind::MissingManifest, 0, Outcome::Absent),
        };
        let repositories = vec![row.repository.clone()];
        let what = row.digest.to_string();
        self.found(&Problem { kind, what, repositories, bytes, outcome });
        Ok(())
    }

    pub(super) async fn references(&mut self) -> Result<(), CheckError> {
        for table in Referring::ALL {
            let (mut owner, mut name) = (String::new(), String::new());
            loop {
                let page = checks::references_after(self.db, table, (&owner, &name), PAGE as i64).await?;
                self.checked.references += page.len() as u64;
                for reference in page.iter().filter(|reference| !reference.is_whole) {
                    self.found(&dangling(table, reference));
                }
                let Some(last) = page.into_iter().next_back() else { break };
                (owner, name) = (last.owner, last.name);
            }
        }
        Ok(())
    }
}

/// One statement saw the reference and what it points at, so no push or deletion came in between.
fn dangling(table: Referring, reference: &Reference) -> Problem {
    Problem {
        kind: match table {
            Referring::Links => ProblemKind::DanglingLink,
            Referring::ManifestBlobs => ProblemKind::DanglingBlob,
            Referring::ManifestChildren => ProblemKind::DanglingManifest,
            Referring::Tags => ProblemKind::DanglingTag,
        },
        what: reference.name.clone(),
        repositories: vec![reference.repository.clone()],
        bytes: 0,
        outcome: Outcome::Left,
    }
}

/// What an error of one blob says about it. Most say nothing about bytes that are there: a volume that is away, too many
/// open files.
fn damage_of(error: BlobError) -> Result<ProblemKind, CheckError> {
    match error {
        BlobError::NotFound => Ok(ProblemKind::MissingBytes),
        BlobError::Truncated { .. } => Ok(ProblemKind::WrongSize),
        BlobError::Io(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(ProblemKind::WrongSize),
        error if error.is_of_the_medium() => Ok(ProblemKind::Unreadable),
        other => Err(other.into()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::io;

    use super::*;

    /// What Linux calls it; the standard library has no name for it.
    const EIO: i32 = 5;

    #[test]
    fn only_what_is_about_the_bytes_is_damage() {
        let of_the_system = |error: io::Error| damage_of(BlobError::from(error));
        assert_eq!(damage_of(BlobError::NotFound).unwrap(), ProblemKind::MissingBytes);
        let cut = damage_of(BlobError::Truncated { found: 1, wanted: 2 });
        assert_eq!(cut.unwrap(), ProblemKind::WrongSize);
        assert_eq!(of_the_system(ErrorKind::UnexpectedEof.into()).unwrap(), ProblemKind::WrongSize);
        assert_eq!(of_the_system(io::Error::from_raw_os_error(EIO)).unwrap(), ProblemKind::Unreadable);
        for kind in [
            ErrorKind::StaleNetworkFileHandle,
            ErrorKind::PermissionDenied,
            ErrorKind::TimedOut,
            ErrorKind::StorageFull,
            ErrorKind::Other,
        ] {
            assert!(of_the_system(kind.into()).is_err(), "{kind:?}");
        }
    }
}
