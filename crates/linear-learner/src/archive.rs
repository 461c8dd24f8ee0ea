//! `model_algo-1`: the zip that SageMaker's built-in linear learner puts into `model.tar.gz`.
//!
//! It holds an MXNet checkpoint and two small JSON files. AWS's own loading example
//! (docs.aws.amazon.com/sagemaker/latest/dg/ll_how-it-works.html, step 4) finds the same files without a zip around
//! them, so they are also read straight from the folder.

use byoc_account::Allowance;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::file_kind::{MXNET, refuse_lfs_pointer};
use byoc_formats::mxnet_params::{Array, Params, Places};
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

const ARCHIVE: &str = "model_algo-1";

/// The start of the comment of an archive that this program wrote; the version follows. No file in the archive may name
/// the program: MXNet and SageMaker's own container read them.
pub(crate) const WRITTEN_BY: &str = "byoc ";

/// The largest ratio of a deflated file's size to its compressed size. Trained weights compress to nine tenths. Runs of
/// one number compress better, so files of at most [`ALWAYS_ALLOWED`] bytes may have any ratio.
const MAX_RATIO: u64 = 200;
const ALWAYS_ALLOWED: u64 = 64 << 20;

/// A file of the artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// The kinds of the other files: `{"mx-mod": "mxnet_module", "additional-params.json": "json", "version": 1}`.
    Manifest,
    /// Predictor type, loss, threshold.
    AdditionalParams,
    /// The graph of the network, as MXNet writes it.
    Symbol,
    /// Weight and bias, as MXNet writes them.
    Params,
}

impl Member {
    /// The file's name.
    pub const fn name(self) -> &'static str {
        match self {
            Member::Manifest => "manifest.json",
            Member::AdditionalParams => "additional-params.json",
            Member::Symbol => "mx-mod-symbol.json",
            Member::Params => "mx-mod-0000.params",
        }
    }

    /// The most bytes that are read. Real artifacts have a manifest of 74 bytes, some hundred bytes of parameters and a
    /// graph of 2 KiB.
    const fn max_bytes(self) -> u64 {
        match self {
            Member::Manifest => 1 << 20,
            // It may hold the weights of a million classes.
            Member::AdditionalParams => 64 << 20,
            Member::Symbol => 16 << 20,
            Member::Params => 8 << 30,
        }
    }

    fn check_size(self, size: u64) -> Result<()> {
        let most = self.max_bytes();
        if size > most {
            return Err(Error::bad_artifact(format!("expected at most {most} bytes, found {size}")));
        }
        Ok(())
    }
}

/// An opened artifact. Only the zip's directory has been read.
#[derive(Debug)]
pub struct ModelAlgo(Source);

#[derive(Debug)]
enum Source {
    /// The archive, and the length of its file.
    Zip(Box<ZipArchive<BufReader<File>>>, u64),
    Folder(PathBuf),
}

impl ModelAlgo {
    /// Whether there is such an artifact in a model's folder.
    pub fn is_in(directory: &Path) -> bool {
        directory.join(ARCHIVE).is_file() || directory.join(Member::Params.name()).is_file()
    }

    /// The size of the artifact in a model's folder, in bytes on the disk; 0 if its metadata cannot be read.
    pub fn length(directory: &Path) -> u64 {
        let length = |name: &str| std::fs::metadata(directory.join(name)).map(|file| file.len());
        length(ARCHIVE).or_else(|_| length(Member::Params.name())).unwrap_or(0)
    }

    /// Opens the artifact in a model's folder: `model_algo-1`, else the files that would be in it.
    ///
    /// # Errors
    /// [`Cause::BadArtifact`] if the folder has no artifact or `model_algo-1` is not a zip archive, [`Cause::Io`] if it
    /// cannot be opened.
    pub fn open(directory: &Path) -> Result<ModelAlgo> {
        let path = directory.join(ARCHIVE);
        if path.is_file() {
            let mut file = File::open(&path).map_err(|error| Error::io("open", &path, error))?;
            let length = file.metadata().map_err(|error| Error::io("access", &path, error))?.len();
            check_is_zip(&mut file).map_err(|error| error.within(ARCHIVE))?;
            check_directory(&mut file, length).map_err(|error| error.within(ARCHIVE))?;
            let archive = ZipArchive::new(BufReader::new(file)).map_err(|error| {
                let found = "found a file that is cut off or is not a zip archive";
                Error::bad_artifact(format!("{ARCHIVE}: expected a zip archive, {found}")).caused_by(error)
            })?;
            return Ok(ModelAlgo(Source::Zip(Box::new(archive), length)));
        }
        if !ModelAlgo::is_in(directory) {
            return Err(Error::bad_artifact(format!(
                "no linear learner in {}: expected {ARCHIVE}, or {}, {} and {}",
                directory.display(),
                Member::AdditionalParams.name(),
                Member::Symbol.name(),
                Member::Params.name(),
            )));
        }
        Ok(ModelAlgo(Source::Folder(directory.to_owned())))
    }

    /// Refuses an archive without any file of the linear learner: factorization machines, NTM and others write archives
    /// of the same name.
    ///
    /// # Errors
    /// [`Cause::Unsupported`] with the files that it has.
    pub fn check_is_linear_learner(&self) -> Result<()> {
        const MAX_NAMED: usize = 5;
        let Source::Zip(archive, _) = &self.0 else { return Ok(()) };
        let members = [Member::AdditionalParams, Member::Symbol, Member::Params];
        if archive.is_empty() || members.iter().any(|member| self.has(*member)) {
            return Ok(());
        }
        let names = archive.file_names().take(MAX_NAMED).flatten();
        let names: Vec<_> = names.map(|name| name.escape_debug().to_string()).collect();
        Err(Error::new(
            Cause::Unsupported,
            format!(
                "{ARCHIVE}: a zip archive without {} and {}, which is what other algorithms write under this name: \
                 {ONLY_THE_LINEAR_LEARNER}; found {}",
                Member::AdditionalParams.name(),
                Member::Params.name(),
                names.join(", ")
            ),
        ))
    }

    /// The version of this program that wrote the archive, from the archive's comment ([`crate::write()`]).
    pub fn written_by(&self) -> Option<String> {
        const MAX_LENGTH: usize = 64;
        let Source::Zip(archive, _) = &self.0 else { return None };
        let comment = std::str::from_utf8(archive.comment()).ok()?;
        let is_ours = comment.len() <= MAX_LENGTH && comment.starts_with(WRITTEN_BY);
        is_ours.then(|| comment.to_owned())
    }

    /// Whether the artifact has the file.
    pub fn has(&self, member: Member) -> bool {
        match &self.0 {
            Source::Zip(archive, _) => archive.index_for_name(member.name()).is_some(),
            Source::Folder(directory) => directory.join(member.name()).is_file(),
        }
    }

    /// Calls `then` with the bytes of a file. Meanwhile it reserves the bytes, plus `times` that amount for `then`.
    ///
    /// # Errors
    /// [`Cause::BadArtifact`], naming the file, if it is missing, too large, damaged or encrypted. Its size is checked
    /// before memory is taken for it.
    pub fn read<T>(
        &mut self,
        member: Member,
        times: usize,
        allowance: &Allowance,
        then: impl FnOnce(&[u8]) -> Result<T>,
    ) -> Result<T> {
        self.with(member, |stream, size| {
            let length = usize::try_from(size).unwrap_or(usize::MAX);
            let _held = allowance.hold(length.saturating_mul(times.saturating_add(1)))?;
            let mut bytes = Vec::new();
            bytes
                .try_reserve_exact(length)
                .map_err(|_| Error::bad_artifact(format!("{size} bytes do not fit into memory")))?;
            let read = stream.read_to_end(&mut bytes);
            read.map_err(|error| Error::bad_artifact("cannot be read").caused_by(error))?;
            if bytes.len() as u64 != size {
                return Err(Error::bad_artifact(format!("expected {size} bytes, found {}", bytes.len())));
            }
            then(&bytes)
        })
    }

    /// The size of a file in bytes.
    ///
    /// # Errors
    /// As [`ModelAlgo::read`].
    pub fn size(&mut self, member: Member) -> Result<u64> {
        self.with(member, |_, size| Ok(size))
    }

    /// The places of the arrays with these names in the checkpoint. Nothing of the file is kept.
    ///
    /// # Errors
    /// As [`ModelAlgo::read`], and if the file is not a checkpoint of MXNet.
    pub fn places(&mut self, names: &[&str]) -> Result<Places> {
        self.with(Member::Params, |stream, size| {
            let places = Places::find(&mut *stream, size, names)?;
            // To the end, so that a checksum is compared.
            std::io::copy(stream, &mut std::io::sink())
                .map_err(|error| Error::bad_artifact("cannot be read").caused_by(error))?;
            Ok(places)
        })
    }

    /// Calls `then` with one array of the checkpoint. No other array is kept in memory.
    ///
    /// # Errors
    /// As [`ModelAlgo::places`], if the allowance has no memory for it, and those of `then`.
    pub fn array<T>(
        &mut self,
        index: u64,
        allowance: &Allowance,
        then: impl FnOnce(&Array<'_>) -> Result<T>,
    ) -> Result<T> {
        self.with(Member::Params, |stream, size| Params::with_array(stream, size, index, allowance, then))
    }

    /// Calls `then` with a stream of a file's bytes and their number, which has been checked.
    fn with<T>(&mut self, member: Member, then: impl FnOnce(&mut dyn Read, u64) -> Result<T>) -> Result<T> {
        let name = member.name();
        match &mut self.0 {
            Source::Zip(archive, length) => with_zipped(archive, *length, member, then)
                .map_err(|error| error.within(format_args!("{name} in {ARCHIVE}"))),
            Source::Folder(directory) => {
                with_loose(&directory.join(name), member, then).map_err(|error| error.within(name))
            }
        }
    }
}

/// The end of messages about other algorithms' models.
const ONLY_THE_LINEAR_LEARNER: &str = "of SageMaker's built-in algorithms only the linear learner is read";

/// Refuses the files that other algorithms write under the name of the archive. K-Means, PCA and LDA put their arrays
/// there as they are (docs.aws.amazon.com: `mx.ndarray.load('model_algo-1')` in the sample notebooks of each).
fn check_is_zip(file: &mut File) -> Result<()> {
    let failed = |error: std::io::Error| Error::bad_artifact("cannot be read").caused_by(error);
    let mut start = Vec::new();
    file.by_ref().take(512).read_to_end(&mut start).map_err(failed)?;
    file.rewind().map_err(failed)?;
    refuse_lfs_pointer(&start)?;
    if start.starts_with(MXNET) {
        return Err(Error::new(
            Cause::Unsupported,
            format!(
                "parameters of MXNet, as SageMaker's K-Means, PCA, LDA and others write them under this name: \
                 {ONLY_THE_LINEAR_LEARNER}, whose {ARCHIVE} is a zip archive"
            ),
        ));
    }
    Ok(())
}

/// Refuses an archive with far more files than an artifact has, since an opened archive keeps its directory in memory.
/// The end of the file has the number of files, before a comment of at most 64 KiB (APPNOTE.TXT 4.3.16).
fn check_directory(file: &mut File, length: u64) -> Result<()> {
    const END: &[u8] = b"PK\x05\x06";
    const MAX_END_LENGTH: u64 = 22 + 0xFFFF;
    const MAX_FILES: u16 = 1024;
    let failed = |error: std::io::Error| Error::bad_artifact("cannot be read").caused_by(error);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(MAX_END_LENGTH))).map_err(failed)?;
    file.by_ref().take(MAX_END_LENGTH).read_to_end(&mut tail).map_err(failed)?;
    file.rewind().map_err(failed)?;
    for end in memchr::memmem::find_iter(&tail, END) {
        let files = tail.get(end + 10..end + 12).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_le_bytes);
        if files > MAX_FILES {
            return Err(Error::bad_artifact(format!("expected at most {MAX_FILES} files, found {files}")));
        }
    }
    Ok(())
}

fn with_zipped<T>(
    archive: &mut ZipArchive<BufReader<File>>,
    length: u64,
    member: Member,
    then: impl FnOnce(&mut dyn Read, u64) -> Result<T>,
) -> Result<T> {
    let mut file = archive.by_name(member.name()).map_err(|error| match error {
        ZipError::FileNotFound => Error::bad_artifact("the archive has no such file"),
        error => Error::bad_artifact("cannot be read").caused_by(error),
    })?;
    let (size, packed) = (file.size(), file.compressed_size());
    member.check_size(size)?;
    let possible = match file.compression() {
        CompressionMethod::Stored => size == packed,
        CompressionMethod::Deflated => size <= packed.saturating_mul(MAX_RATIO).max(ALWAYS_ALLOWED),
        _ => false,
    };
    if !possible || packed > length {
        return Err(Error::bad_artifact(format!(
            "expected a stored or deflated file within the {length} bytes of the archive, found {size} bytes in \
             {packed}, {}",
            file.compression()
        )));
    }
    // One byte more, so that the reader reaches the end and compares the checksum.
    then(&mut file.by_ref().take(size + 1), size)
}

fn with_loose<T>(path: &Path, member: Member, then: impl FnOnce(&mut dyn Read, u64) -> Result<T>) -> Result<T> {
    let file = File::open(path).map_err(|error| match error.kind() {
        // A missing file makes a bad artifact; anything else is a failure of the disk.
        std::io::ErrorKind::NotFound => Error::bad_artifact("the folder has no such file"),
        _ => Error::io("open", path, error),
    })?;
    let size = file.metadata().map_err(|error| Error::io("access", path, error))?.len();
    member.check_size(size)?;
    then(&mut BufReader::new(file).take(size), size)
}

#[cfg(test)]
#[path = "archive_test.rs"]
mod archive_test;
