//! Checks a CreateTransformJob request against the service's limits, and reports all problems at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use reqwest::header::HeaderValue;

use super::{Job, MAX_MEGABYTES, MISSING, Problem};
use crate::platform::create_model::members;
use crate::platform::create_model::{invalid_name_message, is_valid_name};
use crate::storage::Location;
use crate::transform::create_transform_job::{AssembleWith, CreateTransformJob, DESCRIPTION_MEMBERS, S3DataType};
use crate::transform::processing::{DataProcessing, JoinSource};
use crate::transform::split::{Header, SplitType};
use byoc_formats::media_types::MediaType;
use byoc_formats::media_types::content_type;

/// The most entries of Environment, and below the most bytes of a key and a value.
const MAX_VARIABLES: usize = 16;
const MAX_KEY_LENGTH: usize = 1024;
const MAX_VALUE_LENGTH: usize = 10 * 1024;
/// Defaults and bounds of ModelClientConfig.
const TIMEOUT_SECONDS: i64 = 600;
const MAX_TIMEOUT_SECONDS: i64 = 3600;
const RETRIES: i64 = 3;
const MAX_RETRIES: i64 = 3;

impl Job {
    /// Checks a request whose relative paths are relative to `folder`.
    ///
    /// # Errors
    /// All problems.
    pub(in crate::transform) fn check(typed: CreateTransformJob, folder: &Path) -> Result<Job, Vec<Problem>> {
        let mut check = Check { folder, problems: Vec::new() };
        let job = check.job(typed);
        match (job, check.problems.is_empty()) {
            (Some(job), true) => Ok(job),
            _ => Err(check.problems),
        }
    }
}

struct Check<'a> {
    folder: &'a Path,
    problems: Vec<Problem>,
}

impl Check<'_> {
    fn problem(&mut self, member: impl std::fmt::Display, message: impl std::fmt::Display) {
        self.problems.push(Problem { member: member.to_string(), message: message.to_string() });
    }

    fn job(&mut self, typed: CreateTransformJob) -> Option<Job> {
        self.unknown(&typed);
        let CreateTransformJob { transform_input, transform_output, model_client_config, .. } = &typed;
        for (member, name) in [("TransformJobName", &typed.transform_job_name), ("ModelName", &typed.model_name)] {
            if let Some(name) = name.as_deref().filter(|name| !is_valid_name(name)) {
                self.problem(member, invalid_name_message(name));
            }
        }
        let source = &transform_input.data_source.s3;
        let data_type = source.data_type.unwrap_or(S3DataType::S3Prefix);
        if matches!(data_type, S3DataType::AugmentedManifestFile | S3DataType::Converse) {
            let message = format!("{data_type:?} is not for transform jobs; give S3Prefix or ManifestFile");
            self.problem("TransformInput.DataSource.S3DataSource.S3DataType", message);
        }
        let input = self.location("TransformInput.DataSource.S3DataSource.S3Uri", source.uri.as_deref());
        let output = self.location("TransformOutput.S3OutputPath", transform_output.s3_output_path.as_deref());
        let content_type = self.header("TransformInput.ContentType", transform_input.content_type.as_deref());
        let header = Header::of(transform_input.content_type.as_deref()).unwrap_or_else(|error| {
            self.problem("TransformInput.ContentType", error.message());
            Header::Absent
        });
        let accept = self.header("TransformOutput.Accept", transform_output.accept.as_deref());
        let payload = self.number("MaxPayloadInMB", typed.max_payload_in_mb, 0, MAX_MEGABYTES as i64);
        let concurrent = self.number("MaxConcurrentTransforms", typed.max_concurrent_transforms, 0, i64::MAX);
        let concurrent = concurrent.filter(|&concurrent| concurrent > 0);
        if let (Some(payload), Some(concurrent)) = (payload, concurrent)
            && payload.saturating_mul(concurrent) > MAX_MEGABYTES
        {
            self.problem(
                "MaxConcurrentTransforms",
                format_args!("{concurrent} times MaxPayloadInMB {payload} is more than {MAX_MEGABYTES}"),
            );
        }
        let timeout = self.number(
            "ModelClientConfig.InvocationsTimeoutInSeconds",
            Some(model_client_config.invocations_timeout_in_seconds.unwrap_or(TIMEOUT_SECONDS)),
            1,
            MAX_TIMEOUT_SECONDS,
        );
        let retries = self.number(
            "ModelClientConfig.InvocationsMaxRetries",
            Some(model_client_config.invocations_max_retries.unwrap_or(RETRIES)),
            0,
            MAX_RETRIES,
        );
        self.environment(&typed.environment);
        let processing = self.processing(&typed, payload);
        Some(Job {
            name: typed.transform_job_name.unwrap_or_else(|| "transform".to_owned()),
            input: input?,
            data_type,
            content_type,
            header,
            compression: typed.transform_input.compression_type,
            split: typed.transform_input.split_type,
            output: output?,
            accept,
            assemble: typed.transform_output.assemble_with,
            strategy: typed.batch_strategy,
            max_payload_in_mb: payload,
            max_concurrent: concurrent,
            timeout: Duration::from_secs(timeout?),
            retries: u32::try_from(retries?).unwrap_or(0),
            environment: typed.environment,
            processing,
        })
    }

    fn unknown(&mut self, typed: &CreateTransformJob) {
        let input = &typed.transform_input;
        let of_job = typed.unknown.keys().filter(|name| !DESCRIPTION_MEMBERS.contains(&name.as_str()));
        of_job.for_each(|name| self.unknown_member(name));
        for (path, unknown) in [
            ("ModelClientConfig.", &typed.model_client_config.unknown),
            ("TransformInput.", &input.unknown),
            ("TransformInput.DataSource.", &input.data_source.unknown),
            ("TransformInput.DataSource.S3DataSource.", &input.data_source.s3.unknown),
            ("TransformOutput.", &typed.transform_output.unknown),
            ("DataProcessing.", &typed.data_processing.unknown),
        ] {
            for name in unknown.keys() {
                self.unknown_member(format_args!("{path}{name}"));
            }
        }
    }

    fn unknown_member(&mut self, path: impl std::fmt::Display) {
        let path = path.to_string();
        let name = path.rsplit('.').next().unwrap_or_default();
        self.problem(&path, members::unknown_message(name));
    }

    fn location(&mut self, member: &str, as_written: Option<&str>) -> Option<Location> {
        let parsed = match as_written {
            None => Err(MISSING.to_owned()),
            Some(as_written) => Location::parse_quoting(as_written, self.folder),
        };
        parsed.map_err(|problem| self.problem(member, problem)).ok()
    }

    fn header(&mut self, member: &str, text: Option<&str>) -> Option<HeaderValue> {
        let value = HeaderValue::from_str(text?).ok().filter(|value| value.len() <= 256);
        if value.is_none() {
            self.problem(member, "expected at most 256 visible characters");
        }
        value
    }

    fn number(&mut self, member: &str, number: Option<i64>, least: i64, most: i64) -> Option<u64> {
        let number = number?;
        if !(least..=most).contains(&number) {
            let bounds = if most == i64::MAX { format!("{least} or more") } else { format!("{least} to {most}") };
            self.problem(member, format_args!("{number}; give {bounds}"));
        }
        u64::try_from(number).ok()
    }

    fn environment(&mut self, environment: &BTreeMap<String, String>) {
        if environment.len() > MAX_VARIABLES {
            self.problem("Environment", format_args!("{} entries; at most {MAX_VARIABLES}", environment.len()));
        }
        for (name, value) in environment {
            let member = format!("Environment.{name}");
            let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !starts_well || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                self.problem(
                    &member,
                    "a variable's name has only letters, digits and _, and does not start with a digit",
                );
            }
            if name.len() > MAX_KEY_LENGTH || value.len() > MAX_VALUE_LENGTH {
                let message =
                    format!("the name has more than {MAX_KEY_LENGTH} bytes, or the value more than {MAX_VALUE_LENGTH}");
                self.problem(&member, message);
            }
            if value.contains('\0') {
                self.problem(&member, "the value contains a NUL character");
            }
        }
    }

    /// The rules of docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html.
    fn processing(&mut self, typed: &CreateTransformJob, payload: Option<u64>) -> Option<DataProcessing> {
        let filters = &typed.data_processing;
        let is_asked_for = filters.join_source != JoinSource::None
            || [&filters.input_filter, &filters.output_filter]
                .into_iter()
                .flatten()
                .any(|filter| !matches!(filter.as_str(), "" | "$"));
        if !is_asked_for {
            return None;
        }
        let content_type = typed.transform_input.content_type.as_deref();
        let name = |text: Option<&str>| text.map(|text| content_type::Header::new(text).name().to_ascii_lowercase());
        let processed = [MediaType::Csv, MediaType::Json, MediaType::JsonLines];
        let media_type = name(content_type).as_deref().and_then(MediaType::from_name);
        let Some(media_type) = media_type.filter(|media_type| processed.contains(media_type)) else {
            self.problem(
                "DataProcessing",
                "only with a TransformInput.ContentType of text/csv, application/json or application/jsonlines",
            );
            return None;
        };
        if name(typed.transform_output.accept.as_deref()) != name(content_type) {
            self.problem("TransformOutput.Accept", "with DataProcessing it must be TransformInput.ContentType");
        }
        let (split, assemble) = (typed.transform_input.split_type, typed.transform_output.assemble_with);
        let fits =
            matches!((split, assemble), (SplitType::None, AssembleWith::None) | (SplitType::Line, AssembleWith::Line));
        if !fits {
            self.problem(
                "TransformOutput.AssembleWith",
                "with DataProcessing it must be TransformInput.SplitType, and both None or Line",
            );
        }
        if payload == Some(0) {
            self.problem("MaxPayloadInMB", "0 streams whole objects, and DataProcessing needs records; give 1 to 100");
        }
        let (input, output) = (filters.input_filter.as_deref(), filters.output_filter.as_deref());
        DataProcessing::new(media_type, input, filters.join_source, output).unwrap_or_else(|problems| {
            for (filter, problem) in problems {
                self.problem(format_args!("DataProcessing.{filter}"), problem);
            }
            None
        })
    }
}
