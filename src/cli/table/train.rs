//! The settings of `byoc train`.

use std::path::{Path, PathBuf};

use byoc_sklearn::Specification;
use log::LevelFilter;

use crate::cli::settings::parse::{count, size};
use crate::cli::settings::problems::InvalidValue;
use crate::cli::settings::row::{Defaulted, Each, Optional, Rows, flag};
use crate::cli::settings::settings;
use crate::cli::table::common;
use crate::env;
use crate::error::Error;
use crate::storage::{absolute, missing_path_message, read_text};
use crate::training::PREPROCESSOR;

const FILES: &str = "Options for training on any files";

/// Advice for a remote path. On SageMaker the platform copies training data; here the user does.
const COPY: &str = "`aws s3 cp --recursive` copies between S3 and this machine";

settings! {
    /// Train a linear learner or fit a preprocessor, on the files of --train or by SageMaker's training contract (from
    /// hyperparameters and channels below /opt/ml to a model or a failure file)
    pub(in crate::cli) struct Train {
        files: Rows<Files> = Rows::ALL;

        /// Folder that contains input/, model/ and output/
        base_dir: Defaulted<PathBuf> = flag("base-dir", "FOLDER")
            .variables(&[env::SAGEMAKER_BASE_DIR])
            .parse(|text| Ok(text.into()))
            .default("/opt/ml");

        /// Folder for the model
        model_dir: Optional<PathBuf> = flag("model-dir", "FOLDER")
            .variables(&[env::SM_MODEL_DIR])
            .parse(|text| Ok(text.into()))
            .otherwise("BASE_DIR/model");

        /// Number of compute threads
        threads: Optional<usize> = flag("threads", "COUNT")
            .variables(&["BYOC_TRAINING_THREADS"])
            .parse(count)
            .otherwise("number of cores");

        /// Memory for training data, in bytes or with K, M, G; data that does not fit is read again in each epoch
        memory: Optional<u64> = flag("memory", "SIZE")
            .variables(&["BYOC_TRAINING_MEMORY"])
            .parse(size)
            .otherwise("half of the container's");

        /// What to log on standard error: off, error, warning, info, debug, trace, or Python's numbers (10, 20, 30, 40,
        /// 50); the training log on standard output, from which SageMaker reads metrics, is always complete
        log_level: Defaulted<LevelFilter> = common::LOG_LEVEL.default("info");

        log_filter: Optional<String> = common::LOG_FILTER;
    }
}

settings! {
    /// A training job on files
    pub(in crate::cli) struct Files {
        /// Training data, a file or a folder of files: the same job without SageMaker's folders
        train: Optional<PathBuf> = flag("train", "PATH").heading(FILES).parse_path(data);

        /// Validation data, by which the best model is chosen
        validation: Optional<PathBuf> = flag("validation", "PATH").heading(FILES).parse_path(data);

        /// Test data, on which the final model is scored
        test: Optional<PathBuf> = flag("test", "PATH").heading(FILES).parse_path(data);

        /// Hyperparameter, such as predictor_type=regressor; NAME=@FILE uses the text of a file:
        /// preprocessor=@preprocessor.json fits a preprocessor
        hp: Each<(String, String)> = flag("hp", "NAME=VALUE").heading(FILES).parse(hyperparameter).each();

        /// Media type of the data: text/csv, text/csv;header=present or application/x-recordio-protobuf
        content_type: Defaulted<String> = flag("content-type", "MEDIA_TYPE")
            .heading(FILES)
            .parse(|text| Ok(text.to_owned()))
            .default("text/csv");

        /// Folder for the model, or a file name that ends in .tar.gz for an archive
        output: Optional<PathBuf> = flag("output", "PATH")
            .heading(FILES)
            .parse_path(local_model_path)
            .otherwise("model");
    }
}

fn is_remote(path: &Path) -> bool {
    path.to_string_lossy().contains("://")
}

/// A local file or folder of data.
fn data(path: &Path) -> Result<PathBuf, InvalidValue> {
    if is_remote(path) {
        return Err(format!("expected a file or a folder on this machine; {COPY}").into());
    }
    let path = absolute(path);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_file() || found.is_dir() => Ok(path),
        Ok(_) => {
            Err("expected a file or a folder, found a pipe, a socket or a device, which cannot be read twice".into())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(InvalidValue::MissingPath(missing_path_message(&path)))
        }
        Err(error) => Err(error.to_string().into()),
    }
}

/// A local folder or archive.
pub(in crate::cli) fn local_model_path(path: &Path) -> Result<PathBuf, InvalidValue> {
    if is_remote(path) {
        return Err(format!("expected a folder or a .tar.gz on this machine; {COPY}").into());
    }
    Ok(path.to_owned())
}

/// NAME=VALUE or NAME=@FILE.
fn hyperparameter(given: &str) -> Result<(String, String), InvalidValue> {
    let (name, value) = given
        .split_once('=')
        .filter(|(name, _)| !name.trim().is_empty())
        .ok_or("expected NAME=VALUE such as predictor_type=regressor, or NAME=@FILE for the text of a file")?;
    let name = name.trim();
    let value = match value.strip_prefix('@') {
        None if name == PREPROCESSOR && Path::new(value).is_file() => {
            return Err(format!("did you mean {name}=@{value}? expected a specification as JSON, found a path").into());
        }
        None => value.to_owned(),
        Some(file) => {
            let text = read_text(Path::new(file))?;
            if name == PREPROCESSOR {
                let parsed = Specification::parse(text.as_bytes());
                parsed.map_err(|error| error.context(absolute(Path::new(file)).display())).map_err(Error::from)?;
            }
            text
        }
    };
    Ok((name.to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_is_given_as_a_file_with_an_at_sign_and_its_mistakes_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("p.json");
        let file_name = file.display();
        std::fs::write(&file, r#"{"version": 1, "columns": ["a"], "transformer": {"StandardScaler": {}}}"#).unwrap();
        assert!(hyperparameter(&format!("preprocessor=@{file_name}")).is_ok());
        let InvalidValue::Other(message) = hyperparameter(&format!("preprocessor={file_name}")).unwrap_err() else {
            panic!("the path exists")
        };
        assert!(message.starts_with(&format!("did you mean preprocessor=@{file_name}?")), "{message}");
        std::fs::write(&file, r#"{"version": 2, "columns": ["a"], "transformer": {"StandardScaler": {}}}"#).unwrap();
        let InvalidValue::Other(message) = hyperparameter(&format!("preprocessor=@{file_name}")).unwrap_err() else {
            panic!("the path exists")
        };
        assert!(message.starts_with(&format!("{file_name}: version: expected ")), "{message}");
    }
}
