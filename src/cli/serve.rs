//! `byoc serve`: the hosting contract on one port.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::cli::overrides::OverrideArguments;
use crate::cli::settings::{Settings, number, parse_size, text, truth};
use crate::container::accounts::{container_memory, default_model_memory};
use crate::container::{self, Batch, BatchStrategy, Config, Mode};
use crate::env::{self, Environment};
use crate::error::Result;
use crate::storage::{Location, S3Access, absolute};
use crate::telemetry::logs;
use byoc_formats::media_types::media_type::{self, MediaType};
use byoc_formats::suggest;

/// Serve a model, or many, as SageMaker's hosting wants it: /ping, /invocations and, in multi-model mode, /models
#[derive(Args, Debug, Default)]
pub(super) struct Arguments {
    /// Folder that holds model/ [env: SAGEMAKER_BASE_DIR] [default: /opt/ml]
    #[arg(long, value_name = "FOLDER")]
    base_dir: Option<String>,
    /// Folder of the model, its model.tar.gz, or a *.joblib or *.pkl, here or in S3 (s3://BUCKET/KEY) [env: SM_MODEL_DIR] [default: BASE_DIR/model]
    #[arg(long, value_name = "PATH")]
    model_dir: Option<String>,
    /// Address to listen on [env: BYOC_HOST] [default: 0.0.0.0]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on; 0 picks a free one, printed in the first log line [env: SAGEMAKER_BIND_TO_PORT] [default: 8080]
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// Load no model at start; the platform loads and unloads them [env: SAGEMAKER_MULTI_MODEL]
    #[arg(long)]
    multi_model: bool,
    /// Folder that models are loaded from in multi-model mode, and none outside it [env: BYOC_MODELS_ROOT] [default: anywhere]
    #[arg(long, value_name = "FOLDER")]
    models_root: Option<String>,
    #[command(flatten)]
    overrides: OverrideArguments,
    /// What to answer where the caller accepts anything [env: SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT] [default: application/json]
    #[arg(long, value_name = "MEDIA_TYPE")]
    default_accept: Option<String>,
    /// Requests worked on at once [env: SAGEMAKER_MODEL_SERVER_WORKERS] [default: number of cores]
    #[arg(long, value_name = "COUNT")]
    workers: Option<String>,
    /// Seconds that a request may take [env: SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS] [default: 60; in a batch job 3600]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<String>,
    /// Large requests that may wait for a worker [env: SAGEMAKER_MODEL_JOB_QUEUE_SIZE] [default: 100]
    #[arg(long, value_name = "COUNT")]
    queue: Option<String>,
    /// Largest request body, in bytes or with K, M, G [env: SAGEMAKER_MAX_REQUEST_SIZE] [default: 25M; in a batch job no bound]
    #[arg(long, value_name = "SIZE")]
    max_request_size: Option<String>,
    /// Memory for models, in bytes or with K, M, G [env: BYOC_MODEL_MEMORY] [default: 80 % of the container's]
    #[arg(long, value_name = "SIZE")]
    model_memory: Option<String>,
    /// What to log: error, warning, info, debug, trace, or Python's numbers [env: SAGEMAKER_CONTAINER_LOG_LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

pub(super) fn run(arguments: &Arguments, environment: &Environment) -> Result<()> {
    let (config, level) = arguments.resolve(environment)?;
    logs::start(level, environment.get(env::RUST_LOG));
    if let Some(program) = environment.get(env::SAGEMAKER_PROGRAM) {
        log::warn!(
            "{}={program}: no script is run, so what its functions do to requests, predictions or answers is left out",
            env::SAGEMAKER_PROGRAM
        );
    }
    container::run(config)
}

const MEGABYTE: u64 = 1 << 20;
/// The platform's limit for a real-time endpoint (docs.aws.amazon.com/sagemaker/latest/dg/hosting-faqs.html).
const MAX_REQUEST_MEGABYTES: u64 = 25;
/// The batch service's limit (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html).
const MAX_BATCH_MEGABYTES: u64 = 100;

impl Arguments {
    fn resolve(&self, environment: &Environment) -> Result<(Config, log::LevelFilter)> {
        let mut settings = Settings::new(environment);
        let base_dir = settings.get(("base-dir", self.base_dir.as_deref()), &[env::SAGEMAKER_BASE_DIR], text);
        let base_dir = PathBuf::from(base_dir.unwrap_or_else(|| "/opt/ml".into()));
        let model_dir = settings.get(("model-dir", self.model_dir.as_deref()), &[env::SM_MODEL_DIR], |text| {
            Location::parse(text, &absolute(Path::new(".")))
        });
        let host = settings.get(("host", self.host.as_deref()), &[env::BYOC_HOST], |text| {
            text.parse::<IpAddr>().map_err(|_| "expected an IP address such as 0.0.0.0 or 127.0.0.1".to_owned())
        });
        let port = settings.get(("port", self.port.as_deref()), &[env::SAGEMAKER_BIND_TO_PORT], number(0, 65_535));
        let multi_model = self.multi_model.then_some("true");
        let multi_model = settings.get(("multi-model", multi_model), &[env::SAGEMAKER_MULTI_MODEL], truth);
        let models_root = settings.get(("models-root", self.models_root.as_deref()), &[env::BYOC_MODELS_ROOT], text);
        let overrides = self.overrides.resolve(&mut settings);
        let default_accept = settings.get(
            ("default-accept", self.default_accept.as_deref()),
            &[env::SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT],
            parse_media_type,
        );
        let workers =
            settings.get(("workers", self.workers.as_deref()), &[env::SAGEMAKER_MODEL_SERVER_WORKERS], number(1, 1024));
        let timeout = settings.get(
            ("timeout", self.timeout.as_deref()),
            &[env::SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS, env::SAGEMAKER_MODEL_SERVER_TIMEOUT],
            number(1, 3600),
        );
        let queue = settings.get(
            ("queue", self.queue.as_deref()),
            &[env::SAGEMAKER_MODEL_JOB_QUEUE_SIZE],
            number(1, 1_000_000),
        );
        let batch = settings.get(("", None), &[env::SAGEMAKER_BATCH], truth).unwrap_or(false);
        // In a batch job 0 means that a whole object comes as one request.
        let batch_megabytes =
            settings.get(("", None), &[env::SAGEMAKER_MAX_PAYLOAD_IN_MB], number(0, MAX_BATCH_MEGABYTES));
        let max_request_bytes = settings.get(
            ("max-request-size", self.max_request_size.as_deref()),
            &[env::SAGEMAKER_MAX_REQUEST_SIZE],
            parse_size,
        );
        let strategy = settings.get(("", None), &[env::SAGEMAKER_BATCH_STRATEGY], batch_strategy);
        // 0 is the API's way to leave it to the container.
        let max_concurrent =
            settings.get(("", None), &[env::SAGEMAKER_MAX_CONCURRENT_TRANSFORMS], number(0, u64::from(u32::MAX)));
        let batch = batch.then_some(Batch {
            max_payload_in_mb: batch_megabytes,
            strategy,
            max_concurrent: max_concurrent.filter(|&count| count > 0),
        });
        let max_request_bytes = match (max_request_bytes, batch) {
            (Some(bytes), _) => bytes,
            (None, None) => MAX_REQUEST_MEGABYTES * MEGABYTE,
            // What the job cuts is the job's to bound, and what one container of a pipeline hands to the next may be many
            // times that. Large bodies are answered piece by piece.
            (None, Some(_)) => u64::MAX,
        };
        let model_memory =
            settings.get(("model-memory", self.model_memory.as_deref()), &[env::BYOC_MODEL_MEMORY], parse_size);
        let level = settings.get(
            ("log-level", self.log_level.as_deref()),
            &[env::SAGEMAKER_CONTAINER_LOG_LEVEL],
            logs::parse_level,
        );
        let stop_on_stdin_eof = settings.get(("", None), &[env::BYOC_EXIT_ON_STDIN_EOF], truth);
        settings.finish()?;

        let memory = container_memory();
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let config = Config {
            host: host.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            port: port.map_or(8080, |port| port as u16),
            mode: if multi_model.unwrap_or(false) {
                Mode::MultiModel
            } else {
                Mode::SingleModel(model_dir.unwrap_or_else(|| Location::Local(base_dir.join("model"))))
            },
            s3: S3Access::of(environment),
            models_root: models_root.map(PathBuf::from),
            overrides,
            default_accept,
            workers: workers.map_or(cores, |workers| workers as usize),
            // In a batch job the time is the job's to limit: ModelClientConfig.InvocationsTimeoutInSeconds, up to an hour.
            timeout: Duration::from_secs(timeout.unwrap_or(if batch.is_some() { 3600 } else { 60 })),
            queue: queue.map_or(100, |queue| queue as usize),
            max_request_bytes: usize::try_from(max_request_bytes).unwrap_or(usize::MAX),
            batch,
            memory,
            model_memory: model_memory.unwrap_or_else(|| default_model_memory(memory)),
            stop_on_stdin_eof: stop_on_stdin_eof.unwrap_or(false),
        };
        Ok((config, level.unwrap_or(log::LevelFilter::Info)))
    }
}

/// In the spelling of the variable, or of the API.
fn batch_strategy(text: &str) -> Result<BatchStrategy, String> {
    match text.trim() {
        "MULTI_RECORD" | "MultiRecord" => Ok(BatchStrategy::MultiRecord),
        "SINGLE_RECORD" | "SingleRecord" => Ok(BatchStrategy::SingleRecord),
        _ => Err("expected MULTI_RECORD or SINGLE_RECORD".to_owned()),
    }
}

fn parse_media_type(text: &str) -> Result<MediaType, String> {
    let name = text.split(';').next().unwrap_or_default().trim();
    MediaType::from_name(name).ok_or_else(|| {
        let meant = suggest::did_you_mean(name, MediaType::ALL.iter().map(|known| known.name()));
        format!("{meant}expected {}", media_type::list(MediaType::ALL))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolve(arguments: Arguments, environment: Environment) -> Config {
        arguments.resolve(&environment).unwrap().0
    }

    #[test]
    fn with_nothing_said_it_is_the_container_that_sagemaker_starts() {
        let config = resolve(Arguments::default(), Environment::default());
        assert_eq!((config.host.to_string().as_str(), config.port), ("0.0.0.0", 8080));
        assert!(matches!(config.mode, Mode::SingleModel(Location::Local(folder)) if *folder == *"/opt/ml/model"));
        assert_eq!(config.max_request_bytes, 25 << 20);
        assert_eq!(config.timeout, Duration::from_secs(60));
        assert!(config.model_memory > 16 << 20);
        assert_eq!(config.models_root, None);
    }

    #[test]
    fn the_platforms_variables_are_honoured() {
        let config = resolve(
            Arguments::default(),
            Environment::from([
                ("SAGEMAKER_BIND_TO_PORT", "7000"),
                ("SAGEMAKER_MULTI_MODEL", "true"),
                ("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv"),
                ("SAGEMAKER_MODEL_SERVER_TIMEOUT", "5"),
                ("BYOC_MODEL_MEMORY", "64K"),
                ("BYOC_MODELS_ROOT", "/opt/ml/models"),
            ]),
        );
        assert_eq!(config.port, 7000);
        assert!(matches!(config.mode, Mode::MultiModel));
        assert_eq!(config.default_accept, Some(MediaType::Csv));
        assert_eq!(config.timeout, Duration::from_secs(5));
        assert_eq!(config.model_memory, 65_536);
        assert_eq!(config.models_root, Some("/opt/ml/models".into()));
    }

    #[test]
    fn in_a_batch_job_payloads_are_bounded_by_the_job_and_not_by_the_container() {
        let batch = |megabytes| {
            let environment =
                Environment::from([("SAGEMAKER_BATCH", "True"), ("SAGEMAKER_MAX_PAYLOAD_IN_MB", megabytes)]);
            let config = resolve(Arguments::default(), environment);
            assert_eq!(config.timeout.as_secs(), 3600);
            (config.max_request_bytes, config.batch.and_then(|batch| batch.max_payload_in_mb))
        };
        assert_eq!(batch("6"), (usize::MAX, Some(6)));
        assert_eq!(batch("0"), (usize::MAX, Some(0)), "a whole object, streamed");
        assert_eq!(batch(""), (usize::MAX, None));
    }

    #[test]
    fn flags_win_over_the_environment() {
        let arguments = Arguments { port: Some("1".into()), model_dir: Some("/m".into()), ..Arguments::default() };
        let environment = Environment::from([("SAGEMAKER_BIND_TO_PORT", "2"), ("SM_MODEL_DIR", "/n")]);
        let config = resolve(arguments, environment);
        assert_eq!(config.port, 1);
        assert!(matches!(config.mode, Mode::SingleModel(Location::Local(folder)) if *folder == *"/m"));
    }

    #[test]
    fn all_wrong_settings_are_reported_at_once() {
        let arguments = Arguments { port: Some("80800".into()), ..Arguments::default() };
        let environment = Environment::from([
            ("SAGEMAKER_MODEL_SERVER_WORKERS", "0"),
            ("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/html"),
            ("BYOC_METHOD", "fit"),
            ("SAGEMAKER_BATCH_STRATEGY", "FOO"),
            ("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "-1"),
        ]);
        let error = arguments.resolve(&environment).unwrap_err().to_string();
        for part in [
            "6 settings are wrong",
            "BATCH_STRATEGY is \"FOO\"",
            "CONCURRENT_TRANSFORMS is \"-1\"",
            "--port",
            "SAGEMAKER_MODEL_SERVER_WORKERS",
            "text/html",
            "decision_function",
        ] {
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
