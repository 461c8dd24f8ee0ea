//! `byoc train`: the training contract.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use byoc_account::system;
use clap::Args;

use crate::cli::settings::{Settings, number, parse_size, text};
use crate::env::{self, Environment};
use crate::error::Result;
use crate::telemetry::logs;
use crate::training::{self, Config};

/// Train a linear learner, or fit a preprocessor, as SageMaker's training wants it: hyperparameters and channels in, a model or a failure file out
#[derive(Args, Debug, Default)]
pub(super) struct Arguments {
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

/// Where neither a cgroup nor the machine tells how much memory there is.
const UNKNOWN_MEMORY: u64 = 1 << 30;

pub(super) fn run(arguments: &Arguments, environment: &Environment) -> Result<()> {
    let (config, level) = arguments.resolve(environment)?;
    logs::start(level, environment.get(env::RUST_LOG));
    training::run(&config)
}

impl Arguments {
    fn resolve(&self, environment: &Environment) -> Result<(Config, log::LevelFilter)> {
        let mut settings = Settings::new(environment);
        let base_dir = settings.get(("base-dir", self.base_dir.as_deref()), &[env::SAGEMAKER_BASE_DIR], text);
        let base_dir = PathBuf::from(base_dir.unwrap_or_else(|| "/opt/ml".into()));
        let model_dir = settings.get(("model-dir", self.model_dir.as_deref()), &[env::SM_MODEL_DIR], text);
        let threads =
            settings.get(("threads", self.threads.as_deref()), &[env::BYOC_TRAINING_THREADS], number(1, 1024));
        let memory = settings.get(("memory", self.memory.as_deref()), &[env::BYOC_TRAINING_MEMORY], parse_size);
        let level = settings.get(
            ("log-level", self.log_level.as_deref()),
            &[env::SAGEMAKER_CONTAINER_LOG_LEVEL],
            logs::parse_level,
        );
        settings.finish()?;
        let all_memory = system::memory().unwrap_or(UNKNOWN_MEMORY);
        let config = Config {
            model_dir: model_dir.map_or_else(|| base_dir.join("model"), PathBuf::from),
            base_dir,
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn with_nothing_said_it_is_the_container_that_sagemaker_starts() {
        let (config, _) = Arguments::default().resolve(&Environment::default()).unwrap();
        assert_eq!(config.base_dir, PathBuf::from("/opt/ml"));
        assert_eq!(config.model_dir, PathBuf::from("/opt/ml/model"));
        assert!(config.threads >= 1 && config.memory > 0);
    }

    #[test]
    fn flags_win_over_variables_and_all_mistakes_come_at_once() {
        let arguments = Arguments { base_dir: Some("/a".into()), memory: Some("2K".into()), ..Arguments::default() };
        let environment = Environment::from([("SAGEMAKER_BASE_DIR", "/b"), ("BYOC_TRAINING_THREADS", "3")]);
        let (config, _) = arguments.resolve(&environment).unwrap();
        assert_eq!((config.base_dir, config.threads, config.memory), (PathBuf::from("/a"), 3, 2048));
        let environment = Environment::from([("BYOC_TRAINING_THREADS", "0"), ("BYOC_TRAINING_MEMORY", "much")]);
        let error = Arguments::default().resolve(&environment).unwrap_err();
        assert!(error.message().contains("2 settings are wrong"), "{error}");
    }
}
