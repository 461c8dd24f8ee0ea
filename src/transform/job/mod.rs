//! A validated job: the members of CreateTransformJob that have a meaning on one machine, with the service's limits.

mod check;

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::header::HeaderValue;

use super::create_transform_job::{AssembleWith, CompressionType, S3DataType};
use super::processing::DataProcessing;
use super::split::{Header, SplitType};
use crate::platform::batch_strategy::BatchStrategy;
use crate::storage::Location;

/// MaxPayloadInMB is at most this, and so is its product with MaxConcurrentTransforms
/// (docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html).
pub(super) const MAX_MEGABYTES: u64 = 100;
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

#[cfg(test)]
mod tests {
    use std::path::Path;

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
