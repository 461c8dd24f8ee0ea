//! `byoc train`: the training contract.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use byoc_account::system;
use clap::Args;

use crate::cli::settings::{Settings, number, parse_size, text};
use crate::env::{self, Environment};
use crate::error::Result;
use crate::storage::{absolute, nothing_at, read_text};
use crate::telemetry::logs;
use crate::training::{self, Config, Files, Output, Task};

/// Train a linear learner, or fit a preprocessor: over the files that --train names, or as SageMaker's training wants it, from hyperparameters and channels below /opt/ml to a model or a failure file
#[derive(Args, Debug, Default)]
pub(super) struct Arguments {
    /// Data to train on, a file or a folder of files: the same job without SageMaker's tree
    #[arg(long, value_name = "PATH", help_heading = FILES)]
    train: Option<PathBuf>,
    /// Data that the model is chosen by
    #[arg(long, value_name = "PATH", help_heading = FILES)]
    validation: Option<PathBuf>,
    /// Data that the model is only scored on
    #[arg(long, value_name = "PATH", help_heading = FILES)]
    test: Option<PathBuf>,
    /// Hyperparameter, such as predictor_type=regressor; may be repeated. NAME=@FILE takes the text of a file: preprocessor=@preprocessor.json fits a preprocessor
    #[arg(long, value_name = "NAME=VALUE", help_heading = FILES)]
    hp: Vec<String>,
    /// What the data are: text/csv, text/csv;header=present or application/x-recordio-protobuf [default: text/csv]
    #[arg(long, value_name = "MEDIA_TYPE", help_heading = FILES)]
    content_type: Option<String>,
    /// Folder for the model, or a name that ends in .tar.gz for its archive [default: model]
    #[arg(long, value_name = "PATH", help_heading = FILES)]
    output: Option<PathBuf>,
    /// Folder that holds input/, model/ and output/ [env: SAGEMAKER_BASE_DIR] [default: /opt/ml]
    #[arg(long, value_name = "FOLDER")]
    base_dir: Option<String>,
    /// Folder that the model is written to [env: SM_MODEL_DIR] [default: BASE_DIR/model]
    #[arg(long, value_name = "FOLDER")]
    model_dir: Option<String>,
    /// Threads that compute [env: BYOC_TRAINING_THREADS] [default: number of cores]
    #[arg(long, value_name = "COUNT")]
    threads: Option<String>,
    /// Memory for training data, in bytes or with K, M, G; what does not fit is read for each epoch [env: BYOC_TRAINING_MEMORY] [default: half of the container's]
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// What to log on standard error: error, warning, info, debug, trace, or Python's numbers; the training log on standard output, which metrics are read from, is always whole [env: SAGEMAKER_CONTAINER_LOG_LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

const FILES: &str = "Options for files, wherever they lie";
const CSV: &str = "text/csv";

/// Where neither a cgroup nor the machine tells how much memory there is.
const UNKNOWN_MEMORY: u64 = 1 << 30;

pub(super) fn run(arguments: &Arguments, environment: &Environment) -> Result<()> {
    let (config, level) = arguments.resolve(environment)?;
    logs::start(level, environment.get(env::RUST_LOG));
    training::run(&config)?;
    if let (Task::Files(_), Output::Folder(place) | Output::Archive(place)) = (&config.task, &config.output) {
        log::info!("serve it: byoc serve --model-dir {}", place.display());
    }
    Ok(())
}

impl Arguments {
    fn resolve(&self, environment: &Environment) -> Result<(Config, log::LevelFilter)> {
        let mut settings = Settings::new(environment);
        let base_dir = settings.get(("base-dir", self.base_dir.as_deref()), &[env::SAGEMAKER_BASE_DIR], text);
        let base_dir = absolute(Path::new(base_dir.as_deref().unwrap_or("/opt/ml")));
        let model_dir = settings.get(("model-dir", self.model_dir.as_deref()), &[env::SM_MODEL_DIR], text);
        let threads =
            settings.get(("threads", self.threads.as_deref()), &[env::BYOC_TRAINING_THREADS], number(1, 1024));
        let memory = settings.get(("memory", self.memory.as_deref()), &[env::BYOC_TRAINING_MEMORY], parse_size);
        let level = settings.get(
            ("log-level", self.log_level.as_deref()),
            &[env::SAGEMAKER_CONTAINER_LOG_LEVEL],
            logs::parse_level,
        );
        let (task, output) = if self.is_of_files() {
            (Task::Files(self.files(&mut settings)), self.output(&mut settings))
        } else {
            let folder = model_dir.map_or_else(|| base_dir.join("model"), |folder| absolute(Path::new(&folder)));
            (Task::Tree(base_dir), Output::Folder(folder))
        };
        settings.finish()?;
        let all_memory = system::memory().unwrap_or(UNKNOWN_MEMORY);
        let config = Config {
            task,
            output,
            threads: threads.map_or_else(
                || std::thread::available_parallelism().map_or(1, usize::from),
                |threads| threads as usize,
            ),
            memory: memory.unwrap_or(all_memory / 2),
            all_memory,
            is_watched: std::io::stdout().is_terminal(),
        };
        Ok((config, level.unwrap_or(log::LevelFilter::Info)))
    }

    /// The flags of a job over files that were given.
    fn given_of_files(&self) -> Vec<&'static str> {
        [
            ("--train", self.train.is_some()),
            ("--validation", self.validation.is_some()),
            ("--test", self.test.is_some()),
            ("--hp", !self.hp.is_empty()),
            ("--content-type", self.content_type.is_some()),
            ("--output", self.output.is_some()),
        ]
        .into_iter()
        .filter_map(|(flag, is_given)| is_given.then_some(flag))
        .collect()
    }

    fn is_of_files(&self) -> bool {
        !self.given_of_files().is_empty()
    }

    /// The job that the flags say.
    fn files(&self, settings: &mut Settings<'_>) -> Files {
        if self.train.is_none() {
            let flags = self.given_of_files().join(", ");
            settings
                .problem(format!("{flags} without --train: give the file or the folder to train on as --train PATH"));
        }
        if let Some(base_dir) = &self.base_dir {
            settings.problem(format!(
                "--base-dir is {base_dir:?} beside --train: give --base-dir for data in SageMaker's tree below it, or --train for \
                 files wherever they lie"
            ));
        }
        let given = [("train", &self.train), ("validation", &self.validation), ("test", &self.test)];
        let mut channels = BTreeMap::new();
        for (name, path) in given {
            let Some(path) = path else { continue };
            match data(path) {
                Ok(path) => drop(channels.insert(name.to_owned(), path)),
                Err(Unusable::Missing(said)) => settings.missing(format!("--{name}: {said}")),
                Err(Unusable::Other(problem)) => settings.problem(format!("--{name}: {problem}")),
            }
        }
        let mut hyperparameters = BTreeMap::new();
        for given in &self.hp {
            match hyperparameter(given) {
                Ok((name, value)) => drop(hyperparameters.insert(name, value)),
                Err(problem) => settings.problem(format!("--hp {given}: {problem}")),
            }
        }
        let content_type = self.content_type.clone().unwrap_or_else(|| CSV.to_owned());
        Files { hyperparameters, channels, content_type }
    }

    /// Where its model goes.
    fn output(&self, settings: &mut Settings<'_>) -> Output {
        let output = match (&self.output, &self.model_dir) {
            (Some(output), None) => output.clone(),
            (None, Some(folder)) => PathBuf::from(folder),
            (None, None) => PathBuf::from("model"),
            (Some(output), Some(folder)) => {
                let output = output.display();
                settings.problem(format!("--output is \"{output}\" and --model-dir {folder:?}: give one of them"));
                return Output::Folder(PathBuf::new());
            }
        };
        let text = output.to_string_lossy();
        if is_remote(&text) {
            settings.problem(format!("--output is {text:?}: expected a folder or a .tar.gz on this machine; {COPY}"));
        }
        let is_archive = text.ends_with(".tar.gz") || text.ends_with(".tgz");
        let output = absolute(&output);
        if is_archive { Output::Archive(output) } else { Output::Folder(output) }
    }
}

/// Whoever trains on AWS has its files copied by the platform.
const COPY: &str = "`aws s3 cp --recursive` copies between S3 and here";

fn is_remote(text: &str) -> bool {
    text.contains("://")
}

/// Why no data can be read from a path.
enum Unusable {
    Missing(String),
    Other(String),
}

/// A file or a folder of data.
fn data(path: &Path) -> Result<PathBuf, Unusable> {
    let text = path.to_string_lossy();
    if is_remote(&text) {
        return Err(Unusable::Other(format!("{text:?}: expected a file or a folder on this machine; {COPY}")));
    }
    let path = absolute(path);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_file() || found.is_dir() => Ok(path),
        Ok(_) => Err(Unusable::Other(format!(
            "{} is a pipe, a socket or a device, which can be read once: expected a file or a folder",
            path.display()
        ))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Unusable::Missing(nothing_at(&path))),
        Err(error) => Err(Unusable::Other(format!("{}: {error}", path.display()))),
    }
}

/// A hyperparameter, NAME=VALUE or NAME=@FILE.
fn hyperparameter(given: &str) -> Result<(String, String), String> {
    let (name, value) = given.split_once('=').filter(|(name, _)| !name.trim().is_empty()).ok_or_else(|| {
        "expected NAME=VALUE such as predictor_type=regressor, or NAME=@FILE for the text of a file".to_owned()
    })?;
    let value = match value.strip_prefix('@') {
        None => value.to_owned(),
        Some(file) => read_text(Path::new(file))?,
    };
    Ok((name.trim().to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_nothing_said_it_is_the_container_that_sagemaker_starts() {
        let (config, _) = Arguments::default().resolve(&Environment::default()).unwrap();
        assert!(matches!(config.task, Task::Tree(folder) if *folder == *"/opt/ml"));
        assert!(matches!(config.output, Output::Folder(folder) if *folder == *"/opt/ml/model"));
        assert!(config.threads >= 1 && config.memory > 0);
    }

    #[test]
    fn flags_win_over_variables_and_all_mistakes_come_at_once() {
        let arguments = Arguments { base_dir: Some("/a".into()), memory: Some("2K".into()), ..Arguments::default() };
        let environment = Environment::from([("SAGEMAKER_BASE_DIR", "/b"), ("BYOC_TRAINING_THREADS", "3")]);
        let (config, _) = arguments.resolve(&environment).unwrap();
        assert!(matches!(config.task, Task::Tree(folder) if *folder == *"/a"));
        assert_eq!((config.threads, config.memory), (3, 2048));
        let environment = Environment::from([("BYOC_TRAINING_THREADS", "0"), ("BYOC_TRAINING_MEMORY", "much")]);
        let error = Arguments::default().resolve(&environment).unwrap_err();
        assert!(error.message().contains("2 settings are wrong"), "{error}");
    }

    fn over(arguments: Arguments) -> Result<Config> {
        arguments.resolve(&Environment::from([("SAGEMAKER_BASE_DIR", "/b")])).map(|(config, _)| config)
    }

    #[test]
    fn files_make_the_job_that_a_tree_would() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("houses.csv");
        std::fs::write(&file, "1,2\n").unwrap();
        let given = |output: &str| Arguments {
            train: Some(file.clone()),
            validation: Some(folder.path().to_owned()),
            hp: vec![
                "epochs=2".into(),
                "predictor_type = regressor".into(),
                "epochs=3".into(),
                format!("text=@{}", file.display()),
            ],
            output: Some(output.into()),
            ..Arguments::default()
        };
        let config = over(given("/x/model.tar.gz")).unwrap();
        assert!(matches!(config.output, Output::Archive(path) if *path == *"/x/model.tar.gz"));
        let Task::Files(files) = config.task else { panic!("it is of a tree") };
        let expected = [("epochs", "3"), ("predictor_type", " regressor"), ("text", "1,2\n")];
        assert!(files.hyperparameters.iter().map(|(name, value)| (&**name, &**value)).eq(expected));
        assert_eq!(files.content_type, "text/csv");
        assert!(files.channels.keys().eq(["train", "validation"]));
        assert!(matches!(over(given("/x/y")).unwrap().output, Output::Folder(path) if *path == *"/x/y"));
        let unsaid = over(Arguments { output: None, ..given("") }).unwrap();
        assert!(matches!(unsaid.output, Output::Folder(path) if path.is_absolute() && path.ends_with("model")));
    }

    #[test]
    fn what_is_wrong_with_files_is_said_with_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("houses.csv"), "1,2\n").unwrap();
        let arguments = Arguments {
            train: Some(folder.path().join("house.csv")),
            test: Some("s3://bucket/test".into()),
            hp: vec![
                "epochs".into(),
                "=3".into(),
                format!("preprocessor=@{}", folder.path().join("none.json").display()),
            ],
            base_dir: Some("/a".into()),
            model_dir: Some("/m".into()),
            output: Some("/o".into()),
            ..Arguments::default()
        };
        let error = over(arguments).unwrap_err();
        for part in [
            "7 settings are wrong",
            "did you mean",
            "has houses.csv",
            "--test: \"s3://bucket/test\": expected a file or a folder on this machine",
            "--hp epochs: expected NAME=VALUE",
            "--hp =3: expected",
            "--hp preprocessor=@",
            "--base-dir is \"/a\" beside --train",
            "--output is \"/o\" and --model-dir \"/m\"",
        ] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
        let error = over(Arguments { hp: vec!["a=b".into()], ..Arguments::default() }).unwrap_err();
        assert!(error.message().contains("--hp without --train: give the file"), "{error}");
    }
}
