//! The settings of `byoc endpoint`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use byoc_formats::suggest;
use log::LevelFilter;
use reqwest::Url;

use crate::cli::settings::parse::{address, buffer_size, location, port, seconds, size};
use crate::cli::settings::problems::InvalidValue;
use crate::cli::settings::row::{Defaulted, Each, Joined, Optional, flag};
use crate::cli::settings::settings;
use crate::cli::table::common;
use crate::endpoint::ModelRefresh;
use crate::endpoint::client_side::authorization::Principals;
use crate::endpoint::config::EndpointConfig;
use crate::storage::{Location, missing_path_message};

/// The longest time in seconds that a request may wait for its model: SageMaker's limit for loading a model.
const MAX_MODEL_READY_TIMEOUT: u64 = 360;
/// The longest configurable timeout, in seconds: a day.
const MAX_TIMEOUT: u64 = 24 * 60 * 60;
/// The least memory for bodies and responses, in bytes: less would not suffice for small requests.
const MIN_IN_FLIGHT_MEMORY: u64 = 1 << 20;

settings! {
    /// Run a local SageMaker endpoint: InvokeEndpoint in front of containers that this command starts or that already
    /// run
    pub(in crate::cli) struct Endpoint {
        /// An endpoint: CreateModel's JSON with EndpointName, or CreateEndpointConfig's JSON with EndpointName and
        /// Models
        config: Each<(PathBuf, EndpointConfig)> = flag("config", "FILE")
            .variables(&["BYOC_ENDPOINT_CONFIG"])
            .parse(configuration)
            .each();

        /// Address to listen on
        host: Defaulted<IpAddr> = flag("host", "ADDRESS")
            .variables(&["BYOC_ENDPOINT_HOST"])
            .parse(address)
            .default("127.0.0.1");

        /// Port to listen on; 0 picks a free one, which the first log line shows
        port: Defaulted<u16> = flag("port", "PORT")
            .variables(&["BYOC_ENDPOINT_PORT"])
            .parse(port)
            .default("8080");

        /// A container that already runs: its ContainerHostname (VARIANT/HOSTNAME if two variants share it) and its URL
        ///
        /// `ENDPOINT/VARIANT/HOSTNAME` names a container of one of several endpoints.
        container: Joined<BTreeMap<String, Url>> = flag("container", "HOSTNAME=URL")
            .variables(&["BYOC_ENDPOINT_CONTAINERS"])
            .parse(containers)
            .otherwise("all containers are started")
            .joined();

        /// Access control: principals with their access keys and IAM policies
        iam: Optional<Principals> = flag("iam", "FILE")
            .variables(&["BYOC_ENDPOINT_IAM"])
            .parse(|file| Ok(Principals::from_file(Path::new(file))?))
            .otherwise("requests need no signature");

        /// Largest request body, in bytes or with K, M, G
        max_request_size: Defaulted<usize> = flag("max-request-size", "SIZE")
            .variables(&["BYOC_ENDPOINT_MAX_REQUEST_SIZE"])
            .parse(buffer_size)
            .default("25M");

        /// Largest response that one container may pass to the next
        max_hand_over_size: Defaulted<usize> = flag("max-hand-over-size", "SIZE")
            .variables(&["BYOC_ENDPOINT_MAX_HAND_OVER_SIZE"])
            .parse(buffer_size)
            .default("5M");

        /// Largest response
        max_answer_size: Defaulted<usize> = flag("max-answer-size", "SIZE")
            .variables(&["BYOC_ENDPOINT_MAX_ANSWER_SIZE"])
            .parse(buffer_size)
            .default("25M");

        /// Memory for the request and response bodies of all requests together; requests that do not fit get 503
        in_flight_memory: Optional<u64> = flag("in-flight-memory", "SIZE")
            .variables(&["BYOC_ENDPOINT_IN_FLIGHT_MEMORY"])
            .parse(in_flight_memory)
            .otherwise("a quarter of the memory beyond 64M");

        /// Host name to accept in addition to localhost, IP addresses and names below amazonaws.com
        ///
        /// Requests with another `Host` get 421.
        allow_host: Each<String> = flag("allow-host", "NAME")
            .variables(&["BYOC_ENDPOINT_ALLOW_HOST"])
            .parse(host_name)
            .each();

        /// Seconds that a container may take for an invocation
        container_timeout: Defaulted<Duration> = flag("container-timeout", "SECONDS")
            .variables(&["BYOC_ENDPOINT_CONTAINER_TIMEOUT"])
            .parse(timeout)
            .default("60");

        /// Seconds that a whole streamed response may take
        stream_timeout: Defaulted<Duration> = flag("stream-timeout", "SECONDS")
            .variables(&["BYOC_ENDPOINT_STREAM_TIMEOUT"])
            .parse(timeout)
            .default("480");

        /// Folder for unpacked models: they are in its subfolder models/, which a multi-model container that already
        /// runs must be able to read
        ///
        /// Each process needs its own folder: at startup it deletes the contents of `models`. A temporary folder is
        /// removed at the end, or by the next command if this one is killed.
        state_dir: Optional<PathBuf> = flag("state-dir", "FOLDER")
            .variables(&["BYOC_STATE_DIR"])
            .parse(|text| Ok(text.into()))
            .otherwise("a temporary one");

        /// Path of STATE_DIR/models inside a multi-model container that already runs; on SageMaker it is /opt/ml/models
        models_seen_at: Optional<String> = flag("models-seen-at", "FOLDER")
            .variables(&["BYOC_ENDPOINT_MODELS_SEEN_AT"])
            .parse(absolute_path)
            .otherwise("the same path");

        /// Seconds for which a container may fail its pings, at startup and later, before the endpoint is Failed
        health_check_timeout: Defaulted<Duration> = common::HEALTH_CHECK_TIMEOUT;

        /// Disk space for unpacked models, in bytes or with K, M, G; when it is full, the least recently used models
        /// that are not loaded are deleted
        ///
        /// It is also the limit for each archive and each model. Models that are being unpacked use at most twice as
        /// much in total.
        model_disk: Optional<u64> = flag("model-disk", "SIZE")
            .variables(&["BYOC_MODEL_DISK"])
            .parse(size)
            .otherwise("unlimited");

        /// Seconds that a request waits for its model to be loaded before it gets ModelNotReadyException (429)
        model_ready_timeout: Defaulted<Duration> = flag("model-ready-timeout", "SECONDS")
            .variables(&["BYOC_MODEL_READY_TIMEOUT_SECONDS"])
            .parse(|text| seconds(text, MAX_MODEL_READY_TIMEOUT))
            .default("60");

        /// What to do if an artifact is replaced or deleted while its model is loaded: never keeps the old model, as on
        /// AWS, and logs that once; changed uses the new artifact from the next request on
        ///
        /// With `changed`, each request first checks the artifact's ETag, or its size and modification time.
        model_refresh: Defaulted<ModelRefresh> = flag("model-refresh", "never|changed")
            .variables(&["BYOC_MODEL_REFRESH"])
            .parse(model_refresh)
            .default("never");

        /// Folder or s3:// URL for the responses of asynchronous invocations if the endpoint has no S3OutputPath
        async_output: Optional<Location> = flag("async-output", "FOLDER")
            .variables(&["BYOC_ENDPOINT_ASYNC_OUTPUT"])
            .parse(location)
            .otherwise("async in the state folder");

        /// Folder from which InputLocation may name files
        ///
        /// Links are followed first.
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
    let config = EndpointConfig::read(Path::new(file))?;
    Ok((PathBuf::from(file), config))
}

/// Comma-separated `NAME=URL`.
fn containers(text: &str) -> Result<BTreeMap<String, Url>, InvalidValue> {
    let mut containers = BTreeMap::new();
    for one in text.split(',').map(str::trim) {
        let expected = || {
            // The report shows the whole value already.
            let which = if one == text.trim() { String::new() } else { format!("\"{one}\": ") };
            format!("{which}expected HOSTNAME=URL, such as preprocessor=http://127.0.0.1:8081")
        };
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
    seconds(text, MAX_TIMEOUT)
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
        Ok(_) => Err("expected a folder, found a file".into()),
        Err(_) => Err(missing_path_message(&path).into()),
    }
}

/// A host name without a port.
fn host_name(text: &str) -> Result<String, InvalidValue> {
    let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_name { Ok(text.to_owned()) } else { Err("expected a name without a port, such as endpoint".into()) }
}

/// A path in a container, whose current folder is not that of this process.
fn absolute_path(path: &str) -> Result<String, InvalidValue> {
    if path.starts_with('/') {
        Ok(path.to_owned())
    } else {
        Err("expected an absolute path, such as /opt/ml/models".into())
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
        let expected = "expected HOSTNAME=URL, such as preprocessor=http://127.0.0.1:8081";
        assert_eq!(containers("x"), Err(expected.into()));
        assert_eq!(containers("a=http://h:1,x"), Err(format!("\"x\": {expected}").into()));
    }
}
