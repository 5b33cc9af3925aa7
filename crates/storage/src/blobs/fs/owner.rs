//! Whose files a start finds. The threat: root, who may read everything, serves from another user's folder, and what it
//! makes there that user can't read when it serves again.

use std::{
    fs::{self, OpenOptions},
    io,
    os::unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{Access, access},
    process::geteuid,
};

use super::FILE_MODE;

/// The name of the file that shows to whom belongs what is made in a folder.
const PROBE: &str = "owner.probe";

/// A server of another user made this.
#[derive(Debug, thiserror::Error)]
#[error("{} belongs to user {owner}, who could not read what is made beside it now, by user {ours}", path.display())]
struct Foreign {
    path: PathBuf,
    owner: u32,
    ours: u32,
}

/// Refuses what another user's server made at one of `paths`, where something is; an error names the path. Blocks.
///
/// Ours is what belongs to the owner of what we make in `folder`, who need not be this process's user: a network file
/// system may have one owner for everything. What belongs to somebody else is fine for a user who may read and change it, as
/// the group that Kubernetes gives a volume may (fsGroup); root may always, so that says nothing of it.
pub fn check_owner(folder: &Path, paths: impl IntoIterator<Item = PathBuf>) -> io::Result<()> {
    let ours = owner_of_new_files(folder)?;
    let is_root = geteuid().is_root();
    paths.into_iter().try_for_each(|path| check_owner_of(&path, ours, is_root))
}

/// Refuses those of `paths`, where something is, in which this user can't read and change things; an error names the path.
pub(super) fn check_changeable(paths: impl IntoIterator<Item = PathBuf>) -> io::Result<()> {
    paths.into_iter().try_for_each(|path| match found_at(&path)? {
        Some(found) => check_changeable_to_us(&path, &found),
        None => Ok(()),
    })
}

/// To whom belongs what we make in the folder.
fn owner_of_new_files(folder: &Path) -> io::Result<u32> {
    let probe = folder.join(PROBE);
    let remove = || match fs::remove_file(&probe) {
        // Replicas that start together have one name for it.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    };
    let options = OpenOptions::new().write(true).create(true).truncate(false).mode(FILE_MODE).to_owned();
    let made = || {
        // What a start left that was killed half way is no news.
        remove()?;
        let owner = options.open(&probe)?.metadata()?.uid();
        remove().map(|()| owner)
    };
    made().map_err(|error| at(&probe, &error))
}

fn check_owner_of(path: &Path, ours: u32, is_root: bool) -> io::Result<()> {
    let Some(found) = found_at(path)? else { return Ok(()) };
    let owner = found.uid();
    if owner == ours {
        return Ok(());
    }
    if is_root {
        let foreign = Foreign { path: path.to_owned(), owner, ours };
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, foreign));
    }
    check_changeable_to_us(path, &found)
}

/// What is at the path, if anything is.
fn found_at(path: &Path) -> io::Result<Option<fs::Metadata>> {
    match fs::metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some).map_err(|error| at(path, &error)),
    }
}

fn check_changeable_to_us(path: &Path, found: &fs::Metadata) -> io::Result<()> {
    let passing = if found.is_dir() { Access::EXEC_OK } else { Access::empty() };
    access(path, Access::READ_OK | Access::WRITE_OK | passing).map_err(|errno| at(path, &errno.into()))
}

/// The system does not say which file it is about.
fn at(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_another_users_server_made_is_refused_to_root() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        let ours = folder.path().metadata().unwrap().uid();
        check_owner_of(&file, ours, true).unwrap();
        fs::write(&file, "").unwrap();
        check_owner_of(&file, ours, true).unwrap();

        let refused = check_owner_of(&file, ours + 1, true).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        let says = format!(
            "{} belongs to user {ours}, who could not read what is made beside it now, by user {}",
            file.display(),
            ours + 1
        );
        assert_eq!(refused.to_string(), says);
    }

    #[test]
    fn the_look_for_the_owner_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let key = folder.path().join("key");
        fs::write(folder.path().join(PROBE), "of a start that was killed").unwrap();
        check_owner(folder.path(), [key.clone()]).unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        let absent = folder.path().join("absent");
        let refused = check_owner(&absent, [key]).unwrap_err().to_string();
        assert!(refused.starts_with(&absent.display().to_string()), "{refused}");
    }

    /// As where Kubernetes gives the volume's group to whoever the container runs as.
    #[test]
    fn what_another_user_made_and_lets_us_change_is_fine() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        fs::write(&file, "").unwrap();
        let somebody = folder.path().metadata().unwrap().uid() + 1;
        for path in [file.as_path(), folder.path()] {
            check_owner_of(path, somebody, false).unwrap();
        }
        if geteuid().is_root() {
            return; // It may read and change what nobody may.
        }
        for path in [file.as_path(), folder.path()] {
            fs::set_permissions(path, PermissionsExt::from_mode(0o500)).unwrap();
            let refused = check_owner_of(path, somebody, false).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
            assert!(refused.to_string().starts_with(&path.display().to_string()), "{refused}");
        }
        fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o700)).unwrap();
    }
}
