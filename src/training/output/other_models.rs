//! Models of another kind in the folder of the output: if a folder has several models, only one of them is served.

use std::path::Path;

use crate::error::{Cause, Error, Result};
use crate::training::output::Output;
use crate::training::task::Task;
use byoc_formats::file_kind::FileKind;

/// Looks for such models before the job writes files of these names. In the tree they are only worth a warning, since
/// SageMaker may have put them there.
///
/// # Errors
/// [`Cause::BadSetting`] with the files, if the folder comes from the command line.
pub(in crate::training) fn check(task: &Task, output: &Output, names: &[&str]) -> Result<()> {
    // An archive has only the files of this job.
    let Output::Folder(folder) = output else { return Ok(()) };
    let others = others_in(folder, names);
    if others.is_empty() {
        return Ok(());
    }
    let said = format!(
        "{} has another model already ({}), and this job writes {}: of several models in a folder one is served and \
         the others are passed over",
        folder.display(),
        others.join(", "),
        names.join(" and ")
    );
    match task {
        Task::Files(_) => Err(Error::new(
            Cause::BadSetting,
            format!("{said}; give another folder as --output, or remove {}", others.join(" and ")),
        )),
        Task::Tree(_) => {
            log::warn!("{said}");
            Ok(())
        }
    }
}

/// The files of a folder whose names say that they are models, except for the job's own; none if there is no such
/// folder.
fn others_in(folder: &Path, own: &[&str]) -> Vec<String> {
    let is_model = |name: &String| {
        let kind = FileKind::of(Path::new(name));
        matches!(kind, Some(FileKind::ModelAlgo | FileKind::Fitted | FileKind::Pickle)) && !name.starts_with('.')
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| entry.ok());
    let files = entries.filter(|entry| entry.path().is_file());
    let names = files.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut others: Vec<String> = names.filter(|name| is_model(name) && !own.contains(&name.as_str())).collect();
    others.sort();
    others
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::training::task::Files;

    #[test]
    fn a_model_of_another_kind_is_named_and_the_jobs_own_is_replaced() {
        let base = tempfile::tempdir().unwrap();
        let (learner, preprocessor) = (&["model_algo-1"][..], &["model.joblib", "preprocessor.json"][..]);
        let output = Output::Folder(base.path().to_owned());
        let files = Task::Files(Files::default());
        check(&files, &Output::Folder(base.path().join("none")), learner).unwrap();
        for name in ["notes.txt", "columns.json", "._x.pkl", "other.tar.gz"] {
            std::fs::write(base.path().join(name), "").unwrap();
        }
        for (there, own, other) in [
            (learner, learner, preprocessor),
            (preprocessor, preprocessor, learner),
            (&["a.pkl", "sklearn-model"], &[], learner),
        ] {
            there.iter().for_each(|name| std::fs::write(base.path().join(name), "").unwrap());
            if !own.is_empty() {
                check(&files, &output, own).unwrap();
            }
            let error = check(&files, &output, other).unwrap_err();
            assert_eq!(error.cause(), Cause::BadSetting);
            assert!(error.message().contains(&format!("another model already ({})", there.join(", "))), "{error}");
            check(&files, &Output::Archive(base.path().join("model.tar.gz")), other).unwrap();
            check(&Task::Tree(base.path().to_owned()), &output, other).unwrap();
            there.iter().for_each(|name| std::fs::remove_file(base.path().join(name)).unwrap());
        }
    }
}
