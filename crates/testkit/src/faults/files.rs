//! Which bytes lie under which names: as programs see it, and as far as it was made durable.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What a crash takes. What was synced is there after each of them; POSIX promises nothing about the rest, so it may
/// be there, or not, or half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing: the program was killed, the system lives.
    Nothing,
    /// Everything that was not synced.
    Unsynced,
    /// Bytes that were not synced; names came to the disk by themselves. So files that are all zeros come about.
    Bytes,
    /// Names that were not synced; bytes came to the disk by themselves.
    Names,
    /// Half of what each file grew by since it was synced.
    Half,
}

impl Loss {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Nothing, Self::Unsynced, Self::Bytes, Self::Names, Self::Half];
}

/// A data folder as it is found after a crash.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Left {
    pub(super) folder: PathBuf,
    pub(super) files: BTreeMap<PathBuf, Arc<Vec<u8>>>,
    pub(super) database: Arc<Vec<(String, Vec<u8>)>>,
}

impl Left {
    /// Lays it out in another data folder.
    pub fn lay_out(&self, folder: &Path) -> std::io::Result<()> {
        for (name, bytes) in self.database.iter() {
            fs::write(folder.join(name), bytes)?;
        }
        for (path, bytes) in &self.files {
            let below = path.strip_prefix(&self.folder).map_err(std::io::Error::other)?;
            let path = folder.join(below);
            fs::create_dir_all(path.parent().unwrap_or(folder))?;
            fs::write(path, bytes.as_slice())?;
        }
        Ok(())
    }
}

/// A file, whatever its name: an inode, but never used again.
type Id = usize;

#[derive(Clone, Default)]
struct View {
    names: BTreeMap<PathBuf, Id>,
    bytes: BTreeMap<Id, Arc<Vec<u8>>>,
}

#[derive(Clone, Default)]
pub(super) struct Files {
    seen: View,
    durable: View,
    /// Whither a name was moved: no file system loses both names of a file, whichever folder is synced first.
    moved: BTreeMap<PathBuf, PathBuf>,
    inodes: BTreeMap<u64, Id>,
    next: Id,
}

impl Files {
    pub(super) fn opened(&mut self, path: &Path, file: &File) {
        if self.seen.names.contains_key(path) {
            return;
        }
        self.next += 1;
        self.inodes.insert(file.metadata().expect("an open file").ino(), self.next);
        self.seen.names.insert(path.to_owned(), self.next);
        self.seen.bytes.insert(self.next, Arc::default());
    }

    pub(super) fn path_of(&self, file: &File) -> Option<PathBuf> {
        let id = self.inodes.get(&file.metadata().ok()?.ino())?;
        self.seen.names.iter().find_map(|(path, named)| (named == id).then(|| path.clone()))
    }

    pub(super) fn changed(&mut self, path: &Path) {
        // A file that was removed meanwhile has no bytes that anybody finds again.
        if let (Some(id), Ok(bytes)) = (self.seen.names.get(path), fs::read(path)) {
            self.seen.bytes.insert(*id, Arc::new(bytes));
        }
    }

    pub(super) fn synced(&mut self, path: &Path) {
        if let Some(id) = self.seen.names.get(path) {
            self.durable.bytes.insert(*id, self.seen.bytes[id].clone());
        }
    }

    pub(super) fn folder_synced(&mut self, folder: &Path) {
        let is_here = |path: &Path| path.parent() == Some(folder);
        let (seen, moved) = (&self.seen.names, &self.moved);
        let targets = self.durable.names.clone();
        self.durable.names.retain(|path, id| {
            let has_its_other_name = moved.get(path).is_none_or(|to| targets.get(to) == Some(id));
            !is_here(path) || seen.contains_key(path) || !has_its_other_name
        });
        let here = seen.iter().filter(|(path, _)| is_here(path));
        self.durable.names.extend(here.map(|(path, id)| (path.clone(), *id)));
    }

    pub(super) fn renamed(&mut self, from: &Path, to: &Path) {
        if let Some(id) = self.seen.names.remove(from) {
            self.seen.names.insert(to.to_owned(), id);
            self.moved.insert(from.to_owned(), to.to_owned());
        }
    }

    pub(super) fn removed(&mut self, path: &Path) {
        self.seen.names.remove(path);
    }

    pub(super) fn left_by(&self, loss: Loss) -> BTreeMap<PathBuf, Arc<Vec<u8>>> {
        let names = match loss {
            Loss::Unsynced | Loss::Names => &self.durable.names,
            Loss::Nothing | Loss::Bytes | Loss::Half => &self.seen.names,
        };
        names.iter().map(|(path, id)| (path.clone(), self.bytes_left_by(loss, *id))).collect()
    }

    fn bytes_left_by(&self, loss: Loss, id: Id) -> Arc<Vec<u8>> {
        let seen = self.seen.bytes.get(&id).cloned().unwrap_or_default();
        let durable = self.durable.bytes.get(&id).cloned().unwrap_or_default();
        match loss {
            Loss::Nothing | Loss::Names => seen,
            Loss::Unsynced => durable,
            // As long as it was, and zeros where nothing came to the disk.
            Loss::Bytes => {
                let mut zeros = durable.to_vec();
                zeros.resize(seen.len().max(durable.len()), 0);
                Arc::new(zeros)
            }
            Loss::Half => {
                let grown = seen.len().saturating_sub(durable.len());
                Arc::new(seen[..seen.len() - grown / 2].to_vec())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use registry::Disk;

    use super::*;
    use crate::{Fault, Faults};

    /// What each loss leaves, as `name=bytes` in order.
    fn left(faults: &Faults, folder: &Path, loss: Loss) -> String {
        faults.record();
        faults.reply("now");
        let left = faults.moments()[0].left_by(loss);
        let named = |path: &Path| path.strip_prefix(folder).unwrap().display().to_string();
        let files = left.files.iter().map(|(path, bytes)| {
            format!("{}={}", named(path), String::from_utf8_lossy(bytes).replace('\0', "0"))
        });
        files.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_is_not_synced_may_go_and_what_is_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (root, faults) = (folder.path().canonicalize().unwrap(), Faults::new(folder.path()));
        let (a, b) = (root.join("a"), root.join("below/b"));
        fs::create_dir(root.join("below")).unwrap();
        let file = faults.open(&a, File::options().write(true).create(true)).unwrap();
        faults.write(&file, b"once").unwrap();
        let all = || Loss::ALL.map(|loss| left(&faults, &root, loss));
        assert_eq!(all(), ["a=once", "", "a=0000", "", "a=on"]);
        faults.sync_file(&file).unwrap();
        assert_eq!(all(), ["a=once", "", "a=once", "", "a=once"]);
        faults.sync_folder(&root).unwrap();
        faults.write(&file, b"more").unwrap();
        assert_eq!(all(), ["a=oncemore", "a=once", "a=once0000", "a=oncemore", "a=oncemo"]);
        faults.sync_file(&file).unwrap();
        faults.rename(&a, &b).unwrap();
        // The folder that it left, synced alone, does not lose the file.
        faults.sync_folder(&root).unwrap();
        assert_eq!(left(&faults, &root, Loss::Unsynced), "a=oncemore");
        faults.sync_folder(&root.join("below")).unwrap();
        faults.sync_folder(&root).unwrap();
        assert_eq!(all(), ["below/b=oncemore"; 5]);
        faults.remove(&b).unwrap();
        assert_eq!(all(), ["", "below/b=oncemore", "", "below/b=oncemore", ""]);
    }

    #[test]
    fn the_call_that_was_said_fails_and_a_full_disk_stays_full_until_it_is_mended() {
        let folder = tempfile::tempdir().unwrap();
        let faults = Faults::new(folder.path());
        let sync = || faults.sync_folder(folder.path()).map_err(|error| error.kind());
        let full = Err(std::io::ErrorKind::StorageFull);
        for (fault, expect) in [
            (Fault::Full, [Ok(()), full, Ok(()), Ok(())]),
            (Fault::StaysFull, [Ok(()), full, full, full]),
            (Fault::AnswerLost, [Ok(()); 4]),
        ] {
            faults.strike(2, fault);
            assert_eq!([(); 4].map(|()| sync()), expect, "{fault:?}");
            assert_eq!(faults.mend(), fault != Fault::AnswerLost);
            assert_eq!(sync(), Ok(()));
        }
    }
}
