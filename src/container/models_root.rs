//! Restricts the paths that a multi-model container loads from, and what its callers learn about files there.

use std::path::{Path, PathBuf};

use crate::error::{Cause, Error, Result};

/// The folder that models are loaded from, `/opt/ml/models` in SageMaker. If it is not set, models are loaded from any
/// path.
#[derive(Clone, Debug, Default)]
pub struct ModelsRoot(Option<PathBuf>);

impl ModelsRoot {
    /// Allows only models below this folder; any path if `None`. Logs a warning if the folder does not exist.
    pub fn new(root: Option<PathBuf>) -> ModelsRoot {
        // Only a warning: SageMaker creates /opt/ml/models before it loads the first model.
        if let Some(root) = root.as_ref().filter(|root| !root.is_dir()) {
            log::warn!("models root {}: no such folder; until it exists, every load gets a 404", root.display());
        }
        ModelsRoot(root)
    }

    /// Refuses a URL that is not below the root after symbolic links are resolved. A path outside the root gets the
    /// same error as a missing one, so callers do not learn which files exist on this machine.
    ///
    /// # Errors
    /// [`Cause::ModelNotFound`].
    pub fn check(&self, url: &str) -> Result<()> {
        let Some(root) = &self.0 else { return Ok(()) };
        let is_below = match (root.canonicalize(), Path::new(url).canonicalize()) {
            (Ok(root), Ok(path)) => path.starts_with(&root) && path != root,
            _ => false,
        };
        if is_below { Ok(()) } else { Err(not_found(url)) }
    }

    /// An error of loading as the caller gets it. Without a root, the caller may have named any path on this machine,
    /// so the names of the files there go only to the log.
    pub fn redact(&self, error: Error, url: &str) -> Error {
        if error.cause() == Cause::NoModel && self.0.is_some() {
            return error.context(not_found(url).message());
        }
        if self.0.is_some() {
            return error;
        }
        match error.cause() {
            Cause::ModelNotFound => not_found(url),
            cause @ (Cause::NoModel | Cause::SeveralModels) => {
                let message = format!(
                    "{url} does not contain exactly one model: expected model_algo-1 (linear learner), \
                     preprocessor.json (from byoc train) or one *.joblib, *.pkl, *.pickle, *.skops or sklearn-model \
                     (scikit-learn); the log says what was found"
                );
                let redacted = Error::new(cause, message);
                if cause == Cause::NoModel { redacted.context(not_found(url).message()) } else { redacted }
            }
            Cause::Io => Error::new(Cause::Io, format!("{url} could not be read; the log says why")),
            _ => error,
        }
    }
}

/// multi-model-server's message.
fn not_found(url: &str) -> Error {
    Error::new(Cause::ModelNotFound, format!("Model not found in model store: {url}"))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_paths_below_the_root_are_allowed_after_links_are_resolved() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for name in ["models/a/model", "models-of-others/b", "elsewhere"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        symlink(at("elsewhere"), at("models/out")).unwrap();
        symlink(at("models/a"), at("models/in")).unwrap();
        symlink(at("models"), at("root")).unwrap();
        fs::write(at("models/a/model.joblib"), "x").unwrap();
        for root in ["models", "root"] {
            let root = ModelsRoot::new(Some(at(root)));
            for (name, is_below) in [
                ("models/a/model", true),
                ("models/a/model.joblib", true),
                ("models/in/model", true),
                ("root/a/model", true),
                ("models/../models/a", true),
                ("models", false),
                ("models/a/..", false),
                ("models/nothing", false),
                ("models/out", false),
                ("models/../elsewhere", false),
                ("models-of-others/b", false),
                ("elsewhere", false),
            ] {
                let url = at(name).display().to_string();
                let message = root.check(&url).map_err(|error| (error.cause(), error.to_string()));
                let refused = (Cause::ModelNotFound, format!("Model not found in model store: {url}"));
                assert_eq!(message, if is_below { Ok(()) } else { Err(refused) }, "{name}");
            }
        }
        let missing = ModelsRoot::new(Some(at("missing")));
        assert!(missing.check(&at("models/a").display().to_string()).is_err());
        assert!(ModelsRoot::new(None).check("/anywhere").is_ok());
    }

    #[test]
    fn without_a_root_no_error_names_the_files_that_were_found() {
        let found = || Error::new(Cause::NoModel, "no model in /etc: expected one, found shadow");
        let redacted = ModelsRoot::new(None).redact(found(), "/etc");
        assert_eq!(redacted.cause(), Cause::NoModel);
        let expected =
            "Model not found in model store: /etc: /etc does not contain exactly one model: expected model_algo-1";
        assert!(redacted.message().starts_with(expected), "{redacted}");
        assert!(!redacted.message().contains("shadow"), "{redacted}");
        let advised = Error::new(Cause::ModelNotFound, "Model not found in model store: /etc/passwd is not a folder");
        let redacted = ModelsRoot::new(None).redact(advised, "/etc/passwd");
        assert_eq!(redacted.message(), "Model not found in model store: /etc/passwd");
        assert!(ModelsRoot::new(Some("/etc".into())).redact(found(), "/etc").message().contains("shadow"));
        let broken = ModelsRoot::new(None).redact(Error::bad_artifact("model.joblib: broken"), "/m");
        assert_eq!(broken.message(), "model.joblib: broken");
    }
}
