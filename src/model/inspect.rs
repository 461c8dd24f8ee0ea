//! Describes an artifact: a folder, an archive or a single file.

use super::artifact::{in_file, read, with_file};
use super::{Artifact, NamedPath, Script, with_remedy};
use crate::error::{Cause, Error, Result};
use byoc_account::Allowance;
use byoc_formats::error;
use byoc_formats::file_kind::FileKind;
use byoc_formats::pickle::{self, Outline, Tree};
use byoc_formats::targz;
use byoc_linear_learner::archive::{Member, ModelAlgo};
use byoc_linear_learner::{LinearLearner, LinearLearnerDescription};
use byoc_sklearn::Document;
use byoc_sklearn::allow_list::ScikitLearn;
use byoc_sklearn::describe::{PreprocessorDescription, RefusedDescription};
use byoc_sklearn::preprocessor::{ColumnsJson, Overrides, Preprocessor};
use byoc_sklearn::scorer::{Scorer, ScorerDescription};
use serde::Serialize;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

/// The description of an artifact.
#[derive(Debug, Serialize)]
pub struct Inspection {
    /// Its files.
    pub files: Vec<FileSize>,
    /// The scripts beside it that SageMaker's own container would run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_run: Vec<Script>,
    /// Other models in the folder, which are not served.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub passed_over: Vec<String>,
    /// The program that wrote it, if it says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub written_by: Option<String>,
    /// The model's size in memory, in bytes.
    pub memory_bytes: u64,
    /// The model.
    #[serde(flatten)]
    pub contents: Contents,
}

/// The kind of a model, with its description.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Contents {
    /// SageMaker's linear learner.
    LinearLearner(LinearLearnerDescription),
    /// scikit-learn's transformers.
    Preprocessor(Box<PreprocessorDescription>),
    /// A linear estimator of scikit-learn, with the transformers before it.
    Scorer(Box<ScorerDescription>),
}

/// A file with its size.
#[derive(Debug, Serialize)]
pub struct FileSize {
    /// Its name; for a file in an archive, the archive's name and its own, separated by a slash.
    pub name: String,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its uncompressed size in bytes, if it is compressed.
    pub uncompressed_bytes: Option<u64>,
}

impl FileSize {
    fn of(path: &Path) -> Result<FileSize> {
        let file = fs::metadata(path).map_err(|error| Error::io("access", path, error))?;
        Ok(FileSize { name: name_of(path), bytes: file.len(), uncompressed_bytes: None })
    }
}

/// Why an artifact was refused, and the parts of it that could be read.
#[derive(Debug)]
pub struct Refusal {
    /// The reason.
    pub error: Error,
    /// The files that it consists of.
    pub files: Vec<FileSize>,
    /// The outline of a pickle, if it can be read.
    pub outline: Option<RefusedDescription>,
    /// The scripts beside it that SageMaker's own container would run.
    pub not_run: Vec<Script>,
    /// Other models in the folder.
    pub passed_over: Vec<String>,
}

impl From<Error> for Box<Refusal> {
    fn from(error: Error) -> Box<Refusal> {
        Box::new(Refusal { error, files: Vec::new(), outline: None, not_run: Vec::new(), passed_over: Vec::new() })
    }
}

impl Inspection {
    /// Describes a model's folder, an archive of one (unpacked into a temporary folder), a `model_algo-1`, a
    /// `preprocessor.json` or a pickle. The artifact is read in the same way as by [`Artifact::load`].
    ///
    /// # Errors
    /// [`Cause::ModelNotFound`] if there is nothing at the path, [`Cause::Io`] if it cannot be read, [`Cause::NoModel`]
    /// if it is none of these, and the causes for which [`Artifact::load`] refuses.
    pub fn of(path: &Path, overrides: &Overrides, allowance: &Allowance) -> Result<Inspection> {
        Inspection::of_named(&NamedPath::new(path), overrides, allowance)
    }

    /// The same for a path that has another name in messages.
    ///
    /// # Errors
    /// Those of [`Inspection::of`].
    pub fn of_named(source: &NamedPath, overrides: &Overrides, allowance: &Allowance) -> Result<Inspection> {
        Inspection::or_refusal(source, overrides, allowance).map_err(|refusal| refusal.error)
    }

    /// The same, but a refusal contains the parts of the artifact that could be read.
    ///
    /// # Errors
    /// Those of [`Inspection::of`].
    pub fn or_refusal(
        source: &NamedPath,
        overrides: &Overrides,
        allowance: &Allowance,
    ) -> Result<Inspection, Box<Refusal>> {
        let path = source.path();
        let metadata = fs::metadata(path).map_err(|error| {
            let is_missing = error.kind() == std::io::ErrorKind::NotFound;
            let failed = Error::io("read", path, error);
            if is_missing { failed.because(Cause::ModelNotFound) } else { failed }
        })?;
        if !metadata.is_file() && !metadata.is_dir() {
            let found = "expected a file or a folder, found a pipe, a socket or a device";
            return Err(Error::new(Cause::Io, format!("{}: {found}", source.name())).into());
        }
        let inspection = match FileKind::of(path) {
            Some(FileKind::Archive) if metadata.is_file() => in_archive(path, overrides, allowance),
            _ => Artifact::find_named(source)
                .map_err(Into::into)
                .and_then(|found| inspect(path, found, overrides, allowance)),
        };
        // An error about a single file already names the file.
        let prefix = match Artifact::is_lone_file(path) {
            true => source.name().rsplit_once('/').map_or("", |(folder, _)| folder),
            false => source.name(),
        };
        inspection.map_err(|mut refusal| {
            if !prefix.is_empty() {
                refusal.error = refusal.error.context(prefix);
            }
            refusal
        })
    }

    /// The archives below a folder that is not a model itself, such as the folder of a multi-model endpoint, sorted.
    pub fn archives_in(folder: &Path) -> Vec<PathBuf> {
        let is_model = !folder.is_dir() || Artifact::find(folder).is_ok();
        if is_model { Vec::new() } else { super::find::archives_below(folder) }
    }
}

/// The most files and folders in an archive that is inspected. Supported models have a few; each one is written to
/// disk.
const MAX_FILES: usize = 1024;

fn in_archive(path: &Path, overrides: &Overrides, allowance: &Allowance) -> Result<Inspection, Box<Refusal>> {
    Artifact::check_archive(path)?;
    let archive = File::open(path).map_err(|error| Error::io("open", path, error))?;
    let folder = tempfile::tempdir().map_err(|error| Error::io("create", Path::new("a temporary folder"), error))?;
    let unpacked = folder.path().join("model");
    let limits = targz::Limits { entries: MAX_FILES, ..targz::Limits::default() };
    targz::unpack(archive, &unpacked, &limits).map_err(Error::from)?;
    let archive = FileSize::of(path)?;
    let found = Artifact::find_named(&NamedPath::with_name(&unpacked, "the archive"));
    match found.map_err(Into::into).and_then(|artifact| inspect(&unpacked, artifact, overrides, allowance)) {
        Ok(mut inspection) => {
            inspection.files.insert(0, archive);
            Ok(inspection)
        }
        Err(mut refusal) => {
            refusal.files.insert(0, archive);
            if refusal.not_run.is_empty() {
                refusal.not_run = Script::in_folder(&unpacked);
            }
            Err(refusal)
        }
    }
}

fn inspect(
    path: &Path,
    artifact: Artifact,
    overrides: &Overrides,
    allowance: &Allowance,
) -> Result<Inspection, Box<Refusal>> {
    let (not_run, passed_over) = (artifact.scripts(), artifact.passed_over(path));
    let mut refusal =
        Refusal { error: Error::bad_artifact(""), files: Vec::new(), outline: None, not_run, passed_over };
    match describe(artifact, overrides, &mut refusal, allowance) {
        Ok(inspection) => Ok(Inspection { not_run: refusal.not_run, passed_over: refusal.passed_over, ..inspection }),
        Err(error) => Err(Box::new(Refusal { error, ..refusal })),
    }
}

/// Describes an artifact. Parts that were read before an error stay in `partial`.
fn describe(
    artifact: Artifact,
    overrides: &Overrides,
    partial: &mut Refusal,
    allowance: &Allowance,
) -> Result<Inspection> {
    match artifact {
        Artifact::LinearLearner(directory) => {
            let learner = LinearLearner::open(&directory, allowance)?;
            Ok(Inspection {
                files: files_of(&directory)?,
                not_run: Vec::new(),
                passed_over: Vec::new(),
                written_by: ModelAlgo::open(&directory)?.written_by(),
                memory_bytes: learner.bytes(),
                contents: Contents::LinearLearner(learner.describe(&directory, allowance)?),
            })
        }
        Artifact::Fitted(json) => {
            partial.files.push(FileSize::of(&json)?);
            let document = with_file(&json, allowance, |text| Document::parse(text, allowance))?;
            let columns = document.columns_json(overrides);
            let described = document
                .to_tree(allowance)
                .and_then(|tree| scikit_learn(&tree, columns, allowance).map_err(Document::located))
                .map_err(|error| in_file(&json, error.into()));
            let (memory_bytes, contents) = described?;
            Ok(Inspection {
                files: std::mem::take(&mut partial.files),
                not_run: Vec::new(),
                passed_over: Vec::new(),
                written_by: Some("byoc".to_owned()),
                memory_bytes,
                contents,
            })
        }
        Artifact::ScikitLearn { pickle, columns } => {
            partial.files.push(FileSize::of(&pickle)?);
            let columns_json = match columns {
                Some(path) => {
                    partial.files.push(FileSize::of(&path)?);
                    with_file(&path, allowance, |json| ColumnsJson::parse(json, allowance))?
                }
                None => ColumnsJson::default(),
            }
            .overridden(overrides);
            let read = read(&pickle, allowance).and_then(|bytes| {
                let tree = pickle::read(bytes, &ScikitLearn, allowance)?;
                if let Some(file) = partial.files.first_mut() {
                    file.uncompressed_bytes = Some(tree.plain_bytes() as u64).filter(|bytes| *bytes != file.bytes);
                }
                Ok(scikit_learn(&tree, columns_json, allowance)?)
            });
            let (memory_bytes, contents) = read.map_err(|error| {
                partial.outline = outline(&pickle, &error, allowance);
                in_file(&pickle, error)
            })?;
            let files = std::mem::take(&mut partial.files);
            Ok(Inspection {
                files,
                not_run: Vec::new(),
                passed_over: Vec::new(),
                written_by: None,
                memory_bytes,
                contents,
            })
        }
    }
}

/// The outline of a pickle that was refused.
fn outline(pickle: &Path, error: &Error, allowance: &Allowance) -> Option<RefusedDescription> {
    if !matches!(error.cause(), Cause::Unsupported | Cause::BadArtifact) {
        return None;
    }
    let outline = read(pickle, allowance).and_then(|bytes| Ok(Outline::read(bytes, &ScikitLearn, allowance)?)).ok()?;
    RefusedDescription::of(&outline, allowance).ok()
}

fn scikit_learn(tree: &Tree, columns: ColumnsJson, allowance: &Allowance) -> Result<(u64, Contents), error::Error> {
    if Scorer::is_in(tree)? {
        let scorer = Scorer::from_pickle(tree, Some(columns), allowance)?;
        let mut described = scorer.describe(tree, allowance)?;
        add_remedies(&mut described.artifact);
        Ok((scorer.bytes(), Contents::Scorer(Box::new(described))))
    } else {
        let preprocessor = Preprocessor::from_pickle(tree, Some(columns), allowance)?;
        let mut described = preprocessor.describe(tree, allowance)?;
        add_remedies(&mut described);
        Ok((preprocessor.bytes(), Contents::Preprocessor(Box::new(described))))
    }
}

/// Adds to each assumption in a description which setting to change if the assumption is wrong.
fn add_remedies(described: &mut PreprocessorDescription) {
    let note = described.label.as_mut().and_then(|label| label.note.as_mut());
    for assumption in note.into_iter().chain(&mut described.undecided_types) {
        assumption.text = with_remedy(assumption);
    }
}

/// A linear learner's archive, if there is one, and the files of its checkpoint.
fn files_of(directory: &Path) -> Result<Vec<FileSize>> {
    let archive = directory.join("model_algo-1");
    let mut files = Vec::new();
    let mut prefix = "";
    if archive.is_file() {
        files.push(FileSize::of(&archive)?);
        prefix = "model_algo-1/";
    }
    let mut artifact = ModelAlgo::open(directory)?;
    for member in [Member::AdditionalParams, Member::Manifest, Member::Symbol, Member::Params] {
        if artifact.has(member) {
            let bytes = artifact.size(member)?;
            files.push(FileSize { name: format!("{prefix}{}", member.name()), bytes, uncompressed_bytes: None });
        }
    }
    Ok(files)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
