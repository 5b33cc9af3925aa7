//! A disk and a database that write down in which order they are asked, fail when a test says so, and know what a
//! loss of power would leave at any instant.
//!
//! SQLite's own writes and fsyncs are not among what is simulated: its files are taken as the system shows them, so a
//! loss of power never takes a commit that it answered. That it syncs each is what `PRAGMA synchronous` says, which a
//! test of `storage` reads.

mod files;

use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use registry::{CommitWatch, DbError, Disk, SystemDisk};

use files::Files;
pub use files::{Left, Loss};

/// How long a disk stalls at most, so that a test that failed meanwhile still ends.
const LONGEST_STALL: Duration = Duration::from_secs(60);

/// What fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// One call is answered with an input/output error; a commit is not made, and the database seems to be away.
    Broken,
    /// One call finds the disk full; a write has written half of its bytes. What is on it can be removed.
    Full,
    /// From that call on the disk is full, for files and rows, until [`Faults::mend`].
    StaysFull,
    /// From that call on the disk does not come back, until [`Faults::mend`]; commits do.
    Stalls,
    /// A commit is made, and its answer lost. Calls of the disk are never hit.
    AnswerLost,
}

/// The state of a data folder at one instant, as [`Faults::record`] writes it down before each call.
#[derive(Clone)]
pub struct Moment {
    /// The call that was to come next.
    pub before: String,
    /// How many replies had been given.
    pub replies: usize,
    folder: PathBuf,
    files: Files,
    database: Arc<Vec<(String, Vec<u8>)>>,
}

impl Moment {
    /// What is found there when the power comes back.
    pub fn left_by(&self, loss: Loss) -> Left {
        Left {
            folder: self.folder.clone(),
            files: self.files.left_by(loss),
            database: Arc::clone(&self.database),
        }
    }
}

/// Stands between a server and what lasts. See [`crate::TestServer::with_faults`].
pub struct Faults {
    folder: PathBuf,
    inner: Mutex<Inner>,
    is_mended: Condvar,
}

#[derive(Default)]
struct Inner {
    files: Files,
    log: Vec<String>,
    replies: usize,
    moments: Option<Vec<Moment>>,
    plan: Option<(usize, Fault)>,
    has_struck: bool,
}

impl Faults {
    /// For the data folder `folder`. Nothing fails until a test says so.
    pub fn new(folder: &Path) -> Arc<Self> {
        let folder = folder.canonicalize().expect("a folder");
        Arc::new(Self { folder, inner: Mutex::default(), is_mended: Condvar::new() })
    }

    /// Lets the `number`th call from now on fail, counted from 1.
    pub fn strike(&self, number: usize, fault: Fault) {
        let mut inner = self.lock();
        (inner.plan, inner.has_struck) = (Some((number, fault)), false);
    }

    /// Ends what [`Self::strike`] began; says whether anything failed.
    pub fn mend(&self) -> bool {
        let mut inner = self.lock();
        inner.plan = None;
        self.is_mended.notify_all();
        inner.has_struck
    }

    /// Begins to write down calls and moments.
    pub fn record(&self) {
        let mut inner = self.lock();
        inner.log.clear();
        inner.moments = Some(Vec::new());
    }

    /// Writes down that a client was answered: from here on what the answer promised must be found.
    pub fn reply(&self, what: &str) {
        self.note(format!("reply {what}"));
        self.lock().replies += 1;
        // What is acknowledged now, with nothing else happening any more.
        self.note("nothing".to_owned());
    }

    /// The calls since [`Self::record`], such as `sync uploads/KEY`: what keys there were is left out.
    pub fn calls(&self) -> Vec<String> {
        self.lock().log.iter().filter(|call| *call != "nothing").cloned().collect()
    }

    /// The moments since [`Self::record`].
    pub fn moments(&self) -> Vec<Moment> {
        self.lock().moments.clone().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, call: String) {
        let mut inner = self.lock();
        if inner.moments.is_none() {
            return;
        }
        let database = self.database(&inner);
        let (replies, files) = (inner.replies, inner.files.clone());
        let folder = self.folder.clone();
        let moment = Moment { before: call.clone(), replies, folder, files, database };
        inner.moments.get_or_insert_default().push(moment);
        inner.log.push(call);
    }

    /// The database's files as the system shows them. What was committed is in them, and taken to be synced; what was not
    /// is ignored when they are opened again. No statement runs while a call of the disk does.
    fn database(&self, inner: &Inner) -> Arc<Vec<(String, Vec<u8>)>> {
        let read = |name: &str| Some((name.to_owned(), std::fs::read(self.folder.join(name)).ok()?));
        let now: Vec<_> = ["sealock.db", "sealock.db-wal"].into_iter().filter_map(read).collect();
        let last = inner.moments.iter().flatten().last().map(|moment| &moment.database);
        last.filter(|last| ***last == now).cloned().unwrap_or_else(|| Arc::new(now))
    }

    /// Counts a call, and says how it fails, if it does.
    fn call(&self, is_lost_answer: bool) -> Option<Fault> {
        let mut inner = self.lock();
        let (number, fault) = inner.plan.as_mut()?;
        if (*fault == Fault::AnswerLost) != is_lost_answer {
            return None;
        }
        *number = number.saturating_sub(1);
        let fault = *fault;
        let lasts = matches!(fault, Fault::StaysFull | Fault::Stalls);
        let strikes = *number == 0 && (lasts || !inner.has_struck);
        inner.has_struck |= strikes;
        strikes.then_some(fault)
    }

    /// Whether what is to fail, or fails, is room for more.
    fn is_about_space(&self) -> bool {
        matches!(self.lock().plan, Some((_, Fault::Full | Fault::StaysFull)))
    }

    fn disk(&self, verb: &str, path: &Path) -> io::Result<()> {
        self.note(format!("{verb} {}", self.named(path)));
        match self.call(false) {
            None | Some(Fault::AnswerLost) => Ok(()),
            Some(Fault::Broken) => Err(io::Error::other("a broken disk")),
            Some(Fault::Full | Fault::StaysFull) => Err(io::ErrorKind::StorageFull.into()),
            Some(Fault::Stalls) => {
                self.stall();
                Ok(())
            }
        }
    }

    fn stall(&self) {
        let stalls = |inner: &mut Inner| matches!(inner.plan, Some((_, Fault::Stalls)));
        // It goes on either way.
        let _ = self.is_mended.wait_timeout_while(self.lock(), LONGEST_STALL, stalls);
    }

    /// A path from the blob folder on, with KEY for a key and XX for its shelf.
    fn named(&self, path: &Path) -> String {
        let path = path.strip_prefix(self.folder.join("blobs")).unwrap_or(path);
        let parts = path.components().map(|part| match part.as_os_str().to_string_lossy() {
            part if part.len() == 32 => "KEY".to_owned(),
            part if part.len() == 2 => "XX".to_owned(),
            part => part.into_owned(),
        });
        parts.collect::<Vec<_>>().join("/")
    }

    fn path_of(&self, file: &File) -> PathBuf {
        self.lock().files.path_of(file).unwrap_or_default()
    }
}

impl Disk for Faults {
    fn open(&self, path: &Path, options: &OpenOptions) -> io::Result<File> {
        self.disk("open", path)?;
        let file = SystemDisk.open(path, options)?;
        self.lock().files.opened(path, &file);
        Ok(file)
    }

    fn write(&self, file: &File, bytes: &[u8]) -> io::Result<()> {
        let path = self.path_of(file);
        let fault = self.disk("write", &path);
        let written = if fault.is_ok() { bytes } else { &bytes[..bytes.len() / 2] };
        SystemDisk.write(file, written)?;
        self.lock().files.changed(&path);
        fault
    }

    fn copy(&self, from: &File, to: &File, length: u64) -> io::Result<u64> {
        let path = self.path_of(to);
        self.disk("copy", &path)?;
        let copied = SystemDisk.copy(from, to, length)?;
        self.lock().files.changed(&path);
        Ok(copied)
    }

    fn set_len(&self, file: &File, length: u64) -> io::Result<()> {
        let path = self.path_of(file);
        self.disk("cut", &path)?;
        SystemDisk.set_len(file, length)?;
        self.lock().files.changed(&path);
        Ok(())
    }

    fn sync_file(&self, file: &File) -> io::Result<()> {
        let path = self.path_of(file);
        self.disk("sync", &path)?;
        self.lock().files.synced(&path);
        Ok(())
    }

    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        self.disk("sync", path)?;
        self.lock().files.folder_synced(path);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk("rename to", to)?;
        SystemDisk.rename(from, to)?;
        self.lock().files.renamed(from, to);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        // A full disk lets go of what is on it.
        if self.is_about_space() {
            self.note(format!("remove {}", self.named(path)));
        } else {
            self.disk("remove", path)?;
        }
        SystemDisk.remove(path)?;
        self.lock().files.removed(path);
        Ok(())
    }
}

impl CommitWatch for Faults {
    fn committing(&self) -> Result<(), DbError> {
        self.note("commit".to_owned());
        match self.call(false) {
            None | Some(Fault::AnswerLost | Fault::Stalls) => Ok(()),
            Some(Fault::Broken) => Err(DbError::Unavailable("a broken disk".to_owned())),
            Some(Fault::Full | Fault::StaysFull) => Err(DbError::Full),
        }
    }

    fn committed(&self) -> Result<(), DbError> {
        self.note("committed".to_owned());
        match self.call(true) {
            None => Ok(()),
            Some(_) => Err(DbError::Unavailable("the answer was lost".to_owned())),
        }
    }
}
