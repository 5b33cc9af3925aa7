//! The calls by which blobs get on the disk, all of them: what the order of durability rests on (DESIGN §5, 1).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

/// How a [`FileStore`](super::FileStore) changes what lies on the disk. The methods are what the system does; a test
/// puts a disk of its own in between, which writes down their order, fails one of them, or forgets what was never
/// made durable.
pub trait Disk: Send + Sync {
    /// Opens a file to write to, and makes it where the options say so.
    fn open(&self, path: &Path, options: &OpenOptions) -> io::Result<File> {
        options.open(path)
    }

    /// Writes all of `bytes` where the file stands.
    fn write(&self, mut file: &File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    /// Copies at most `length` bytes, and says how many it were. Shares blocks where the file system can.
    fn copy(&self, from: &File, mut to: &File, length: u64) -> io::Result<u64> {
        io::copy(&mut from.take(length), &mut to)
    }

    /// Cuts the file.
    fn set_len(&self, file: &File, length: u64) -> io::Result<()> {
        file.set_len(length)
    }

    /// Makes the bytes of a file durable, and how many there are (POSIX `fdatasync`: the size belongs to what a later
    /// read needs).
    fn sync_file(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Makes the names in a folder durable: without it a crash may forget a file that was synced itself.
    fn sync_folder(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    /// Moves a file; whatever has the other name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// The system's own calls, with nothing in between.
pub struct SystemDisk;

impl Disk for SystemDisk {}
