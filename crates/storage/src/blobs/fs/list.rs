//! Listing folders of files, page by page: a store of millions of blobs is walked in little memory.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::PathBuf};

use access::time::Instant;
use futures_util::{
    future,
    stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _},
};

use super::{BlobError, Key, Listed, blocking};

/// How many files are looked at between two returns to the async threads, and held in memory at once.
const PAGE_FILES: usize = 1000;

/// The files of `folder` that have a key for a name, in no order. A folder that is not there has none: what copies a
/// store may leave empty ones out.
pub(super) fn list(folder: PathBuf) -> BoxStream<'static, Result<Listed, BlobError>> {
    let opened = async move { blocking(move || Ok(open(folder)?)).await };
    let there = stream::once(opened).try_filter_map(|opened| future::ready(Ok(opened)));
    let pages = there.map_ok(pages).try_flatten();
    pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten().boxed()
}

fn open(folder: PathBuf) -> io::Result<Option<fs::ReadDir>> {
    match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

fn pages(entries: fs::ReadDir) -> impl Stream<Item = Result<Vec<Listed>, BlobError>> + Send {
    stream::try_unfold(entries, |mut entries| {
        blocking(move || Ok(next_page(&mut entries)?.map(|page| (page, entries))))
    })
}

/// The next files; `None` at the end.
fn next_page(entries: &mut fs::ReadDir) -> io::Result<Option<Vec<Listed>>> {
    let mut seen = 0;
    let mut page = Vec::new();
    for entry in entries.take(PAGE_FILES) {
        seen += 1;
        page.extend(listed(&entry?)?);
    }
    Ok((seen > 0).then_some(page))
}

fn listed(entry: &fs::DirEntry) -> io::Result<Option<Listed>> {
    let Some(key) = entry.file_name().to_str().and_then(|name| Key::parse(name).ok()) else {
        return Ok(None);
    };
    let metadata = match entry.metadata() {
        // Removed since the folder was read.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata?,
    };
    // Moving a file to its shelf is no write to it; that it was moved shows at its inode.
    let seconds = metadata.mtime().max(metadata.ctime());
    // Never younger than it is told: the part of a second counts as a whole one.
    let modified = Instant::from_millis(seconds.saturating_add(1).saturating_mul(1000));
    Ok(Some(Listed { key, size: metadata.len(), modified }))
}
