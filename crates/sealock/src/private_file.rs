//! Files that hold secrets: readable by their owner alone, from the first byte on.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use access::randomness::{Randomness, base62};

/// How long the part of a draft's name that tells it from others is, in characters: no two are the same.
const DRAFT_NAME_LENGTH: usize = 16;

/// Creates a file that must not exist yet, with mode 0600. A later `chmod` would leave a moment in which others can
/// open it; an existing file may be one that others already hold open, or a link to somewhere else.
pub(crate) fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

/// Replaces the file at `path`: readers see the old text or the new one, never a part, also after a crash.
/// The folder is made with mode 0700 where it is missing.
pub(crate) fn replace(path: &Path, text: &[u8], random: &dyn Randomness) -> io::Result<()> {
    let draft = Draft::write(path, text, random)?;
    std::fs::rename(&draft.0, path)?;
    File::open(make_folder(path)?)?.sync_all()
}

/// Makes the file at `path`, whole, unless there is one, which stays as it is: of several who do this at once one
/// makes it. The folder is made with mode 0700 where it is missing.
pub(crate) fn create_once(path: &Path, text: &[u8], random: &dyn Randomness) -> io::Result<()> {
    let draft = Draft::write(path, text, random)?;
    match std::fs::hard_link(&draft.0, path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(make_folder(path)?)?.sync_all()
}

/// Waits until nobody else is changing the file at `path`, and keeps others waiting until what it answers is dropped.
/// Who only reads needs it not, see [`replace`].
pub(crate) fn lock(path: &Path) -> io::Result<File> {
    make_folder(path)?;
    // A file of its own, which stays: the other one is replaced, and a lock on what was replaced keeps nobody out.
    let lock = path.with_extension("lock");
    let lock = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(lock)?;
    lock.lock()?;
    Ok(lock)
}

/// A file that is to become another one, or to go.
struct Draft(PathBuf);

impl Draft {
    /// Writes a draft beside `path`, durably.
    fn write(path: &Path, text: &[u8], random: &dyn Randomness) -> io::Result<Self> {
        make_folder(path)?;
        // Not told apart by process id: in containers that share the folder every process may be number 1.
        let draft = path.with_extension(format!("{}.draft", base62(random, DRAFT_NAME_LENGTH)));
        let mut file = create_new(&draft)?;
        let draft = Self(draft);
        file.write_all(text)?;
        file.sync_all()?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Gone already where it became the other file; nobody else ever has this name.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The folder of `path`, made where it is missing.
fn make_folder(path: &Path) -> io::Result<&Path> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::randomness::SystemRandomness;

    /// Always the same bytes, so that two drafts get one name.
    struct Same;
    impl Randomness for Same {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn a_replaced_file_and_its_folder_belong_to_their_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/credentials.json");
        replace(&path, b"one", &SystemRandomness).unwrap();
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));

        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
        replace(&path, b"two", &SystemRandomness).unwrap();
        assert_eq!((mode(&path), std::fs::read(&path).unwrap()), (0o600, b"two".to_vec()));
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft stays behind");
    }

    #[test]
    fn an_existing_file_is_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create_new(&path).unwrap().write_all(b"mine").unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(create_new(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn a_draft_of_somebody_else_is_neither_used_nor_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("credentials.json");
        let theirs = Draft::write(&path, b"theirs", &Same).unwrap();
        let refused = replace(&path, b"mine", &Same).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&theirs.0).unwrap(), b"theirs");
        assert!(!path.exists());
    }

    #[test]
    fn what_is_there_already_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        for text in [b"one", b"two"] {
            create_once(&path, text, &SystemRandomness).unwrap();
            assert_eq!((mode(&path), std::fs::read(&path).unwrap()), (0o600, b"one".to_vec()));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no draft stays behind");
    }

    #[test]
    fn a_locked_file_is_locked_for_everybody_else_until_the_lock_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/credentials.json");
        let mine = lock(&path).unwrap();
        let other = || File::open(path.with_extension("lock")).unwrap().try_lock();
        assert!(matches!(other(), Err(std::fs::TryLockError::WouldBlock)));
        assert_eq!(mode(&path.with_extension("lock")), 0o600);
        drop(mine);
        assert!(other().is_ok());
    }
}
