//! Versions of objects and folders. They change with the content, and are known without reading it.

use std::fs::Metadata;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::{Entry, StorageError};

/// The most files of a folder that its version includes. Models have only a few.
const MAX_FILES: usize = 1000;

/// The version of an object: the ETag in S3, the size and modification time of a file, or those of all files in a
/// folder. If a file is replaced by one with the same size and time, its version does not change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version(String);

impl Version {
    /// The version of an object in S3.
    pub fn of_object(entry: &Entry) -> Version {
        // Without the size, which a proxy may change in a response without a body.
        Version(entry.version.clone())
    }

    /// The combined version of several objects in S3.
    pub fn of_objects(entries: &[Entry]) -> Version {
        let each = entries.iter().map(|entry| format!("{} {}", entry.key, entry.version));
        Version(each.collect::<Vec<_>>().join("\n"))
    }

    /// The version of a local file or folder.
    ///
    /// # Errors
    /// [`StorageError`].
    pub fn of_path(path: &Path) -> Result<Version, StorageError> {
        let metadata = std::fs::metadata(path).map_err(|error| StorageError::from_io(path, error))?;
        if !metadata.is_dir() {
            return Ok(Version(of_file(&metadata)));
        }
        let mut files = Vec::new();
        list(path, path, &mut files).map_err(|error| StorageError::from_io(path, error))?;
        files.sort();
        Ok(Version(files.join("\n")))
    }
}

fn of_file(metadata: &Metadata) -> String {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    format!("{} {}", metadata.len(), modified.map_or(0, |time| time.as_nanos()))
}

/// The latest modification time of a file, or of a folder and its files.
///
/// # Errors
/// [`StorageError`].
pub fn last_modified(path: &Path) -> Result<SystemTime, StorageError> {
    latest_below(path, &mut 0).map_err(|error| StorageError::from_io(path, error))
}

/// Does not follow links to folders, and reads no more entries than a version includes.
fn latest_below(path: &Path, entries_read: &mut usize) -> std::io::Result<SystemTime> {
    let metadata = std::fs::metadata(path)?;
    let mut latest = metadata.modified()?;
    if !metadata.is_dir() {
        return Ok(latest);
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        *entries_read += 1;
        let is_link_to_folder = entry.file_type()?.is_symlink() && entry.path().is_dir();
        if *entries_read <= MAX_FILES && !is_link_to_folder {
            // The entry may have been deleted in the meantime.
            latest = latest_below(&entry.path(), entries_read).map_or(latest, |time| time.max(latest));
        }
    }
    Ok(latest)
}

/// Collects all files below a folder with their versions. Does not follow links to folders, which may form a cycle.
fn list(root: &Path, folder: &Path, files: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            list(root, &path, files)?;
        } else if let Ok(metadata) = std::fs::metadata(&path)
            && files.len() < MAX_FILES
        {
            let name = path.strip_prefix(root).unwrap_or(&path);
            files.push(format!("{} {}", name.display(), of_file(&metadata)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::{File, FileTimes};
    use std::time::{Duration, SystemTime};

    use super::*;

    fn touch(path: &Path, content: &str, seconds: u64) {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        File::options().write(true).open(path).unwrap().set_times(FileTimes::new().set_modified(time)).unwrap();
    }

    #[test]
    fn a_version_changes_with_the_size_and_time_of_files() {
        let folder = tempfile::tempdir().unwrap();
        for (path, watched) in [("a", "a"), ("model/deep/b", "model")] {
            let (path, watched) = (folder.path().join(path), folder.path().join(watched));
            assert_eq!(Version::of_path(&watched), Err(StorageError::NotFound));
            touch(&path, "12", 1);
            let first = Version::of_path(&watched).unwrap();
            assert_eq!(Version::of_path(&watched).unwrap(), first);
            touch(&path, "34", 2);
            let later = Version::of_path(&watched).unwrap();
            touch(&path, "345", 2);
            let longer = Version::of_path(&watched).unwrap();
            assert!(first != later && later != longer && first != longer);
        }
        let before = Version::of_path(&folder.path().join("model")).unwrap();
        touch(&folder.path().join("model/c"), "", 1);
        assert_ne!(Version::of_path(&folder.path().join("model")).unwrap(), before);
        std::fs::remove_file(folder.path().join("model/c")).unwrap();
        assert_eq!(Version::of_path(&folder.path().join("model")).unwrap(), before);
    }
}
