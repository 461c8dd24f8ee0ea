//! A validated job: the members of CreateTransformJob that have a meaning on one machine, with the service's limits.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use reqwest::header::HeaderValue;

use super::create_transform_job::{AssembleWith, CompressionType, CreateTransformJob, DESCRIPTION_MEMBERS, S3DataType};
use super::processing::DataProcessing;
use super::split::{Header, SplitType};
use crate::platform::batch_strategy::BatchStrategy;
use crate::platform::create_model::members;
use crate::platform::create_model::{invalid_name_message, is_valid_name};
use crate::storage::Location;
use byoc_formats::media_types::MediaType;
use byoc_formats::media_types::content_type;

/// MaxPayloadInMB is at most this, and so is its product with MaxConcurrentTransforms
/// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html).
pub(super) const MOST_MEGABYTES: u64 = 100;
/// The most entries of Environment, and below the most bytes of a key and a value.
const MOST_VARIABLES: usize = 16;
const LONGEST_KEY: usize = 1024;
const LONGEST_VALUE: usize = 10 * 1024;
/// Defaults and bounds of ModelClientConfig.
const TIMEOUT_SECONDS: i64 = 600;
const LONGEST_TIMEOUT_SECONDS: i64 = 3600;
const RETRIES: i64 = 3;
const MOST_RETRIES: i64 = 3;

/// A transform job.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    /// TransformJobName.
    pub name: String,
    /// S3DataType: what S3Uri names.
    pub(super) input: Location,
    pub(super) data_type: S3DataType,
    pub(super) content_type: Option<HeaderValue>,
    /// The `header` parameter of ContentType.
    pub(super) header: Header,
    pub(super) compression: CompressionType,
    pub(super) split: SplitType,
    pub(super) output: Location,
    pub(super) accept: Option<HeaderValue>,
    pub(super) assemble: AssembleWith,
    pub(super) strategy: Option<BatchStrategy>,
    /// 0 streams whole objects.
    pub(super) max_payload_in_mb: Option<u64>,
    /// If absent, the container is asked.
    pub(super) max_concurrent: Option<u64>,
    /// The timeout of an invocation, and the number of retries.
    pub(super) timeout: Duration,
    pub(super) retries: u32,
    pub(super) environment: BTreeMap<String, String>,
    pub(super) processing: Option<DataProcessing>,
}

impl Job {
    /// Whether its Environment has a variable.
    pub fn has_variable(&self, name: &str) -> bool {
        self.environment.contains_key(name)
    }

    /// Sets a variable of the containers, overriding its Environment.
    pub fn set_variable(&mut self, name: &str, value: String) {
        self.environment.insert(name.to_owned(), value);
    }

    /// Checks a request whose relative paths are relative to `folder`.
    ///
    /// # Errors
    /// All problems.
    pub(super) fn check(typed: CreateTransformJob, folder: &Path) -> Result<Job, Vec<Problem>> {
        let mut check = Check { folder, problems: Vec::new() };
        let job = check.job(typed);
        match (job, check.problems.is_empty()) {
            (Some(job), true) => Ok(job),
            _ => Err(check.problems),
        }
    }
}

/// A problem in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The path of the member, by the names of the API.
    pub member: String,
    /// The problem.
    pub message: String,
}

/// The message for a required member that is absent.
pub const MISSING: &str = "missing";

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.member, self.message)
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
        let payload = self.number("MaxPayloadInMB", typed.max_payload_in_mb, 0, MOST_MEGABYTES as i64);
        let concurrent = self.number("MaxConcurrentTransforms", typed.max_concurrent_transforms, 0, i64::MAX);
        let concurrent = concurrent.filter(|&concurrent| concurrent > 0);
        if let (Some(payload), Some(concurrent)) = (payload, concurrent)
            && payload.saturating_mul(concurrent) > MOST_MEGABYTES
        {
            self.problem(
                "MaxConcurrentTransforms",
                format_args!("{concurrent} times MaxPayloadInMB {payload} is more than {MOST_MEGABYTES}"),
            );
        }
        let timeout = self.number(
            "ModelClientConfig.InvocationsTimeoutInSeconds",
            Some(model_client_config.invocations_timeout_in_seconds.unwrap_or(TIMEOUT_SECONDS)),
            1,
            LONGEST_TIMEOUT_SECONDS,
        );
        let retries = self.number(
            "ModelClientConfig.InvocationsMaxRetries",
            Some(model_client_config.invocations_max_retries.unwrap_or(RETRIES)),
            0,
            MOST_RETRIES,
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
            Some(as_written) => Location::parse(as_written, self.folder),
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
        if environment.len() > MOST_VARIABLES {
            self.problem("Environment", format_args!("{} entries; at most {MOST_VARIABLES}", environment.len()));
        }
        for (name, value) in environment {
            let member = format!("Environment.{name}");
            let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            if !starts_well || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                self.problem(&member, "a variable's name has letters, digits and _ only, and starts with no digit");
            }
            if name.len() > LONGEST_KEY || value.len() > LONGEST_VALUE {
                let message =
                    format!("the name has more than {LONGEST_KEY} bytes, or the value more than {LONGEST_VALUE}");
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
        let is_asked_for = filters.join_source != super::processing::JoinSource::None
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::error::{Cause, Error, Result};
    use crate::platform::problems::list_problems;

    fn full() -> Value {
        json!({
            "TransformJobName": "housing-1", "ModelName": "housing",
            "MaxConcurrentTransforms": 4, "MaxPayloadInMB": 6, "BatchStrategy": "MultiRecord",
            "ModelClientConfig": {"InvocationsTimeoutInSeconds": 60, "InvocationsMaxRetries": 1},
            "Environment": {"A": "b"},
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://bucket/in/"}},
                "ContentType": "text/csv", "CompressionType": "Gzip", "SplitType": "Line"
            },
            "TransformOutput": {"S3OutputPath": "out", "Accept": "text/csv", "AssembleWith": "Line", "KmsKeyId": ""},
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
            "DataProcessing": {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"},
            "Tags": [], "ExperimentConfig": {}, "DataCaptureConfig": {"DestinationS3Uri": "s3://b/c"}
        })
    }

    fn check(typed: Value) -> Result<Job> {
        let problems = |problems: Vec<Problem>| {
            let problems: Vec<String> = problems.iter().map(Problem::to_string).collect();
            Error::new(Cause::BadSetting, list_problems(&problems))
        };
        Job::check(serde_json::from_value(typed).unwrap(), Path::new("/folder")).map_err(problems)
    }

    #[test]
    fn requests_that_the_service_accepts_are_accepted() {
        let job = check(full()).unwrap();
        assert_eq!(job.name, "housing-1");
        assert_eq!(job.input, Location::S3 { bucket: "bucket".into(), key: "in/".into() });
        assert_eq!(job.output, Location::Local("/folder/out".into()));
        assert_eq!((job.timeout.as_secs(), job.retries), (60, 1));
        assert_eq!((job.max_payload_in_mb, job.max_concurrent), (Some(6), Some(4)));
        assert!(job.processing.is_some());
        let least = json!({
            "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "in"}}},
            "TransformOutput": {"S3OutputPath": "out"}
        });
        let job = check(least).unwrap();
        assert_eq!((job.timeout.as_secs(), job.retries), (600, 3));
        assert_eq!((job.split, job.assemble, job.strategy), (SplitType::None, AssembleWith::None, None));
        assert_eq!((job.max_payload_in_mb, job.max_concurrent, job.processing), (None, None, None));
    }

    /// The output of `aws sagemaker describe-transform-job`.
    #[test]
    fn the_description_of_a_job_is_accepted_as_the_job() {
        let described = json!({
            "TransformJobArn": "arn:aws:sagemaker:us-east-1:123456789012:transform-job/housing-1",
            "TransformJobStatus": "Failed", "FailureReason": "AlgorithmError",
            "CreationTime": "2026-11-30T09:00:00+00:00", "TransformStartTime": "2026-11-30T09:00:01+00:00",
            "TransformEndTime": 1796029200.5, "AutoMLJobArn": "arn:aws:sagemaker:us-east-1:123456789012:automl-job/a",
            "LabelingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:labeling-job/l",
            "ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": 0}
        });
        let mut typed = full();
        typed.as_object_mut().unwrap().extend(described.as_object().unwrap().clone());
        assert_eq!(check(typed.clone()).unwrap(), check(full()).unwrap());
        typed["TransformJobStaus"] = json!("Failed");
        typed["TransformInput"]["CreationTime"] = json!("2026");
        let message = check(typed).unwrap_err().message().to_owned();
        for expected in ["TransformJobStaus: unknown member", "TransformInput.CreationTime: unknown member"] {
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn each_limit_of_the_service_is_enforced() {
        let set = |path: &str, value: Value| {
            let mut typed = full();
            *typed.pointer_mut(path).unwrap() = value;
            check(typed).unwrap_err().message().to_owned()
        };
        for (path, value, expected) in [
            ("/TransformJobName", json!("a_b"), "TransformJobName: \"a_b\" is not a name"),
            ("/MaxPayloadInMB", json!(101), "MaxPayloadInMB: 101; give 0 to 100"),
            (
                "/MaxConcurrentTransforms",
                json!(17),
                "MaxConcurrentTransforms: 17 times MaxPayloadInMB 6 is more than 100",
            ),
            ("/MaxConcurrentTransforms", json!(-1), "MaxConcurrentTransforms: -1; give 0 or more"),
            (
                "/ModelClientConfig/InvocationsTimeoutInSeconds",
                json!(0),
                "InvocationsTimeoutInSeconds: 0; give 1 to 3600",
            ),
            ("/ModelClientConfig/InvocationsMaxRetries", json!(4), "InvocationsMaxRetries: 4; give 0 to 3"),
            ("/Environment", json!({"1A": "b"}), "Environment.1A: a variable's name"),
            ("/TransformInput/DataSource/S3DataSource/S3Uri", json!("gs://b/c"), "S3Uri: \"gs://b/c\""),
            (
                "/TransformInput/DataSource/S3DataSource/S3DataType",
                json!("AugmentedManifestFile"),
                "AugmentedManifestFile is not for transform jobs",
            ),
            ("/TransformInput/ContentType", json!("a\nb"), "ContentType: expected at most 256 visible characters"),
            (
                "/TransformInput/ContentType",
                json!("image/png"),
                "DataProcessing: only with a TransformInput.ContentType",
            ),
            (
                "/TransformInput/ContentType",
                json!("text/csv; header=present; header=absent"),
                "TransformInput.ContentType: Content-Type \"text/csv; header=present; header=absent\" has header twice",
            ),
            ("/TransformOutput/Accept", json!("application/json"), "Accept: with DataProcessing it must be"),
            ("/TransformOutput/AssembleWith", json!("None"), "AssembleWith: with DataProcessing it must be"),
            ("/MaxPayloadInMB", json!(0), "MaxPayloadInMB: 0 streams whole objects"),
            ("/DataProcessing/InputFilter", json!("$.a"), "DataProcessing.InputFilter: Invalid InputFilter: \"$.a\""),
        ] {
            let found = set(path, value.clone());
            assert!(found.contains(expected), "{path} {value}: {found}");
        }
        let many: serde_json::Map<String, Value> = (0..17).map(|n| (format!("V{n}"), json!("x"))).collect();
        assert!(set("/Environment", Value::Object(many)).contains("17 entries; at most 16"));
    }

    #[test]
    fn a_member_that_the_api_does_not_have_is_reported_with_its_path() {
        let typed = json!({
            "TransformInputs": {}, "TransformInput": {"SplitTyp": "Line", "DataSource": {"S3DataSource": {"Uri": "x"}}}
        });
        let error = check(typed).unwrap_err();
        for expected in [
            "TransformInputs: unknown member",
            "TransformInput.SplitTyp: unknown",
            "TransformInput.DataSource.S3DataSource.Uri: unknown",
            "S3Uri: missing",
            "S3OutputPath: missing",
        ] {
            assert!(error.message().contains(expected), "{error}");
        }
    }
}
