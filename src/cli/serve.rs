//! `byoc serve`: the hosting contract on one port.

use std::time::Duration;

use crate::cli::overrides;
use crate::cli::settings::raw::RawSettings;
use crate::cli::table::serve::Serve;
use crate::container::accounts::{container_memory, default_model_memory};
use crate::container::{self, Batch, Config, Mode};
use crate::error::Result;
use crate::storage::{Location, S3Access};
use crate::telemetry::logs;

/// SageMaker's limit for real-time endpoints (docs.aws.amazon.com/sagemaker/latest/dg/hosting-faqs.html).
const MAX_REQUEST_BYTES: u64 = 25 << 20;

pub(super) fn run(raw: &RawSettings) -> Result<()> {
    let (settings, problems) = raw.read::<Serve>();
    problems.finish()?;
    logs::start(settings.log_level, settings.log_filter.as_deref());
    if let Some(program) = &settings.program {
        log::warn!(
            "SAGEMAKER_PROGRAM={program}: byoc runs no script, so what its functions do to requests, predictions or \
             answers is left out"
        );
    }
    container::run(config(settings, S3Access::of(raw.environment())))
}

fn config(settings: Serve, s3: S3Access) -> Config {
    let batch = settings.batch.unwrap_or(false).then_some(Batch {
        max_payload_in_mb: settings.max_payload_in_mb,
        strategy: settings.batch_strategy,
        // In the API, 0 leaves the number to the container.
        max_concurrent: settings.max_concurrent_transforms.filter(|&count| count > 0),
    });
    let max_request_bytes = match (settings.max_request_size, batch) {
        (Some(bytes), _) => bytes,
        (None, None) => MAX_REQUEST_BYTES,
        // The job limits its own payloads, but what one container of a pipeline passes to the next may be many times as
        // large. Large bodies are answered piece by piece.
        (None, Some(_)) => u64::MAX,
    };
    // In a batch job, ModelClientConfig.InvocationsTimeoutInSeconds limits the time, up to an hour.
    let timeout = Duration::from_secs(if batch.is_some() { 3600 } else { 60 });
    let memory = container_memory();
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let model_dir = || Location::Local(settings.base_dir.join("model"));
    Config {
        host: settings.host,
        port: settings.port,
        mode: if settings.multi_model {
            Mode::MultiModel
        } else {
            Mode::SingleModel(settings.model_dir.unwrap_or_else(model_dir))
        },
        s3,
        models_root: settings.models_root,
        overrides: overrides::from(settings.scikit_learn),
        default_accept: settings.default_accept,
        workers: settings.workers.unwrap_or_else(cores),
        timeout: settings.timeout.unwrap_or(timeout),
        queue: settings.queue,
        max_request_bytes: usize::try_from(max_request_bytes).unwrap_or(usize::MAX),
        batch,
        memory,
        model_memory: settings.model_memory.unwrap_or_else(|| default_model_memory(memory)),
        stop_on_stdin_eof: settings.exit_on_stdin_eof.unwrap_or(false),
    }
}

#[cfg(test)]
mod tests {
    use byoc_formats::media_types::MediaType;

    use super::*;
    use crate::cli::testing::raw_settings;
    use crate::env::Environment;

    fn read(flags: &[&str], environment: Environment) -> Result<Config> {
        let (settings, problems) = raw_settings("serve", flags, environment).read::<Serve>();
        problems.finish().map(|()| config(settings, S3Access::default()))
    }

    fn resolve(flags: &[&str], environment: Environment) -> Config {
        read(flags, environment).unwrap()
    }

    #[test]
    fn the_defaults_are_those_of_a_sagemaker_container() {
        let config = resolve(&[], Environment::default());
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
            &[],
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
    fn in_a_batch_job_the_container_does_not_limit_payloads() {
        let batch = |megabytes| {
            let environment =
                Environment::from([("SAGEMAKER_BATCH", "True"), ("SAGEMAKER_MAX_PAYLOAD_IN_MB", megabytes)]);
            let config = resolve(&[], environment);
            assert_eq!(config.timeout.as_secs(), 3600);
            (config.max_request_bytes, config.batch.and_then(|batch| batch.max_payload_in_mb))
        };
        assert_eq!(batch("6"), (usize::MAX, Some(6)));
        assert_eq!(batch("0"), (usize::MAX, Some(0)), "a whole object, streamed");
        assert_eq!(batch(""), (usize::MAX, None));
    }

    #[test]
    fn flags_win_over_the_environment() {
        let environment = Environment::from([("SAGEMAKER_BIND_TO_PORT", "2"), ("SM_MODEL_DIR", "/n")]);
        let config = resolve(&["--port", "1", "--model-dir", "/m"], environment);
        assert_eq!(config.port, 1);
        assert!(matches!(config.mode, Mode::SingleModel(Location::Local(folder)) if *folder == *"/m"));
    }

    #[test]
    fn all_invalid_settings_are_reported_at_once() {
        let environment = Environment::from([
            ("SAGEMAKER_MODEL_SERVER_WORKERS", "0"),
            ("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/html"),
            ("BYOC_METHOD", "fit"),
            ("SAGEMAKER_BATCH_STRATEGY", "FOO"),
            ("SAGEMAKER_MAX_CONCURRENT_TRANSFORMS", "-1"),
        ]);
        let error = read(&["--port", "80800"], environment).unwrap_err().to_string();
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
