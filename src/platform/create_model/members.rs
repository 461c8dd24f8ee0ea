//! The members of the API's requests that are known here, of all structures.

use byoc_formats::suggest;

/// The members of CreateModel, CreateEndpointConfig, CreateTransformJob and their structures
/// (docs.aws.amazon.com/sagemaker/latest/APIReference), and byoc's own EndpointName and Models.
const MEMBERS: [&str; 73] = [
    "Accept",
    "AcceleratorType",
    "AssembleWith",
    "AsyncInferenceConfig",
    "BatchStrategy",
    "CapacityReservationConfig",
    "ClientConfig",
    "CompressionType",
    "ContainerHostname",
    "Containers",
    "ContentType",
    "CoreDumpConfig",
    "DataCaptureConfig",
    "DataProcessing",
    "DataSource",
    "EnableNetworkIsolation",
    "EndpointConfigName",
    "EndpointName",
    "Environment",
    "ExecutionRoleArn",
    "ExperimentConfig",
    "Image",
    "ImageConfig",
    "InferenceAmiVersion",
    "InferenceExecutionConfig",
    "InferenceSpecificationName",
    "InitialInstanceCount",
    "InitialVariantWeight",
    "InputFilter",
    "InstanceCount",
    "InstanceType",
    "InvocationsMaxRetries",
    "InvocationsTimeoutInSeconds",
    "JoinSource",
    "KmsKeyId",
    "ManagedInstanceScaling",
    "ManifestS3Uri",
    "MaxConcurrentInvocationsPerInstance",
    "MaxConcurrentTransforms",
    "MaxPayloadInMB",
    "Mode",
    "ModelCacheSetting",
    "ModelClientConfig",
    "ModelDataSource",
    "ModelDataUrl",
    "ModelName",
    "ModelPackageName",
    "Models",
    "MultiModelConfig",
    "NotificationConfig",
    "OutputConfig",
    "OutputFilter",
    "PrimaryContainer",
    "ProductionVariants",
    "RoutingConfig",
    "S3DataSource",
    "S3DataType",
    "S3FailurePath",
    "S3OutputPath",
    "S3Uri",
    "ServerlessConfig",
    "ShadowProductionVariants",
    "SplitType",
    "Tags",
    "TransformInput",
    "TransformJobName",
    "TransformOutput",
    "TransformResources",
    "VariantName",
    "VolumeKmsKeyId",
    "VolumeSizeInGB",
    "VpcConfig",
    "Weight",
];

/// The message about a member that the API does not have.
pub(crate) fn unknown_message(name: &str) -> String {
    let unknown = "unknown member; the API has no member of this name";
    // Only typos get a suggestion, because the list includes the members of all structures.
    match suggest::nearest(name, MEMBERS).filter(|known| suggest::is_typo_of(name, known)) {
        Some(near) => format!("{unknown}: did you mean {near}?"),
        None => unknown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_gets_a_suggestion_and_another_name_does_not() {
        assert!(unknown_message("ModelDataURL").ends_with(": did you mean ModelDataUrl?"));
        assert!(unknown_message("Enviroment").ends_with(": did you mean Environment?"));
        assert!(unknown_message("CreationTime").ends_with("no member of this name"));
    }
}
