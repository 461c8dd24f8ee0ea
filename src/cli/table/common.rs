//! Settings that several commands have in the same words.

use std::time::Duration;

use log::LevelFilter;

use crate::cli::settings::parse::{number, text};
use crate::cli::settings::problems::InvalidValue;
use crate::cli::settings::row::{Defaulted, Optional, flag, variables};
use crate::env;
use crate::telemetry::logs;

/// The most seconds that SageMaker grants a container to become healthy
/// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_ProductionVariant.html).
const MAX_HEALTH_CHECK_TIMEOUT: u64 = 3600;

pub(in crate::cli) const LOG_LEVEL: Optional<LevelFilter> = flag("log-level", "LEVEL")
    .variables(&[env::SAGEMAKER_CONTAINER_LOG_LEVEL])
    .parse(log_level)
    .documented("What to log: off, error, warning, info, debug, trace, or Python's numbers (10, 20, 30, 40, 50)");

pub(in crate::cli) const LOG_FILTER: Optional<String> = variables(&[env::RUST_LOG]).parse(text).documented(
    "Filter of the log in the syntax of env_logger, for single modules: `byoc::container=debug`. It wins over the level.",
);

pub(in crate::cli) const HEALTH_CHECK_TIMEOUT: Defaulted<Duration> = flag("health-check-timeout", "SECONDS")
    .variables(&["BYOC_HEALTH_CHECK_TIMEOUT_SECONDS"])
    .parse(|text| number(text, 1..=MAX_HEALTH_CHECK_TIMEOUT).map(Duration::from_secs))
    .default("480");

pub(in crate::cli) const REGION: Defaulted<String> = variables(&[env::AWS_REGION, env::AWS_DEFAULT_REGION])
    .parse(text)
    .default("us-east-1")
    .documented("Region that containers see and that ARNs in messages have");

pub(in crate::cli) fn log_level(text: &str) -> Result<LevelFilter, InvalidValue> {
    Ok(logs::parse_level(text)?)
}
