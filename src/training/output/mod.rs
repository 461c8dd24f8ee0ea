//! The destination of a model: a folder, or a `model.tar.gz` as SageMaker makes it of that folder.

pub(super) mod other_models;
pub(super) mod write_check;

use crate::error::{Error, Result};
use crate::temporary_folder::TemporaryFolder;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The destination of a model.
#[derive(Clone, Debug)]
pub enum Output {
    /// A folder, from which the model can be served.
    Folder(PathBuf),
    /// An archive as SageMaker makes it of that folder.
    Archive(PathBuf),
}

/// A destination that was found writable before the job began.
pub(in crate::training) enum Destination<'a> {
    /// The files are written here.
    Folder(&'a Path),
    /// The files are written to a temporary folder and then packed into the archive.
    Archive(&'a Path, TemporaryFolder),
}

impl Destination<'_> {
    /// Checks that files of these names can be written.
    ///
    /// # Errors
    /// [`Cause::Io`](crate::error::Cause::Io), which would otherwise come after hours of work.
    pub(in crate::training) fn probe<'a>(output: &'a Output, names: &[&str]) -> Result<Destination<'a>> {
        match output {
            Output::Folder(folder) => write_check::probe(folder, names).map(|()| Destination::Folder(folder)),
            Output::Archive(archive) => {
                let name = archive.file_name().unwrap_or_default().to_string_lossy();
                write_check::probe(archive.parent().unwrap_or(Path::new("/")), &[&name])?;
                let folder = TemporaryFolder::make("byoc-train-")?;
                folder.remove_abandoned();
                Ok(Destination::Archive(archive, folder))
            }
        }
    }

    /// The folder to write the model's files into.
    pub(in crate::training) fn folder(&self) -> PathBuf {
        match self {
            Destination::Folder(folder) => folder.to_path_buf(),
            Destination::Archive(_, temporary) => temporary.path().join("model"),
        }
    }

    /// Packs the folder if the output is an archive. Returns the path of the archive, or of the file of this name.
    ///
    /// # Errors
    /// [`Cause::Io`](crate::error::Cause::Io).
    pub(in crate::training) fn finish(self, name: &str) -> Result<PathBuf> {
        match self {
            Destination::Folder(folder) => Ok(folder.join(name)),
            Destination::Archive(archive, _) => pack(&self.folder(), archive).map(|()| archive.to_path_buf()),
        }
    }
}

/// Packs the files of a folder, sorted by name, into an archive that appears whole or not at all. The same files give
/// the same bytes.
///
/// # Errors
/// [`Cause::Io`](crate::error::Cause::Io).
fn pack(folder: &Path, archive: &Path) -> Result<()> {
    let failed = |error: std::io::Error| Error::io("write", archive, error);
    let beside = archive.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(beside).map_err(|error| Error::io("create the folder", beside, error))?;
    let unfinished = tempfile::NamedTempFile::new_in(beside).map_err(failed)?;
    let entries = std::fs::read_dir(folder).map_err(|error| Error::io("list", folder, error))?;
    let mut paths: Vec<_> = entries.filter_map(|entry| entry.ok()).map(|entry| entry.path()).collect();
    paths.sort();
    let mut builder = tar::Builder::new(GzEncoder::new(unfinished, Compression::default()));
    for path in paths {
        let file = File::open(&path).map_err(|error| Error::io("read", &path, error))?;
        let length = file.metadata().map_err(|error| Error::io("read", &path, error))?.len();
        let mut header = tar::Header::new_gnu();
        header.set_size(length);
        header.set_mode(0o644);
        let name = path.file_name().unwrap_or_default();
        builder.append_data(&mut header, name, file).map_err(failed)?;
    }
    let mut unfinished = builder.into_inner().and_then(GzEncoder::finish).map_err(failed)?;
    unfinished.flush().map_err(failed)?;
    // Temporary files are private to their owner, but others must be able to read the model.
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    unfinished.as_file().set_permissions(permissions).map_err(failed)?;
    unfinished.persist(archive).map(drop).map_err(|error| Error::io("write", archive, error.error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use byoc_formats::targz;

    #[test]
    fn an_archive_has_the_files_of_the_folder_and_is_the_same_each_time() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("model");
        std::fs::create_dir(&folder).unwrap();
        for (name, text) in [("b", "second"), ("a", "first")] {
            std::fs::write(folder.join(name), text).unwrap();
        }
        let archives = ["x/model.tar.gz", "model.tar.gz"].map(|name| base.path().join(name));
        archives.iter().for_each(|archive| pack(&folder, archive).unwrap());
        let [first, second] = archives.each_ref().map(|archive| std::fs::read(archive).unwrap());
        assert_eq!(first, second);
        let unpacked = base.path().join("unpacked");
        targz::unpack(&*first, &unpacked, &targz::Limits::default()).unwrap();
        assert_eq!(std::fs::read_to_string(unpacked.join("a")).unwrap(), "first");
        assert_eq!(std::fs::read_to_string(unpacked.join("b")).unwrap(), "second");
        assert_eq!(std::fs::read_dir(base.path().join("x")).unwrap().count(), 1, "nothing unfinished is left");
    }
}
