//! The endpoint's configuration: CreateModel's own JSON plus `EndpointName`, checked.
//!
//! `create_model` is the file as typed; [`EndpointConfig`] is what it means. All that is wrong is reported together, each
//! with the member it is in. The limits are those of the service
//! (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html and API_ContainerDefinition.html).

mod create_model;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use create_model::{ContainerDefinition, CreateModel, ExecutionMode, Mode, ModelCacheSetting, Unknown};

use crate::endpoint::problems::listed;
use crate::error::{Cause, Error, Result};

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
#[derive(Debug, PartialEq, Eq)]
pub struct EndpointConfig {
    /// EndpointName.
    pub endpoint_name: String,
    /// The account in ExecutionRoleArn, else the one of AWS's documentation.
    pub account: String,
    /// 1 to 15 containers, in the order in which a request goes through them.
    pub containers: Vec<ContainerConfig>,
}

/// One container.
#[derive(Debug, PartialEq, Eq)]
pub struct ContainerConfig {
    /// ContainerHostname, else `primary` for a container that is alone and `container-1`, `container-2`… by position.
    pub name: String,
    /// The name that errors use: `primary` for a container that is alone, else `name`.
    pub name_in_errors: String,
    /// Environment.
    pub environment: BTreeMap<String, String>,
    /// What the container serves.
    pub models: Models,
}

/// What a container serves.
#[derive(Debug, PartialEq, Eq)]
pub enum Models {
    /// Mode SingleModel: one artifact (an archive or a folder), or none.
    Single(Option<ModelDataUrl>),
    /// Mode MultiModel: the prefix that a request's TargetModel is under.
    Multi(ModelDataUrl),
}

/// A ModelDataUrl that names a place on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelDataUrl {
    /// As the configuration says it.
    pub as_written: String,
    /// The same place as a path. A relative path is relative to the configuration's folder.
    pub path: PathBuf,
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
        let typed: CreateModel = serde_json::from_str(text).map_err(|error| vec![error.to_string()])?;
        let mut check = Check { folder, problems: Vec::new() };
        let config = check.endpoint(typed);
        if check.problems.is_empty() { Ok(config) } else { Err(check.problems) }
    }
}

/// Turns what was typed into what it means and collects what is wrong on the way.
struct Check<'a> {
    folder: &'a Path,
    problems: Vec<String>,
}

impl Check<'_> {
    fn problem(&mut self, member: impl std::fmt::Display, message: impl std::fmt::Display) {
        self.problems.push(format!("{member}: {message}"));
    }

    fn unknown(&mut self, path: &str, unknown: &Unknown) {
        for name in unknown.keys() {
            self.problem(format_args!("{path}{name}"), "unknown member; CreateModel has none of that name");
        }
    }

    fn endpoint(&mut self, typed: CreateModel) -> EndpointConfig {
        self.unknown("", &typed.unknown);
        let endpoint_name = self.required_name("EndpointName", typed.endpoint_name);
        self.required_name("ModelName", typed.model_name);
        let account = match typed.execution_role_arn.as_deref() {
            None => ACCOUNT.to_owned(),
            Some(arn) => self.account(arn),
        };
        if let Some(execution) = &typed.inference_execution_config {
            self.unknown("InferenceExecutionConfig.", &execution.unknown);
            if execution.mode == ExecutionMode::Direct {
                self.problem("InferenceExecutionConfig.Mode", "Direct is not supported, only Serial");
            }
        }
        let containers = match (typed.primary_container, typed.containers) {
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
        };
        EndpointConfig { endpoint_name, account, containers: self.containers(containers) }
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

    fn containers(&mut self, typed: Vec<(String, ContainerDefinition)>) -> Vec<ContainerConfig> {
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
            let name_in_errors = if alone { "primary".to_owned() } else { name.clone() };
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
            if cache.model_cache_setting == Some(ModelCacheSetting::Disabled) {
                self.problem(
                    format_args!("{path}.MultiModelConfig.ModelCacheSetting"),
                    "Disabled is not supported by a local endpoint, only Enabled",
                );
            }
        }
        let url = typed.model_data_url.map(|url| self.model_data_url(path, url));
        let models = match (mode, url) {
            (Mode::SingleModel, url) => Models::Single(url),
            (Mode::MultiModel, Some(prefix)) => Models::Multi(prefix),
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
        let member = format!("{path}.ModelDataUrl");
        let location = match as_written.split_once("://") {
            Some(("file", location)) => location,
            None => as_written.as_str(),
            Some(("s3", _)) => {
                self.problem(
                    &member,
                    format_args!("\"{as_written}\": s3:// cannot be read yet; give a folder or a file:// URL"),
                );
                ""
            }
            Some((scheme, _)) => {
                self.problem(
                    &member,
                    format_args!(
                        "\"{as_written}\": {scheme}:// cannot be read; give a folder, a file or a file:// URL"
                    ),
                );
                ""
            }
        };
        if as_written.is_empty() || as_written.contains('\0') {
            self.problem(&member, "expected a path or a file:// URL");
        }
        ModelDataUrl { path: self.folder.join(location), as_written }
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
