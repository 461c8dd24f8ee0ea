//! The settings of `byoc serve`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use byoc_formats::media_types::content_type;
use byoc_formats::media_types::media_type::{self, MediaType};
use byoc_formats::suggest;
use log::LevelFilter;

use crate::cli::settings::parse::{address, boolean, count, location, number, port, seconds, size, text};
use crate::cli::settings::problems::InvalidValue;
use crate::cli::settings::row::{Defaulted, Optional, Rows, Switch, flag, switch, variables};
use crate::cli::settings::settings;
use crate::cli::table::common;
use crate::cli::table::scikit_learn::ScikitLearn;
use crate::env;
use crate::platform::batch_strategy::BatchStrategy;
use crate::storage::Location;

/// The limit of batch transform (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html).
const MAX_BATCH_MEGABYTES: u64 = 100;

settings! {
    /// Serve one or many models by SageMaker's hosting contract: /ping, /invocations and, in multi-model mode, /models
    pub(in crate::cli) struct Serve {
        /// Folder that contains model/
        base_dir: Defaulted<PathBuf> = flag("base-dir", "FOLDER")
            .variables(&[env::SAGEMAKER_BASE_DIR])
            .parse(|text| Ok(text.into()))
            .default("/opt/ml");

        /// Folder of the model, its model.tar.gz, a model_algo-1, a preprocessor.json, or a *.joblib, *.pkl, *.pickle,
        /// *.skops or sklearn-model; a local path or one in S3 (s3://BUCKET/KEY)
        model_dir: Optional<Location> = flag("model-dir", "PATH")
            .variables(&[env::SM_MODEL_DIR])
            .parse(location)
            .otherwise("BASE_DIR/model");

        /// Address to listen on
        host: Defaulted<IpAddr> = flag("host", "ADDRESS")
            .variables(&[env::BYOC_HOST])
            .parse(address)
            .default("0.0.0.0");

        /// Port to listen on; 0 picks a free one, which the first log line shows
        port: Defaulted<u16> = flag("port", "PORT")
            .variables(&[env::SAGEMAKER_BIND_TO_PORT])
            .parse(port)
            .default("8080");

        /// Load no model at startup; the platform loads and unloads models
        multi_model: Switch = switch("multi-model").variables(&[env::SAGEMAKER_MULTI_MODEL]);

        /// Folder from which multi-model mode may load models
        ///
        /// `POST /models` answers 404 for a url outside it; links are followed first. In the image it is
        /// `/opt/ml/models`.
        models_root: Optional<PathBuf> = flag("models-root", "FOLDER")
            .variables(&[env::BYOC_MODELS_ROOT])
            .parse(|text| Ok(text.into()))
            .otherwise("anywhere");

        scikit_learn: Rows<ScikitLearn> = Rows::ALL;

        /// Media type of responses if the caller accepts any
        ///
        /// For example, it lets one container of a pipeline pass CSV to the next.
        default_accept: Optional<MediaType> = flag("default-accept", "MEDIA_TYPE")
            .variables(&["SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"])
            .parse(media_type)
            .otherwise("application/json");

        /// Number of requests to answer at the same time
        workers: Optional<usize> = flag("workers", "COUNT")
            .variables(&["SAGEMAKER_MODEL_SERVER_WORKERS"])
            .parse(count)
            .otherwise("number of cores");

        /// Seconds that a request may take
        timeout: Optional<Duration> = flag("timeout", "SECONDS")
            .variables(&["SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS", "SAGEMAKER_MODEL_SERVER_TIMEOUT"])
            .parse(|text| seconds(text, 3600))
            .otherwise("60; 3600 in a batch job");

        /// Number of large requests that may wait for a worker
        queue: Defaulted<usize> = flag("queue", "COUNT")
            .variables(&["SAGEMAKER_MODEL_JOB_QUEUE_SIZE"])
            .parse(|text| number(text, 1..=1_000_000).map(|count| count as usize))
            .default("100");

        /// Largest request body, in bytes or with K, M, G
        max_request_size: Optional<u64> = flag("max-request-size", "SIZE")
            .variables(&["SAGEMAKER_MAX_REQUEST_SIZE"])
            .parse(size)
            .otherwise("25M; unlimited in a batch job");

        /// Memory for models, in bytes or with K, M, G
        ///
        /// It is limited to the container's memory minus an eighth and 24 MiB.
        model_memory: Optional<u64> = flag("model-memory", "SIZE")
            .variables(&["BYOC_MODEL_MEMORY"])
            .parse(size)
            .otherwise("80 % of the container's");

        log_level: Defaulted<LevelFilter> = common::LOG_LEVEL.default("info");

        log_filter: Optional<String> = common::LOG_FILTER;

        /// Script that SageMaker's framework containers would run. byoc does not run scripts, and logs a warning if
        /// this is set
        program: Optional<String> = variables(&["SAGEMAKER_PROGRAM"]).parse(text);

        /// `true` in a batch transform job. SageMaker and `byoc transform` set this and the following three variables
        batch: Optional<bool> = variables(&[env::SAGEMAKER_BATCH]).parse(boolean).otherwise("false");

        /// Largest payload of the batch transform job, in MiB; 0 streams whole objects
        max_payload_in_mb: Optional<u64> = variables(&[env::SAGEMAKER_MAX_PAYLOAD_IN_MB])
            .parse(|text| number(text, 0..=MAX_BATCH_MEGABYTES));

        /// Strategy of the batch transform job: MULTI_RECORD or SINGLE_RECORD
        batch_strategy: Optional<BatchStrategy> = variables(&[env::SAGEMAKER_BATCH_STRATEGY]).parse(batch_strategy);

        /// Number of requests that the batch transform job sends at the same time; 0 leaves it to the container
        max_concurrent_transforms: Optional<u64> = variables(&[env::SAGEMAKER_MAX_CONCURRENT_TRANSFORMS])
            .parse(|text| number(text, 0..=u64::from(u32::MAX)));

        /// `true` if the container should drain and exit when its standard input closes. `byoc endpoint` and `byoc
        /// transform` set it, so that no container outlives them
        exit_on_stdin_eof: Optional<bool> = variables(&[env::BYOC_EXIT_ON_STDIN_EOF]).parse(boolean).otherwise("false");
    }
}

/// Accepts the spelling of the variable and that of the API.
fn batch_strategy(text: &str) -> Result<BatchStrategy, InvalidValue> {
    match text.trim() {
        "MULTI_RECORD" | "MultiRecord" => Ok(BatchStrategy::MultiRecord),
        "SINGLE_RECORD" | "SingleRecord" => Ok(BatchStrategy::SingleRecord),
        _ => Err("expected MULTI_RECORD or SINGLE_RECORD".into()),
    }
}

fn media_type(text: &str) -> Result<MediaType, InvalidValue> {
    let name = content_type::Header::new(text).name();
    MediaType::from_name(name).ok_or_else(|| {
        let meant = suggest::did_you_mean(name, MediaType::ALL.iter().map(|known| known.name()));
        format!("{meant}expected {}", media_type::list(MediaType::ALL)).into()
    })
}
