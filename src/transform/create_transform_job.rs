//! The JSON request of CreateTransformJob, not validated yet.
//!
//! Member names and shapes are botocore's (`data/sagemaker/2017-07-24/service-2.json`, shape
//! CreateTransformJobRequest). Members that have no meaning on one machine are read and ignored; unknown members are
//! kept by name, so that a misspelt one is reported instead of ignored.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::processing::JoinSource;
use super::split::SplitType;
use crate::platform::batch_strategy::BatchStrategy;

/// Members that the API does not have, by name.
pub(super) type UnknownMembers = BTreeMap<String, IgnoredAny>;

/// The members that DescribeTransformJob (shape DescribeTransformJobResponse) and boto3 add to the request:
/// the output of `aws sagemaker describe-transform-job` is accepted as it is.
pub(super) const DESCRIPTION_MEMBERS: [&str; 9] = [
    "TransformJobArn",
    "TransformJobStatus",
    "FailureReason",
    "CreationTime",
    "TransformStartTime",
    "TransformEndTime",
    "LabelingJobArn",
    "AutoMLJobArn",
    "ResponseMetadata",
];

/// CreateTransformJobRequest.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateTransformJob {
    pub(super) transform_job_name: Option<String>,
    pub(super) model_name: Option<String>,
    pub(super) max_concurrent_transforms: Option<i64>,
    #[serde(default)]
    pub(super) model_client_config: ModelClientConfig,
    #[serde(rename = "MaxPayloadInMB")]
    pub(super) max_payload_in_mb: Option<i64>,
    pub(super) batch_strategy: Option<BatchStrategy>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) transform_input: TransformInput,
    #[serde(default)]
    pub(super) transform_output: TransformOutput,
    #[serde(default)]
    pub(super) data_processing: Processing,
    /// The number and type of instances. Ignored: the job runs on this machine.
    #[serde(rename = "TransformResources")]
    _transform_resources: Option<IgnoredAny>,
    /// Copies of requests and responses. Ignored.
    #[serde(rename = "DataCaptureConfig")]
    _data_capture_config: Option<IgnoredAny>,
    #[serde(rename = "ExperimentConfig")]
    _experiment_config: Option<IgnoredAny>,
    #[serde(rename = "Tags")]
    _tags: Option<IgnoredAny>,
    #[serde(flatten)]
    pub(super) unknown: UnknownMembers,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ModelClientConfig {
    pub(super) invocations_timeout_in_seconds: Option<i64>,
    pub(super) invocations_max_retries: Option<i64>,
    #[serde(flatten)]
    pub(super) unknown: UnknownMembers,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TransformInput {
    #[serde(default)]
    pub(super) data_source: DataSource,
    pub(super) content_type: Option<String>,
    #[serde(default)]
    pub(super) compression_type: CompressionType,
    #[serde(default)]
    pub(super) split_type: SplitType,
    #[serde(flatten)]
    pub(super) unknown: UnknownMembers,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DataSource {
    #[serde(rename = "S3DataSource", default)]
    pub(super) s3: S3DataSource,
    #[serde(flatten)]
    pub(super) unknown: UnknownMembers,
}

#[derive(Debug, Default, Deserialize)]
pub(super) struct S3DataSource {
    #[serde(rename = "S3DataType")]
    pub(super) data_type: Option<S3DataType>,
    #[serde(rename = "S3Uri")]
    pub(super) uri: Option<String>,
    #[serde(flatten)]
    pub(super) unknown: UnknownMembers,
}

/// S3DataType: what S3Uri names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum S3DataType {
    /// All objects whose keys start with it.
    S3Prefix,
    /// A list of objects.
    ManifestFile,
    AugmentedManifestFile,
    Converse,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TransformOutput {
    #[serde(rename = "S3OutputPath")]
    pub(super) s3_output_path: Option<String>,
    pub(super) accept: Option<String>,
    #[serde(default)]
    pub(super) assemble_with: AssembleWith,
    /// Encryption is configured on the bucket. Ignored.
    #[serde(rename = "KmsKeyId")]
    _kms_key_id: Option<IgnoredAny>,
    #[serde(flatten)]
    pub(super) unknown: UnknownMembers,
}

/// CompressionType: how objects are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum CompressionType {
    /// Not compressed.
    #[default]
    None,
    /// gzip, with one or more members.
    Gzip,
}

/// AssembleWith: the separator after each response.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) enum AssembleWith {
    /// Nothing.
    #[default]
    None,
    /// A line break, unless the response ends in one.
    Line,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Processing {
    pub(super) input_filter: Option<String>,
    pub(super) output_filter: Option<String>,
    #[serde(default)]
    pub(super) join_source: JoinSource,
    #[serde(flatten)]
    pub(super) unknown: UnknownMembers,
}
