//! Artifacts on disk: their kinds, the files that belong to them, and how they are loaded.

use super::{Model, NamedPath, Script, find};
use crate::error::{Error, Result};
use byoc_account::Allowance;
use byoc_formats::error;
use byoc_formats::file_kind;
use byoc_formats::pickle;
use byoc_linear_learner::LinearLearner;
use byoc_linear_learner::archive::ModelAlgo;
use byoc_sklearn::Document;
use byoc_sklearn::allow_list::ScikitLearn;
use byoc_sklearn::preprocessor::{ColumnsJson, Overrides, Preprocessor};
use byoc_sklearn::scorer::Scorer;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// An artifact that was recognised but not yet read.
#[derive(Debug)]
pub enum Artifact {
    /// SageMaker's linear learner, in this folder.
    LinearLearner(PathBuf),
    /// A preprocessor that `byoc train` fitted: its `preprocessor.json`. The `model.joblib` beside it is the same
    /// preprocessor, for use in scikit-learn.
    Fitted(PathBuf),
    /// A pickle of scikit-learn, and the `columns.json` beside it if there is one.
    ScikitLearn {
        /// The pickle.
        pickle: PathBuf,
        /// `columns.json`.
        columns: Option<PathBuf>,
    },
}

impl Artifact {
    /// Recognises the artifact at a path, a folder or a single file.
    ///
    /// # Errors
    /// [`Cause::NoModel`](crate::error::Cause::NoModel) if nothing is recognised, and
    /// [`Cause::SeveralModels`](crate::error::Cause::SeveralModels) if there is more than one.
    pub fn find(path: &Path) -> Result<Artifact> {
        Artifact::find_named(&NamedPath::new(path))
    }

    /// The same for a path that has another name in messages.
    ///
    /// # Errors
    /// Those of [`Artifact::find`].
    pub fn find_named(source: &NamedPath) -> Result<Artifact> {
        if source.path().is_file() { find::lone_file(source.path()) } else { find::in_folder(source) }
    }

    /// Whether a file is itself an artifact, not an archive of one.
    pub fn is_lone_file(path: &Path) -> bool {
        path.is_file() && file_kind::is_lone(path, path)
    }

    /// Refuses a file whose first bytes show that it is not an archive.
    ///
    /// # Errors
    /// [`Cause::NoModel`](crate::error::Cause::NoModel), with what the file is instead.
    pub fn check_archive(path: &Path) -> Result<()> {
        if file_kind::may_be_archive(path)? { Ok(()) } else { Err(file_kind::unexpected(path).into()) }
    }

    /// The scripts beside the model that SageMaker's own container would run.
    pub fn scripts(&self) -> Vec<Script> {
        let folder = match self {
            Artifact::LinearLearner(folder) => folder,
            Artifact::Fitted(file) | Artifact::ScikitLearn { pickle: file, .. } => file.parent().unwrap_or(file),
        };
        // For a file name without a folder, this is the empty path.
        Script::in_folder(if folder == Path::new("") { Path::new(".") } else { folder })
    }

    /// Other models in the folder, recognised by their names. They are not served. Empty if `source` is a file.
    pub fn passed_over(&self, source: &Path) -> Vec<String> {
        if source.is_file() {
            return Vec::new();
        }
        match self {
            Artifact::LinearLearner(folder) => find::models_beside(folder, &["model_algo-1"]),
            // model.joblib is the same preprocessor, for scikit-learn.
            Artifact::Fitted(_) => find::models_beside(source, &[file_kind::PREPROCESSOR_JSON, "model.joblib"]),
            // A pickle is found only if there is no other model.
            Artifact::ScikitLearn { .. } => Vec::new(),
        }
    }

    /// A warning about the other models in the folder; `None` if there are none.
    pub fn passed_over_warning(&self, source: &NamedPath) -> Option<String> {
        let others = self.passed_over(source.path());
        let loaded = match self {
            Artifact::LinearLearner(_) => "model_algo-1",
            Artifact::Fitted(_) => file_kind::PREPROCESSOR_JSON,
            Artifact::ScikitLearn { .. } => "one",
        };
        let (last, _) = others.split_last()?;
        Some(format!(
            "several models in {}: {loaded} is loaded, and passed over: {}; to serve another, such as {last}, give its \
             path or move it to a separate folder",
            source.name(),
            others.join(", ")
        ))
    }

    /// The size of the model's file on disk, in bytes.
    ///
    /// # Errors
    /// [`Cause::Io`](crate::error::Cause::Io) if the size cannot be read.
    pub fn length(&self) -> Result<u64> {
        match self {
            Artifact::LinearLearner(directory) => Ok(ModelAlgo::length(directory)),
            Artifact::Fitted(document) => length(document),
            Artifact::ScikitLearn { pickle, .. } => length(pickle),
        }
    }

    /// Reads the artifact, and takes the memory for reading and for the model. `overrides` take precedence over
    /// `columns.json` and the artifact; a linear learner ignores them.
    ///
    /// # Errors
    /// A [`Cause`](crate::error::Cause): `InsufficientMemory`; `BadArtifact` for an artifact that is broken or hostile;
    /// `Unsupported`; `BadColumns` and `BadDocument` for a file that does not fit the model; `NoSuchMethod`.
    pub fn load(self, overrides: &Overrides, allowance: &Allowance) -> Result<Model> {
        match self {
            Artifact::LinearLearner(directory) => Ok(Model::LinearLearner(LinearLearner::open(&directory, allowance)?)),
            Artifact::Fitted(path) => {
                let document = with_file(&path, allowance, |json| Document::parse(json, allowance))?;
                let preprocessor =
                    document.preprocessor(overrides, allowance).map_err(|error| in_file(&path, error.into()))?;
                Ok(Model::Preprocessor(preprocessor))
            }
            Artifact::ScikitLearn { pickle, columns } => {
                let columns = match columns {
                    Some(path) => with_file(&path, allowance, |json| ColumnsJson::parse(json, allowance))?,
                    None => ColumnsJson::default(),
                };
                let columns = columns.overridden(overrides);
                let artifact = read(&pickle, allowance)?;
                scikit_learn(artifact, columns, allowance).map_err(|error| in_file(&pickle, error))
            }
        }
    }
}

fn scikit_learn(artifact: Vec<u8>, columns: ColumnsJson, allowance: &Allowance) -> Result<Model> {
    let tree = pickle::read(artifact, &ScikitLearn, allowance)?;
    let model = if Scorer::is_in(&tree)? {
        Model::Scorer(Scorer::from_pickle(&tree, Some(columns), allowance)?)
    } else {
        Model::Preprocessor(Preprocessor::from_pickle(&tree, Some(columns), allowance)?)
    };
    tree.give_back_to(allowance);
    Ok(model)
}

fn length(path: &Path) -> Result<u64> {
    std::fs::metadata(path).map(|found| found.len()).map_err(|error| Error::io("read", path, error))
}

/// Reads a file after taking memory for its bytes. Bytes that are appended while it is read are left out.
pub(super) fn read(path: &Path, allowance: &Allowance) -> Result<Vec<u8>> {
    let failed = |error| Error::io("read", path, error);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let capacity = usize::try_from(length).unwrap_or(usize::MAX);
    allowance.take(capacity)?;
    let mut bytes = Vec::with_capacity(capacity);
    file.take(length).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// Reads and parses a file, and gives the memory of its bytes back.
pub(super) fn with_file<T>(
    path: &Path,
    allowance: &Allowance,
    parse: impl FnOnce(&[u8]) -> Result<T, error::Error>,
) -> Result<T> {
    let bytes = read(path, allowance)?;
    let parsed = file_kind::refuse_lfs_pointer(&bytes).and_then(|()| parse(&bytes));
    allowance.give_back(bytes.capacity());
    parsed.map_err(|error| in_file(path, error.into()))
}

pub(super) fn in_file(path: &Path, error: Error) -> Error {
    error.within(path.file_name().unwrap_or_default().to_string_lossy())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::error::Cause;
    use byoc_account::Purpose;

    #[test]
    fn loading_a_document_takes_memory_for_it() {
        let folder = tempfile::tempdir().unwrap();
        let digits = 100_000;
        let document = format!("[{}0]", "0,".repeat(digits - 1));
        fs::write(folder.path().join("preprocessor.json"), &document).unwrap();
        let numbers = digits * size_of::<f64>();
        let load = |bytes: usize| {
            let allowance = Allowance::of_bytes(bytes as u64, Purpose::Load);
            Artifact::find(folder.path()).unwrap().load(&Overrides::default(), &allowance).unwrap_err().cause()
        };
        assert_eq!(load(numbers), Cause::InsufficientMemory);
        // The text, the numbers, and the spare capacity of a growing list.
        assert_eq!(load(document.len() + 8 * numbers), Cause::BadDocument);
    }
}
