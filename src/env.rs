//! Every environment variable that byoc reads, and the only place that reads them.
//!
//! Where SageMaker or one of its containers already has a name for a setting, that name is used
//! (docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html and the environment of
//! github.com/aws/sagemaker-inference-toolkit); what has none is `BYOC_…`.

use std::collections::HashMap;

/// A copy of the environment, taken once at start, so that tests can bring their own.
#[derive(Clone, Debug, Default)]
pub struct Environment(HashMap<String, String>);

impl Environment {
    /// The environment of this process. Variables that are not Unicode are left out: none of ours can be.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    pub fn of_this_process() -> Environment {
        Environment(
            std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect(),
        )
    }

    /// The value of a variable; a variable that is set to nothing counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Environment {
        Environment(variables.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

/// Where the platform keeps models and data: `/opt/ml`.
pub const SAGEMAKER_BASE_DIR: &str = "SAGEMAKER_BASE_DIR";
/// The model's folder: `<base>/model`.
pub const SM_MODEL_DIR: &str = "SM_MODEL_DIR";
/// The port to listen on: 8080; 0 picks a free one. The platform sets it for a container of a pipeline.
pub const SAGEMAKER_BIND_TO_PORT: &str = "SAGEMAKER_BIND_TO_PORT";
/// The address to listen on: `0.0.0.0`.
pub const BYOC_HOST: &str = "BYOC_HOST";
/// `true` where the platform wants a multi-model container.
pub const SAGEMAKER_MULTI_MODEL: &str = "SAGEMAKER_MULTI_MODEL";
/// The method of a scikit-learn artifact that answers: `predict` of an estimator, `transform` of anything else. Wins over
/// `columns.json`.
pub const BYOC_METHOD: &str = "BYOC_METHOD";
/// The script that a framework container would run. None is run here: where it is set, that is said.
pub const SAGEMAKER_PROGRAM: &str = "SAGEMAKER_PROGRAM";
/// Which column of a scikit-learn artifact's rows is the label: a column's name, `none`, or `first` or `last` where the model was
/// fitted without it. Wins over `columns.json`.
pub const BYOC_LABEL: &str = "BYOC_LABEL";
/// The types of columns of scikit-learn artifacts, as pandas' names of them: `{"zip": "str"}`. Wins over `columns.json`.
pub const BYOC_DTYPES: &str = "BYOC_DTYPES";
/// What a scorer's answers are in JSON: `list`, or `predictions` as the linear learner's. Wins over `columns.json`.
pub const BYOC_SCORER_JSON: &str = "BYOC_SCORER_JSON";
/// The media type of an answer where the caller accepts any: how users make one stage of a pipeline speak CSV to the next.
pub const SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT: &str = "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT";
/// How many requests are worked on at once: the number of cores.
pub const SAGEMAKER_MODEL_SERVER_WORKERS: &str = "SAGEMAKER_MODEL_SERVER_WORKERS";
/// Seconds that a request may take: 60, the platform's own limit.
pub const SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS: &str = "SAGEMAKER_MODEL_SERVER_TIMEOUT_SECONDS";
/// The older name of the same; the newer one wins.
pub const SAGEMAKER_MODEL_SERVER_TIMEOUT: &str = "SAGEMAKER_MODEL_SERVER_TIMEOUT";
/// How many large requests may wait for a worker: 100.
pub const SAGEMAKER_MODEL_JOB_QUEUE_SIZE: &str = "SAGEMAKER_MODEL_JOB_QUEUE_SIZE";
/// The largest request body, in bytes: 25 MiB, the platform's limit for a real-time endpoint.
pub const SAGEMAKER_MAX_REQUEST_SIZE: &str = "SAGEMAKER_MAX_REQUEST_SIZE";
/// `true` (or `True`) in a batch transform job.
pub const SAGEMAKER_BATCH: &str = "SAGEMAKER_BATCH";
/// The largest payload of a batch transform job, in MiB, where the job says it; 0 is a whole object, streamed.
pub const SAGEMAKER_MAX_PAYLOAD_IN_MB: &str = "SAGEMAKER_MAX_PAYLOAD_IN_MB";
/// `SINGLE_RECORD` or `MULTI_RECORD`, where a batch transform job says it.
pub const SAGEMAKER_BATCH_STRATEGY: &str = "SAGEMAKER_BATCH_STRATEGY";
/// How many requests a batch transform job sends at once, where it says so.
pub const SAGEMAKER_MAX_CONCURRENT_TRANSFORMS: &str = "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS";
/// How much memory loaded models may take, in bytes or with K, M or G: 80 % of the container's or machine's.
pub const BYOC_MODEL_MEMORY: &str = "BYOC_MODEL_MEMORY";
/// The folder that models of multi-model mode are loaded from, and none outside it: anywhere.
pub const BYOC_MODELS_ROOT: &str = "BYOC_MODELS_ROOT";
/// How many threads compute in training: the number of cores.
pub const BYOC_TRAINING_THREADS: &str = "BYOC_TRAINING_THREADS";
/// How much memory training data may take, in bytes or with K, M or G: half of the container's or machine's.
pub const BYOC_TRAINING_MEMORY: &str = "BYOC_TRAINING_MEMORY";
/// What to log: a name (`info`) or one of Python's numbers (20).
pub const SAGEMAKER_CONTAINER_LOG_LEVEL: &str = "SAGEMAKER_CONTAINER_LOG_LEVEL";
/// env_logger's own filter, for one room at a time (`byoc::container=debug`); wins over the level.
pub const RUST_LOG: &str = "RUST_LOG";
/// `true` where the parent holds the other end of our standard input: drain and exit when it closes, so that no container
/// outlives the endpoint that started it.
pub const BYOC_EXIT_ON_STDIN_EOF: &str = "BYOC_EXIT_ON_STDIN_EOF";
/// The configurations of `byoc endpoint`: files, separated by commas.
pub const BYOC_ENDPOINT_CONFIG: &str = "BYOC_ENDPOINT_CONFIG";
/// The address that `byoc endpoint` listens on: `127.0.0.1`.
pub const BYOC_ENDPOINT_HOST: &str = "BYOC_ENDPOINT_HOST";
/// The port that `byoc endpoint` listens on: 8080; 0 picks a free one.
pub const BYOC_ENDPOINT_PORT: &str = "BYOC_ENDPOINT_PORT";
/// Containers that run already: `NAME=URL`, separated by commas.
pub const BYOC_ENDPOINT_CONTAINERS: &str = "BYOC_ENDPOINT_CONTAINERS";
/// The largest request body that `byoc endpoint` takes, in bytes or with K, M or G: 25M.
pub const BYOC_ENDPOINT_MAX_REQUEST_SIZE: &str = "BYOC_ENDPOINT_MAX_REQUEST_SIZE";
/// The most that one container of a pipeline may hand to the next, in the same units: 5M.
pub const BYOC_ENDPOINT_MAX_HAND_OVER_SIZE: &str = "BYOC_ENDPOINT_MAX_HAND_OVER_SIZE";
/// The largest answer, in the same units: 25M.
pub const BYOC_ENDPOINT_MAX_ANSWER_SIZE: &str = "BYOC_ENDPOINT_MAX_ANSWER_SIZE";
/// The most that bodies and answers of all requests together may have, in the same units: a quarter of the memory.
pub const BYOC_ENDPOINT_IN_FLIGHT_MEMORY: &str = "BYOC_ENDPOINT_IN_FLIGHT_MEMORY";
/// Names under which `byoc endpoint` answers beside loopback names, IP addresses and AWS's, separated by commas: none.
pub const BYOC_ENDPOINT_ALLOW_HOST: &str = "BYOC_ENDPOINT_ALLOW_HOST";
/// Seconds that a container may take for an invocation: 60.
pub const BYOC_ENDPOINT_CONTAINER_TIMEOUT: &str = "BYOC_ENDPOINT_CONTAINER_TIMEOUT";
/// Seconds that a streamed answer may take as a whole: 480.
pub const BYOC_ENDPOINT_STREAM_TIMEOUT: &str = "BYOC_ENDPOINT_STREAM_TIMEOUT";
/// The file of principals that may call the endpoint: none, and no signature is asked for.
pub const BYOC_ENDPOINT_IAM: &str = "BYOC_ENDPOINT_IAM";
/// Where `byoc endpoint` unpacks models: a folder of its own in the system's folder for temporary files.
pub const BYOC_STATE_DIR: &str = "BYOC_STATE_DIR";
/// Where a multi-model container that runs already sees `models` of that folder: under the same path.
pub const BYOC_ENDPOINT_MODELS_SEEN_AT: &str = "BYOC_ENDPOINT_MODELS_SEEN_AT";
/// Seconds that a container of `byoc endpoint` may fail its pings: 480.
pub const BYOC_HEALTH_CHECK_TIMEOUT_SECONDS: &str = "BYOC_HEALTH_CHECK_TIMEOUT_SECONDS";
/// How many bytes of disk unpacked models may take, or with K, M or G: no bound.
pub const BYOC_MODEL_DISK: &str = "BYOC_MODEL_DISK";
/// Seconds that a request to `byoc endpoint` waits for its model: 60.
pub const BYOC_MODEL_READY_TIMEOUT_SECONDS: &str = "BYOC_MODEL_READY_TIMEOUT_SECONDS";
/// What happens when a model's artifact is replaced: `never`, as on AWS, or `changed`.
pub const BYOC_MODEL_REFRESH: &str = "BYOC_MODEL_REFRESH";
/// Where `byoc endpoint` writes the answers of asynchronous invocations: `async` in its state folder.
pub const BYOC_ENDPOINT_ASYNC_OUTPUT: &str = "BYOC_ENDPOINT_ASYNC_OUTPUT";
/// The folders below which inputs of asynchronous invocations may lie, separated by commas: the state folder and those of the
/// configurations.
pub const BYOC_ENDPOINT_ASYNC_INPUT_ROOT: &str = "BYOC_ENDPOINT_ASYNC_INPUT_ROOT";
/// The job of `byoc transform`: a file with CreateTransformJob's request.
pub const BYOC_TRANSFORM_JOB: &str = "BYOC_TRANSFORM_JOB";
/// The model of `byoc transform`: a folder, an archive, a JSON file with CreateModel's request, or a container's URL.
pub const BYOC_TRANSFORM_MODEL: &str = "BYOC_TRANSFORM_MODEL";
/// S3Uri of its input.
pub const BYOC_TRANSFORM_INPUT: &str = "BYOC_TRANSFORM_INPUT";
/// S3DataType: S3Prefix or ManifestFile.
pub const BYOC_TRANSFORM_S3_DATA_TYPE: &str = "BYOC_TRANSFORM_S3_DATA_TYPE";
/// ContentType of its input.
pub const BYOC_TRANSFORM_CONTENT_TYPE: &str = "BYOC_TRANSFORM_CONTENT_TYPE";
/// CompressionType: None or Gzip.
pub const BYOC_TRANSFORM_COMPRESSION_TYPE: &str = "BYOC_TRANSFORM_COMPRESSION_TYPE";
/// SplitType: None, Line, RecordIO or TFRecord.
pub const BYOC_TRANSFORM_SPLIT_TYPE: &str = "BYOC_TRANSFORM_SPLIT_TYPE";
/// S3OutputPath.
pub const BYOC_TRANSFORM_OUTPUT: &str = "BYOC_TRANSFORM_OUTPUT";
/// Accept.
pub const BYOC_TRANSFORM_ACCEPT: &str = "BYOC_TRANSFORM_ACCEPT";
/// AssembleWith: None or Line.
pub const BYOC_TRANSFORM_ASSEMBLE_WITH: &str = "BYOC_TRANSFORM_ASSEMBLE_WITH";
/// BatchStrategy: MultiRecord or SingleRecord.
pub const BYOC_TRANSFORM_BATCH_STRATEGY: &str = "BYOC_TRANSFORM_BATCH_STRATEGY";
/// MaxPayloadInMB.
pub const BYOC_TRANSFORM_MAX_PAYLOAD_IN_MB: &str = "BYOC_TRANSFORM_MAX_PAYLOAD_IN_MB";
/// MaxConcurrentTransforms.
pub const BYOC_TRANSFORM_MAX_CONCURRENT_TRANSFORMS: &str = "BYOC_TRANSFORM_MAX_CONCURRENT_TRANSFORMS";
/// DataProcessing.InputFilter.
pub const BYOC_TRANSFORM_INPUT_FILTER: &str = "BYOC_TRANSFORM_INPUT_FILTER";
/// DataProcessing.JoinSource: None or Input.
pub const BYOC_TRANSFORM_JOIN_SOURCE: &str = "BYOC_TRANSFORM_JOIN_SOURCE";
/// DataProcessing.OutputFilter.
pub const BYOC_TRANSFORM_OUTPUT_FILTER: &str = "BYOC_TRANSFORM_OUTPUT_FILTER";
/// ModelClientConfig.InvocationsTimeoutInSeconds.
pub const BYOC_TRANSFORM_INVOCATIONS_TIMEOUT_IN_SECONDS: &str = "BYOC_TRANSFORM_INVOCATIONS_TIMEOUT_IN_SECONDS";
/// ModelClientConfig.InvocationsMaxRetries.
pub const BYOC_TRANSFORM_INVOCATIONS_MAX_RETRIES: &str = "BYOC_TRANSFORM_INVOCATIONS_MAX_RETRIES";
/// Environment: `NAME=VALUE`, separated by commas.
pub const BYOC_TRANSFORM_ENVIRONMENT: &str = "BYOC_TRANSFORM_ENVIRONMENT";
/// The region that errors name: `us-east-1`.
pub const AWS_REGION: &str = "AWS_REGION";
/// The same, for where the first is not set.
pub const AWS_DEFAULT_REGION: &str = "AWS_DEFAULT_REGION";
/// Where S3 is, if it is not Amazon's: such as `http://127.0.0.1:9000`.
pub const AWS_ENDPOINT_URL_S3: &str = "AWS_ENDPOINT_URL_S3";
/// Where all of AWS is; the one for S3 wins.
pub const AWS_ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";
/// The access key's id.
pub const AWS_ACCESS_KEY_ID: &str = "AWS_ACCESS_KEY_ID";
/// The access key's secret.
pub const AWS_SECRET_ACCESS_KEY: &str = "AWS_SECRET_ACCESS_KEY";
/// The token of temporary credentials.
pub const AWS_SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";
/// Where a task of ECS or a container of SageMaker gets its role's credentials.
pub const AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: &str = "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
/// The same on EKS (Pod Identity).
pub const AWS_CONTAINER_CREDENTIALS_FULL_URI: &str = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
/// The file with the token for that.
pub const AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: &str = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
/// The file with a web identity's token (IRSA on EKS).
pub const AWS_WEB_IDENTITY_TOKEN_FILE: &str = "AWS_WEB_IDENTITY_TOKEN_FILE";
/// The role that a web identity takes.
pub const AWS_ROLE_ARN: &str = "AWS_ROLE_ARN";
/// What the role's session is called.
pub const AWS_ROLE_SESSION_NAME: &str = "AWS_ROLE_SESSION_NAME";
/// `false` where an EC2 instance's role may be asked for.
pub const AWS_EC2_METADATA_DISABLED: &str = "AWS_EC2_METADATA_DISABLED";
/// A file of certificates to trust beside Mozilla's.
pub const AWS_CA_BUNDLE: &str = "AWS_CA_BUNDLE";
/// All that says how S3 is reached.
pub const S3_VARIABLES: [&str; 15] = [
    AWS_REGION,
    AWS_DEFAULT_REGION,
    AWS_ENDPOINT_URL_S3,
    AWS_ENDPOINT_URL,
    AWS_ACCESS_KEY_ID,
    AWS_SECRET_ACCESS_KEY,
    AWS_SESSION_TOKEN,
    AWS_CONTAINER_CREDENTIALS_RELATIVE_URI,
    AWS_CONTAINER_CREDENTIALS_FULL_URI,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE,
    AWS_WEB_IDENTITY_TOKEN_FILE,
    AWS_ROLE_ARN,
    AWS_ROLE_SESSION_NAME,
    AWS_EC2_METADATA_DISABLED,
    AWS_CA_BUNDLE,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_set_to_nothing_counts_as_not_set() {
        let environment = Environment::from([("A", "1"), ("B", ""), ("C", " ")]);
        assert_eq!(environment.get("A"), Some("1"));
        assert_eq!(environment.get("B"), None);
        assert_eq!(environment.get("C"), None);
        assert_eq!(environment.get("D"), None);
    }
}
