//! Reading a blob: what the kernel holds in memory is handed on at once, what it would have to fetch is read on
//! a thread that may wait (DESIGN §6).

use std::{fs::File, io, os::unix::fs::FileExt as _, path::Path, sync::Arc};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, StreamExt as _};
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking};

use super::{BlobError, Range, Reading, absent, at_least};

/// How much is read and handed on at a time, in bytes: tokio's 4 KiB gave a thirtieth of the speed (DESIGN §6).
const CHUNK_BYTES: usize = 256 * 1024;

/// Opens the file at `path`; it stays readable through this even when it is deleted, and `turn` is kept as long as it is
/// open. Blocks.
pub(super) fn read(
    path: &Path,
    range: Option<Range>,
    turn: OwnedSemaphorePermit,
) -> Result<Reading, BlobError> {
    let file = File::open(path).map_err(absent)?;
    let size = file.metadata()?.len();
    let range = range.unwrap_or(Range { start: 0, length: size });
    at_least(size, range.start.saturating_add(range.length))?;
    let (file, buffer) = (Arc::new(file), BytesMut::new());
    let cursor = Cursor { file, at: range.start, left: range.length, buffer, _turn: turn };
    let bytes = stream::try_unfold(cursor, Cursor::next).boxed();
    Ok(Reading { size, bytes })
}

struct Cursor {
    file: Arc<File>,
    at: u64,
    left: u64,
    buffer: BytesMut,
    _turn: OwnedSemaphorePermit,
}

impl Cursor {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.left == 0 {
            return Ok(None);
        }
        // The buffer is used again once whoever got the last chunk has let go of it.
        let wanted = usize::try_from(self.left).map_or(CHUNK_BYTES, |left| left.min(CHUNK_BYTES));
        self.buffer.resize(wanted, 0);
        let count = match read_from_memory(&self.file, &mut self.buffer, self.at) {
            Some(count) => count,
            None => self.read_from_disk().await?,
        };
        self.buffer.truncate(count);
        self.at += count as u64;
        self.left -= count as u64;
        Ok(Some((self.buffer.split().freeze(), self)))
    }

    /// One positional read where it may block. A file that ends too early is an error: the client must not
    /// take half a blob for the whole.
    async fn read_from_disk(&mut self) -> io::Result<usize> {
        let (file, at) = (Arc::clone(&self.file), self.at);
        let mut buffer = std::mem::take(&mut self.buffer);
        let reading = spawn_blocking(move || {
            loop {
                match file.read_at(&mut buffer, at) {
                    Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(count) => return Ok((buffer, count)),
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(error) => return Err(error),
                }
            }
        });
        let (buffer, count) = reading.await.map_err(io::Error::other)??;
        self.buffer = buffer;
        Ok(count)
    }
}

/// Reads what is in the page cache without waiting; `None` where it has to be read in the ordinary way: nothing
/// cached (`EAGAIN`; some file systems say 0), not supported, or an error that the ordinary way will tell.
#[cfg(target_os = "linux")]
fn read_from_memory(file: &File, buffer: &mut [u8], at: u64) -> Option<usize> {
    use rustix::io::{ReadWriteFlags, preadv2};

    let mut buffers = [io::IoSliceMut::new(buffer)];
    preadv2(file, &mut buffers, at, ReadWriteFlags::NOWAIT).ok().filter(|count| *count > 0)
}

/// Elsewhere nothing says whether a read would wait.
#[cfg(not(target_os = "linux"))]
fn read_from_memory(_: &File, _: &mut [u8], _: u64) -> Option<usize> {
    None
}
