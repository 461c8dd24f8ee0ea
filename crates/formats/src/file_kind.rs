//! The kind of a file, by its name, or else by its first bytes.

use crate::error::{Cause, Error, Result};
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// The kind of a file by its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `model_algo-1`, as SageMaker's built-in algorithms write it.
    ModelAlgo,
    /// `preprocessor.json`, as `byoc train` writes it.
    Fitted,
    /// A pickle, by joblib or plain, or a skops model.
    Pickle,
    /// A packed model.
    Archive,
}

/// The name of the file that `byoc train` writes for a preprocessor.
pub const PREPROCESSOR_JSON: &str = "preprocessor.json";

/// A plain pickle without a file extension, as in the test suite of AWS's scikit-learn container
/// (github.com/aws/sagemaker-scikit-learn-container, `test/resources`).
const SKLEARN_MODEL: &str = "sklearn-model";

/// The extensions of pickles and of skops models, and those of joblib's compressed files (`joblib.dump`,
/// "compress").
const PICKLES: &[&str] = &[".joblib", ".pkl", ".pickle", ".dill", ".skops"];
const COMPRESSIONS: &[&str] = &[".z", ".gz", ".bz2", ".xz", ".lzma", ".lz4"];

const ARCHIVES: &[&str] = &[".tar.gz", ".tgz", ".tar"];

impl FileKind {
    /// The kind of a file, if its name tells it.
    pub fn of(path: &Path) -> Option<FileKind> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let ends_in = |name: &str, endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
        let plain = COMPRESSIONS.iter().find_map(|ending| name.strip_suffix(ending)).unwrap_or(&name);
        match &*name {
            "model_algo-1" => Some(FileKind::ModelAlgo),
            PREPROCESSOR_JSON => Some(FileKind::Fitted),
            SKLEARN_MODEL => Some(FileKind::Pickle),
            _ if ends_in(plain, PICKLES) => Some(FileKind::Pickle),
            _ if ends_in(&name, ARCHIVES) => Some(FileKind::Archive),
            _ => None,
        }
    }
}

/// Whether a file is a model itself, not an archive of one. `named` is its original name.
pub fn is_lone(named: &Path, file: &Path) -> bool {
    match FileKind::of(named) {
        Some(FileKind::ModelAlgo | FileKind::Fitted | FileKind::Pickle) => true,
        Some(FileKind::Archive) => false,
        None => begins_as_pickle(file),
    }
}

/// The start of a pointer file of Git LFS (github.com/git-lfs/git-lfs, `docs/spec.md`).
const GIT_LFS: &[u8] = b"version https://git-lfs.github.com/spec/v1";

/// The start of a file of MXNet arrays (`kMXAPINDArrayListMagic`, 0x112 as 64 bits).
pub const MXNET: &[u8] = b"\x12\x01\0\0\0\0\0\0";

const A_PICKLE: &str = "a pickle";

/// The first bytes of files that are often given instead of a model, and their kinds.
const BEGINNINGS: &[(&[u8], &str)] = &[
    (b"PK\x03\x04", "a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"BZh", "a bzip2 file"),
    (b"\xFD7zXZ\x00", "an xz file"),
    (b"\x28\xB5\x2F\xFD", "a zstd file"),
    (b"7z\xBC\xAF\x27\x1C", "a 7z archive"),
    (b"\x80\x02", A_PICKLE),
    (b"\x80\x03", A_PICKLE),
    (b"\x80\x04", A_PICKLE),
    (b"\x80\x05", A_PICKLE),
    (GIT_LFS, "a Git LFS pointer"),
    (MXNET, "parameters of MXNet"),
    (b"\x89HDF", "an HDF5 file"),
    (b"\x93NUMPY", "an array of NumPy's"),
    (b"\x7FELF", "a program"),
];

/// Where a tar archive has `ustar`; pre-POSIX archives have no such mark.
const USTAR: std::ops::Range<usize> = 257..262;

/// The kind of a file that is neither an artifact nor an archive; `None` if it may be an archive or is not recognised.
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
    // The last character may be cut off.
    let is_text = match std::str::from_utf8(start) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && error.valid_up_to() > 0,
    };
    // An archive's header is text too, except for its NUL padding.
    (is_text && !start.contains(&0)).then_some(if start.trim_ascii_start().starts_with(b"{") { "JSON" } else { "text" })
}

fn start_of(path: &Path) -> Result<Vec<u8>> {
    let mut start = Vec::new();
    let opened = File::open(path).and_then(|file| file.take(512).read_to_end(&mut start));
    opened.map(|_| start).map_err(|error| Error::io("read", path, error))
}

/// Whether a file may be an archive, by its first bytes.
///
/// # Errors
/// If it cannot be read; and [`Cause::NotPulled`].
pub fn may_be_archive(path: &Path) -> Result<bool> {
    let start = start_of(path)?;
    refuse_lfs_pointer(&start)?;
    Ok(is_instead(&start).is_none())
}

/// Whether a file begins like a pickle of protocol 2 or later, or is a zip archive that ends like a skops model.
pub fn begins_as_pickle(path: &Path) -> bool {
    start_of(path).is_ok_and(|start| {
        is_instead(&start) == Some(A_PICKLE) || (start.starts_with(b"PK\x03\x04") && ends_as_skops(path))
    })
}

/// Whether the directory of a zip archive ends with the schema of a skops model, which is written last.
fn ends_as_skops(path: &Path) -> bool {
    const END: u64 = 512;
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let length = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(length.saturating_sub(END)))?;
        let mut end = Vec::new();
        file.take(END).read_to_end(&mut end).map(|_| end)
    };
    read().is_ok_and(|end| memchr::memmem::find(&end, b"schema.json").is_some())
}

/// The kind of a file that begins with these bytes, for a message; `None` if it is not recognised.
pub fn known_beginning(start: &[u8]) -> Option<&'static str> {
    is_instead(start)
}

/// Refuses the pointer that Git LFS leaves instead of a file.
///
/// # Errors
/// [`Cause::NotPulled`].
pub fn refuse_lfs_pointer(start: &[u8]) -> Result<()> {
    if !start.starts_with(GIT_LFS) {
        return Ok(());
    }
    Err(Error::new(
        Cause::NotPulled,
        "this is a Git LFS pointer and not the file itself: it says where Git LFS keeps the file; \
         `git lfs pull` in the clone of the repository gets it",
    ))
}

/// Models of other libraries by the name or extension of their file; SageMaker's XGBoost writes an
/// `xgboost-model` (github.com/aws/sagemaker-xgboost-container, `algorithm_mode/train.py`).
const OTHERS: &[(&str, &str)] = &[
    ("xgboost-model", "XGBoost"),
    (".bst", "XGBoost"),
    (".ubj", "XGBoost"),
    (".cbm", "CatBoost"),
    (".pth", "PyTorch"),
    (".pt", "PyTorch"),
    (".safetensors", "safetensors"),
    (".onnx", "ONNX"),
    ("saved_model.pb", "TensorFlow"),
    (".h5", "Keras"),
    (".keras", "Keras"),
];

/// The library of an unsupported model, by the name of its file.
pub fn other_library(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy();
    let is_named = |known: &str| if known.starts_with('.') { name.ends_with(known) } else { name == known };
    OTHERS.iter().find(|(known, _)| is_named(known)).map(|(_, library)| *library).filter(|_| path.is_file())
}

/// The message for a model of another library.
pub fn of_other_library(name: &str, library: &str) -> String {
    format!("{name} is a model of {library}, which is not read")
}

/// Refuses the bytes of a file that should be a pickle but begins like another kind of file: a model of PyTorch or
/// Keras, an array. A file that begins as text may be a pickle of protocol 0.
///
/// # Errors
/// [`Cause::NotPulled`], or [`Cause::Unsupported`] with the kind of the file.
pub fn check_may_be_pickle(bytes: &[u8]) -> Result<()> {
    const NO_PICKLES: &[&[u8]] = &[b"PK\x03\x04", b"\x89HDF", b"\x93NUMPY", b"\x7FELF", b"\x28\xB5\x2F\xFD", MXNET];
    refuse_lfs_pointer(bytes)?;
    if !NO_PICKLES.iter().any(|beginning| bytes.starts_with(beginning)) {
        return Ok(());
    }
    // An intact model has been recognised before.
    if bytes.starts_with(b"PK") && memchr::memmem::find(bytes, b"schema.json").is_some() {
        return Err(Error::bad_artifact("a model of skops whose zip archive is cut off or damaged"));
    }
    let message = match is_instead(bytes.get(..512).unwrap_or(bytes)) {
        Some(what) => format!("expected a joblib file or a pickle, found {what}"),
        None => return Ok(()),
    };
    Err(Error::new(Cause::Unsupported, message))
}

/// The error for a file that is not a supported model.
pub fn unexpected(path: &Path) -> Error {
    let pulled = start_of(path).is_ok_and(|start| refuse_lfs_pointer(&start).is_ok());
    if let Some(library) = other_library(path).filter(|_| pulled) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        return Error::new(Cause::Unsupported, of_other_library(&name, library));
    }
    let found = match start_of(path).and_then(|start| refuse_lfs_pointer(&start).map(|()| start)) {
        Ok(start) => {
            is_instead(&start).unwrap_or(if start.starts_with(b"\x1F\x8B") { "a gzip file" } else { "none of them" })
        }
        Err(error) => return error,
    };
    Error::new(
        Cause::NoModel,
        format!(
            "expected a model's folder, a model.tar.gz (a tar archive, gzipped or not), a model_algo-1, \
             a preprocessor.json, or a *.joblib, *.pkl, *.pickle, *.skops or sklearn-model, found {found}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_not_archives_are_recognised_by_their_first_bytes() {
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
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a", Some("a Git LFS pointer")),
            (b"\x12\x01\0\0\0\0\0\0\0\0", Some("parameters of MXNet")),
            (b"\x1F\x8B\x08", None),
            (&old, None),
            (&ustar, None),
        ] {
            assert_eq!(is_instead(start), expected, "{start:?}");
        }
    }

    #[test]
    fn files_that_are_not_pickles_are_named_before_they_are_read() {
        for (bytes, expected) in [
            (&b"PK\x03\x04\0\0archive/data.pkl"[..], Some("found a zip archive")),
            (b"PK\x03\x04\0\0schema.json", Some("a model of skops whose zip archive is cut off or damaged")),
            (b"\x89HDF\r\n", Some("found an HDF5 file")),
            (b"\x93NUMPY\x01\0", Some("found an array of NumPy's")),
            (MXNET, Some("found parameters of MXNet")),
            (GIT_LFS, Some("git lfs pull")),
            (b"\x80\x04N.", None),
            (b"(lp0\n.", None),
            (b"\x1F\x8B\x08", None),
            (b"BZh9", None),
            (b"", None),
        ] {
            let message = check_may_be_pickle(bytes).err().map(|error| error.to_string());
            assert_eq!(message.is_some(), expected.is_some(), "{}", bytes.escape_ascii());
            assert!(message.is_none_or(|message| message.contains(expected.unwrap())), "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn file_names_tell_the_kind() {
        for (name, expected) in [
            ("a/model.joblib", Some(FileKind::Pickle)),
            ("b.pkl", Some(FileKind::Pickle)),
            ("c.pickle", Some(FileKind::Pickle)),
            ("model_algo-1", Some(FileKind::ModelAlgo)),
            ("x/preprocessor.json", Some(FileKind::Fitted)),
            ("model.tar.gz", Some(FileKind::Archive)),
            ("m.zip", None),
            ("sklearn-model", Some(FileKind::Pickle)),
            ("model.joblib.gz", Some(FileKind::Pickle)),
            ("m.pkl.z", Some(FileKind::Pickle)),
            ("preprocessor.dill", Some(FileKind::Pickle)),
            ("model.skops", Some(FileKind::Pickle)),
            ("notes.gz", None),
            ("Preprocessor.JSON", None),
        ] {
            assert_eq!(FileKind::of(Path::new(name)), expected, "{name}");
        }
    }
}
