//! The validated configuration of an endpoint: CreateModel's own JSON plus `EndpointName`; or, for several variants,
//! shadow variants and asynchronous inference, CreateEndpointConfig's own JSON plus `EndpointName` and `Models`.
//!
//! `create_model` and `create_endpoint_config` are the file as parsed; [`EndpointConfig`] is its meaning. All problems
//! are reported together, each with its member. The limits are those of the service
//! (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html and API_ContainerDefinition.html).

mod create_endpoint_config;
mod variants;

use std::path::Path;

use create_endpoint_config::Form;

use crate::endpoint::identity::VARIANT;
use crate::error::{Cause, Error, Result};
use crate::platform::create_model::{CreateModel, FileOf, ModelConfig, Validator, parse_request};
use crate::platform::problems::list_problems;
use crate::storage::{Location, absolute, read_text};

/// The account in errors if there is no ExecutionRoleArn: the one that AWS's documentation uses.
const ACCOUNT: &str = "123456789012";

/// The configuration of an endpoint.
#[derive(Debug, PartialEq)]
pub struct EndpointConfig {
    /// EndpointName.
    pub endpoint_name: String,
    /// The account in ExecutionRoleArn, else the one of AWS's documentation.
    pub account: String,
    /// 1 to 10 variants among which requests are distributed by weight.
    pub variants: Vec<VariantConfig>,
    /// The variant that gets copies of requests and whose responses are dropped.
    pub shadow: Option<ShadowConfig>,
    /// Makes it an endpoint for asynchronous invocations only.
    pub asynchronous: Option<AsyncConfig>,
}

/// One ProductionVariant.
#[derive(Clone, Debug, PartialEq)]
pub struct VariantConfig {
    /// VariantName.
    pub name: String,
    /// InitialVariantWeight: finite, not negative, and not 0 for all variants.
    pub weight: f64,
    /// The model that ModelName names.
    pub model: ModelConfig,
}

/// One of the ShadowProductionVariants.
#[derive(Debug, PartialEq)]
pub struct ShadowConfig {
    /// The variant itself.
    pub variant: VariantConfig,
    /// The share of requests that are copied, from 0 to 1.
    pub share: f64,
}

/// AsyncInferenceConfig.
#[derive(Debug, PartialEq, Eq)]
pub struct AsyncConfig {
    /// S3OutputPath, if given.
    pub output: Option<Location>,
    /// S3FailurePath, if given.
    pub failure: Option<Location>,
    /// MaxConcurrentInvocationsPerInstance.
    pub concurrent: usize,
}

impl EndpointConfig {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// With [`Cause::BadSetting`], one line for each problem.
    pub fn read(file: &Path) -> Result<EndpointConfig> {
        let text = read_text(file)?;
        let file = absolute(file);
        let folder = file.parent().unwrap_or(Path::new("/"));
        EndpointConfig::parse(&text, folder).map_err(|problems| {
            Error::new(Cause::BadSetting, format!("{}: {}", file.display(), list_problems(&problems)))
        })
    }

    /// Parses and checks a configuration whose relative paths are relative to `folder`; returns all problems.
    fn parse(text: &str, folder: &Path) -> Result<EndpointConfig, Vec<String>> {
        FileOf::Endpoint.check(text).map_err(|problem| vec![problem])?;
        let mut check = Validator { folder, prefix: String::new(), problems: Vec::new() };
        let config = if parse_request::<Form>(text)?.is_create_endpoint_config() {
            check.endpoint_with_variants(parse_request(text)?)
        } else {
            check.endpoint(parse_request(text)?)
        };
        if check.problems.is_empty() { Ok(config) } else { Err(check.problems) }
    }
}

impl Validator<'_> {
    /// The short form: CreateModel's JSON with an EndpointName is an endpoint with one variant.
    fn endpoint(&mut self, mut typed: CreateModel) -> EndpointConfig {
        let endpoint_name = self.required_name("EndpointName", typed.endpoint_name.take());
        let account = match typed.execution_role_arn.as_deref() {
            None => ACCOUNT.to_owned(),
            Some(arn) => self.account(arn),
        };
        let (_, model) = self.model(typed);
        let variant = VariantConfig { name: VARIANT.to_owned(), weight: 1.0, model };
        EndpointConfig { endpoint_name, account, variants: vec![variant], shadow: None, asynchronous: None }
    }

    /// The account within a role's ARN (`arn:aws:iam::123456789012:role/name`).
    fn account(&mut self, arn: &str) -> String {
        let account = arn.split(':').nth(4).filter(|account| account.len() == 12);
        match account.filter(|account| account.bytes().all(|byte| byte.is_ascii_digit())) {
            Some(account) => account.to_owned(),
            None => {
                self.problem(
                    "ExecutionRoleArn",
                    format_args!("\"{arn}\" is not a role's ARN, such as arn:aws:iam::{ACCOUNT}:role/name"),
                );
                String::new()
            }
        }
    }
}

#[cfg(test)]
#[path = "config_test.rs"]
mod tests;
