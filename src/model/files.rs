//! What a file is: by its name, and where that says nothing, by how it begins.

use crate::error::{Cause, Error, Result};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// What a file is by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    ModelAlgo,
    Fitted,
    Pickle,
    Archive,
}

impl Kind {
    pub(super) fn of(path: &Path) -> Option<Kind> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ends_in = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        match &*name {
            "model_algo-1" => Some(Kind::ModelAlgo),
            super::PREPROCESSOR_JSON => Some(Kind::Fitted),
            _ if ends_in(&[".joblib", ".pkl", ".pickle"]) => Some(Kind::Pickle),
            _ if ends_in(&[".tar.gz", ".tgz", ".tar"]) => Some(Kind::Archive),
            _ => None,
        }
    }
}

/// How files begin that people take for a model, and what they are.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xFD7zXZ\x00", "an xz file"),
    (b"\x28\xB5\x2F\xFD", "a zstd file"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"\x80\x02", "a pickle"),
    (b"\x80\x03", "a pickle"),
    (b"\x80\x04", "a pickle"),
    (b"\x80\x05", "a pickle"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "an array of NumPy's"),
    (b"\x7FELF", "a program"),
];

/// Where a tar archive says `ustar`; very old ones do not.
const USTAR: std::ops::Range<usize> = 257..262;

/// What a file is that is neither an artifact nor an archive, if that can be seen; `None` for what may be an archive.
fn is_instead(start: &[u8]) -> Option<&'static str> {
    if start.is_empty() {
        return Some("an empty file");
    }
    if let Some((_, what)) = BEGINNINGS.iter().find(|(beginning, _)| start.starts_with(beginning)) {
        return Some(what);
    }
    if start.get(USTAR) == Some(b"ustar") {
        return None;
    }
    // The last character may be cut.
    let is_text = match std::str::from_utf8(start) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    // The header of an archive is text too, but for its padding.
    (is_text && !start.contains(&0)).then_some(if start.trim_ascii_start().starts_with(b"{") { "JSON" } else { "text" })
}

fn start_of(path: &Path) -> Result<Vec<u8>> {
    let mut start = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(512).read_to_end(&mut start));
    opened.map(|_| start).map_err(|error| Error::io("read", path, &error))
}

/// Whether a file may be an archive, by how it begins.
///
/// # Errors
/// When it cannot be read.
pub(super) fn may_be_archive(path: &Path) -> Result<bool> {
    Ok(is_instead(&start_of(path)?).is_none())
}

/// The error of a file that is no artifact.
pub(super) fn unexpected(path: &Path) -> Error {
    let found = match start_of(path) {
        Ok(start) => {
            is_instead(&start).unwrap_or(if start.starts_with(b"\x1F\x8B") { "a gzip file" } else { "none of them" })
        }
        Err(error) => return error,
    };
    Error::new(
        Cause::NoModel,
        format!(
            "expected a model's folder, a model.tar.gz (an archive by tar, compressed by gzip or not), a model_algo-1, a \
             preprocessor.json, or a *.joblib, *.pkl or *.pickle, found {found}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_archive_is_known_by_how_it_begins() {
        let mut old = vec![0; 512];
        old.splice(..6, *b"model/");
        let mut ustar = old.clone();
        ustar.splice(USTAR, *b"ustar");
        for (start, expected) in [
            (&b"PK\x03\x04\x14"[..], Some("a zip archive")),
            (b"\x80\x04\x95", Some("a pickle")),
            (b"", Some("an empty file")),
            (b"not an archive", Some("text")),
            (b" {\"version\": 1", Some("JSON")),
            (b"caf\xC3", Some("text")),
            (b"\x1F\x8B\x08", None),
            (&old, None),
            (&ustar, None),
        ] {
            assert_eq!(is_instead(start), expected, "{start:?}");
        }
    }

    #[test]
    fn a_file_is_known_by_its_name() {
        for (name, expected) in [
            ("a/model.joblib", Some(Kind::Pickle)),
            ("b.pkl", Some(Kind::Pickle)),
            ("c.pickle", Some(Kind::Pickle)),
            ("model_algo-1", Some(Kind::ModelAlgo)),
            ("x/preprocessor.json", Some(Kind::Fitted)),
            ("model.tar.gz", Some(Kind::Archive)),
            ("m.zip", None),
            ("Preprocessor.JSON", None),
        ] {
            assert_eq!(Kind::of(Path::new(name)), expected, "{name}");
        }
    }
}
