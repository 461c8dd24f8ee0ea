//! Settings that several commands share.

use std::time::Duration;

use log::LevelFilter;

use crate::cli::settings::parse::{seconds, text};
use crate::cli::settings::problems::InvalidValue;
use crate::cli::settings::row::{Defaulted, Optional, flag, variables};
use crate::env;
use crate::telemetry::logs;

/// The longest health check timeout on SageMaker, in seconds
/// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html).
const MAX_HEALTH_CHECK_TIMEOUT: u64 = 3600;

pub(in crate::cli) const LOG_LEVEL: Optional<LevelFilter> = flag("log-level", "LEVEL")
    .variables(&[env::SAGEMAKER_CONTAINER_LOG_LEVEL])
    .parse(log_level)
    .documented("What to log: off, error, warning, info, debug, trace, or Python's numbers (10, 20, 30, 40, 50)");

pub(in crate::cli) const LOG_FILTER: Optional<String> = variables(&[env::RUST_LOG]).parse(text).documented(
    "Log filter in the syntax of env_logger, for single modules: `byoc::container=debug`. It wins over the level",
);

pub(in crate::cli) const HEALTH_CHECK_TIMEOUT: Defaulted<Duration> = flag("health-check-timeout", "SECONDS")
    .variables(&["BYOC_HEALTH_CHECK_TIMEOUT_SECONDS"])
    .parse(|text| seconds(text, MAX_HEALTH_CHECK_TIMEOUT))
    .default("480");

pub(in crate::cli) const REGION: Defaulted<String> = variables(&[env::AWS_REGION, env::AWS_DEFAULT_REGION])
    .parse(text)
    .default("us-east-1")
    .documented("Region that containers get, and of the ARNs in messages");

pub(in crate::cli) fn log_level(text: &str) -> Result<LevelFilter, InvalidValue> {
    Ok(logs::parse_level(text)?)
}
