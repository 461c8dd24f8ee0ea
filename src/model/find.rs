//! Finds the model in a folder. If there is none or more than one, the error says what was found.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use byoc_account::{Allowance, Purpose};
use byoc_sklearn::allow_list::ScikitLearn;

use super::{Artifact, NamedPath};
use crate::error::{Cause, Error, Result};
use byoc_formats::file_kind::{self, FileKind, PREPROCESSOR_JSON};
use byoc_formats::pickle::TopLevelValue;
use byoc_linear_learner::archive::ModelAlgo;
use byoc_sklearn::preprocessor::COLUMNS_JSON;

/// The most names that an error lists.
const MAX_LISTED: usize = 10;

/// The most files whose first bytes are read because their names do not tell their format.
const MAX_SNIFFED: usize = 64;

/// How many bytes of a pickle are read to tell what it contains, and the memory that this may take, in bytes.
const PICKLE_PREFIX_BYTES: u64 = 64 << 10;
const PICKLE_PREFIX_MEMORY: u64 = 8 << 20;

/// How many bytes of a `preprocessor.json` are read to tell whether it is a specification, which is not a model. A
/// longer one is a document that `byoc train` wrote.
const MAX_SPECIFICATION_BYTES: u64 = 1 << 20;
const SPECIFICATION_MEMORY: u64 = 64 << 20;

/// The limits of the search for a model below the folder: files and folders, and levels of folders.
const MAX_SEARCHED: usize = 1000;
const MAX_SEARCH_DEPTH: usize = 4;

/// Recognises a single file that is an artifact.
///
/// # Errors
/// [`Cause::NoModel`], with what the file is instead.
pub(super) fn lone_file(file: &Path) -> Result<Artifact> {
    match FileKind::of(file) {
        // For a file name without a folder, this is the empty path.
        Some(FileKind::ModelAlgo) => Ok(Artifact::LinearLearner(file.with_file_name(""))),
        Some(FileKind::Fitted) => Ok(Artifact::Fitted(file.to_owned())),
        Some(FileKind::Pickle) => Ok(pickle_at(file)),
        None if file_kind::begins_as_pickle(file) => Ok(pickle_at(file)),
        Some(FileKind::Archive) | None => Err(file_kind::unexpected(file).into()),
    }
}

/// Recognises the artifact in a folder.
///
/// # Errors
/// [`Cause::NoModel`] or [`Cause::SeveralModels`], with the files that were found.
pub(super) fn in_folder(source: &NamedPath) -> Result<Artifact> {
    let folder = source.path();
    if ModelAlgo::is_in(folder) {
        return Ok(Artifact::LinearLearner(folder.to_owned()));
    }
    let fitted = folder.join(PREPROCESSOR_JSON);
    if fitted.is_file() {
        return Ok(Artifact::Fitted(fitted));
    }
    let entries = entries_of(folder)?;
    // Folders, pipes and devices are not read, whatever their names are.
    let files = || entries.iter().filter(|entry| entry.is_file());
    let named = files().filter(|file| FileKind::of(file) == Some(FileKind::Pickle));
    let mut pickles: Vec<&PathBuf> = named.collect();
    if pickles.is_empty() {
        let unnamed = files().filter(|file| FileKind::of(file).is_none()).take(MAX_SNIFFED);
        pickles = unnamed.filter(|file| file_kind::begins_as_pickle(file)).collect();
    }
    match pickles.as_slice() {
        [pickle] => Ok(pickle_at(pickle)),
        [] => {
            let names: Vec<String> = entries.iter().map(|entry| name_of(entry)).collect();
            let advice = advice(source, &entries).map(|advice| format!(": {advice}")).unwrap_or_default();
            Err(Error::new(
                Cause::NoModel,
                format!(
                    "no model in {}: expected model_algo-1 (linear learner), preprocessor.json (from byoc train) or \
                     one *.joblib, *.pkl, *.pickle, *.skops or sklearn-model (scikit-learn), found {}{advice}",
                    source.name(),
                    listed(&names)
                ),
            ))
        }
        several => {
            let summaries: Vec<String> =
                several.iter().map(|file| format!("{}: {}", name_of(file), pickle_summary(file))).collect();
            Err(Error::new(
                Cause::SeveralModels,
                format!(
                    "{} models in {} ({}): expected one; give the path of one of them, or move it to a separate folder",
                    several.len(),
                    source.name(),
                    listed(&summaries)
                ),
            ))
        }
    }
}

/// The files of a folder whose names are those of models, except for `own`.
pub(super) fn models_beside(folder: &Path, own: &[&str]) -> Vec<String> {
    let is_other = |entry: &PathBuf| {
        let kind = FileKind::of(entry);
        let is_model = matches!(kind, Some(FileKind::ModelAlgo | FileKind::Fitted | FileKind::Pickle));
        is_model && entry.is_file() && !own.contains(&name_of(entry).as_str())
    };
    let entries = entries_of(folder).unwrap_or_default();
    entries.iter().filter(|entry| is_other(entry)).map(|entry| name_of(entry)).collect()
}

fn pickle_at(pickle: &Path) -> Artifact {
    let columns = pickle.with_file_name(COLUMNS_JSON);
    Artifact::ScikitLearn { pickle: pickle.to_owned(), columns: columns.is_file().then_some(columns) }
}

/// The files and folders in a folder, sorted. Hidden ones are left out, such as `._model.joblib`, which macOS' tar
/// adds.
fn entries_of(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|error| Error::io("list", folder, error))? {
        let entry = entry.map_err(|error| Error::io("list", folder, error))?;
        if !entry.file_name().to_string_lossy().starts_with('.') {
            entries.push(entry.path());
        }
    }
    entries.sort();
    Ok(entries)
}

/// What a pickle contains, for an error message.
fn pickle_summary(pickle: &Path) -> String {
    let mut beginning = Vec::new();
    let read = File::open(pickle).and_then(|file| file.take(PICKLE_PREFIX_BYTES).read_to_end(&mut beginning));
    if read.is_err() || beginning.is_empty() {
        return "empty or unreadable".to_owned();
    }
    if file_kind::refuse_lfs_pointer(&beginning).is_err() {
        return "a Git LFS pointer".to_owned();
    }
    let is_zip = beginning.starts_with(b"PK\x03\x04");
    let allowance = Allowance::of_bytes(PICKLE_PREFIX_MEMORY, Purpose::Load);
    match TopLevelValue::from_first_opcodes(beginning, &ScikitLearn, &allowance) {
        Some(TopLevelValue::Class { name, is_listed: true }) => name,
        Some(TopLevelValue::Class { name, is_listed: false }) => format!("{}, which is not read", name.escape_debug()),
        Some(TopLevelValue::Value(value)) => format!("{value}, which is not a model"),
        None if is_zip => "a zip archive, as skops writes models".to_owned(),
        None => "of an unknown format".to_owned(),
    }
}

/// Advice if a folder has no model at its top level, but has one in a subfolder or an archive.
fn advice(source: &NamedPath, entries: &[PathBuf]) -> Option<String> {
    let folder = source.path();
    let names = |files: &[&PathBuf]| listed(&files.iter().map(|file| name_of(file)).collect::<Vec<_>>());
    let is_archive = |entry: &&PathBuf| FileKind::of(entry) == Some(FileKind::Archive) && entry.is_file();
    let archives: Vec<&PathBuf> = entries.iter().filter(is_archive).collect();
    if !archives.is_empty() {
        let has = if archives.len() == 1 { "is an archive" } else { "are archives" };
        return Some(format!(
            "{} {has}: give the path of one; an endpoint loads the archives of a folder as its TargetModels \
             (Mode MultiModel)",
            names(&archives)
        ));
    }
    let other = |file: &PathBuf| {
        let library = file_kind::other_library(file)?;
        let relative = file.strip_prefix(folder).unwrap_or(file).display().to_string();
        Some(file_kind::of_other_library(&relative, library))
    };
    let Some(found) = first_below(folder) else { return files_below(folder).iter().find_map(other) };
    let relative = found.strip_prefix(folder).unwrap_or(&found);
    if FileKind::of(&found) == Some(FileKind::Archive) {
        return Some(format!(
            "{} is an archive in a subfolder: give its path, {}; an endpoint loads the archives of a folder as its \
             TargetModels (Mode MultiModel)",
            relative.display(),
            source.below(&found).name()
        ));
    }
    // The folder is suggested only if it contains exactly one model.
    let holds_one = found.parent().is_some_and(|holder| match in_folder(&NamedPath::new(holder)) {
        Ok(Artifact::Fitted(document)) => !is_specification(&document),
        artifact => artifact.is_ok(),
    });
    let holder = relative.parent().filter(|_| holds_one);
    let (what, path) = holder.map_or(("file", relative), |holder| ("folder", holder));
    Some(format!(
        "{} is in a subfolder: give the {what} {}, or pack its files at the top level of the archive",
        relative.display(),
        path.display()
    ))
}

/// The first model below a folder, level by level.
fn first_below(folder: &Path) -> Option<PathBuf> {
    let is_model = |file: &PathBuf| match FileKind::of(file) {
        Some(FileKind::Fitted) => !is_specification(file),
        kind => kind.is_some(),
    };
    files_below(folder).into_iter().find(is_model)
}

/// Whether a `preprocessor.json` is a specification that has not been fitted.
fn is_specification(file: &Path) -> bool {
    let mut json = Vec::new();
    let read = File::open(file).and_then(|file| file.take(MAX_SPECIFICATION_BYTES).read_to_end(&mut json));
    let allowance = Allowance::of_bytes(SPECIFICATION_MEMORY, Purpose::Load);
    read.is_ok() && byoc_sklearn::is_specification(&json, &allowance)
}

/// The archives below a folder, sorted.
pub(super) fn archives_below(folder: &Path) -> Vec<PathBuf> {
    let mut archives = files_below(folder);
    archives.retain(|file| FileKind::of(file) == Some(FileKind::Archive));
    archives.sort();
    archives
}

/// The files below a folder, level by level, within the limits of the search.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut level, mut searched) = (Vec::new(), vec![folder.to_owned()], 0);
    for _ in 0..MAX_SEARCH_DEPTH {
        let mut next = Vec::new();
        for entry in level.iter().filter_map(|folder| entries_of(folder).ok()).flatten() {
            searched += 1;
            if searched > MAX_SEARCHED {
                return files;
            }
            if entry.is_dir() {
                next.push(entry);
            } else if entry.is_file() {
                files.push(entry);
            }
        }
        level = next;
    }
    files
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "nothing".to_owned(),
        names if names.len() <= MAX_LISTED => names.join(", "),
        names => format!("{} and {} more", names[..MAX_LISTED].join(", "), names.len() - MAX_LISTED),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// The artifact that is found in a folder with these files and their contents. A name with a final slash is a
    /// folder.
    fn found(files: &[(&str, &[u8])]) -> Result<Artifact> {
        let folder = tempfile::TempDir::new().unwrap();
        for (file, bytes) in files {
            let path = folder.path().join(file);
            match file.strip_suffix('/') {
                Some(_) => fs::create_dir_all(path).unwrap(),
                None => {
                    fs::create_dir_all(path.parent().unwrap()).unwrap();
                    fs::write(path, bytes).unwrap();
                }
            }
        }
        Artifact::find(folder.path())
    }

    fn refusal(files: &[(&str, &[u8])]) -> String {
        let error = found(files).unwrap_err();
        assert!(matches!(error.cause(), Cause::NoModel | Cause::SeveralModels), "{error}");
        error.to_string()
    }

    const X: &[u8] = b"x";

    #[test]
    fn the_files_of_a_folder_tell_the_kind_of_model() {
        assert!(matches!(found(&[("model_algo-1", X), ("model.joblib", X)]), Ok(Artifact::LinearLearner(_))));
        for name in ["model.joblib", "x.pkl", "y.pickle", "sklearn-model", "m.joblib.gz", "m.pkl.z", "p.dill"] {
            let artifact = found(&[(name, X), ("code/", X), ("notes.txt", X), ("._model.joblib", X)]);
            assert!(matches!(artifact, Ok(Artifact::ScikitLearn { columns: None, .. })), "{name}: {artifact:?}");
        }
        assert!(matches!(
            found(&[("preprocessor.json", X), ("model.joblib", X), ("other.pkl", X)]),
            Ok(Artifact::Fitted(_))
        ));
        assert!(matches!(found(&[("preprocessor.json", X), ("model_algo-1", X)]), Ok(Artifact::LinearLearner(_))));
        let artifact = found(&[("model.joblib", X), ("columns.json", X)]);
        assert!(matches!(artifact, Ok(Artifact::ScikitLearn { columns: Some(_), .. })), "{artifact:?}");
    }

    #[test]
    fn a_pickle_without_a_known_extension_is_recognised_by_its_first_bytes() {
        for name in ["model", "finalized_model.sav", "model.bin"] {
            let artifact = found(&[(name, b"\x80\x04N."), ("notes.txt", X), ("code/inference.py", X)]);
            assert!(matches!(artifact, Ok(Artifact::ScikitLearn { .. })), "{name}: {artifact:?}");
        }
        // A file with a known name takes precedence.
        let artifact = found(&[("model", b"\x80\x04N."), ("model.joblib", X)]).unwrap();
        assert!(matches!(artifact, Artifact::ScikitLearn { pickle, .. } if pickle.ends_with("model.joblib")));
    }

    #[test]
    fn an_error_lists_the_files_that_were_found_and_those_that_were_expected() {
        let message = refusal(&[("model.bin", X), ("a.txt", X)]);
        assert!(message.contains("expected model_algo-1"), "{message}");
        assert!(message.ends_with("found a.txt, model.bin"), "{message}");
        assert!(refusal(&[]).ends_with("found nothing"));
        refusal(&[("model.joblib/", X)]);
    }

    #[test]
    fn an_error_names_the_library_of_an_unsupported_model() {
        for (file, library) in [
            ("xgboost-model", "XGBoost"),
            ("m.bst", "XGBoost"),
            ("model.pth", "PyTorch"),
            ("model.pt", "PyTorch"),
            ("model.onnx", "ONNX"),
            ("1/saved_model.pb", "TensorFlow"),
            ("model.h5", "Keras"),
        ] {
            let message = refusal(&[(file, X), ("a.txt", X)]);
            assert!(message.ends_with(&format!(": {file} is a model of {library}, which is not read")), "{message}");
            let folder = tempfile::TempDir::new().unwrap();
            let lone = folder.path().join(file.strip_prefix("1/").unwrap_or(file));
            fs::write(&lone, X).unwrap();
            let error = Artifact::find(&lone).unwrap_err();
            assert_eq!(error.cause(), Cause::Unsupported, "{error}");
            assert!(error.to_string().contains(&format!("is a model of {library}, which is not read")), "{error}");
        }
        // A supported model takes precedence, and a folder does not count as a file.
        assert!(matches!(found(&[("xgboost-model", X), ("model.joblib", X)]), Ok(Artifact::ScikitLearn { .. })));
        assert!(!refusal(&[("model.h5/", X)]).contains("Keras"));
    }

    #[test]
    fn an_error_about_several_pickles_says_what_each_contains() {
        let transformer = b"\x80\x04\x8c\x23sklearn.compose._column_transformer\x8c\x11ColumnTransformer\x93)\x81.";
        let forest = b"csklearn.ensemble._forest\nRandomForestClassifier\n)\x81.";
        let message = refusal(&[
            ("preprocessor.pkl", transformer),
            ("model.pkl", forest),
            ("more.joblib", b"\x80\x04}."),
            ("big.pkl", b"version https://git-lfs.github.com/spec/v1\n"),
            ("odd.pkl", b"odd"),
        ]);
        let expected = "(big.pkl: a Git LFS pointer, model.pkl: sklearn.ensemble._forest.RandomForestClassifier, which \
                        is not read, more.joblib: a dict, which is not a model, odd.pkl: of an unknown format, \
                        preprocessor.pkl: ColumnTransformer)";
        assert!(message.starts_with("5 models in ") && message.contains(expected), "{message}");
    }

    #[test]
    fn an_error_points_to_a_model_in_a_subfolder_or_an_archive() {
        let message = refusal(&[("export/model/a.joblib", X), ("export/readme.txt", X)]);
        assert!(message.contains("export/model/a.joblib is in a subfolder: give the folder export/model"), "{message}");
        let message = refusal(&[("model/model_algo-1", X)]);
        assert!(message.contains("model/model_algo-1 is in a subfolder: give the folder model"), "{message}");
        let message = refusal(&[("deep/a.joblib", X), ("deep/b.joblib", X)]);
        assert!(message.contains("deep/a.joblib is in a subfolder: give the file deep/a.joblib, or"), "{message}");
        let message = refusal(&[("Chicago/Chicago.tar.gz", X)]);
        assert!(message.contains("Chicago.tar.gz is an archive in a subfolder: give its path, /"), "{message}");
        assert!(message.contains("/Chicago/Chicago.tar.gz; an endpoint loads"), "{message}");
        let message = refusal(&[("a.tar.gz", X), ("b.tar.gz", X)]);
        assert!(message.contains("a.tar.gz, b.tar.gz are archives: give the path of one"), "{message}");
        let message = refusal(&[("1/2/3/4/5/a.joblib", X)]);
        assert!(!message.contains("subfolder"), "{message}");
    }

    #[test]
    fn a_specification_is_not_suggested_as_a_model() {
        let specification = br#"{"version": 1, "columns": ["a"], "transformer": {"StandardScaler": {}}}"#;
        let message = refusal(&[("housing/preprocessor.json", specification), ("housing/readme.md", X)]);
        assert!(message.ends_with("found housing"), "{message}");
        let message = refusal(&[("housing/preprocessor.json", specification), ("housing/p/model.tar.gz", X)]);
        assert!(message.contains("housing/p/model.tar.gz is an archive in a subfolder: give its path"), "{message}");
        let message = refusal(&[("housing/preprocessor.json", specification), ("housing/a.joblib", X)]);
        assert!(message.contains("a.joblib is in a subfolder: give the file housing/a.joblib"), "{message}");
        let message = refusal(&[("housing/preprocessor.json", br#"{"version": 1}"#)]);
        assert!(message.contains("give the folder housing"), "{message}");
    }

    #[test]
    fn a_long_list_is_shortened() {
        let names: Vec<String> = (0..30).map(|number| format!("file{number}")).collect();
        assert!(listed(&names).ends_with("and 20 more"), "{}", listed(&names));
    }
}
