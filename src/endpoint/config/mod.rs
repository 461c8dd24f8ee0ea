//! The endpoint's configuration, checked: CreateModel's own JSON plus `EndpointName`; or, for several variants, shadow
//! variants and asynchronous inference, CreateEndpointConfig's own JSON plus `EndpointName` and `Models`.
//!
//! `create_model` and `create_endpoint_config` are the file as typed; [`EndpointConfig`] is what it means. All that is wrong is reported together, each
//! with the member it is in. The limits are those of the service
//! (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html and API_ContainerDefinition.html).

mod create_endpoint_config;
mod create_model;
mod variants;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use create_endpoint_config::Form;
use create_model::{ContainerDefinition, CreateModel, InferenceExecutionConfig, Mode, Unknown};
pub use create_model::{ExecutionMode, ModelCacheSetting};
use serde::de::DeserializeOwned;

use crate::endpoint::identity::VARIANT;
use crate::endpoint::problems::listed;
use crate::error::{Cause, Error, Result};
use crate::storage::Location;

/// An inference pipeline has at most this many containers.
const MOST_CONTAINERS: usize = 15;
/// A container's Environment has at most this many entries.
const MOST_VARIABLES: usize = 100;
/// A key or a value of Environment has at most this many bytes.
const LONGEST_VARIABLE: usize = 1024;
/// All containers' environments together have at most this many bytes.
const LARGEST_ENVIRONMENT: usize = 32 * 1024;
/// The account that errors name when no ExecutionRoleArn says one: the one that AWS's documentation uses.
const ACCOUNT: &str = "123456789012";

/// What an endpoint is made of.
#[derive(Debug, PartialEq)]
pub struct EndpointConfig {
    /// EndpointName.
    pub endpoint_name: String,
    /// The account in ExecutionRoleArn, else the one of AWS's documentation.
    pub account: String,
    /// 1 to 10 variants that requests are spread over by weight.
    pub variants: Vec<VariantConfig>,
    /// What gets copies of requests, and whose answers nobody sees.
    pub shadow: Option<ShadowConfig>,
    /// What makes it an endpoint for asynchronous invocations only.
    pub asynchronous: Option<AsyncConfig>,
}

/// One ProductionVariant.
#[derive(Clone, Debug, PartialEq)]
pub struct VariantConfig {
    /// VariantName.
    pub name: String,
    /// InitialVariantWeight: finite, not negative, and of some variant not 0.
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
    /// S3OutputPath, if it is given.
    pub output: Option<Location>,
    /// S3FailurePath, likewise.
    pub failure: Option<Location>,
    /// MaxConcurrentInvocationsPerInstance.
    pub concurrent: usize,
}

/// One model: what CreateModel makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelConfig {
    /// The way of a request through the containers.
    pub mode: ExecutionMode,
    /// 1 to 15 containers, in the order in which a request goes through them.
    pub containers: Vec<ContainerConfig>,
}

/// One container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerConfig {
    /// ContainerHostname, else `primary` for a container that is alone and `container-1`, `container-2`… by position.
    pub name: String,
    /// The name that errors use: `primary` for a container that is alone in Serial mode, else `name`.
    pub name_in_errors: String,
    /// Environment.
    pub environment: BTreeMap<String, String>,
    /// What the container serves.
    pub models: Models,
}

/// What a container serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Models {
    /// Mode SingleModel: one artifact (an archive or a folder), or none.
    Single(Option<ModelDataUrl>),
    /// Mode MultiModel.
    Multi {
        /// What a request's TargetModel is under.
        prefix: ModelDataUrl,
        /// MultiModelConfig.ModelCacheSetting.
        cache: ModelCacheSetting,
    },
}

/// A ModelDataUrl.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelDataUrl {
    /// As the configuration says it.
    pub as_written: String,
    /// What it says.
    pub location: Location,
}

impl EndpointConfig {
    /// Reads and checks a configuration file.
    ///
    /// # Errors
    /// With [`Cause::BadSetting`], one line for each thing that is wrong.
    pub fn read(file: &Path) -> Result<EndpointConfig> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Error::io("read", file, &error).because(Cause::BadSetting))?;
        let absolute = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let folder = absolute.parent().unwrap_or(Path::new("/"));
        EndpointConfig::parse(&text, folder)
            .map_err(|problems| Error::new(Cause::BadSetting, format!("{}: {}", file.display(), listed(&problems))))
    }

    /// Checks the text of a configuration whose relative paths are relative to `folder`, or says all that is wrong with it.
    fn parse(text: &str, folder: &Path) -> Result<EndpointConfig, Vec<String>> {
        let mut check = Check { folder, prefix: String::new(), problems: Vec::new() };
        let config = if typed::<Form>(text)?.is_create_endpoint_config() {
            check.endpoint_with_variants(typed(text)?)
        } else {
            check.endpoint(typed(text)?)
        };
        if check.problems.is_empty() { Ok(config) } else { Err(check.problems) }
    }
}

fn typed<T: DeserializeOwned>(text: &str) -> Result<T, Vec<String>> {
    if !text.trim_start().starts_with('{') {
        return Err(vec!["expected a JSON object: CreateModel's or CreateEndpointConfig's request".to_owned()]);
    }
    let mut json = serde_json::Deserializer::from_str(text);
    let typed =
        serde_path_to_error::deserialize(&mut json).map_err(|error| match error.path().to_string().as_str() {
            // Of the document itself, or of what is no JSON.
            "." => vec![error.inner().to_string()],
            path => vec![format!("{path}: {}", error.inner())],
        })?;
    json.end().map_err(|error| vec![error.to_string()])?;
    Ok(typed)
}

/// Turns what was typed into what it means and collects what is wrong on the way.
struct Check<'a> {
    folder: &'a Path,
    /// What stands before the members that are being checked, such as `Models[0].`.
    prefix: String,
    problems: Vec<String>,
}

impl Check<'_> {
    fn problem(&mut self, member: impl std::fmt::Display, message: impl std::fmt::Display) {
        self.problems.push(format!("{}{member}: {message}", self.prefix));
    }

    fn unknown(&mut self, path: &str, unknown: &Unknown) {
        for name in unknown.keys() {
            self.problem(format_args!("{path}{name}"), "unknown member; the API has none of that name");
        }
    }

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

    fn execution_mode(&mut self, typed: Option<&InferenceExecutionConfig>) -> ExecutionMode {
        let Some(execution) = typed else { return ExecutionMode::Serial };
        self.unknown("InferenceExecutionConfig.", &execution.unknown);
        execution.mode
    }

    /// The containers as typed, each with the member it is in.
    fn definitions(
        &mut self,
        primary: Option<ContainerDefinition>,
        list: Option<Vec<ContainerDefinition>>,
    ) -> Vec<(String, ContainerDefinition)> {
        match (primary, list) {
            (Some(container), None) => vec![("PrimaryContainer".to_owned(), container)],
            (None, Some(list)) if list.is_empty() => {
                self.problem("Containers", format_args!("empty; give 1 to {MOST_CONTAINERS}"));
                Vec::new()
            }
            (None, Some(list)) => (0..).zip(list).map(|(i, one)| (format!("Containers[{i}]"), one)).collect(),
            (Some(_), Some(_)) => {
                self.problem("PrimaryContainer", "cannot stand beside Containers; give one of the two");
                Vec::new()
            }
            (None, None) => {
                self.problem("Containers", "missing; give Containers, or PrimaryContainer for a single container");
                Vec::new()
            }
        }
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

    fn containers(&mut self, typed: Vec<(String, ContainerDefinition)>, mode: ExecutionMode) -> Vec<ContainerConfig> {
        let alone = typed.len() == 1;
        if typed.len() > MOST_CONTAINERS {
            self.problem("Containers", format_args!("{} entries; at most {MOST_CONTAINERS}", typed.len()));
        }
        if typed.iter().filter(|(_, container)| container.mode == Some(Mode::MultiModel)).count() > 1 {
            // CreateModel's own words: OElesin/sagemaker-autopilot-step-functions#10.
            self.problem(
                "Containers",
                "More than one container in MultiModel mode is not supported with inference pipeline.",
            );
        }
        let named = typed.iter().filter(|(_, container)| container.container_hostname.is_some()).count();
        if named != 0 && named != typed.len() {
            self.problem("Containers", "ContainerHostname must be given for all containers or for none");
        }
        if mode == ExecutionMode::Direct && named == 0 {
            self.problem("Containers", "ContainerHostname is missing; in Direct mode requests choose by it");
        }
        let bytes: usize = typed.iter().flat_map(|(_, one)| &one.environment).map(|(k, v)| k.len() + v.len()).sum();
        if bytes > LARGEST_ENVIRONMENT {
            self.problem(
                "Containers",
                format_args!("all Environments together take {bytes} bytes; at most {LARGEST_ENVIRONMENT}"),
            );
        }
        let mut containers: Vec<ContainerConfig> = Vec::with_capacity(typed.len());
        for (number, (path, container)) in (1..).zip(typed) {
            let name = match (&container.container_hostname, alone) {
                (Some(hostname), _) => hostname.clone(),
                (None, true) => "primary".to_owned(),
                (None, false) => format!("container-{number}"),
            };
            if containers.iter().any(|earlier| earlier.name == name) {
                self.problem(format_args!("{path}.ContainerHostname"), format_args!("\"{name}\" is taken already"));
            }
            let name_in_errors =
                if alone && mode == ExecutionMode::Serial { "primary".to_owned() } else { name.clone() };
            containers.push(self.container(&path, name, name_in_errors, container));
        }
        containers
    }

    fn container(
        &mut self,
        path: &str,
        name: String,
        name_in_errors: String,
        typed: ContainerDefinition,
    ) -> ContainerConfig {
        self.unknown(&format!("{path}."), &typed.unknown);
        if typed.container_hostname.as_deref().is_some_and(|hostname| !is_name(hostname)) {
            self.problem(format_args!("{path}.ContainerHostname"), not_a_name(&name));
        }
        match typed.image.as_deref() {
            None => self.problem(format_args!("{path}.Image"), "missing"),
            Some(image) if image.is_empty() || image.len() > 255 || image.contains(char::is_whitespace) => {
                self.problem(format_args!("{path}.Image"), "expected 1 to 255 characters without white space");
            }
            Some(_) => {}
        }
        for (member, given) in [
            ("ModelDataSource", typed.model_data_source.is_some()),
            ("AdditionalModelDataSources", typed.additional_model_data_sources.is_some()),
            ("ModelPackageName", typed.model_package_name.is_some()),
            ("InferenceSpecificationName", typed.inference_specification_name.is_some()),
        ] {
            if given {
                self.problem(format_args!("{path}.{member}"), "not supported by a local endpoint; use ModelDataUrl");
            }
        }
        self.environment(path, &typed.environment);
        let mode = typed.mode.unwrap_or(Mode::SingleModel);
        if let Some(cache) = &typed.multi_model_config {
            self.unknown(&format!("{path}.MultiModelConfig."), &cache.unknown);
            if mode == Mode::SingleModel {
                self.problem(format_args!("{path}.MultiModelConfig"), "only a container of Mode MultiModel has one");
            }
        }
        let cache = typed.multi_model_config.and_then(|config| config.model_cache_setting);
        let cache = cache.unwrap_or(ModelCacheSetting::Enabled);
        let url = typed.model_data_url.map(|url| self.model_data_url(path, url));
        let models = match (mode, url) {
            (Mode::SingleModel, url) => Models::Single(url),
            (Mode::MultiModel, Some(prefix)) => Models::Multi { prefix, cache },
            (Mode::MultiModel, None) => {
                self.problem(
                    format_args!("{path}.ModelDataUrl"),
                    "missing; a container of Mode MultiModel takes its models from under this prefix",
                );
                Models::Single(None)
            }
        };
        ContainerConfig { name, name_in_errors, environment: typed.environment, models }
    }

    fn environment(&mut self, path: &str, environment: &BTreeMap<String, String>) {
        if environment.len() > MOST_VARIABLES {
            self.problem(
                format_args!("{path}.Environment"),
                format_args!("{} entries; at most {MOST_VARIABLES}", environment.len()),
            );
        }
        for (name, value) in environment {
            let member = format!("{path}.Environment.{name}");
            let mut characters = name.bytes();
            let first = characters.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
            if !first || !characters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                self.problem(&member, "a variable's name has letters, digits and _ only, and starts with no digit");
            }
            if name.len() > LONGEST_VARIABLE || value.len() > LONGEST_VARIABLE {
                self.problem(&member, format_args!("name or value is longer than {LONGEST_VARIABLE} bytes"));
            }
            if value.contains('\0') {
                self.problem(&member, "the value contains a NUL character");
            }
        }
    }

    fn model_data_url(&mut self, path: &str, as_written: String) -> ModelDataUrl {
        let location = self.location(format_args!("{path}.ModelDataUrl"), &as_written);
        ModelDataUrl { as_written, location }
    }

    fn location(&mut self, member: impl std::fmt::Display, as_written: &str) -> Location {
        Location::parse(as_written, self.folder).unwrap_or_else(|problem| {
            self.problem(member, problem);
            Location::Local(PathBuf::new())
        })
    }

    fn required_name(&mut self, member: &str, name: Option<String>) -> String {
        match name.as_deref() {
            None => self.problem(member, "missing"),
            Some(name) if !is_name(name) => self.problem(member, not_a_name(name)),
            Some(_) => {}
        }
        name.unwrap_or_default()
    }
}

/// SageMaker's pattern of names, `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`, and its length of at most 63.
fn is_name(name: &str) -> bool {
    name.len() <= 63
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.is_empty()
}

fn not_a_name(name: &str) -> String {
    format!("\"{name}\" is not a name: 1 to 63 letters, digits and hyphens, no hyphen first or last")
}

#[cfg(test)]
#[path = "config_test.rs"]
mod tests;
