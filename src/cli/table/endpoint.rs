//! The settings of `byoc endpoint`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use byoc_formats::suggest;
use log::LevelFilter;
use reqwest::Url;

use crate::cli::settings::parse::{address, buffer_size, location, number, port, size};
use crate::cli::settings::problems::InvalidValue;
use crate::cli::settings::row::{Defaulted, Each, Joined, Optional, flag};
use crate::cli::settings::settings;
use crate::cli::table::common;
use crate::endpoint::ModelRefresh;
use crate::endpoint::client_side::authorization::Principals;
use crate::endpoint::config::EndpointConfig;
use crate::storage::{Location, missing_path_message};

/// The most seconds that a request may wait for its model: SageMaker loads a model for at most 360 s.
const MAX_MODEL_READY_TIMEOUT: u64 = 360;
/// The most seconds of a time limit: a day.
const MAX_TIMEOUT: u64 = 24 * 60 * 60;
/// The least memory for bodies and answers: less than one small request and its answer need makes no sense.
const MIN_IN_FLIGHT_MEMORY: u64 = 1 << 20;

settings! {
    /// Answer InvokeEndpoint on this machine, with a pipeline of containers that this command starts or that run already
    pub(in crate::cli) struct Endpoint {
        /// An endpoint: CreateModel's JSON plus EndpointName, or CreateEndpointConfig's plus EndpointName and Models
        config: Each<(PathBuf, EndpointConfig)> = flag("config", "FILE")
            .variables(&["BYOC_ENDPOINT_CONFIG"])
            .parse(configuration)
            .each();

        /// Address to listen on
        host: Defaulted<IpAddr> = flag("host", "ADDRESS")
            .variables(&["BYOC_ENDPOINT_HOST"])
            .parse(address)
            .default("127.0.0.1");

        /// Port to listen on; 0 picks a free one, printed in the first log line
        port: Defaulted<u16> = flag("port", "PORT")
            .variables(&["BYOC_ENDPOINT_PORT"])
            .parse(port)
            .default("8080");

        /// A container that runs already, by ContainerHostname (by VARIANT/HOSTNAME if two share it), and its URL
        ///
        /// `ENDPOINT/VARIANT/HOSTNAME` names a container of one of several endpoints.
        container: Joined<BTreeMap<String, Url>> = flag("container", "HOSTNAME=URL")
            .variables(&["BYOC_ENDPOINT_CONTAINERS"])
            .parse(containers)
            .otherwise("every container is started")
            .joined();

        /// Who may call what: principals with their keys and IAM policies
        iam: Optional<Principals> = flag("iam", "FILE")
            .variables(&["BYOC_ENDPOINT_IAM"])
            .parse(|file| Principals::from_file(Path::new(file)).map_err(|error| error.to_string().into()))
            .otherwise("requests need no signature");

        /// Largest request body, in bytes or with K, M, G
        max_request_size: Defaulted<usize> = flag("max-request-size", "SIZE")
            .variables(&["BYOC_ENDPOINT_MAX_REQUEST_SIZE"])
            .parse(buffer_size)
            .default("25M");

        /// Most bytes that one container may hand to the next
        max_hand_over_size: Defaulted<usize> = flag("max-hand-over-size", "SIZE")
            .variables(&["BYOC_ENDPOINT_MAX_HAND_OVER_SIZE"])
            .parse(buffer_size)
            .default("5M");

        /// Largest answer
        max_answer_size: Defaulted<usize> = flag("max-answer-size", "SIZE")
            .variables(&["BYOC_ENDPOINT_MAX_ANSWER_SIZE"])
            .parse(buffer_size)
            .default("25M");

        /// Memory for the bodies and answers of all requests together; requests that do not fit get 503
        in_flight_memory: Optional<u64> = flag("in-flight-memory", "SIZE")
            .variables(&["BYOC_ENDPOINT_IN_FLIGHT_MEMORY"])
            .parse(in_flight_memory)
            .otherwise("a quarter of the memory beyond 64M");

        /// A host name under which the endpoint answers, in addition to localhost, IP addresses and names below amazonaws.com
        ///
        /// A request with another `Host` gets 421.
        allow_host: Each<String> = flag("allow-host", "NAME")
            .variables(&["BYOC_ENDPOINT_ALLOW_HOST"])
            .parse(host_name)
            .each();

        /// Seconds that a container may take for an invocation
        container_timeout: Defaulted<Duration> = flag("container-timeout", "SECONDS")
            .variables(&["BYOC_ENDPOINT_CONTAINER_TIMEOUT"])
            .parse(timeout)
            .default("60");

        /// Seconds that a streamed answer may take as a whole
        stream_timeout: Defaulted<Duration> = flag("stream-timeout", "SECONDS")
            .variables(&["BYOC_ENDPOINT_STREAM_TIMEOUT"])
            .parse(timeout)
            .default("480");

        /// Folder to unpack models in: in models/ below it, which a multi-model container that runs already must see
        ///
        /// Each process needs a folder of its own: it deletes at start what an earlier one left in `models`. A temporary folder
        /// is removed at the end, or by the next command if this one is killed.
        state_dir: Optional<PathBuf> = flag("state-dir", "FOLDER")
            .variables(&["BYOC_STATE_DIR"])
            .parse(|text| Ok(text.into()))
            .otherwise("a temporary one");

        /// Path under which a multi-model container that runs already sees STATE_DIR/models; on SageMaker it is /opt/ml/models
        models_seen_at: Optional<String> = flag("models-seen-at", "FOLDER")
            .variables(&["BYOC_ENDPOINT_MODELS_SEEN_AT"])
            .parse(absolute_path)
            .otherwise("the same path");

        /// Seconds that a container may fail its pings, at start and later, before the endpoint is Failed
        health_check_timeout: Defaulted<Duration> = common::HEALTH_CHECK_TIMEOUT;

        /// Disk for unpacked models, in bytes or with K, M, G; if it is full, the least recently used models that are not
        /// loaded are deleted
        ///
        /// No archive and no model may be larger. Models that are being unpacked take at most twice as much together.
        model_disk: Optional<u64> = flag("model-disk", "SIZE")
            .variables(&["BYOC_MODEL_DISK"])
            .parse(size)
            .otherwise("unlimited");

        /// Seconds that a request waits for its model to be loaded before it gets ModelNotReadyException (429)
        model_ready_timeout: Defaulted<Duration> = flag("model-ready-timeout", "SECONDS")
            .variables(&["BYOC_MODEL_READY_TIMEOUT_SECONDS"])
            .parse(|text| number(text, 1..=MAX_MODEL_READY_TIMEOUT).map(Duration::from_secs))
            .default("60");

        /// What happens if an artifact is replaced or deleted while its model is loaded: never keeps the old model, as on AWS,
        /// and logs that once; changed answers the next request with the new artifact
        ///
        /// With `changed` each request looks first at the ETag of the artifact, or at its size and time of modification.
        model_refresh: Defaulted<ModelRefresh> = flag("model-refresh", "never|changed")
            .variables(&["BYOC_MODEL_REFRESH"])
            .parse(model_refresh)
            .default("never");

        /// Folder or s3:// URL for the answers of asynchronous invocations if the endpoint has no S3OutputPath
        async_output: Optional<Location> = flag("async-output", "FOLDER")
            .variables(&["BYOC_ENDPOINT_ASYNC_OUTPUT"])
            .parse(location)
            .otherwise("async in the state folder");

        /// Folder that contains the files that InputLocation may name
        ///
        /// Links are followed before a file is compared with it.
        async_input_root: Each<PathBuf> = flag("async-input-root", "FOLDER")
            .variables(&["BYOC_ENDPOINT_ASYNC_INPUT_ROOT"])
            .parse(folder)
            .otherwise("the state folder and the folders of the configurations")
            .each();

        log_level: Defaulted<LevelFilter> = common::LOG_LEVEL.default("info");

        log_filter: Optional<String> = common::LOG_FILTER;

        region: Defaulted<String> = common::REGION;
    }
}

fn configuration(file: &str) -> Result<(PathBuf, EndpointConfig), InvalidValue> {
    let config = EndpointConfig::read(Path::new(file)).map_err(|error| error.to_string())?;
    Ok((PathBuf::from(file), config))
}

/// `NAME=URL`, separated by commas.
fn containers(text: &str) -> Result<BTreeMap<String, Url>, InvalidValue> {
    let mut containers = BTreeMap::new();
    for one in text.split(',').map(str::trim) {
        let expected = || format!("\"{one}\": expected HOSTNAME=URL, such as preprocessor=http://127.0.0.1:8081");
        let (name, url) = one.split_once('=').ok_or_else(expected)?;
        let url =
            Url::parse(url).ok().filter(|url| url.scheme() == "http" && url.path() == "/").ok_or_else(expected)?;
        if containers.insert(name.to_owned(), url).is_some() {
            return Err(format!("container {name} is given twice").into());
        }
    }
    Ok(containers)
}

fn timeout(text: &str) -> Result<Duration, InvalidValue> {
    number(text, 1..=MAX_TIMEOUT).map(Duration::from_secs)
}

fn in_flight_memory(text: &str) -> Result<u64, InvalidValue> {
    let bytes = size(text)?;
    if bytes < MIN_IN_FLIGHT_MEMORY { Err("expected at least 1M".into()) } else { Ok(bytes) }
}

/// A folder that exists.
fn folder(text: &str) -> Result<PathBuf, InvalidValue> {
    let path = PathBuf::from(text);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => Ok(path),
        Ok(_) => Err(format!("\"{text}\" is not a folder").into()),
        Err(_) => Err(missing_path_message(&path).into()),
    }
}

/// A name as it is in Host, without a port.
fn host_name(text: &str) -> Result<String, InvalidValue> {
    let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_name {
        Ok(text.to_owned())
    } else {
        Err(format!("\"{text}\": expected a name without a port, such as endpoint").into())
    }
}

/// A path in a container, which has another current folder than this process.
fn absolute_path(path: &str) -> Result<String, InvalidValue> {
    if path.starts_with('/') {
        Ok(path.to_owned())
    } else {
        Err(format!("\"{path}\": expected an absolute path, such as /opt/ml/models").into())
    }
}

fn model_refresh(text: &str) -> Result<ModelRefresh, InvalidValue> {
    match text.trim() {
        "never" => Ok(ModelRefresh::Never),
        "changed" => Ok(ModelRefresh::Changed),
        other => Err(format!("{}expected never or changed", suggest::did_you_mean(other, ["never", "changed"])).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_is_a_name_and_the_origin_of_an_http_url() {
        assert_eq!(containers("a=http://h:1, b=http://h:2/").unwrap().len(), 2);
        for bad in ["a=https://h:1", "a=h:1", "a=http://h/path", "a=http://h:1,a=http://h:2"] {
            assert!(containers(bad).is_err(), "{bad}");
        }
    }
}
