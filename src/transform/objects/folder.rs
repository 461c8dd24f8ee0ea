//! The files of a folder of this machine, those of its subfolders included.

use std::io::ErrorKind;
use std::path::Path;

use super::{Object, is_state_folder};
use crate::error::{Cause, Error, Result};
use crate::storage::{Location, missing_path_message};

/// The input in messages: its member in the API, and its flag.
const INPUT: &str = "the input (TransformInput.DataSource.S3DataSource.S3Uri, or --input)";

/// The files of a folder, or a single file.
pub(super) fn list(path: &Path) -> Result<Vec<Object>> {
    let metadata = std::fs::metadata(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => Error::new(Cause::BadSetting, format!("{INPUT}: {}", missing_path_message(path))),
        _ => Error::io("read the input", path, error).because(Cause::BadSetting),
    })?;
    if !metadata.is_dir() {
        if !metadata.is_file() {
            let message = format!("{}: expected a folder or a file, found neither", path.display());
            return Err(Error::new(Cause::BadSetting, message));
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or("object").to_owned();
        return Ok(vec![file_object(path, name, &metadata)]);
    }
    let mut objects = Vec::new();
    collect_files(path, "", &mut vec![identity(&metadata)], &mut objects)?;
    Ok(objects)
}

/// The identity of a folder, independent of its path: device and inode.
type Identity = (u64, u64);

fn identity(metadata: &std::fs::Metadata) -> Identity {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

/// Collects the files of a folder and its subfolders. Hidden files are included, since S3 has no hidden objects. Links
/// are followed, except dangling ones and those that lead back to one of `ancestors`.
fn collect_files(folder: &Path, above: &str, ancestors: &mut Vec<Identity>, objects: &mut Vec<Object>) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("list", folder, error);
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
            return Err(Error::new(Cause::BadSetting, format!("{}: its name is not Unicode", path.display())));
        };
        if is_state_folder(name) {
            continue;
        }
        let name = if above.is_empty() { name.to_owned() } else { format!("{above}/{name}") };
        let metadata = match std::fs::metadata(&path) {
            Ok(metadata) => metadata,
            Err(error) if error.kind() == ErrorKind::NotFound || path.is_symlink() => {
                log::warn!("{}: skipped, a dangling link: {error}", path.display());
                continue;
            }
            Err(error) => return Err(Error::io("access", &path, error)),
        };
        if metadata.is_file() {
            objects.push(file_object(&path, name, &metadata));
        } else if !metadata.is_dir() {
            log::warn!("{}: skipped, neither a file nor a folder", path.display());
        } else if ancestors.contains(&identity(&metadata)) {
            log::warn!("{}: skipped, a link to a folder that contains it", path.display());
        } else {
            ancestors.push(identity(&metadata));
            collect_files(&path, &name, ancestors, objects)?;
            ancestors.pop();
        }
    }
    Ok(())
}

/// A file as an object of a job.
pub(super) fn file_object(path: &Path, name: String, metadata: &std::fs::Metadata) -> Object {
    let modified = metadata.modified().ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok());
    Object {
        location: Location::Local(path.to_owned()),
        name,
        bytes: metadata.len(),
        version: modified.map_or_else(String::new, |time| time.as_nanos().to_string()),
    }
}
