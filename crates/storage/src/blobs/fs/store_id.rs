//! The id of the store that a folder belongs to, in a file beside the blobs; and those that it may get, each in a file of
//! its own, until the database has decided.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use access::id::StoreId;

use super::{BlobError, FILE_MODE, Folders};

/// The name of the file, in the folder of the blob store.
const FILE: &str = "store-id";
/// What a file is called that holds a proposal, before the proposed id.
const PROPOSAL: &str = "store-id-";
/// What is read of one at most, in bytes: a UUID and a line end fit.
const MAX_FILE_BYTES: u64 = 64;

impl Folders {
    pub(super) fn store_id(&self) -> Result<Option<StoreId>, BlobError> {
        let path = self.store_id_file();
        let Some(text) = text_of(&path)? else { return Ok(None) };
        let damaged = || {
            let rule = "it holds no store id; bring it back from a backup of this folder";
            BlobError::Io(io::Error::other(format!("{}: {rule}", path.display())))
        };
        StoreId::parse(text.trim_end()).map(Some).map_err(|_| damaged())
    }

    pub(super) fn propose_store_id(&self, id: StoreId) -> Result<(), BlobError> {
        let path = self.proposal(id);
        let mut options = OpenOptions::new();
        // Not cut: a replica that proposes the same may be making this very file its own. The bytes are equal.
        let options = options.write(true).create(true).truncate(false).mode(FILE_MODE);
        let file = self.disk.open(&path, options)?;
        let written = (self.disk.write(&file, line(id).as_bytes()))
            .and_then(|()| self.disk.sync_file(&file))
            .and_then(|()| self.disk.sync_folder(&self.root));
        Ok(written.inspect_err(|_| self.remove_in_passing(&path))?)
    }

    pub(super) fn knows_store_id(&self, id: StoreId) -> Result<bool, BlobError> {
        // In this order: a replica may be making the one file the other.
        Ok(self.has_proposed(id)? || self.store_id()? == Some(id))
    }

    pub(super) fn keep_store_id(&self, id: StoreId) -> Result<(), BlobError> {
        if self.store_id()?.is_none() && self.has_proposed(id)? {
            match self.disk.rename(&self.proposal(id), &self.store_id_file()) {
                // A replica was faster.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                renamed => renamed?,
            }
        }
        self.disk.sync_folder(&self.root)?;
        self.drop_proposals()?;
        if self.store_id()? == Some(id) { Ok(()) } else { Err(BlobError::NotFound) }
    }

    /// Also those of a start that was killed: one id was decided on, so none of the others ever is.
    fn drop_proposals(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.root)? {
            let entry = entry?;
            if entry.file_name().to_str().is_some_and(|name| name.starts_with(PROPOSAL)) {
                self.remove(&entry.path())?;
            }
        }
        Ok(())
    }

    fn has_proposed(&self, id: StoreId) -> io::Result<bool> {
        Ok(text_of(&self.proposal(id))? == Some(line(id)))
    }

    fn store_id_file(&self) -> PathBuf {
        self.root.join(FILE)
    }

    fn proposal(&self, id: StoreId) -> PathBuf {
        self.root.join(format!("{PROPOSAL}{id}"))
    }
}

fn line(id: StoreId) -> String {
    format!("{id}\n")
}

/// What is in a file; `None` where there is none.
fn text_of(path: &Path) -> io::Result<Option<String>> {
    let mut text = String::new();
    match File::open(path).and_then(|file| file.take(MAX_FILE_BYTES).read_to_string(&mut text)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        read => read.map(|_| Some(text)),
    }
}
