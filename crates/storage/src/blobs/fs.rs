//! Blobs as files: `uploads/<key>` while they come, `blobs/<first two digits>/<key>` once they are verified.
//! A file is fsynced before it is acknowledged, and the folder that names it too.

mod append;
mod disk;
mod list;
mod owner;
mod read;
mod store_id;

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use access::{id::StoreId, randomness::Randomness};
use futures_util::{
    future::{self, BoxFuture, FutureExt as _},
    stream::{self, BoxStream, StreamExt as _},
};
use oci::{Algorithm, Digest};
use sha2::{Digest as _, Sha512};
use tokio::sync::Semaphore;

pub use self::{
    disk::{Disk, SystemDisk},
    owner::check_owner,
};

use super::{BlobError, BlobStore, Body, Finished, Key, Listed, Range, Reading, State};

/// Layers are private until SQL says otherwise, so nobody else on the machine may look: owner only.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// The name of the file that proves at each start that files can be moved to the blobs.
const PROBE: &str = "probe";

/// How many blobs are read at once unless somebody says how many files there are for that. A client that stops taking its
/// blob keeps the file open.
const MAX_READERS: usize = 1024;

/// How much of a file is read at a time where a digest is computed afterwards, in bytes.
const DIGEST_CHUNK_BYTES: usize = 1024 * 1024;

/// A blob store in a folder of a local or network file system with POSIX renames.
pub struct FileStore {
    folders: Arc<Folders>,
    random: Arc<dyn Randomness>,
    readers: Arc<Semaphore>,
}

/// The folder can't hold blobs.
#[derive(Debug, thiserror::Error)]
#[error(
    "the blob folder {} can't be used: {cause}; sealock has to make, rename and remove files there: {}",
    folder.display(), way_out(cause)
)]
pub struct OpenError {
    /// The folder as it was named.
    pub folder: PathBuf,
    /// What the system said.
    pub cause: io::Error,
}

impl FileStore {
    /// Opens the blob store in `folder` and makes what is missing (folders 0700, files 0600). It proves that
    /// files can be made, renamed between its folders and removed, so that a wrong owner shows at the start and not at the
    /// first push. Blocks: for the start of the program.
    pub fn open(folder: &Path, random: Arc<dyn Randomness>) -> Result<Self, OpenError> {
        Self::open_on(Arc::new(SystemDisk), folder, random)
    }

    /// Refuses a store in which another user's server made folders: for a start, before [`Self::open`] makes some. What it
    /// makes itself does not stay. Blocks.
    pub fn check_owner(folder: &Path) -> Result<(), OpenError> {
        let checked = match Folders::found(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            found => found.and_then(|folders| folders.check_owner()),
        };
        checked.map_err(|cause| OpenError { folder: folder.to_path_buf(), cause })
    }

    /// Opens the blob store that is in `folder` to look at it: makes nothing and proves nothing, so that it may lie where
    /// nothing can be written.
    pub fn open_to_read(folder: &Path, random: Arc<dyn Randomness>) -> Result<Self, OpenError> {
        let refused = |cause| OpenError { folder: folder.to_path_buf(), cause };
        Ok(Self::of(Folders::found(folder).map_err(refused)?, random))
    }

    /// Opens the blob store that is in `folder` to remove files from it. It makes nothing, not for a moment: root, who
    /// repairs the store of another user's server, would make it root's. Refuses folders from which nothing can be removed.
    pub fn open_to_repair(folder: &Path, random: Arc<dyn Randomness>) -> Result<Self, OpenError> {
        let refused = |cause| OpenError { folder: folder.to_path_buf(), cause };
        let folders = Folders::found(folder).map_err(refused)?;
        owner::check_changeable(folders.made()).map_err(refused)?;
        Ok(Self::of(folders, random))
    }

    /// The same as [`Self::open`] on a disk of the caller's own, for tests.
    pub fn open_on(
        disk: Arc<dyn Disk>,
        folder: &Path,
        random: Arc<dyn Randomness>,
    ) -> Result<Self, OpenError> {
        let refused = |cause| OpenError { folder: folder.to_path_buf(), cause };
        let folders = Folders::make(folder, disk).map_err(refused)?;
        folders.prove_writable(&Key::mint(&*random)).map_err(refused)?;
        Ok(Self::of(folders, random))
    }

    fn of(folders: Folders, random: Arc<dyn Randomness>) -> Self {
        Self { folders: Arc::new(folders), random, readers: Arc::new(Semaphore::new(MAX_READERS)) }
    }

    /// Reads so many blobs at once, and refuses the next.
    pub fn with_readers(self, readers: usize) -> Self {
        let readers = Arc::new(Semaphore::new(readers.clamp(1, Semaphore::MAX_PERMITS)));
        Self { readers, ..self }
    }

    /// Runs `job` on the folders where it may block.
    fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Folders) -> Result<T, BlobError> + Send + 'static,
    ) -> BoxFuture<'static, Result<T, BlobError>> {
        let folders = Arc::clone(&self.folders);
        blocking(move || job(&folders)).boxed()
    }
}

impl BlobStore for FileStore {
    fn begin(&self, announced: Option<Algorithm>) -> BoxFuture<'_, Result<State, BlobError>> {
        // The file comes with the first bytes: a session that is never used (docker opens them freely) leaves none.
        future::ready(Ok(State::new(Key::mint(&*self.random), announced))).boxed()
    }

    fn take_over<'a>(&'a self, state: &'a State) -> BoxFuture<'a, Result<State, BlobError>> {
        let old = state.key.clone();
        let new = State { key: Key::mint(&*self.random), ..state.clone() };
        self.run(move |folders| {
            if new.offset > 0 {
                folders.copy_upload(&old, &new.key, new.offset)?;
            }
            Ok(new)
        })
    }

    fn append<'a>(
        &'a self,
        state: &'a State,
        body: Body<'a>,
        limit: u64,
    ) -> BoxFuture<'a, Result<State, BlobError>> {
        append::append(&self.folders, state, body, limit).boxed()
    }

    fn finish<'a>(
        &'a self,
        state: &'a State,
        expected: &'a Digest,
    ) -> BoxFuture<'a, Result<Finished, BlobError>> {
        let (state, expected) = (state.clone(), expected.clone());
        self.run(move |folders| folders.finish(&state, expected))
    }

    fn abort<'a>(&'a self, state: &'a State) -> BoxFuture<'a, Result<(), BlobError>> {
        let key = state.key.clone();
        // In this order: a request that was taken over may be moving the file from the one place to the other.
        self.run(move |folders| {
            folders.remove(&folders.upload(&key))?;
            Ok(folders.remove(&folders.blob(&key))?)
        })
    }

    fn read<'a>(&'a self, key: &'a Key, range: Option<Range>) -> BoxFuture<'a, Result<Reading, BlobError>> {
        let key = key.clone();
        let turn = Arc::clone(&self.readers).try_acquire_owned();
        self.run(move |folders| {
            let turn = turn.map_err(|_| BlobError::TooManyReaders)?;
            read::read(&folders.blob(&key), range, turn)
        })
    }

    fn size<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<u64, BlobError>> {
        let key = key.clone();
        self.run(move |folders| Ok(fs::metadata(folders.blob(&key)).map_err(absent)?.len()))
    }

    fn delete<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<(), BlobError>> {
        let key = key.clone();
        // No fsync: a blob that a crash brings back is in no row, so it is garbage again.
        self.run(move |folders| Ok(folders.remove(&folders.blob(&key))?))
    }

    fn list(&self) -> BoxStream<'_, Result<Listed, BlobError>> {
        stream::iter(shelves()).flat_map(|shelf| list::list(self.folders.shelf(&shelf))).boxed()
    }

    fn list_uploads(&self) -> BoxStream<'_, Result<Listed, BlobError>> {
        list::list(self.folders.uploads())
    }

    fn upload_size<'a>(&'a self, state: &'a State) -> BoxFuture<'a, Result<u64, BlobError>> {
        let key = state.key.clone();
        self.run(move |folders| {
            // In this order: a request may be moving the file from the one place to the other.
            let found = fs::metadata(folders.upload(&key)).or_else(|_| fs::metadata(folders.blob(&key)));
            Ok(found.map_err(absent)?.len())
        })
    }

    fn has_upload<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<bool, BlobError>> {
        let key = key.clone();
        self.run(move |folders| Ok(folders.upload(&key).try_exists()?))
    }

    fn drop_upload<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, Result<(), BlobError>> {
        let key = key.clone();
        self.run(move |folders| Ok(folders.remove(&folders.upload(&key))?))
    }

    fn store_id(&self) -> BoxFuture<'_, Result<Option<StoreId>, BlobError>> {
        self.run(Folders::store_id)
    }

    fn propose_store_id(&self, id: StoreId) -> BoxFuture<'_, Result<(), BlobError>> {
        self.run(move |folders| folders.propose_store_id(id))
    }

    fn knows_store_id(&self, id: StoreId) -> BoxFuture<'_, Result<bool, BlobError>> {
        self.run(move |folders| folders.knows_store_id(id))
    }

    fn keep_store_id(&self, id: StoreId) -> BoxFuture<'_, Result<(), BlobError>> {
        self.run(move |folders| folders.keep_store_id(id))
    }
}

/// The layout on disk. Everything here blocks.
struct Folders {
    root: PathBuf,
    disk: Arc<dyn Disk>,
}

impl Folders {
    /// Those that are there.
    fn found(root: &Path) -> io::Result<Self> {
        Ok(Self { root: root.canonicalize()?, disk: Arc::new(SystemDisk) })
    }

    fn make(root: &Path, disk: Arc<dyn Disk>) -> io::Result<Self> {
        make_folder(root)?;
        // Absolute from here on: a relative one would follow a change of the working folder.
        let folders = Self { root: root.canonicalize()?, disk };
        make_folder(&folders.uploads())?;
        for shelf in shelves() {
            make_folder(&folders.shelf(&shelf))?;
        }
        folders.disk.sync_folder(&folders.root.join("blobs"))?;
        folders.disk.sync_folder(&folders.root)?;
        // The folder around it may be closed to us, and is somebody else's to keep.
        let _ = folders.root.parent().map(|around| folders.disk.sync_folder(around));
        Ok(folders)
    }

    /// Goes the way of every blob once; a mount point between the two folders would show here. Its name there is no key:
    /// what a start leaves that is killed half way is no blob, and the next start takes it away.
    fn prove_writable(&self, key: &Key) -> io::Result<()> {
        let (from, to) = (self.upload(key), self.root.join("blobs").join(PROBE));
        let options = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).to_owned();
        drop(self.disk.open(&from, &options)?);
        self.disk.rename(&from, &to).inspect_err(|_| self.remove_in_passing(&from))?;
        // Replicas that start together have one name for it.
        self.remove(&to)
    }

    /// Where there is none yet, there is nobody's.
    fn check_owner(&self) -> io::Result<()> {
        for folder in self.made() {
            if folder.try_exists()? {
                return check_owner(&folder, self.made());
            }
        }
        Ok(())
    }

    /// The folders that a start makes. The one around them may be a volume, which belongs to whoever made that.
    fn made(&self) -> impl Iterator<Item = PathBuf> {
        [self.uploads(), self.root.join("blobs")].into_iter().chain(shelves().map(|shelf| self.shelf(&shelf)))
    }

    fn uploads(&self) -> PathBuf {
        self.root.join("uploads")
    }

    fn upload(&self, key: &Key) -> PathBuf {
        self.uploads().join(key.as_str())
    }

    fn shelf(&self, name: &str) -> PathBuf {
        self.root.join("blobs").join(name)
    }

    fn shelf_of(&self, key: &Key) -> PathBuf {
        self.shelf(&key.as_str()[..2])
    }

    fn blob(&self, key: &Key) -> PathBuf {
        self.shelf_of(key).join(key.as_str())
    }

    /// Opens an upload's file, which is made with its first bytes. The file may be longer than `acknowledged`
    /// (an append that failed or whose machine went away), never shorter.
    fn open_upload(&self, key: &Key, acknowledged: u64) -> Result<File, BlobError> {
        let is_new = acknowledged == 0;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(is_new).truncate(false).mode(FILE_MODE);
        self.disk
            .open(&self.upload(key), &options)
            .map_err(|error| if is_new { error.into() } else { absent(error) })
    }

    /// Copies the first `length` bytes of an upload to a new one. Bytes below the acknowledged offset never
    /// change, so a writer that is still at work on the old file does no harm. Shares blocks where it can.
    fn copy_upload(&self, from: &Key, to: &Key, length: u64) -> Result<(), BlobError> {
        // It is a blob already where the claim before this one ended between rename and commit.
        let source = match File::open(self.upload(from)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                File::open(self.blob(from)).map_err(absent)?
            }
            opened => opened?,
        };
        let path = self.upload(to);
        let target =
            self.disk.open(&path, OpenOptions::new().write(true).create_new(true).mode(FILE_MODE))?;
        let copied = (self.disk.copy(&source, &target, length))
            .map_err(BlobError::from)
            .and_then(|found| at_least(found, length))
            .and_then(|()| Ok(self.disk.sync_file(&target)?))
            .and_then(|()| Ok(self.disk.sync_folder(&self.uploads())?));
        copied.inspect_err(|_| self.remove_in_passing(&path))
    }

    fn finish(&self, state: &State, expected: Digest) -> Result<Finished, BlobError> {
        let finished = Finished { key: state.key.clone(), size: state.offset };
        let upload = self.upload(&state.key);
        let file = match self.open_upload(&state.key, state.offset) {
            Err(BlobError::NotFound) => {
                // Finished before, and a crash came before the row was committed: the answer is the same.
                let file = File::open(self.blob(&state.key)).map_err(absent)?;
                // Longer than this state knows: a last chunk was in it, and another digest was its.
                let found = file.metadata()?.len();
                if found != state.offset {
                    return Err(BlobError::Truncated { found, wanted: state.offset });
                }
                verify(&file, state, expected)?;
                self.disk.sync_folder(&self.shelf_of(&state.key))?;
                return Ok(finished);
            }
            opened => opened?,
        };
        let found = file.metadata()?.len();
        if state.offset == 0 || found > state.offset {
            // Bytes that were never acknowledged are no part of the blob.
            self.disk.set_len(&file, state.offset)?;
            self.disk.sync_file(&file)?;
        }
        verify(&file, state, expected)?;
        self.disk.rename(&upload, &self.blob(&state.key))?;
        // The folder that the name left is not synced: were the name to come back there, it would be an orphan.
        self.disk.sync_folder(&self.shelf_of(&state.key))?;
        Ok(finished)
    }

    /// Removes a file; one that is gone already is fine.
    fn remove(&self, path: &Path) -> io::Result<()> {
        match self.disk.remove(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Removes a file on the way out with another error, which is the one to tell.
    fn remove_in_passing(&self, path: &Path) {
        if let Err(error) = self.remove(path) {
            tracing::warn!(%error, path = %path.display(), "a file of a failed upload could not be removed");
        }
    }
}

/// Finished blobs lie in 256 folders by the first two digits of their keys: none grows beyond what file systems like.
fn shelves() -> impl Iterator<Item = String> {
    (0..=u8::MAX).map(|first| format!("{first:02x}"))
}

/// The file holds all acknowledged bytes and they have the digest `expected`.
fn verify(file: &File, state: &State, expected: Digest) -> Result<(), BlobError> {
    at_least(file.metadata()?.len(), state.offset)?;
    let computed = match state.hashes.digest(expected.algorithm()) {
        Some(digest) => digest,
        None => read_sha512(file)?, // sha256 is always followed
    };
    if computed == expected { Ok(()) } else { Err(BlobError::DigestMismatch { expected, computed }) }
}

/// The sha512 of a file from its beginning, for clients that did not announce it.
fn read_sha512(mut file: &File) -> io::Result<Digest> {
    let mut hash = Sha512::new();
    let mut chunk = vec![0; DIGEST_CHUNK_BYTES];
    loop {
        match file.read(&mut chunk) {
            Ok(0) => return Ok(Digest::from_sha512(&hash.finalize().into())),
            Ok(count) => hash.update(&chunk[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn at_least(found: u64, wanted: u64) -> Result<(), BlobError> {
    if found < wanted { Err(BlobError::Truncated { found, wanted }) } else { Ok(()) }
}

/// The error of opening what must be there; where something is made, "not found" is about a folder and stays `Io`.
fn absent(error: io::Error) -> BlobError {
    if error.kind() == io::ErrorKind::NotFound { BlobError::NotFound } else { error.into() }
}

/// What to do about a folder in which files can't be made, renamed and removed.
pub fn way_out(cause: &io::Error) -> &'static str {
    match cause.kind() {
        io::ErrorKind::ReadOnlyFilesystem => {
            "mount its file system writable, or name another folder with data_dir"
        }
        io::ErrorKind::PermissionDenied => {
            "change its owner (chown -R), run sealock as the user to whom it belongs, or name another folder with data_dir"
        }
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space or raise the quota, or name another folder with data_dir"
        }
        _ => "name another folder with data_dir",
    }
}

fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(FOLDER_MODE).create(path)
}

/// Runs `job` on a thread that may block. It runs to its end even where nobody waits for it any more.
async fn blocking<T: Send + 'static>(
    job: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    match tokio::task::spawn_blocking(job).await {
        Ok(result) => result,
        Err(stopped) => Err(BlobError::Io(io::Error::other(stopped))),
    }
}
