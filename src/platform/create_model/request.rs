//! The CreateModel request as JSON, with the endpoint's name in addition.
//!
//! Member names and shapes are botocore's (`data/sagemaker/2017-07-24/service-2.json`, shapes CreateModelInput and
//! ContainerDefinition). Members that have no meaning for a local model are ignored. Unknown members are collected, so
//! that a misspelt one is reported.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// The members of a structure that the API does not have, by name.
pub(crate) type UnknownMembers = BTreeMap<String, IgnoredAny>;

/// The members that DescribeModel (shape DescribeModelOutput) and boto3 add to the request that created the model. They
/// are ignored, so that the output of `aws sagemaker describe-model` is accepted unchanged.
pub(crate) const DESCRIPTION_MEMBERS: [&str; 4] =
    ["CreationTime", "ModelArn", "DeploymentRecommendation", "ResponseMetadata"];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct CreateModel {
    pub(crate) endpoint_name: Option<String>,
    pub(crate) model_name: Option<String>,
    pub(crate) execution_role_arn: Option<String>,
    pub(crate) primary_container: Option<ContainerDefinition>,
    pub(crate) containers: Option<Vec<ContainerDefinition>>,
    pub(crate) inference_execution_config: Option<InferenceExecutionConfig>,
    /// Ignored.
    #[serde(rename = "VpcConfig")]
    _vpc_config: Option<IgnoredAny>,
    /// Ignored.
    #[serde(rename = "EnableNetworkIsolation")]
    _enable_network_isolation: Option<IgnoredAny>,
    /// Ignored.
    #[serde(rename = "Tags")]
    _tags: Option<IgnoredAny>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ContainerDefinition {
    pub(crate) image: Option<String>,
    pub(crate) container_hostname: Option<String>,
    pub(crate) mode: Option<Mode>,
    pub(crate) model_data_url: Option<String>,
    #[serde(default)]
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) multi_model_config: Option<MultiModelConfig>,
    pub(crate) model_data_source: Option<ModelDataSource>,
    pub(crate) additional_model_data_sources: Option<IgnoredAny>,
    pub(crate) model_package_name: Option<IgnoredAny>,
    pub(crate) inference_specification_name: Option<IgnoredAny>,
    /// Access to an image registry. Ignored: no image is pulled.
    #[serde(rename = "ImageConfig")]
    _image_config: Option<IgnoredAny>,
    /// Where SageMaker scrapes metrics. Ignored: no metrics are scraped.
    #[serde(rename = "ContainerMetricsConfig")]
    _container_metrics_config: Option<IgnoredAny>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

impl ContainerDefinition {
    /// Whether it is `{}`.
    pub(crate) fn is_empty(&self) -> bool {
        let ContainerDefinition {
            image: None,
            container_hostname: None,
            mode: None,
            model_data_url: None,
            environment,
            multi_model_config: None,
            model_data_source: None,
            additional_model_data_sources: None,
            model_package_name: None,
            inference_specification_name: None,
            _image_config: None,
            _container_metrics_config: None,
            unknown,
        } = self
        else {
            return false;
        };
        environment.is_empty() && unknown.is_empty()
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct ModelDataSource {
    pub(crate) s3_data_source: Option<S3ModelDataSource>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// The shape S3ModelDataSource. The first three members are required.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct S3ModelDataSource {
    pub(crate) s3_uri: Option<String>,
    pub(crate) s3_data_type: Option<S3ModelDataType>,
    pub(crate) compression_type: Option<ModelCompressionType>,
    pub(crate) manifest_s3_uri: Option<IgnoredAny>,
    /// The agreement to a model's licence. Ignored.
    #[serde(rename = "ModelAccessConfig")]
    _model_access_config: Option<IgnoredAny>,
    #[serde(rename = "HubAccessConfig")]
    _hub_access_config: Option<IgnoredAny>,
    /// DescribeModel's ETag of the data. Ignored.
    #[serde(rename = "ETag")]
    _e_tag: Option<IgnoredAny>,
    #[serde(rename = "ManifestEtag")]
    _manifest_etag: Option<IgnoredAny>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// The meaning of S3Uri.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum S3ModelDataType {
    S3Prefix,
    S3Object,
}

/// The compression of the data.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum ModelCompressionType {
    None,
    Gzip,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Mode {
    SingleModel,
    MultiModel,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct MultiModelConfig {
    pub(crate) model_cache_setting: Option<ModelCacheSetting>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// Whether a multi-model container keeps models in memory after an invocation.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum ModelCacheSetting {
    /// Models are kept until their memory is needed.
    Enabled,
    /// Models are unloaded, and their artifacts deleted, after each invocation.
    Disabled,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InferenceExecutionConfig {
    pub(crate) mode: ExecutionMode,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// InferenceExecutionConfig.Mode: how requests are routed through the containers of a model.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum ExecutionMode {
    /// Through all of them in order.
    Serial,
    /// To the container that the request names.
    Direct,
}
