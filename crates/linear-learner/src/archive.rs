//! `model_algo-1`: the zip that SageMaker's built-in linear learner puts into `model.tar.gz`.
//!
//! It holds an MXNet checkpoint and two small JSON files. AWS's own loading example
//! (docs.aws.amazon.com/sagemaker/latest/dg/ll_how-it-works.html, step 4) finds the same files without a zip around them, so
//! they are also read straight from the folder.

use byoc_account::Allowance;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::file_kind::{MXNET, check_pulled};
use byoc_formats::mxnet_params::{Array, Params, Places};
use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

const ARCHIVE: &str = "model_algo-1";

/// How the comment of an archive begins that this program wrote; its version follows. Nothing else in there may say so: the
/// files are read by MXNet and by SageMaker's own container.
pub(crate) const WRITTEN_BY: &str = "byoc ";

/// What a deflated file may unpack to, in multiples of its own size: the algorithm's own weights shrink to nine tenths. Runs
/// of one number do better, and as many bytes of those as the other constant says are always allowed.
const LARGEST_RATIO: u64 = 200;
const ALWAYS_ALLOWED: u64 = 64 << 20;

/// A file of the artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member {
    /// What the others are: `{"mx-mod": "mxnet_module", "additional-params.json": "json", "version": 1}`.
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

    /// The most bytes that are read. Real artifacts have 74 bytes of manifest, some hundred of parameters, 2 KiB of graph.
    const fn most_bytes(self) -> u64 {
        match self {
            Member::Manifest => 1 << 20,
            // It may hold a weight for each of a million classes.
            Member::AdditionalParams => 64 << 20,
            Member::Symbol => 16 << 20,
            Member::Params => 8 << 30,
        }
    }

    fn check_size(self, size: u64) -> Result<()> {
        let most = self.most_bytes();
        if size > most {
            return Err(Error::bad_artifact(format!("expected at most {most} bytes, found {size}")));
        }
        Ok(())
    }
}

/// An opened artifact. Nothing but the zip's directory has been read.
#[derive(Debug)]
pub struct ModelAlgo(Source);

#[derive(Debug)]
enum Source {
    /// With the length of the file.
    Zip(Box<ZipArchive<BufReader<File>>>, u64),
    Folder(PathBuf),
}

impl ModelAlgo {
    /// Whether there is such an artifact in a model's folder.
    pub fn is_in(directory: &Path) -> bool {
        directory.join(ARCHIVE).is_file() || directory.join(Member::Params.name()).is_file()
    }

    /// How many bytes the artifact in a model's folder has on the disk; 0 where it cannot be looked at.
    pub fn length(directory: &Path) -> u64 {
        let length = |name: &str| std::fs::metadata(directory.join(name)).map(|file| file.len());
        length(ARCHIVE).or_else(|_| length(Member::Params.name())).unwrap_or(0)
    }

    /// Opens the artifact in a model's folder: `model_algo-1`, else the files that would be in it.
    ///
    /// # Errors
    /// [`byoc_formats::error::Cause::BadArtifact`] when there is none or `model_algo-1` is no zip, [`byoc_formats::error::Cause::Io`] when
    /// it cannot be opened.
    pub fn open(directory: &Path) -> Result<ModelAlgo> {
        let path = directory.join(ARCHIVE);
        if path.is_file() {
            let mut file = File::open(&path).map_err(|error| Error::io("open", &path, error))?;
            let length = file.metadata().map_err(|error| Error::io("look at", &path, error))?.len();
            check_is_zip(&mut file).map_err(|error| error.context(ARCHIVE))?;
            check_directory(&mut file, length).map_err(|error| error.context(ARCHIVE))?;
            let archive = ZipArchive::new(BufReader::new(file))
                .map_err(|error| Error::bad_artifact(format!("{ARCHIVE}: expected a zip archive")).caused_by(error))?;
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

    /// Refuses an archive that has none of the linear learner's files: factorization machines, NTM and others write one under
    /// the same name.
    ///
    /// # Errors
    /// [`Cause::Unsupported`] with the files that it has instead.
    pub fn check_is_linear_learner(&self) -> Result<()> {
        const MOST_NAMED: usize = 5;
        let Source::Zip(archive, _) = &self.0 else { return Ok(()) };
        let members = [Member::AdditionalParams, Member::Symbol, Member::Params];
        if archive.is_empty() || members.iter().any(|member| self.has(*member)) {
            return Ok(());
        }
        let names = archive.file_names().take(MOST_NAMED).flatten();
        let names: Vec<_> = names.map(|name| name.escape_debug().to_string()).collect();
        Err(Error::new(
            Cause::Unsupported,
            format!(
                "{ARCHIVE}: a zip archive without {} and {}, as other algorithms write it under this name: \
                 {ONLY_THE_LINEAR_LEARNER}; found {}",
                Member::AdditionalParams.name(),
                Member::Params.name(),
                names.join(", ")
            ),
        ))
    }

    /// The version of this program that wrote the archive, if it did: what stands in the archive's comment
    /// ([`crate::write()`]).
    pub fn written_by(&self) -> Option<String> {
        const LONGEST: usize = 64;
        let Source::Zip(archive, _) = &self.0 else { return None };
        let comment = std::str::from_utf8(archive.comment()).ok()?;
        let is_ours = comment.len() <= LONGEST && comment.starts_with(WRITTEN_BY);
        is_ours.then(|| comment.to_owned())
    }

    /// Whether the artifact has the file.
    pub fn has(&self, member: Member) -> bool {
        match &self.0 {
            Source::Zip(archive, _) => archive.index_for_name(member.name()).is_some(),
            Source::Folder(directory) => directory.join(member.name()).is_file(),
        }
    }

    /// Hands over the bytes of a file, and what is made of them. For as long as that takes, the bytes are held, and `times` as
    /// many for what they become on the way.
    ///
    /// # Errors
    /// [`byoc_formats::error::Cause::BadArtifact`], naming the file, when it is missing, too large, damaged or encrypted. Its size is
    /// checked before memory is taken for it.
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

    /// How many bytes a file has.
    ///
    /// # Errors
    /// As [`ModelAlgo::read`].
    pub fn size(&mut self, member: Member) -> Result<u64> {
        self.with(member, |_, size| Ok(size))
    }

    /// Where the arrays of some names stand in the checkpoint. Nothing of it is kept.
    ///
    /// # Errors
    /// As [`ModelAlgo::read`], and when the file is no such checkpoint.
    pub fn places(&mut self, names: &[&str]) -> Result<Places> {
        self.with(Member::Params, |stream, size| {
            let places = Places::find(&mut *stream, size, names)?;
            // To the end, so that a checksum is compared.
            std::io::copy(stream, &mut std::io::sink())
                .map_err(|error| Error::bad_artifact("cannot be read").caused_by(error))?;
            Ok(places)
        })
    }

    /// Hands over one array of the checkpoint. No other is kept in memory.
    ///
    /// # Errors
    /// As [`ModelAlgo::places`], when there is no memory for it, and those of `then`.
    pub fn array<T>(
        &mut self,
        index: u64,
        allowance: &Allowance,
        then: impl FnOnce(&Array<'_>) -> Result<T>,
    ) -> Result<T> {
        self.with(Member::Params, |stream, size| Params::with_array(stream, size, index, allowance, then))
    }

    /// Hands over a file's bytes as a stream, with their number, which has been checked.
    fn with<T>(&mut self, member: Member, then: impl FnOnce(&mut dyn Read, u64) -> Result<T>) -> Result<T> {
        let name = member.name();
        match &mut self.0 {
            Source::Zip(archive, length) => with_zipped(archive, *length, member, then)
                .map_err(|error| error.context(format_args!("{name} in {ARCHIVE}"))),
            Source::Folder(directory) => {
                with_loose(&directory.join(name), member, then).map_err(|error| error.context(name))
            }
        }
    }
}

/// Where the way out of another algorithm's model begins.
const ONLY_THE_LINEAR_LEARNER: &str = "of SageMaker's built-in algorithms only the linear learner is read";

/// Refuses what others write under the name of the archive. K-Means, PCA and LDA put their arrays there as they are
/// (docs.aws.amazon.com: `mx.ndarray.load('model_algo-1')` in the sample notebooks of each).
fn check_is_zip(file: &mut File) -> Result<()> {
    let failed = |error: std::io::Error| Error::bad_artifact("cannot be read").caused_by(error);
    let mut start = Vec::new();
    file.by_ref().take(512).read_to_end(&mut start).map_err(failed)?;
    file.rewind().map_err(failed)?;
    check_pulled(&start)?;
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

/// Refuses an archive of far more files than an artifact has: its whole directory is kept in memory once it is opened. The end
/// of the directory is told at the end of the file, before a comment of 64 KiB at most (APPNOTE.TXT 4.3.16).
fn check_directory(file: &mut File, length: u64) -> Result<()> {
    const END: &[u8] = b"PK\x05\x06";
    const LONGEST_END: u64 = 22 + 0xFFFF;
    const MOST_FILES: u16 = 1024;
    let failed = |error: std::io::Error| Error::bad_artifact("cannot be read").caused_by(error);
    let mut tail = Vec::new();
    file.seek(SeekFrom::Start(length.saturating_sub(LONGEST_END))).map_err(failed)?;
    file.by_ref().take(LONGEST_END).read_to_end(&mut tail).map_err(failed)?;
    file.rewind().map_err(failed)?;
    for end in memchr::memmem::find_iter(&tail, END) {
        let files = tail.get(end + 10..end + 12).and_then(|bytes| bytes.try_into().ok()).map_or(0, u16::from_le_bytes);
        if files > MOST_FILES {
            return Err(Error::bad_artifact(format!("expected at most {MOST_FILES} files, found {files}")));
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
        CompressionMethod::Deflated => size <= packed.saturating_mul(LARGEST_RATIO).max(ALWAYS_ALLOWED),
        _ => false,
    };
    if !possible || packed > length {
        return Err(Error::bad_artifact(format!(
            "expected a stored or deflated file within the {length} bytes of the archive, found {size} bytes in {packed}, {}",
            file.compression()
        )));
    }
    // One byte more, so that the end is reached and the checksum is compared.
    then(&mut file.by_ref().take(size + 1), size)
}

fn with_loose<T>(path: &Path, member: Member, then: impl FnOnce(&mut dyn Read, u64) -> Result<T>) -> Result<T> {
    let file = File::open(path).map_err(|error| match error.kind() {
        // A missing file makes a bad artifact; anything else is between us and the disk.
        std::io::ErrorKind::NotFound => Error::bad_artifact("the folder has no such file"),
        _ => Error::io("open", path, error),
    })?;
    let size = file.metadata().map_err(|error| Error::io("look at", path, error))?.len();
    member.check_size(size)?;
    then(&mut BufReader::new(file).take(size), size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use zip::write::SimpleFileOptions;

    fn bytes_of(artifact: &mut ModelAlgo, member: Member) -> Result<Vec<u8>> {
        artifact.read(member, 0, &Allowance::unbounded(), |bytes| Ok(bytes.to_vec()))
    }

    fn zipped(directory: &Path, method: CompressionMethod, members: &[(&str, &[u8])]) {
        let mut writer = zip::ZipWriter::new(File::create(directory.join(ARCHIVE)).unwrap());
        for (name, bytes) in members {
            writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
            writer.write_all(bytes).unwrap();
        }
        writer.finish().unwrap();
    }

    #[test]
    fn stored_deflated_and_loose_files_give_the_same_bytes() {
        let params = [b"weights".repeat(1000), b"!".to_vec()].concat();
        let members: &[(&str, &[u8])] = &[("mx-mod-0000.params", &params), ("manifest.json", b"{}")];
        for how in 0..3 {
            let directory = tempfile::tempdir().unwrap();
            match how {
                0 => zipped(directory.path(), CompressionMethod::Stored, members),
                1 => zipped(directory.path(), CompressionMethod::Deflated, members),
                _ => {
                    members.iter().for_each(|(name, bytes)| std::fs::write(directory.path().join(name), bytes).unwrap())
                }
            }
            assert!(ModelAlgo::is_in(directory.path()));
            let mut artifact = ModelAlgo::open(directory.path()).unwrap();
            assert_eq!(bytes_of(&mut artifact, Member::Params).unwrap(), params);
            assert_eq!(bytes_of(&mut artifact, Member::Manifest).unwrap(), b"{}");
            assert!(artifact.has(Member::Manifest) && !artifact.has(Member::Symbol));
            let error = bytes_of(&mut artifact, Member::Symbol).unwrap_err();
            assert_eq!(error.cause(), Cause::BadArtifact);
            assert!(error.message().starts_with("mx-mod-symbol.json"), "{error}");
            assert!(error.message().ends_with("has no such file"), "{error}");
        }
    }

    #[test]
    fn a_folder_without_the_artifact_and_a_file_that_is_no_zip_are_refused() {
        let directory = tempfile::tempdir().unwrap();
        assert!(!ModelAlgo::is_in(directory.path()));
        let error = ModelAlgo::open(directory.path()).unwrap_err();
        assert!(error.message().contains("expected model_algo-1, or additional-params.json"), "{error}");
        std::fs::write(directory.path().join(ARCHIVE), b"not a zip at all").unwrap();
        let error = ModelAlgo::open(directory.path()).unwrap_err();
        assert_eq!(error.cause(), Cause::BadArtifact);
        assert!(error.message().starts_with("model_algo-1: expected a zip archive"), "{error}");
    }

    #[test]
    fn what_other_algorithms_write_under_the_name_is_named_and_not_called_broken() {
        let directory = tempfile::tempdir().unwrap();
        let refusal = |bytes: &[u8]| {
            std::fs::write(directory.path().join(ARCHIVE), bytes).unwrap();
            let error = ModelAlgo::open(directory.path()).unwrap_err();
            (error.cause(), error.to_string())
        };
        let (cause, message) = refusal(&[MXNET, &[0; 88]].concat());
        assert_eq!(cause, Cause::Unsupported);
        assert!(message.starts_with("model_algo-1: parameters of MXNet, as SageMaker's K-Means, PCA"), "{message}");
        assert!(message.contains("only the linear learner is read"), "{message}");
        let (cause, message) = refusal(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n");
        assert_eq!(cause, Cause::NotPulled);
        assert!(message.contains("git lfs pull"), "{message}");
        zipped(directory.path(), CompressionMethod::Stored, &[("params", b"x"), ("symbol.json", b"{}")]);
        let error = ModelAlgo::open(directory.path()).unwrap().check_is_linear_learner().unwrap_err();
        assert_eq!(error.cause(), Cause::Unsupported);
        assert!(error.message().ends_with("found params, symbol.json"), "{error}");
    }

    #[test]
    fn a_damaged_file_is_refused_by_its_checksum() {
        let directory = tempfile::tempdir().unwrap();
        zipped(directory.path(), CompressionMethod::Stored, &[("mx-mod-0000.params", b"weights")]);
        let path = directory.path().join(ARCHIVE);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(7).position(|window| window == b"weights").unwrap();
        bytes[at] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let error = bytes_of(&mut ModelAlgo::open(directory.path()).unwrap(), Member::Params).unwrap_err();
        assert_eq!(error.cause(), Cause::BadArtifact);
        assert!(error.message().starts_with("mx-mod-0000.params in model_algo-1: cannot be read"), "{error}");
    }

    #[test]
    fn an_archive_of_far_more_files_than_an_artifact_has_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..1025).map(|number| number.to_string()).collect();
        let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
        zipped(directory.path(), CompressionMethod::Stored, &members);
        let error = ModelAlgo::open(directory.path()).unwrap_err();
        assert!(error.message().contains("expected at most 1024 files, found 1025"), "{error}");
        zipped(directory.path(), CompressionMethod::Stored, &members[1..]);
        assert!(ModelAlgo::open(directory.path()).is_ok());
    }

    #[test]
    fn a_file_of_one_number_that_unpacks_to_far_more_than_it_has_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let zeros = vec![0; (ALWAYS_ALLOWED + 1) as usize];
        zipped(directory.path(), CompressionMethod::Deflated, &[("mx-mod-0000.params", &zeros)]);
        let error = ModelAlgo::open(directory.path()).unwrap().places(&["x"]).unwrap_err();
        assert!(error.message().contains("expected a stored or deflated file within"), "{error}");
    }

    /// The sizes stand at fixed places of a zip's central directory (APPNOTE.TXT 4.3.12).
    #[test]
    fn a_size_that_cannot_be_true_is_refused_before_memory_is_taken() {
        for (method, member, size, expected) in [
            (CompressionMethod::Deflated, Member::Params, 0x7fff_ffff_u32, "expected a stored or deflated file within"),
            (CompressionMethod::Stored, Member::Params, 0x7fff_ffff, "expected a stored or deflated file within"),
            (CompressionMethod::Deflated, Member::Manifest, 2 << 20, "expected at most 1048576 bytes, found 2097152"),
        ] {
            let directory = tempfile::tempdir().unwrap();
            zipped(directory.path(), method, &[(member.name(), b"{}")]);
            let path = directory.path().join(ARCHIVE);
            let mut bytes = std::fs::read(&path).unwrap();
            let entry = bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
            bytes[entry + 24..entry + 28].copy_from_slice(&size.to_le_bytes());
            if method == CompressionMethod::Stored {
                bytes[entry + 20..entry + 24].copy_from_slice(&size.to_le_bytes());
            }
            std::fs::write(&path, bytes).unwrap();
            let error = bytes_of(&mut ModelAlgo::open(directory.path()).unwrap(), member).unwrap_err();
            assert!(error.message().contains(expected), "{error}");
        }
    }
}
