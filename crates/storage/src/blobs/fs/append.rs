//! Writing a client's body behind the acknowledged bytes of an upload: hashed and written at disk speed, with
//! two buffers in memory, and no thread held while the client is slow.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek as _, SeekFrom},
    sync::Arc,
};

use futures_util::{
    FutureExt as _, StreamExt as _,
    future::{self, BoxFuture},
};
use tokio::task::{JoinError, JoinHandle, spawn_blocking};

use super::{BlobError, Body, Folders, Key, State, at_least, blocking};
use crate::blobs::state::Hashes;

/// How many bytes are gathered before they go to the disk. Large enough that changing threads costs nothing beside
/// hashing, small enough that a thousand uploads fit in memory (two buffers each, grown as bytes come).
const BUFFER_BYTES: usize = 1024 * 1024;

pub(super) async fn append(
    folders: &Arc<Folders>,
    state: &State,
    body: Body<'_>,
    limit: u64,
) -> Result<State, BlobError> {
    let mut pipe = Pipe::open(folders, state);
    let written = match receive(&mut pipe, body, limit.saturating_sub(state.offset), limit).await {
        Ok(()) => pipe.close().await,
        Err(error) => {
            // The claim may be closed when this returns, so no write may be under way any more.
            let _ = pipe.settle().await;
            Err(error)
        }
    };
    if written.is_err() {
        cut_back(folders, state).await;
    }
    written
}

async fn receive(pipe: &mut Pipe, mut body: Body<'_>, mut room: u64, limit: u64) -> Result<(), BlobError> {
    while let Some(frame) = body.next().await {
        let frame = frame.map_err(BlobError::Body)?;
        room = room.checked_sub(frame.len() as u64).ok_or(BlobError::TooLarge { limit })?;
        pipe.push(&frame).await?;
    }
    Ok(())
}

/// Gives the space of an append that failed back at once. The next append would do it too, so if it fails here
/// (the disk is gone, or a later claim took over and dropped the file) nothing is lost.
async fn cut_back(folders: &Arc<Folders>, state: &State) {
    let (folders, key, offset) = (Arc::clone(folders), state.key.clone(), state.offset);
    let cut = blocking(move || {
        let file = folders.disk.open(&folders.upload(&key), OpenOptions::new().write(true))?;
        if file.metadata()?.len() > offset {
            folders.disk.set_len(&file, offset)?;
        }
        Ok(())
    });
    if let Err(error) = cut.await {
        tracing::debug!(%error, key = %state.key, "a failed append was not cut back");
    }
}

/// One buffer is filled while the other is hashed and written, on two threads side by side.
struct Pipe {
    filling: Vec<u8>,
    /// What is under way; `None` after it failed.
    at_work: Option<AtWork>,
}

type Written = (Writer, Arc<Vec<u8>>);

/// The writer, with the buffer to fill next, and the hashes: each from a job of its own.
struct AtWork {
    writing: JoinHandle<Result<Written, BlobError>>,
    hashing: BoxFuture<'static, Result<Hashes, JoinError>>,
}

impl Pipe {
    fn open(folders: &Arc<Folders>, state: &State) -> Self {
        let (folders, hashes) = (Arc::clone(folders), state.hashes.clone());
        let (key, offset) = (state.key.clone(), state.offset);
        let writing = spawn_blocking(move || Ok((Writer::open(folders, key, offset)?, Arc::default())));
        let hashing = future::ready(Ok(hashes)).boxed();
        Self { filling: Vec::new(), at_work: Some(AtWork { writing, hashing }) }
    }

    async fn push(&mut self, mut bytes: &[u8]) -> Result<(), BlobError> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BUFFER_BYTES - self.filling.len()));
            // Copied, not kept: a frame can hold on to a far larger buffer of the connection.
            self.filling.extend_from_slice(now);
            bytes = later;
            if self.filling.len() == BUFFER_BYTES {
                self.hand_over().await?;
            }
        }
        Ok(())
    }

    async fn hand_over(&mut self) -> Result<(), BlobError> {
        let (mut writer, mut hashes, mut spare) = self.settle().await?;
        spare.clear();
        let full = Arc::new(std::mem::replace(&mut self.filling, spare));
        let hashed = Arc::clone(&full);
        let writing = spawn_blocking(move || {
            writer.write(&full)?;
            Ok((writer, full))
        });
        let hashing = spawn_blocking(move || {
            hashes.update(&hashed);
            hashes
        });
        self.at_work = Some(AtWork { writing, hashing: hashing.boxed() });
        Ok(())
    }

    /// Waits until nothing is under way.
    async fn settle(&mut self) -> Result<(Writer, Hashes, Vec<u8>), BlobError> {
        let Some(AtWork { writing, hashing }) = self.at_work.take() else {
            return Err(BlobError::Io(io::Error::other("an earlier write of this append failed")));
        };
        let (written, hashed) = future::join(writing, hashing).await;
        let (writer, buffer) = written.map_err(io::Error::other)??;
        // Both jobs are done, so nobody else holds the buffer.
        Ok((writer, hashed.map_err(io::Error::other)?, Arc::unwrap_or_clone(buffer)))
    }

    /// Hashes and writes the rest and makes all of it durable.
    async fn close(mut self) -> Result<State, BlobError> {
        let (mut writer, mut hashes, _) = self.settle().await?;
        let rest = self.filling;
        blocking(move || {
            hashes.update(&rest);
            writer.write(&rest)?;
            writer.sync()?;
            Ok(State { key: writer.key, offset: writer.offset, hashes })
        })
        .await
    }
}

/// An upload's file, opened behind its acknowledged bytes.
struct Writer {
    folders: Arc<Folders>,
    key: Key,
    file: File,
    is_new: bool,
    offset: u64,
}

impl Writer {
    fn open(folders: Arc<Folders>, key: Key, offset: u64) -> Result<Self, BlobError> {
        let mut file = folders.open_upload(&key, offset)?;
        let found = file.metadata()?.len();
        at_least(found, offset)?;
        if found > offset {
            folders.disk.set_len(&file, offset)?;
        }
        file.seek(SeekFrom::Start(offset))?;
        Ok(Self { is_new: offset == 0, folders, key, file, offset })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.offset += bytes.len() as u64;
        self.folders.disk.write(&self.file, bytes)
    }

    fn sync(&self) -> io::Result<()> {
        let disk = &self.folders.disk;
        disk.sync_file(&self.file)?;
        if self.is_new { disk.sync_folder(&self.folders.uploads()) } else { Ok(()) }
    }
}
