//! The data folder: made at the first start, and one server's at a time where the database is a file in it.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use registry::way_out;

/// The file in the data folder that the server has locked while it runs; there is nothing in it.
const LOCK: &str = "server.lock";

/// Why the data folder can't be served from.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DataFolderError {
    #[error(
        "the data folder {folder} can't be used: {cause}; sealock has to make, change and remove files in it: {}",
        way_out(cause), folder = folder.display()
    )]
    Unusable { folder: PathBuf, cause: io::Error },
    #[error(
        "another sealock serves from the data folder {folder} (it has {LOCK} in it locked); stop that one first, give this \
         one a data_dir of its own, or use PostgreSQL, on which any number of servers share a store",
        folder = folder.display()
    )]
    Taken { folder: PathBuf },
}

/// Makes the folder where it is missing, with mode 0700.
pub(crate) fn make(folder: &Path) -> Result<(), DataFolderError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|cause| DataFolderError::Unusable { folder: folder.to_owned(), cause })
}

/// Refuses a folder in which a server of another user left its lock or one of the `kept` files, see
/// [`registry::check_owner`]. The folder itself may be a volume, which belongs to whoever made that.
pub(crate) fn check_owner(
    folder: &Path,
    kept: impl IntoIterator<Item = PathBuf>,
) -> Result<(), DataFolderError> {
    let made = kept.into_iter().chain([folder.join(LOCK)]);
    registry::check_owner(folder, made)
        .map_err(|cause| DataFolderError::Unusable { folder: folder.to_owned(), cause })
}

/// Keeps every other server out of the folder until what it answers is dropped, or the process ends, however it ends.
/// Two servers on one SQLite file would each note, limit and sweep as if they were alone. Operators' commands come in all
/// the same.
pub(crate) fn take(folder: &Path) -> Result<File, DataFolderError> {
    let unusable = |cause| DataFolderError::Unusable { folder: folder.to_owned(), cause };
    let options = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).to_owned();
    let file = options.open(folder.join(LOCK)).map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DataFolderError::Taken { folder: folder.to_owned() }),
        Err(TryLockError::Error(cause)) => Err(unusable(cause)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_folder_that_is_served_from_is_nobody_elses_until_that_server_ends() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("new/data");
        make(&data).unwrap();
        let held = take(&data).unwrap();
        let refused = take(&data).unwrap_err().to_string();
        assert!(refused.starts_with("another sealock serves from the data folder "), "{refused}");
        assert!(refused.contains(&data.display().to_string()), "{refused}");
        drop(held);
        take(&data).unwrap();
    }

    /// As far as one user can try it; e2e/tests/start_refusals.rs has two.
    #[test]
    fn what_this_user_made_is_served_from_and_no_probe_stays_behind() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        check_owner(folder.path(), [key.clone()]).unwrap();
        std::fs::write(&key, "").unwrap();
        check_owner(folder.path(), [key]).unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        let absent = folder.path().join("absent");
        let refused = check_owner(&absent, []).unwrap_err().to_string();
        assert!(refused.contains("absent can't be used: ") && refused.contains("No such file"), "{refused}");
    }

    #[test]
    fn a_key_of_another_user_is_refused_with_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        std::fs::write(&key, "").unwrap();
        // Only root may give files away.
        if std::os::unix::fs::chown(&key, Some(65534), None).is_err() {
            return;
        }
        let refused = check_owner(folder.path(), [key.clone()]).unwrap_err().to_string();
        let belongs = format!("{} belongs to user 65534", key.display());
        for word in [&belongs, "the data folder", "change its owner (chown -R), run sealock as the user"] {
            assert!(refused.contains(word), "{refused}");
        }
        // A volume belongs to whoever made it.
        std::fs::remove_file(&key).unwrap();
        std::os::unix::fs::chown(folder.path(), Some(65534), None).unwrap();
        check_owner(folder.path(), [key]).unwrap();
    }

    #[test]
    fn what_can_not_be_a_data_folder_is_told_with_the_cause_and_the_way_out() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        std::fs::create_dir_all(folder.path().join("locked/server.lock")).unwrap();
        for (data, cause) in [
            (file.clone(), "File exists"),
            (file.join("below"), "Not a directory"),
            ("/proc/sealock".into(), "No such file"),
            (folder.path().join("locked"), "Is a directory"),
        ] {
            let refused = make(&data).and_then(|()| take(&data).map(drop)).unwrap_err().to_string();
            assert!(
                refused.contains(cause) && refused.contains("name another folder with data_dir"),
                "{refused}"
            );
            assert!(refused.contains(&data.display().to_string()), "{refused}");
        }
    }
}
