//! The members of the API's requests that are read or passed over here, of whatever structure.

use byoc_formats::suggest;

/// docs.aws.amazon.com/sagemaker/latest/APIReference: CreateModel, CreateEndpointConfig and CreateTransformJob with the
/// structures in them, and our own EndpointName and Models.
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

/// What is said of a member that the API does not have.
pub(crate) fn unknown_message(name: &str) -> String {
    let unknown = "unknown member; the API has none of that name";
    // A slip, and no more than that: the list is of all structures.
    match suggest::nearest(name, MEMBERS).filter(|known| suggest::is_typo_of(name, known)) {
        Some(near) => format!("{unknown}: did you mean {near}?"),
        None => unknown.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_answered_with_the_member_and_another_name_is_not() {
        assert!(unknown_message("ModelDataURL").ends_with(": did you mean ModelDataUrl?"));
        assert!(unknown_message("Enviroment").ends_with(": did you mean Environment?"));
        assert!(unknown_message("CreationTime").ends_with("none of that name"));
    }
}
