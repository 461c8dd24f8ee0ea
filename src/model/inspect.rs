//! What is in an artifact, wherever it lies: in a folder, an archive or a file of its own.

use super::{Artifact, in_file, read, with_file};
use crate::artifact::file_kind::FileKind;
use crate::artifact::model_algo::{Member, ModelAlgo};
use crate::artifact::pickle::{self, Tree};
use crate::artifact::targz;
use crate::error::{Cause, Error, Result};
use crate::fitting::Document;
use crate::linear_learner::{LinearLearner, LinearLearnerDescription};
use crate::preprocessor::{ColumnsJson, Overrides, Preprocessor, PreprocessorDescription};
use crate::scorer::{Scorer, ScorerDescription};
use byoc_account::Allowance;
use serde::Serialize;
use std::fs::{self, File};
use std::path::Path;

/// An artifact, looked into.
#[derive(Debug, Serialize)]
pub struct Inspection {
    /// The files that it was read from.
    pub files: Vec<FileSize>,
    /// What the model takes in memory.
    pub memory_bytes: u64,
    /// What it is.
    #[serde(flatten)]
    pub contents: Contents,
}

/// What an artifact is.
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
    /// Its name; that of a file in an archive after the archive's.
    pub name: String,
    /// How many bytes it has.
    pub bytes: u64,
    /// How many it has once uncompressed, if it is compressed.
    pub uncompressed_bytes: Option<u64>,
}

impl FileSize {
    fn of(path: &Path) -> Result<FileSize> {
        let file = fs::metadata(path).map_err(|error| Error::io("look at", path, &error))?;
        Ok(FileSize { name: name_of(path), bytes: file.len(), uncompressed_bytes: None })
    }
}

impl Inspection {
    /// Looks into a model's folder, an archive of one (unpacked into a temporary folder), a `model_algo-1`, a
    /// `preprocessor.json`, or a pickle, as [`Artifact::load`] would read it.
    ///
    /// # Errors
    /// [`Cause::ModelNotFound`] when there is nothing, [`Cause::Io`] when it cannot be read, [`Cause::BadArtifact`] when it is none of these, or what [`Artifact::load`] refuses.
    pub fn of(path: &Path, overrides: &Overrides, allowance: &Allowance) -> Result<Inspection> {
        let metadata = fs::metadata(path).map_err(|error| {
            let failed = Error::io("read", path, &error);
            if error.kind() == std::io::ErrorKind::NotFound { failed.because(Cause::ModelNotFound) } else { failed }
        })?;
        if !metadata.is_file() && !metadata.is_dir() {
            let found = "expected a file or a folder, found a pipe, a socket or a device";
            return Err(Error::new(Cause::Io, format!("{}: {found}", path.display())));
        }
        let inspection = match FileKind::of(path) {
            Some(FileKind::Archive) if metadata.is_file() => in_archive(path, overrides, allowance),
            _ => Artifact::find(path).and_then(|artifact| inspect(artifact, overrides, allowance)),
        };
        // What is said of a file has its name already.
        let around = if Artifact::is_lone_file(path) { path.parent().unwrap_or(Path::new("")) } else { path };
        inspection.map_err(|error| if around == Path::new("") { error } else { error.context(around.display()) })
    }
}

/// How many files and folders an archive may have that is looked into: a model that is read here has a few, and each is made.
const MOST_FILES: usize = 1024;

fn in_archive(path: &Path, overrides: &Overrides, allowance: &Allowance) -> Result<Inspection> {
    Artifact::check_archive(path)?;
    let archive = File::open(path).map_err(|error| Error::io("open", path, &error))?;
    let folder = tempfile::tempdir().map_err(|error| Error::io("make", Path::new("a temporary folder"), &error))?;
    let unpacked = folder.path().join("model");
    let limits = targz::Limits { entries: MOST_FILES, ..targz::Limits::default() };
    targz::unpack(archive, &unpacked, &limits)?;
    // The temporary folder's name is nobody's business.
    let artifact = Artifact::find(&unpacked).map_err(|error| {
        let message = error.message().replace(&unpacked.display().to_string(), "the archive");
        Error::new(error.cause(), message)
    })?;
    let mut inspection = inspect(artifact, overrides, allowance)?;
    inspection.files.insert(0, FileSize::of(path)?);
    Ok(inspection)
}

fn inspect(artifact: Artifact, overrides: &Overrides, allowance: &Allowance) -> Result<Inspection> {
    match artifact {
        Artifact::LinearLearner(directory) => {
            let learner = LinearLearner::open(&directory, allowance)?;
            Ok(Inspection {
                files: files_of(&directory)?,
                memory_bytes: learner.bytes(),
                contents: Contents::LinearLearner(learner.describe(&directory, allowance)?),
            })
        }
        Artifact::Fitted(json) => {
            let document = with_file(&json, allowance, |text| Document::parse(text, allowance))?;
            let mut columns = document.columns_json();
            columns.dtypes = overrides.dtypes.clone();
            let described = document
                .to_tree(allowance)
                .and_then(|tree| scikit_learn(&tree, columns, allowance).map_err(Document::located))
                .map_err(|error| in_file(&json, error));
            let (memory_bytes, contents) = described?;
            Ok(Inspection { files: vec![FileSize::of(&json)?], memory_bytes, contents })
        }
        Artifact::ScikitLearn { pickle, columns } => {
            let mut files = vec![FileSize::of(&pickle)?];
            let columns_json = match columns {
                Some(path) => {
                    files.push(FileSize::of(&path)?);
                    with_file(&path, allowance, |json| ColumnsJson::parse(json, allowance))?
                }
                None => ColumnsJson::default(),
            }
            .overridden(overrides);
            let tree = pickle::read(read(&pickle, allowance)?, allowance).map_err(|error| in_file(&pickle, error))?;
            if let Some(file) = files.first_mut() {
                file.uncompressed_bytes = Some(tree.plain_bytes() as u64).filter(|bytes| *bytes != file.bytes);
            }
            let (memory_bytes, contents) =
                scikit_learn(&tree, columns_json, allowance).map_err(|error| in_file(&pickle, error))?;
            Ok(Inspection { files, memory_bytes, contents })
        }
    }
}

fn scikit_learn(tree: &Tree, columns: ColumnsJson, allowance: &Allowance) -> Result<(u64, Contents)> {
    if Scorer::is_in(tree)? {
        let scorer = Scorer::from_pickle(tree, Some(columns), allowance)?;
        Ok((scorer.bytes(), Contents::Scorer(Box::new(scorer.describe(tree, allowance)?))))
    } else {
        let preprocessor = Preprocessor::from_pickle(tree, Some(columns), allowance)?;
        Ok((preprocessor.bytes(), Contents::Preprocessor(Box::new(preprocessor.describe(tree, allowance)?))))
    }
}

/// The archive of a linear learner, if there is one, and the files of its checkpoint.
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
