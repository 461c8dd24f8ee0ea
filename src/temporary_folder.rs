//! Temporary folders that are cleaned up even if their process is killed.
//!
//! A killed process cannot clean up. So each folder contains a file that its process keeps locked, and the operating
//! system releases the lock when the process ends. A later process of the same user removes folders that are unlocked.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::error::{Cause, Error, Result};

/// The file that the folder's process keeps locked. No endpoint or container can have this name.
const LOCK_FILE: &str = ".lock";
/// How often to try if another process removes the new folder before it is locked.
const MAX_ATTEMPTS: usize = 10;
/// The name prefixes of the folders of all commands.
const PREFIXES: [&str; 4] = ["byoc-endpoint-", "byoc-transform-", "byoc-model-", "byoc-train-"];

/// A temporary folder of this process; dropping it removes the folder.
#[derive(Debug)]
pub struct TemporaryFolder {
    folder: tempfile::TempDir,
    /// Holds the lock while it is open.
    _lock: File,
}

impl TemporaryFolder {
    /// Creates a folder in the system's temporary folder. Its name begins with `prefix`, such as `byoc-endpoint-`.
    ///
    /// # Errors
    /// [`Cause::Io`] if it cannot be created.
    pub fn make(prefix: &str) -> Result<TemporaryFolder> {
        TemporaryFolder::make_in(&std::env::temp_dir(), prefix)
    }

    fn make_in(parent: &Path, prefix: &str) -> Result<TemporaryFolder> {
        let not_made = |error: std::io::Error| {
            let parent = parent.display();
            Error::new(Cause::Io, format!("could not create a folder for temporary files in {parent}")).caused_by(error)
        };
        for _ in 0..MAX_ATTEMPTS {
            let folder = tempfile::Builder::new().prefix(prefix).tempdir_in(parent).map_err(not_made)?;
            let path = folder.path().join(LOCK_FILE);
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
            if !is_same_file(&path, &lock) {
                continue;
            }
            return Ok(TemporaryFolder { folder, _lock: lock });
        }
        Err(Error::new(Cause::Io, format!("could not keep a folder for temporary files in {}", parent.display())))
    }

    /// Removes the folders of killed processes next to this one, in a thread because they may contain many files.
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

/// Whether a path still leads to this open file, by device and inode.
fn is_same_file(path: &Path, file: &File) -> bool {
    let identity = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let of_path = std::fs::symlink_metadata(path).map(identity);
    matches!((of_path, file.metadata().map(identity)), (Ok(path), Ok(file)) if path == file)
}

fn remove_abandoned_beside(own: &Path) {
    let Some(parent) = own.parent() else { return };
    let Ok(user) = std::fs::symlink_metadata(own).map(|metadata| metadata.uid()) else { return };
    for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let is_ours = name.to_str().is_some_and(|name| PREFIXES.iter().any(|prefix| name.starts_with(prefix)));
        let path = entry.path();
        if is_ours && path != own && remove_if_abandoned(&path, user) {
            log::info!("removed {}, which a killed process left behind", path.display());
        }
    }
}

/// Does not follow links, because any user may create them in the system's temporary folder.
fn remove_if_abandoned(folder: &Path, user: u32) -> bool {
    let is_folder_of = |metadata: std::fs::Metadata| metadata.is_dir() && metadata.uid() == user;
    if !std::fs::symlink_metadata(folder).is_ok_and(is_folder_of) {
        return false;
    }
    // A folder without a lock file may be about to get one.
    let lock: PathBuf = folder.join(LOCK_FILE);
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(&lock) else { return false };
    let is_file_of = |metadata: std::fs::Metadata| metadata.is_file() && metadata.uid() == user;
    if !file.metadata().is_ok_and(is_file_of) || file.try_lock().is_err() {
        return false;
    }
    // Holding the lock until the folder is gone keeps other processes from removing it too. remove_dir_all follows no
    // links.
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

    /// A folder as a killed process leaves it behind.
    fn abandoned(parent: &Path, name: &str) -> PathBuf {
        let folder = parent.join(name);
        std::fs::create_dir_all(folder.join("models/deep")).unwrap();
        std::fs::write(folder.join("models/deep/weights"), "w").unwrap();
        std::fs::write(folder.join(LOCK_FILE), "").unwrap();
        folder
    }

    #[test]
    fn abandoned_folders_are_removed_and_folders_in_use_are_not() {
        let parent = tempfile::tempdir().unwrap();
        let held = TemporaryFolder::make_in(parent.path(), "byoc-endpoint-").unwrap();
        let old = ["byoc-endpoint-a", "byoc-transform-b", "byoc-model-c"].map(|name| abandoned(parent.path(), name));
        let others = abandoned(parent.path(), "other-d");
        let young = parent.path().join("byoc-endpoint-young");
        std::fs::create_dir(&young).unwrap();
        let made = TemporaryFolder::make_in(parent.path(), "byoc-transform-").unwrap();
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
        let parent = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let target = abandoned(elsewhere.path(), "mine");
        std::os::unix::fs::symlink(&target, parent.path().join("byoc-endpoint-link")).unwrap();
        let with_linked_lock = parent.path().join("byoc-endpoint-lock");
        std::fs::create_dir(&with_linked_lock).unwrap();
        std::os::unix::fs::symlink(target.join(LOCK_FILE), with_linked_lock.join(LOCK_FILE)).unwrap();
        let with_link = abandoned(parent.path(), "byoc-endpoint-inside");
        std::os::unix::fs::symlink(&target, with_link.join("models/link")).unwrap();
        let made = TemporaryFolder::make_in(parent.path(), "byoc-endpoint-").unwrap();
        remove_abandoned_beside(made.path());
        assert!(target.join("models/deep/weights").exists());
        assert!(with_linked_lock.exists() && !with_link.exists());
    }
}
