//! CreateModel: parses and validates the containers of a model.
//!
//! `CreateModel` is the request as written; [`ModelConfig`] is the validated model. All problems are reported
//! together, each with its member. The limits are SageMaker's
//! (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModel.html and API_ContainerDefinition.html).

pub(crate) mod members;
mod model_data;
mod request;
mod request_file;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

pub use model_data::{ModelDataUrl, ModelForm};
use request::{ContainerDefinition, DESCRIPTION_MEMBERS, InferenceExecutionConfig, Mode};
pub(crate) use request::{CreateModel, UnknownMembers};
pub use request::{ExecutionMode, ModelCacheSetting};
pub(crate) use request_file::FileOf;
use serde::de::DeserializeOwned;

use crate::storage::Location;
use byoc_formats::json_document::{self, Mistake, Mistyped, Path as JsonPath, Segment};
use byoc_formats::json_syntax;
use serde_json::Value;

/// An inference pipeline has at most this many containers.
const MAX_CONTAINERS: usize = 15;
/// A container's Environment has at most this many entries.
const MAX_VARIABLES: usize = 100;
/// A key or a value of Environment has at most this many bytes.
const MAX_VARIABLE_BYTES: usize = 1024;
/// All containers' environments together have at most this many bytes.
const MAX_ENVIRONMENT_BYTES: usize = 32 * 1024;
/// The most characters of a file's first line in a message.
const MAX_SHOWN: usize = 60;

/// A model, as CreateModel creates it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelConfig {
    /// How requests are routed through the containers.
    pub mode: ExecutionMode,
    /// 1 to 15 containers, in the order in which a request passes through them.
    pub containers: Vec<ContainerConfig>,
}

/// One container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerConfig {
    /// ContainerHostname, or else `primary` for a single container and `container-1`, `container-2`… for several.
    pub name: String,
    /// The name in errors: `primary` for a single container in Serial mode, otherwise `name`.
    pub name_in_errors: String,
    /// Environment: variables for the container's environment.
    pub environment: BTreeMap<String, String>,
    /// The models that the container serves.
    pub models: Models,
}

/// The models that a container serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Models {
    /// Mode SingleModel: one artifact (an archive or a folder), or none.
    Single(Option<ModelDataUrl>),
    /// Mode MultiModel.
    Multi {
        /// The prefix of the models' archives. A request's TargetModel is relative to it.
        prefix: ModelDataUrl,
        /// MultiModelConfig.ModelCacheSetting.
        cache: ModelCacheSetting,
    },
}

/// Parses JSON as a request of the API.
///
/// # Errors
/// All problems, each with its member.
pub(crate) fn parse_request<T: DeserializeOwned>(text: &str) -> Result<T, Vec<String>> {
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('{') {
        let first: String = text.trim().lines().next().unwrap_or_default().chars().take(MAX_SHOWN).collect();
        let found = if first.is_empty() { "an empty file".to_owned() } else { format!("{first:?}") };
        let expected = "expected a JSON object, the request of an operation of SageMaker's API";
        return Err(vec![format!("{expected}, found {found}")]);
    }
    let mut rest: Value =
        serde_json::from_str(text).map_err(|error| vec![json_syntax::describe(text.as_bytes(), &error)])?;
    let mut read = json_document::read(&mut serde_json::Deserializer::from_str(text));
    let mut problems = Vec::new();
    let mut removed = Vec::new();
    // Serde reports one problem at a time: remove the wrong member and parse again to find the next one.
    loop {
        match read {
            Ok(typed) if problems.is_empty() => return Ok(typed),
            Ok(_) => return Err(problems),
            Err(mistyped) => {
                let Mistyped { path, mistake } = &mistyped;
                // A required member that was removed is missing now, which is no mistake of the user's.
                let is_removed =
                    matches!(mistake, Mistake::Missing(name) if removed.contains(&member_path(path, name)));
                if !is_removed {
                    problems.push(mistyped.to_string());
                }
                removed.push(path.to_string());
                if !remove_member(&mut rest, path) {
                    return Err(problems);
                }
            }
        }
        read = json_document::read(&rest);
    }
}

/// The path of a member of the object at a path.
fn member_path(object: &JsonPath, name: &str) -> String {
    if object.iter().next().is_some() { format!("{object}.{name}") } else { name.to_owned() }
}

/// Removes the last member on a path from its object. Returns false if the path has no member.
fn remove_member(document: &mut Value, path: &JsonPath) -> bool {
    let segments: Vec<&Segment> = path.iter().collect();
    let name = |segment: &Segment| match segment {
        Segment::Map { key } => Some(key.clone()),
        Segment::Enum { variant } => Some(variant.clone()),
        Segment::Seq { .. } | Segment::Unknown => None,
    };
    let Some(last) = segments.iter().rposition(|segment| name(segment).is_some()) else { return false };
    let (above, rest) = segments.split_at(last);
    let object = above.iter().try_fold(document, |value, segment| match segment {
        Segment::Seq { index } => value.get_mut(*index),
        other => name(other).and_then(|name| value.get_mut(name)),
    });
    let member = rest.first().and_then(|segment| name(segment));
    match (object.and_then(Value::as_object_mut), member) {
        (Some(members), Some(member)) => members.remove(&member).is_some(),
        _ => false,
    }
}

/// Turns a request into validated settings, and collects the problems in it.
pub(crate) struct Validator<'a> {
    pub(crate) folder: &'a Path,
    /// The path of the structure that is being checked, such as `Models[0].`.
    pub(crate) prefix: String,
    pub(crate) problems: Vec<String>,
}

impl Validator<'_> {
    pub(crate) fn problem(&mut self, member: impl std::fmt::Display, message: impl std::fmt::Display) {
        self.problems.push(format!("{}{member}: {message}", self.prefix));
    }

    pub(crate) fn unknown(&mut self, path: &str, unknown: &UnknownMembers) {
        self.unknown_except(path, unknown, &[]);
    }

    /// Reports unknown members, except for members of the API that have no meaning here.
    pub(crate) fn unknown_except(&mut self, path: &str, unknown: &UnknownMembers, ignored: &[&str]) {
        for name in unknown.keys().filter(|name| !ignored.contains(&name.as_str())) {
            self.problem(format_args!("{path}{name}"), members::unknown_message(name));
        }
    }

    /// Validates a model. Returns its name, too.
    pub(crate) fn model(&mut self, typed: CreateModel) -> (String, ModelConfig) {
        self.unknown_except("", &typed.unknown, &DESCRIPTION_MEMBERS);
        let name = self.required_name("ModelName", typed.model_name);
        let mode = self.execution_mode(typed.inference_execution_config.as_ref());
        let containers = self.definitions(typed.primary_container, typed.containers);
        (name, ModelConfig { mode, containers: self.containers(containers, mode) })
    }

    pub(crate) fn execution_mode(&mut self, typed: Option<&InferenceExecutionConfig>) -> ExecutionMode {
        let Some(execution) = typed else { return ExecutionMode::Serial };
        self.unknown("InferenceExecutionConfig.", &execution.unknown);
        execution.mode
    }

    /// The container definitions, each with the path of its member.
    pub(crate) fn definitions(
        &mut self,
        primary: Option<ContainerDefinition>,
        list: Option<Vec<ContainerDefinition>>,
    ) -> Vec<(String, ContainerDefinition)> {
        match (primary, list) {
            // Some AWS emulators describe a pipeline with an empty PrimaryContainer.
            (Some(container), Some(list)) if container.is_empty() && !list.is_empty() => {
                self.definitions(None, Some(list))
            }
            (Some(container), None) => vec![("PrimaryContainer".to_owned(), container)],
            // DescribeModel may return an empty list of Containers.
            (Some(container), Some(list)) if list.is_empty() => vec![("PrimaryContainer".to_owned(), container)],
            (None, Some(list)) if list.is_empty() => {
                self.problem("Containers", format_args!("empty; give 1 to {MAX_CONTAINERS}"));
                Vec::new()
            }
            (None, Some(list)) => (0..).zip(list).map(|(i, one)| (format!("Containers[{i}]"), one)).collect(),
            (Some(_), Some(_)) => {
                self.problem("PrimaryContainer", "cannot be combined with Containers; give one of the two");
                Vec::new()
            }
            (None, None) => {
                self.problem("Containers", "missing; give Containers, or PrimaryContainer for a single container");
                Vec::new()
            }
        }
    }

    pub(crate) fn containers(
        &mut self,
        typed: Vec<(String, ContainerDefinition)>,
        mode: ExecutionMode,
    ) -> Vec<ContainerConfig> {
        let alone = typed.len() == 1;
        if typed.len() > MAX_CONTAINERS {
            self.problem("Containers", format_args!("{} entries; at most {MAX_CONTAINERS}", typed.len()));
        }
        if typed.iter().filter(|(_, container)| container.mode == Some(Mode::MultiModel)).count() > 1 {
            // CreateModel's own message: OElesin/sagemaker-autopilot-step-functions#10.
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
            self.problem(
                "Containers",
                "ContainerHostname is missing; in Direct mode, requests select a container by it",
            );
        }
        let bytes: usize = typed.iter().flat_map(|(_, one)| &one.environment).map(|(k, v)| k.len() + v.len()).sum();
        if bytes > MAX_ENVIRONMENT_BYTES {
            self.problem(
                "Containers",
                format_args!("all Environments together take {bytes} bytes; at most {MAX_ENVIRONMENT_BYTES}"),
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
                self.problem(format_args!("{path}.ContainerHostname"), format_args!("\"{name}\" is already taken"));
            }
            let name_in_errors =
                if alone && mode == ExecutionMode::Serial { "primary".to_owned() } else { name.clone() };
            containers.push(self.container(&path, name, name_in_errors, container));
        }
        containers
    }

    pub(crate) fn container(
        &mut self,
        path: &str,
        name: String,
        name_in_errors: String,
        typed: ContainerDefinition,
    ) -> ContainerConfig {
        self.unknown(&format!("{path}."), &typed.unknown);
        if typed.container_hostname.as_deref().is_some_and(|hostname| !is_valid_name(hostname)) {
            self.problem(format_args!("{path}.ContainerHostname"), invalid_name_message(&name));
        }
        match typed.image.as_deref() {
            None => self.problem(format_args!("{path}.Image"), "missing"),
            Some(image) if image.is_empty() || image.len() > 255 || image.contains(char::is_whitespace) => {
                self.problem(format_args!("{path}.Image"), "expected 1 to 255 characters without white space");
            }
            Some(_) => {}
        }
        for (member, given) in [
            ("AdditionalModelDataSources", typed.additional_model_data_sources.is_some()),
            ("ModelPackageName", typed.model_package_name.is_some()),
            ("InferenceSpecificationName", typed.inference_specification_name.is_some()),
        ] {
            if given {
                let message = "not supported by a local endpoint; use ModelDataUrl or ModelDataSource";
                self.problem(format_args!("{path}.{member}"), message);
            }
        }
        self.environment(path, &typed.environment);
        let mode = typed.mode.unwrap_or(Mode::SingleModel);
        if let Some(cache) = &typed.multi_model_config {
            self.unknown(&format!("{path}.MultiModelConfig."), &cache.unknown);
            if mode == Mode::SingleModel {
                self.problem(
                    format_args!("{path}.MultiModelConfig"),
                    "allowed only for a container of Mode MultiModel",
                );
            }
        }
        let cache = typed.multi_model_config.and_then(|config| config.model_cache_setting);
        let cache = cache.unwrap_or(ModelCacheSetting::Enabled);
        let url = self.model_data(path, mode, typed.model_data_url, typed.model_data_source);
        let models = match (mode, url) {
            (Mode::SingleModel, url) => Models::Single(url),
            (Mode::MultiModel, Some(prefix)) => Models::Multi { prefix, cache },
            (Mode::MultiModel, None) => {
                self.problem(
                    format_args!("{path}.ModelDataUrl"),
                    "missing; a container of Mode MultiModel loads its models from below this prefix",
                );
                Models::Single(None)
            }
        };
        ContainerConfig { name, name_in_errors, environment: typed.environment, models }
    }

    pub(crate) fn environment(&mut self, path: &str, environment: &BTreeMap<String, String>) {
        if environment.len() > MAX_VARIABLES {
            self.problem(
                format_args!("{path}.Environment"),
                format_args!("{} entries; at most {MAX_VARIABLES}", environment.len()),
            );
        }
        for (name, value) in environment {
            let member = format!("{path}.Environment.{name}");
            let mut characters = name.bytes();
            let first = characters.next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_');
            if !first || !characters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                self.problem(
                    &member,
                    "a variable's name has only letters, digits and _, and does not start with a digit",
                );
            }
            if name.len() > MAX_VARIABLE_BYTES || value.len() > MAX_VARIABLE_BYTES {
                self.problem(&member, format_args!("name or value is longer than {MAX_VARIABLE_BYTES} bytes"));
            }
            if value.contains('\0') {
                self.problem(&member, "the value contains a NUL character");
            }
        }
    }

    pub(crate) fn location(&mut self, member: impl std::fmt::Display, as_written: &str) -> Location {
        Location::parse_quoting(as_written, self.folder).unwrap_or_else(|problem| {
            self.problem(member, problem);
            Location::Local(PathBuf::new())
        })
    }

    pub(crate) fn required_name(&mut self, member: &str, name: Option<String>) -> String {
        match name.as_deref() {
            None => self.problem(member, "missing"),
            Some(name) if !is_valid_name(name) => self.problem(member, invalid_name_message(name)),
            Some(_) => {}
        }
        name.unwrap_or_default()
    }
}

/// Whether a name matches SageMaker's pattern `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}` and has at most 63 characters.
pub(crate) fn is_valid_name(name: &str) -> bool {
    name.len() <= 63
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        && !name.starts_with('-')
        && !name.ends_with('-')
        && !name.is_empty()
}

pub(crate) fn invalid_name_message(name: &str) -> String {
    format!("\"{name}\" is not a name: 1 to 63 letters, digits and hyphens, no hyphen first or last")
}
