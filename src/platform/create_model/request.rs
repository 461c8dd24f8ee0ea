//! What was typed: the request of CreateModel as JSON, with the endpoint's name beside it.
//!
//! Member names and shapes are botocore's (`data/sagemaker/2017-07-24/service-2.json`, shapes CreateModelInput and
//! ContainerDefinition). Members that have no meaning on one machine are read and passed over; those that nobody knows
//! are kept by name, so that a misspelt one is reported instead of ignored.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Members that CreateModel does not have, by name.
pub(crate) type UnknownMembers = BTreeMap<String, IgnoredAny>;

/// What DescribeModel answers beside the request that made the model (shape DescribeModelOutput), and boto3 beside
/// that: `aws sagemaker describe-model` is taken as it is.
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
    /// Without meaning on one machine.
    #[serde(rename = "VpcConfig")]
    _vpc_config: Option<IgnoredAny>,
    /// Without meaning on one machine.
    #[serde(rename = "EnableNetworkIsolation")]
    _enable_network_isolation: Option<IgnoredAny>,
    /// Without meaning on one machine.
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
    /// How a registry is reached: no image is pulled here.
    #[serde(rename = "ImageConfig")]
    _image_config: Option<IgnoredAny>,
    /// Where the platform scrapes metrics: nothing is scraped here.
    #[serde(rename = "ContainerMetricsConfig")]
    _container_metrics_config: Option<IgnoredAny>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

impl ContainerDefinition {
    /// Whether it is `{}`, as far as anything of it has a meaning here.
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

/// The shape S3ModelDataSource: all of the first three must be given.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct S3ModelDataSource {
    pub(crate) s3_uri: Option<String>,
    pub(crate) s3_data_type: Option<S3ModelDataType>,
    pub(crate) compression_type: Option<ModelCompressionType>,
    pub(crate) manifest_s3_uri: Option<IgnoredAny>,
    /// Who has agreed to what: nobody asks here.
    #[serde(rename = "ModelAccessConfig")]
    _model_access_config: Option<IgnoredAny>,
    #[serde(rename = "HubAccessConfig")]
    _hub_access_config: Option<IgnoredAny>,
    /// What the service found there, in a description.
    #[serde(rename = "ETag")]
    _e_tag: Option<IgnoredAny>,
    #[serde(rename = "ManifestEtag")]
    _manifest_etag: Option<IgnoredAny>,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// What S3Uri names.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum S3ModelDataType {
    S3Prefix,
    S3Object,
}

/// How the data are compressed.
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

/// Whether a multi-model container keeps models that have answered.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum ModelCacheSetting {
    /// It keeps them until their room is needed.
    Enabled,
    /// They are unloaded and their artifacts deleted after each invocation.
    Disabled,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct InferenceExecutionConfig {
    pub(crate) mode: ExecutionMode,
    #[serde(flatten)]
    pub(crate) unknown: UnknownMembers,
}

/// InferenceExecutionConfig.Mode: the way of a request through the containers of a model.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub enum ExecutionMode {
    /// Through all of them in order.
    Serial,
    /// To the one that the request names.
    Direct,
}
