//! What was typed: the request of CreateModel as JSON, with the endpoint's name beside it.
//!
//! Member names and shapes are botocore's (`data/sagemaker/2017-07-24/service-2.json`, shapes CreateModelInput and
//! ContainerDefinition). Members that have no meaning on one machine are read and passed over; those that nobody knows
//! are kept by name, so that a misspelt one is reported instead of ignored.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::IgnoredAny;

/// Members that CreateModel does not have, by name.
pub(super) type Unknown = BTreeMap<String, IgnoredAny>;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateModel {
    pub(super) endpoint_name: Option<String>,
    pub(super) model_name: Option<String>,
    pub(super) execution_role_arn: Option<String>,
    pub(super) primary_container: Option<ContainerDefinition>,
    pub(super) containers: Option<Vec<ContainerDefinition>>,
    pub(super) inference_execution_config: Option<InferenceExecutionConfig>,
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
    pub(super) unknown: Unknown,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ContainerDefinition {
    pub(super) image: Option<String>,
    pub(super) container_hostname: Option<String>,
    pub(super) mode: Option<Mode>,
    pub(super) model_data_url: Option<String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    pub(super) multi_model_config: Option<MultiModelConfig>,
    pub(super) model_data_source: Option<IgnoredAny>,
    pub(super) additional_model_data_sources: Option<IgnoredAny>,
    pub(super) model_package_name: Option<IgnoredAny>,
    pub(super) inference_specification_name: Option<IgnoredAny>,
    /// How a registry is reached: no image is pulled here.
    #[serde(rename = "ImageConfig")]
    _image_config: Option<IgnoredAny>,
    /// Where the platform scrapes metrics: nothing is scraped here.
    #[serde(rename = "ContainerMetricsConfig")]
    _container_metrics_config: Option<IgnoredAny>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(super) enum Mode {
    SingleModel,
    MultiModel,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MultiModelConfig {
    pub(super) model_cache_setting: Option<ModelCacheSetting>,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(super) enum ModelCacheSetting {
    Enabled,
    Disabled,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct InferenceExecutionConfig {
    pub(super) mode: ExecutionMode,
    #[serde(flatten)]
    pub(super) unknown: Unknown,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(super) enum ExecutionMode {
    Serial,
    Direct,
}
