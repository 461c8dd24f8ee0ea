//! The settings of `byoc inspect`.

use std::path::PathBuf;

use crate::cli::settings::parse::path;
use crate::cli::settings::row::{Optional, Positional, Rows, Switch, flag, positional, switch};
use crate::cli::settings::settings;
use crate::cli::table::scikit_learn::ScikitLearn;

settings! {
    /// Describe the contents of an artifact: transformers, columns, weights, sizes
    pub(in crate::cli) struct Inspect {
        /// A model's folder, a folder of archives, a model.tar.gz, a model_algo-1, a preprocessor.json, or a *.joblib,
        /// *.pkl, *.pickle, *.skops or sklearn-model; a local path or one in S3 (s3://BUCKET/KEY)
        path: Positional = positional("PATH");

        /// Print everything as JSON
        json: Switch = switch("json");

        /// Preprocessor whose output features name the weights of a linear learner; PATH may have any of the forms
        /// above
        preprocessor: Optional<PathBuf> = flag("preprocessor", "PATH").parse_path(path);

        scikit_learn: Rows<ScikitLearn> = Rows::ALL;
    }
}
