//! A path with its name in messages.

use std::path::{Path, PathBuf};

/// A file or folder on this machine, and its name in messages.
///
/// A temporary copy has the name of what it is a copy of: `s3://bucket/model`, or the path of the archive that it was
/// unpacked from.
#[derive(Clone, Debug)]
pub struct NamedPath {
    path: PathBuf,
    name: String,
}

impl NamedPath {
    /// A path whose name is the path itself.
    pub fn new(path: impl Into<PathBuf>) -> NamedPath {
        let path = path.into();
        NamedPath { name: path.display().to_string(), path }
    }

    /// A path with another name.
    pub fn with_name(path: impl Into<PathBuf>, name: impl Into<String>) -> NamedPath {
        NamedPath { path: path.into(), name: name.into() }
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The name in messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A file or folder below this one, named accordingly. The name of a path that is not below it is the path itself.
    pub fn below(&self, path: &Path) -> NamedPath {
        match path.strip_prefix(&self.path) {
            Ok(relative) => NamedPath::with_name(path, format!("{}/{}", self.name, relative.display())),
            Err(_) => NamedPath::new(path),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_in_a_copy_is_named_after_the_original() {
        let copy = NamedPath::with_name("/tmp/copy", "s3://bucket/models");
        let below = copy.below(Path::new("/tmp/copy/a/model.joblib"));
        assert_eq!(below.name(), "s3://bucket/models/a/model.joblib");
        assert_eq!(below.path(), Path::new("/tmp/copy/a/model.joblib"));
        assert_eq!(copy.below(Path::new("/elsewhere")).name(), "/elsewhere");
        assert_eq!(NamedPath::new("/m").below(Path::new("/m/x")).name(), "/m/x");
    }
}
