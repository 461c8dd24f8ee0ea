//! The longer form of a configuration: the request of CreateEndpointConfig as JSON, with the endpoint's name and its
//! models beside it.
//!
//! Member names and shapes are botocore's (`data/sagemaker/2017-07-24/service-2.json`, shapes
//! CreateEndpointConfigInput, ProductionVariant and AsyncInferenceConfig). Members that have no meaning on one machine,
//! such as InstanceType, are read and ignored.

use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::platform::create_model::{CreateModel, UnknownMembers};

/// The members that distinguish the two forms of a configuration.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Form {
    endpoint_config_name: Option<IgnoredAny>,
    production_variants: Option<IgnoredAny>,
    models: Option<IgnoredAny>,
}

impl Form {
    pub(super) fn is_create_endpoint_config(&self) -> bool {
        self.endpoint_config_name.is_some() || self.production_variants.is_some() || self.models.is_some()
    }
}

/// Members of CreateEndpointConfig that have no meaning on one machine.
pub(super) const IGNORED: [&str; 8] = [
    "DataCaptureConfig",
    "Tags",
    "KmsKeyId",
    "ExplainerConfig",
    "VpcConfig",
    "EnableNetworkIsolation",
    "MetricsConfig",
    "CrossRegionTrafficConfig",
];

/// The members that DescribeEndpointConfig and DescribeEndpoint add to the requests (shapes
/// DescribeEndpointConfigOutput and DescribeEndpointOutput), and those that boto3 adds.
pub(super) const DESCRIPTION_MEMBERS: [&str; 9] = [
    "EndpointConfigArn",
    "CreationTime",
    "ResponseMetadata",
    "EndpointArn",
    "EndpointStatus",
    "FailureReason",
    "LastModifiedTime",
    "LastDeploymentConfig",
    "PendingDeploymentSummary",
];

/// Members of a ProductionVariant that have no meaning on one machine.
pub(super) const VARIANT_IGNORED: [&str; 16] = [
    "InitialInstanceCount",
    "InstanceType",
    "InstancePools",
    "VariantInstanceProvisionTimeoutInSeconds",
    "AcceleratorType",
    "CoreDumpConfig",
    "ServerlessConfig",
    "VolumeSizeInGB",
    "ModelDataDownloadTimeoutInSeconds",
    "ContainerStartupHealthCheckTimeoutInSeconds",
    "EnableSSMAccess",
    "ManagedInstanceScaling",
    "RoutingConfig",
    "InferenceAmiVersion",
    "CapacityReservationConfig",
    "AcceleratorPartitionLayouts",
];

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CreateEndpointConfig {
    pub(super) endpoint_name: Option<String>,
    pub(super) endpoint_config_name: Option<String>,
    pub(super) execution_role_arn: Option<String>,
    #[serde(default)]
    pub(super) production_variants: Vec<ProductionVariant>,
    #[serde(default)]
    pub(super) shadow_production_variants: Vec<ProductionVariant>,
    pub(super) async_inference_config: Option<AsyncInferenceConfig>,
    #[serde(default)]
    pub(super) models: Vec<CreateModel>,
    #[serde(flatten)]
    pub(super) unknown: UnknownMembers,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ProductionVariant {
    pub(super) variant_name: Option<String>,
    pub(super) model_name: Option<String>,
    pub(super) initial_variant_weight: Option<f64>,
    #[serde(flatten)]
    pub(super) unknown: UnknownMembers,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AsyncInferenceConfig {
    pub(super) client_config: Option<AsyncInferenceClientConfig>,
    pub(super) output_config: Option<AsyncInferenceOutputConfig>,
    #[serde(flatten)]
    pub(super) unknown: UnknownMembers,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AsyncInferenceClientConfig {
    pub(super) max_concurrent_invocations_per_instance: Option<usize>,
    #[serde(flatten)]
    pub(super) unknown: UnknownMembers,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AsyncInferenceOutputConfig {
    #[serde(rename = "S3OutputPath")]
    pub(super) output_path: Option<String>,
    #[serde(rename = "S3FailurePath")]
    pub(super) failure_path: Option<String>,
    /// Encryption. Ignored.
    #[serde(rename = "KmsKeyId")]
    _kms_key_id: Option<IgnoredAny>,
    /// Notifications. Ignored.
    #[serde(rename = "NotificationConfig")]
    _notification_config: Option<IgnoredAny>,
    #[serde(flatten)]
    pub(super) unknown: UnknownMembers,
}
