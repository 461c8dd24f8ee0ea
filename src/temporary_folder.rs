//! Temporary folders that are cleaned up even if their process is killed.
//!
//! A killed process removes nothing. So each folder contains a file that its process has locked, and the operating
//! system releases the lock when the process ends. A later process of the same user removes folders whose lock is free.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::{Cause, Error, Result};

/// The file that the folder's process has locked. No endpoint and no container can have this name.
const LOCK: &str = ".lock";
/// How often to try again if another process removes the new folder before it is locked.
const TRIES: usize = 10;
/// The prefixes of all commands' folders.
const PREFIXES: [&str; 4] = ["byoc-endpoint-", "byoc-transform-", "byoc-model-", "byoc-train-"];

/// A temporary folder of this process; dropping it removes the folder.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: tempfile::TempDir,
    /// The lock is held as long as the file is open.
    _lock: File,
}

impl TemporaryFolder {
    /// Makes a folder in the system's folder for temporary files. Its name begins with `prefix`, such as
    /// `byoc-endpoint-`.
    ///
    /// # Errors
    /// [`Cause::Io`] when it cannot be made.
    pub fn make(prefix: &str) -> Result<TemporaryFolder> {
        TemporaryFolder::make_in(&std::env::temp_dir(), prefix)
    }

    fn make_in(place: &Path, prefix: &str) -> Result<TemporaryFolder> {
        let not_made = |error: std::io::Error| {
            let place = place.display();
            Error::new(Cause::Io, format!("could not make a folder for temporary files in {place}")).caused_by(error)
        };
        for _ in 0..TRIES {
            let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(place).map_err(not_made)?;
            let path = folder.path().join(LOCK);
            let lock = match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(lock) => lock,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                Err(error) => return Err(not_made(error)),
            };
            match lock.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => return Err(not_made(error)),
            }
            if !is_same(&path, &lock) {
                continue;
            }
            return Ok(TemporaryFolder { folder, _lock: lock });
        }
        Err(Error::new(Cause::Io, format!("could not keep a folder for temporary files in {}", place.display())))
    }

    /// Removes the folders of killed processes beside this one, in a thread because they may hold many files.
    pub fn remove_abandoned(&self) {
        let own = self.path().to_owned();
        let spawned = std::thread::Builder::new().name("byoc-temporary".to_owned()).spawn(move || {
            remove_abandoned_beside(&own);
        });
        if let Err(error) = spawned {
            log::debug!("no thread to remove abandoned folders could be started: {error}");
        }
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Whether a path still leads to this open file.
fn is_same(path: &Path, file: &File) -> bool {
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let of_path = std::fs::symlink_metadata(path).map(identity);
    matches!((of_path, file.metadata().map(identity)), (Ok(path), Ok(file)) if path == file)
}

fn remove_abandoned_beside(own: &Path) {
    let Some(place) = own.parent() else { return };
    let Ok(user) = std::fs::symlink_metadata(own).map(|metadata| metadata.uid()) else { return };
    for entry in std::fs::read_dir(place).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
        let path = entry.path();
        if is_ours && path != own && remove_if_abandoned(&path, user) {
            log::info!("removed {}, which a killed process left behind", path.display());
        }
    }
}

/// Does not follow links, because any user may make them in the system's folder for temporary files.
fn remove_if_abandoned(folder: &Path, user: u32) -> bool {
    let is_folder_of = |metadata: std::fs::Metadata| metadata.is_dir() && metadata.uid() == user;
    if !std::fs::symlink_metadata(folder).is_ok_and(is_folder_of) {
        return false;
    }
    // A folder without a lock file may be one that is just being made.
    let lock: PathBuf = folder.join(LOCK);
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(&lock) else { return false };
    let is_file_of = |metadata: std::fs::Metadata| metadata.is_file() && metadata.uid() == user;
    if !file.metadata().is_ok_and(is_file_of) || file.try_lock().is_err() {
        return false;
    }
    // The lock is held until the folder is gone, so that no two processes remove it. remove_dir_all follows no links.
    match std::fs::remove_dir_all(folder) {
        Ok(()) => true,
        Err(error) => {
            log::warn!("could not remove {}, which a killed process left behind: {error}", folder.display());
            false
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder as a killed process leaves it.
    fn abandoned(place: &Path, name: &str) -> PathBuf {
        let folder = place.join(name);
        std::fs::create_dir_all(folder.join("models/deep")).unwrap();
        std::fs::write(folder.join("models/deep/weights"), "w").unwrap();
        std::fs::write(folder.join(LOCK), "").unwrap();
        folder
    }

    #[test]
    fn abandoned_folders_are_removed_and_folders_in_use_are_not() {
        let place = tempfile::tempdir().unwrap();
        let held = TemporaryFolder::make_in(place.path(), "byoc-endpoint-").unwrap();
        let old = ["byoc-endpoint-a", "byoc-transform-b", "byoc-model-c"].map(|name| abandoned(place.path(), name));
        let others = abandoned(place.path(), "other-d");
        let young = place.path().join("byoc-endpoint-young");
        std::fs::create_dir(&young).unwrap();
        let made = TemporaryFolder::make_in(place.path(), "byoc-transform-").unwrap();
        remove_abandoned_beside(made.path());
        assert!(old.iter().all(|folder| !folder.exists()));
        for stays in [held.path(), made.path(), &others, &young] {
            assert!(stays.exists(), "{}", stays.display());
        }
        let gone = made.path().to_owned();
        drop(made);
        assert!(!gone.exists());
    }

    #[test]
    fn links_are_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let target = abandoned(elsewhere.path(), "mine");
        std::os::unix::fs::symlink(&target, place.path().join("byoc-endpoint-link")).unwrap();
        let with_linked_lock = place.path().join("byoc-endpoint-lock");
        std::fs::create_dir(&with_linked_lock).unwrap();
        std::os::unix::fs::symlink(target.join(LOCK), with_linked_lock.join(LOCK)).unwrap();
        let with_link = abandoned(place.path(), "byoc-endpoint-inside");
        std::os::unix::fs::symlink(&target, with_link.join("models/link")).unwrap();
        let made = TemporaryFolder::make_in(place.path(), "byoc-endpoint-").unwrap();
        remove_abandoned_beside(made.path());
        assert!(target.join("models/deep/weights").exists());
        assert!(with_linked_lock.exists() && !with_link.exists());
    }
}
