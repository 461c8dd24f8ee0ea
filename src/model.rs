//! What a container can load, and one call: request body in, response body out.
//!
//! A container does not need to be told what it is: the artifact says. [`Artifact::find`] looks for, in order,
//! `model_algo-1` (SageMaker's linear learner), then `preprocessor.json` (fitted by `byoc train`), then one `*.joblib`, `*.pkl` or `*.pickle` (scikit-learn). A `code/` folder
//! beside them is ignored: nothing in an artifact is ever executed. Anything else is an error that lists what was found
//! and what would have been accepted.

mod answer;
mod cost;
mod files;
mod inspect;

pub use answer::{Answer, Exchange, Invocation, PieceByPiece};
pub use cost::Cost;
pub use inspect::{Contents, FileSize, Inspection};

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use byoc_account::Allowance;

use crate::artifact::model_algo::ModelAlgo;
use crate::artifact::pickle;
use crate::error::{Cause, Error, Result};
use crate::fitting::Document;
use crate::linear_learner::LinearLearner;
use crate::preprocessor::{ColumnsJson, Overrides, Preprocessor};
use crate::scorer::Scorer;
use files::Kind;

/// An artifact that was found and recognised, and not yet read.
#[derive(Debug)]
pub enum Artifact {
    /// SageMaker's linear learner, in this folder.
    LinearLearner(PathBuf),
    /// A preprocessor that `byoc train` fitted: its `preprocessor.json`. The `model.joblib` beside it is the same for
    /// scikit-learn.
    Fitted(PathBuf),
    /// A pickle of scikit-learn's, and the `columns.json` beside it if there is one.
    ScikitLearn {
        /// The pickle.
        pickle: PathBuf,
        /// `columns.json`.
        columns: Option<PathBuf>,
    },
}

/// A model in memory.
#[derive(Debug)]
pub enum Model {
    /// Features to scores, in float32.
    LinearLearner(LinearLearner),
    /// Rows to features, in float64.
    Preprocessor(Preprocessor),
    /// Rows to scores or classes, in float64.
    Scorer(Scorer),
}

/// The name of the file that `byoc train` writes for a preprocessor.
const PREPROCESSOR_JSON: &str = "preprocessor.json";

/// The name of the file that says what a pickle cannot.
const COLUMNS_JSON: &str = "columns.json";

/// How many names an error lists of what it found.
const MOST_LISTED: usize = 10;

impl Artifact {
    /// Recognises the artifact in a folder, or that which is a file of its own.
    ///
    /// # Errors
    /// [`Cause::NoModel`] where nothing, or more than one thing, is recognised.
    pub fn find(place: &Path) -> Result<Artifact> {
        if !place.is_file() {
            return Artifact::find_in(place);
        }
        match Kind::of(place) {
            // The folder of a bare name is the empty path.
            Some(Kind::ModelAlgo) => Ok(Artifact::LinearLearner(place.with_file_name(""))),
            Some(Kind::Fitted) => Ok(Artifact::Fitted(place.to_owned())),
            Some(Kind::Pickle) => {
                let columns = place.with_file_name(COLUMNS_JSON);
                let columns = columns.is_file().then_some(columns);
                Ok(Artifact::ScikitLearn { pickle: place.to_owned(), columns })
            }
            Some(Kind::Archive) | None => Err(files::unexpected(place)),
        }
    }

    /// Whether a file is an artifact of its own by its name, and no archive of one.
    pub fn is_lone_file(path: &Path) -> bool {
        path.is_file() && matches!(Kind::of(path), Some(Kind::ModelAlgo | Kind::Fitted | Kind::Pickle))
    }

    /// The error of a file that is known to be neither an artifact nor an archive of one by how it begins.
    ///
    /// # Errors
    /// [`Cause::NoModel`] with what it is instead.
    pub fn check_archive(path: &Path) -> Result<()> {
        if files::may_be_archive(path)? { Ok(()) } else { Err(files::unexpected(path)) }
    }

    fn find_in(directory: &Path) -> Result<Artifact> {
        if ModelAlgo::is_in(directory) {
            return Ok(Artifact::LinearLearner(directory.to_owned()));
        }
        let fitted = directory.join(PREPROCESSOR_JSON);
        if fitted.is_file() {
            return Ok(Artifact::Fitted(fitted));
        }
        let mut names = Vec::new();
        let mut pickles = Vec::new();
        for entry in std::fs::read_dir(directory).map_err(|error| Error::io("list", directory, &error))? {
            let path = entry.map_err(|error| Error::io("list", directory, &error))?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            // macOS' tar packs a `._model.joblib` beside the model.
            if name.starts_with('.') {
                continue;
            }
            // A folder, a pipe or a device of that name is no file to read.
            if matches!(Kind::of(&path), Some(Kind::Pickle)) && path.is_file() {
                pickles.push(path.clone());
            }
            names.push(name);
        }
        names.sort();
        match pickles.as_slice() {
            [pickle] => {
                let columns = directory.join(COLUMNS_JSON);
                Ok(Artifact::ScikitLearn { pickle: pickle.clone(), columns: columns.is_file().then_some(columns) })
            }
            [] => Err(Error::new(
                Cause::NoModel,
                format!(
                    "no model in {}: expected model_algo-1 (linear learner), preprocessor.json (fitted here) or one *.joblib, \
                     *.pkl or *.pickle (scikit-learn), found {}",
                    directory.display(),
                    listed(&names)
                ),
            )),
            several => Err(Error::new(
                Cause::NoModel,
                format!(
                    "{} models in {}: expected one *.joblib, *.pkl or *.pickle, found {}",
                    several.len(),
                    directory.display(),
                    listed(&names)
                ),
            )),
        }
    }

    /// How many bytes the file of the model has, as it lies on the disk.
    ///
    /// # Errors
    /// When it cannot be looked at.
    pub fn length(&self) -> Result<u64> {
        match self {
            Artifact::LinearLearner(directory) => Ok(ModelAlgo::length(directory)),
            Artifact::Fitted(document) => length(document),
            Artifact::ScikitLearn { pickle, .. } => length(pickle),
        }
    }

    /// Reads the artifact, and takes the memory for that and for the model. What `overrides` says wins over
    /// what `columns.json` or the artifact does; none of it is of the linear learner's.
    ///
    /// # Errors
    /// [`Cause::InsufficientMemory`]; [`Cause::BadArtifact`] for one that is broken or hostile, [`Cause::Unsupported`], [`Cause::BadColumns`] and
    /// [`Cause::BadDocument`] for a file that does not fit, and [`Cause::NoSuchMethod`].
    pub fn load(self, overrides: &Overrides, allowance: &Allowance) -> Result<Model> {
        match self {
            Artifact::LinearLearner(directory) => LinearLearner::open(&directory, allowance).map(Model::LinearLearner),
            Artifact::Fitted(path) => {
                let document = with_file(&path, allowance, |json| Document::parse(json, allowance))?;
                let preprocessor = document
                    .preprocessor(overrides.dtypes.as_ref(), allowance)
                    .map_err(|error| in_file(&path, error))?;
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
    let tree = pickle::read(artifact, allowance)?;
    let model = if Scorer::is_in(&tree)? {
        Scorer::from_pickle(&tree, Some(columns), allowance).map(Model::Scorer)
    } else {
        Preprocessor::from_pickle(&tree, Some(columns), allowance).map(Model::Preprocessor)
    };
    tree.give_back_to(allowance);
    model
}

fn length(path: &Path) -> Result<u64> {
    std::fs::metadata(path).map(|found| found.len()).map_err(|error| Error::io("read", path, &error))
}

/// Reads a file, for whose bytes memory is taken first; not more of it than it had then.
fn read(path: &Path, allowance: &Allowance) -> Result<Vec<u8>> {
    let failed = |error| Error::io("read", path, &error);
    let file = File::open(path).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    let room = usize::try_from(length).unwrap_or(usize::MAX);
    allowance.take(room)?;
    let mut bytes = Vec::with_capacity(room);
    file.take(length).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}

/// What a file's bytes say; they are gone then.
fn with_file<T>(path: &Path, allowance: &Allowance, parse: impl FnOnce(&[u8]) -> Result<T>) -> Result<T> {
    let bytes = read(path, allowance)?;
    let parsed = parse(&bytes).map_err(|error| in_file(path, error));
    allowance.give_back(bytes.capacity());
    parsed
}

fn in_file(path: &Path, error: Error) -> Error {
    error.context(path.file_name().unwrap_or_default().to_string_lossy())
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names if names.len() <= MOST_LISTED => names.join(", "),
        names => format!("{} and {} more", names[..MOST_LISTED].join(", "), names.len() - MOST_LISTED),
    }
}

impl Model {
    /// How many bytes the model takes in memory.
    pub fn bytes(&self) -> u64 {
        match self {
            Model::LinearLearner(learner) => learner.bytes(),
            Model::Preprocessor(preprocessor) => preprocessor.bytes(),
            Model::Scorer(scorer) => scorer.bytes(),
        }
    }

    /// What was assumed of a row that a person should look at: which column is the label, where only its place says so.
    pub fn assumption(&self) -> Option<String> {
        let label = match self {
            Model::LinearLearner(_) => None,
            Model::Preprocessor(preprocessor) => preprocessor.guessed_label(),
            Model::Scorer(scorer) => scorer.guessed_label(),
        }?;
        Some(format!(
            "the column {label} is taken for the label, since it comes last and no transformer uses it: rows may come with it or \
             without; {{\"label\": null}} in a columns.json beside the artifact says that it is none, \
             {{\"label\": {label:?}}} that it is one"
        ))
    }

    /// Why every request will be refused, where that can be known beforehand.
    pub fn refusal(&self) -> Option<&str> {
        match self {
            Model::LinearLearner(_) => None,
            Model::Preprocessor(preprocessor) => preprocessor.refusal(),
            Model::Scorer(scorer) => scorer.refusal(),
        }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Model::LinearLearner(learner) => {
                write!(f, "linear learner ({}, {} features)", learner.predictor_type().name(), learner.feature_dim())
            }
            Model::Preprocessor(preprocessor) => write!(f, "scikit-learn preprocessor ({preprocessor})"),
            Model::Scorer(scorer) => write!(f, "scikit-learn scorer ({scorer})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use byoc_account::Purpose;

    #[test]
    fn a_document_leases_the_tree_that_it_becomes() {
        let folder = tempfile::tempdir().unwrap();
        let digits = 100_000;
        let document = format!("[{}0]", "0,".repeat(digits - 1));
        fs::write(folder.path().join("preprocessor.json"), &document).unwrap();
        let tree = digits * size_of::<crate::json_text::Node>();
        let load = |bytes: usize| {
            let allowance = Allowance::of_bytes(bytes as u64, Purpose::Load);
            Artifact::find(folder.path()).unwrap().load(&Overrides::default(), &allowance).unwrap_err().cause()
        };
        assert_eq!(load(tree), Cause::InsufficientMemory);
        // The tree, what is read from it, and as much again while either grows.
        assert_eq!(load(3 * (tree + digits * size_of::<f64>())), Cause::BadDocument);
    }

    fn found(files: &[&str]) -> Result<Artifact> {
        let folder = tempfile::TempDir::new().unwrap();
        for file in files {
            match file.strip_suffix('/') {
                Some(name) => fs::create_dir(folder.path().join(name)).unwrap(),
                None => fs::write(folder.path().join(file), "x").unwrap(),
            }
        }
        Artifact::find(folder.path())
    }

    #[test]
    fn what_lies_in_the_folder_says_what_the_model_is() {
        assert!(matches!(found(&["model_algo-1", "model.joblib"]), Ok(Artifact::LinearLearner(_))));
        for name in ["model.joblib", "x.pkl", "y.pickle"] {
            let artifact = found(&[name, "code/", "notes.txt", "._model.joblib"]);
            assert!(matches!(artifact, Ok(Artifact::ScikitLearn { columns: None, .. })), "{name}: {artifact:?}");
        }
        assert!(matches!(found(&["preprocessor.json", "model.joblib", "other.pkl"]), Ok(Artifact::Fitted(_))));
        assert!(matches!(found(&["preprocessor.json", "model_algo-1"]), Ok(Artifact::LinearLearner(_))));
        let artifact = found(&["model.joblib", "columns.json"]);
        assert!(matches!(artifact, Ok(Artifact::ScikitLearn { columns: Some(_), .. })), "{artifact:?}");
    }

    #[test]
    fn what_is_not_recognised_is_listed_beside_what_would_have_been() {
        let message = found(&["model.onnx", "a.txt"]).unwrap_err().to_string();
        assert!(message.contains("expected model_algo-1"), "{message}");
        assert!(message.ends_with("found a.txt, model.onnx"), "{message}");
        assert!(found(&[]).unwrap_err().to_string().ends_with("found nothing"));
        assert!(found(&["a.pkl", "b.joblib"]).unwrap_err().to_string().contains("2 models"));
        assert!(found(&["model.joblib/"]).is_err(), "a folder of that name is no artifact");
    }

    #[test]
    fn a_long_list_is_cut() {
        let names: Vec<String> = (0..30).map(|number| format!("file{number}")).collect();
        assert!(listed(&names).ends_with("and 20 more"), "{}", listed(&names));
    }
}
