//! Checks that the output can be written before the job begins.

use crate::error::{Cause, Error, Result};
use std::path::Path;

/// Creates and removes files beside those of these names. The folder stays as it was, except that unfinished files of
/// an earlier run are gone.
///
/// # Errors
/// [`Cause::Io`], which would otherwise come after hours of work.
pub(in crate::training) fn probe(directory: &Path, names: &[&str]) -> Result<()> {
    let is_new = !directory.exists();
    if let Some(file) = directory.ancestors().find(|above| above.is_file()) {
        let what = if file == directory { "it".to_owned() } else { file.display().to_string() };
        return Err(Error::new(
            Cause::Io,
            format!(
                "could not create the folder {}: {what} is a file, expected a folder or nothing (a name that ends \
                 in .tar.gz is an archive's)",
                directory.display()
            ),
        ));
    }
    std::fs::create_dir_all(directory).map_err(|error| Error::io("create the folder", directory, error))?;
    for name in names {
        let (path, unfinished) = (directory.join(name), directory.join(format!("{name}.unfinished")));
        if path.is_dir() {
            return Err(Error::new(
                Cause::Io,
                format!("could not write {}: it is a folder, expected a file or nothing", path.display()),
            ));
        }
        std::fs::File::create(&unfinished)
            .and_then(|_| std::fs::remove_file(&unfinished))
            .map_err(|error| Error::io("write", &unfinished, error))?;
    }
    if is_new {
        // A job that fails must not leave an empty folder.
        let _ = std::fs::remove_dir(directory);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_can_be_written_to_is_left_as_it_was() {
        let base = tempfile::tempdir().unwrap();
        let folder = base.path().join("a/b");
        probe(&folder, &["x", "y"]).unwrap();
        assert!(!folder.exists());
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("x"), "an earlier model").unwrap();
        probe(&folder, &["x", "y"]).unwrap();
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    }

    #[test]
    fn a_path_that_cannot_be_written_is_reported() {
        let base = tempfile::tempdir().unwrap();
        std::fs::write(base.path().join("file"), "").unwrap();
        std::fs::create_dir(base.path().join("x")).unwrap();
        for (folder, expected) in [
            ("file", "file: it is a file, expected a folder"),
            ("file/x/y", "/file is a file, expected"),
            ("", "it is a folder, expected a file"),
        ] {
            let error = probe(&base.path().join(folder), &["x"]).unwrap_err();
            assert_eq!(error.cause(), Cause::Io);
            assert!(error.message().contains(expected), "{error}");
        }
    }
}
