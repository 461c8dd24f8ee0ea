//! `byoc endpoint`: a local SageMaker endpoint around containers.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use reqwest::Url;

use crate::cli::settings::{Settings, number, parse_size, text};
use crate::endpoint::client_side::AllowedHosts;
use crate::endpoint::client_side::authorization::{Authorization, Principals};
use crate::endpoint::config::EndpointConfig;
use crate::endpoint::{self, CacheSettings, ContainerSettings, InvocationLimits, Limits, ModelRefresh};
use crate::env::{self, Environment};
use crate::error::{Cause, Error, Result};
use crate::platform::environment::ContainerEnvironment;
use crate::storage::{Location, S3Access, Storage, nothing_at};
use crate::telemetry::logs;
use byoc_formats::suggest;

/// Answer InvokeEndpoint on this machine, over a pipeline of containers that this command starts or that run already
#[derive(Args, Debug, Default)]
pub(super) struct Arguments {
    /// An endpoint: CreateModel's JSON plus EndpointName, or CreateEndpointConfig's plus EndpointName and Models; may be repeated [env: BYOC_ENDPOINT_CONFIG, separated by commas]
    #[arg(long, value_name = "FILE")]
    config: Vec<String>,
    /// Address to listen on [env: BYOC_ENDPOINT_HOST] [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on; 0 picks a free one, printed in the first log line [env: BYOC_ENDPOINT_PORT] [default: 8080]
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// A container that runs already, by ContainerHostname (where two share it, by VARIANT/HOSTNAME), and its URL; may be repeated [env: BYOC_ENDPOINT_CONTAINERS, separated by commas]
    #[arg(long, value_name = "HOSTNAME=URL")]
    container: Vec<String>,
    /// Who may call what: principals with their keys and IAM policies; without it no signature is asked for [env: BYOC_ENDPOINT_IAM]
    #[arg(long, value_name = "FILE")]
    iam: Option<String>,
    /// Largest request body, in bytes or with K, M or G [env: BYOC_ENDPOINT_MAX_REQUEST_SIZE] [default: 25M]
    #[arg(long, value_name = "SIZE")]
    max_request_size: Option<String>,
    /// Most that one container may hand to the next [env: BYOC_ENDPOINT_MAX_HAND_OVER_SIZE] [default: 5M]
    #[arg(long, value_name = "SIZE")]
    max_hand_over_size: Option<String>,
    /// Largest answer [env: BYOC_ENDPOINT_MAX_ANSWER_SIZE] [default: 25M]
    #[arg(long, value_name = "SIZE")]
    max_answer_size: Option<String>,
    /// Most that bodies and answers of all requests together may have; beyond it requests get 503 [env: BYOC_ENDPOINT_IN_FLIGHT_MEMORY] [default: a quarter of the memory beyond 64M]
    #[arg(long, value_name = "SIZE")]
    in_flight_memory: Option<String>,
    /// A name under which the endpoint answers, beside localhost, IP addresses and those of amazonaws.com; may be repeated [env: BYOC_ENDPOINT_ALLOW_HOST, separated by commas]
    #[arg(long, value_name = "NAME")]
    allow_host: Vec<String>,
    /// Longest that a container may take for an invocation [env: BYOC_ENDPOINT_CONTAINER_TIMEOUT] [default: 60]
    #[arg(long, value_name = "SECONDS")]
    container_timeout: Option<String>,
    /// Longest that a streamed answer may take as a whole [env: BYOC_ENDPOINT_STREAM_TIMEOUT] [default: 480]
    #[arg(long, value_name = "SECONDS")]
    stream_timeout: Option<String>,
    /// Folder to unpack models in: in models/ below it, which a multi-model container that runs already must see [env: BYOC_STATE_DIR] [default: a temporary one]
    #[arg(long, value_name = "FOLDER")]
    state_dir: Option<String>,
    /// Where a multi-model container that runs already sees STATE_DIR/models, as SageMaker has it /opt/ml/models [env: BYOC_ENDPOINT_MODELS_SEEN_AT] [default: under the same path]
    #[arg(long, value_name = "FOLDER")]
    models_seen_at: Option<String>,
    /// Seconds that a container may fail its pings, at its start and later, before the endpoint is Failed [env: BYOC_HEALTH_CHECK_TIMEOUT_SECONDS] [default: 480]
    #[arg(long, value_name = "SECONDS")]
    health_check_timeout: Option<String>,
    /// Disk for unpacked models, in bytes or with K, M, G; beyond it those that are not loaded are deleted, the least recently used first [env: BYOC_MODEL_DISK] [default: no bound]
    #[arg(long, value_name = "BYTES")]
    model_disk: Option<String>,
    /// Seconds that a request waits for its model to be loaded before it gets ModelNotReadyException [env: BYOC_MODEL_READY_TIMEOUT_SECONDS] [default: 60]
    #[arg(long, value_name = "SECONDS")]
    model_ready_timeout: Option<String>,
    /// What happens when an artifact is replaced or deleted while its model is loaded: never, the model goes on answering, as on AWS, and the log says so once; changed, the next request is answered by what lies there then, for which each request looks at its ETag, or its size and time [env: BYOC_MODEL_REFRESH] [default: never]
    #[arg(long, value_name = "never|changed")]
    model_refresh: Option<String>,
    /// Folder or s3:// URL for the answers of asynchronous invocations whose endpoint has no S3OutputPath [env: BYOC_ENDPOINT_ASYNC_OUTPUT] [default: async in the state folder]
    #[arg(long, value_name = "FOLDER")]
    async_output: Option<String>,
    /// Folder below which files named by InputLocation may lie; may be repeated [env: BYOC_ENDPOINT_ASYNC_INPUT_ROOT, separated by commas] [default: the state folder and those of the configurations]
    #[arg(long, value_name = "FOLDER")]
    async_input_root: Vec<String>,
    /// What to log: error, warning, info, debug, trace, or Python's numbers [env: SAGEMAKER_CONTAINER_LOG_LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// What a container may see of our environment: where programs, home and temporary files are, and what to log.
const INHERITED: [&str; 5] = ["PATH", "HOME", "TMPDIR", env::RUST_LOG, env::SAGEMAKER_CONTAINER_LOG_LEVEL];
const DEFAULT_PORT: u16 = 8080;
/// The most seconds that a request may be told to wait: as long as loading goes on.
const LONGEST_WAIT: u64 = 360;
/// Seconds that a container may be unhealthy, as the platform has it, and the most that the platform grants.
const DEFAULT_HEALTH_CHECK: u64 = 480;
const LONGEST_HEALTH_CHECK: u64 = 3600;
/// No time limit is longer: a day.
const LONGEST_TIMEOUT: u64 = 24 * 60 * 60;
/// The least that may be given for bodies and answers.
const LEAST_IN_FLIGHT: u64 = 1 << 20;
const DEFAULT_REGION: &str = "us-east-1";

pub(super) fn run(arguments: &Arguments, environment: &Environment) -> Result<()> {
    let (settings, level) = arguments.resolve(environment)?;
    logs::start(level, environment.get(env::RUST_LOG));
    endpoint::run(settings)
}

impl Arguments {
    fn resolve(&self, environment: &Environment) -> Result<(endpoint::Settings, log::LevelFilter)> {
        let mut settings = Settings::new(environment);
        let endpoints: Option<Vec<_>> = if self.config.is_empty() {
            settings.get(("config", None), &[env::BYOC_ENDPOINT_CONFIG], |files| {
                files.split(',').map(|file| configuration(file.trim())).collect()
            })
        } else {
            let files = self.config.iter();
            files.map(|file| settings.get(("config", Some(file.as_str())), &[], configuration)).collect()
        };
        let host = settings.get(("host", self.host.as_deref()), &[env::BYOC_ENDPOINT_HOST], |text| {
            text.parse::<IpAddr>().map_err(|_| "expected an IP address such as 127.0.0.1 or 0.0.0.0".to_owned())
        });
        let port = settings.get(("port", self.port.as_deref()), &[env::BYOC_ENDPOINT_PORT], port);
        let running = self.container.join(",");
        let running = (!running.is_empty()).then_some(running);
        let running = settings.get(("container", running.as_deref()), &[env::BYOC_ENDPOINT_CONTAINERS], containers);
        let principals = settings.get(("iam", self.iam.as_deref()), &[env::BYOC_ENDPOINT_IAM], |file| {
            Principals::from_file(Path::new(file)).map_err(|error| error.to_string())
        });
        let limits = self.limits(&mut settings);
        let state_dir = settings.get(("state-dir", self.state_dir.as_deref()), &[env::BYOC_STATE_DIR], text);
        let models_seen_at = settings.get(
            ("models-seen-at", self.models_seen_at.as_deref()),
            &[env::BYOC_ENDPOINT_MODELS_SEEN_AT],
            absolute,
        );
        let health_check = settings.get(
            ("health-check-timeout", self.health_check_timeout.as_deref()),
            &[env::BYOC_HEALTH_CHECK_TIMEOUT_SECONDS],
            number(1, LONGEST_HEALTH_CHECK),
        );
        let disk = settings.get(("model-disk", self.model_disk.as_deref()), &[env::BYOC_MODEL_DISK], parse_size);
        let patience = settings.get(
            ("model-ready-timeout", self.model_ready_timeout.as_deref()),
            &[env::BYOC_MODEL_READY_TIMEOUT_SECONDS],
            number(1, LONGEST_WAIT),
        );
        let refresh =
            settings.get(("model-refresh", self.model_refresh.as_deref()), &[env::BYOC_MODEL_REFRESH], model_refresh);
        let async_output =
            settings.get(("async-output", self.async_output.as_deref()), &[env::BYOC_ENDPOINT_ASYNC_OUTPUT], |place| {
                Location::parse(place, &std::env::current_dir().unwrap_or_default())
            });
        let async_input_roots = list(
            &mut settings,
            ("async-input-root", &self.async_input_root),
            env::BYOC_ENDPOINT_ASYNC_INPUT_ROOT,
            folder,
        );
        let allowed_hosts =
            list(&mut settings, ("allow-host", &self.allow_host), env::BYOC_ENDPOINT_ALLOW_HOST, host_name);
        let level = settings.get(
            ("log-level", self.log_level.as_deref()),
            &[env::SAGEMAKER_CONTAINER_LOG_LEVEL],
            logs::parse_level,
        );
        let region = settings.get(("", None), &[env::AWS_REGION, env::AWS_DEFAULT_REGION], text);
        settings.finish()?;
        let endpoints = endpoints.ok_or_else(|| {
            Error::new(Cause::BadSetting, "no configuration; give --config FILE, CreateModel's JSON plus EndpointName")
        })?;
        let executable = std::env::current_exe()
            .map_err(|error| Error::new(Cause::Io, format!("could not find this program's own file: {error}")))?;
        let set = |name: &&str| Some(((*name).to_owned(), environment.get(name)?.to_owned()));
        let inherited: BTreeMap<_, _> = INHERITED.iter().filter_map(set).collect();
        let storage = Arc::new(Storage::new(S3Access::of(environment)));
        let region = region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
        let mut cache = CacheSettings { disk, refresh: refresh.unwrap_or_default(), ..CacheSettings::default() };
        if let Some(seconds) = patience {
            cache.patience = Duration::from_secs(seconds);
        }
        let health_check_timeout = Duration::from_secs(health_check.unwrap_or(DEFAULT_HEALTH_CHECK));
        let settings = endpoint::Settings {
            endpoints,
            host: host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port: port.unwrap_or(DEFAULT_PORT),
            authorization: principals.map(Authorization::new),
            limits,
            state_dir: state_dir.map(PathBuf::from),
            models_seen_at,
            allowed_hosts: AllowedHosts::new(allowed_hosts.unwrap_or_default()),
            async_input_roots,
            async_output,
            executable,
            running: running.unwrap_or_default(),
            container_settings: ContainerSettings {
                environment: ContainerEnvironment { inherited, region },
                health_check_timeout,
                cache,
                storage,
            },
        };
        Ok((settings, level.unwrap_or(log::LevelFilter::Info)))
    }
}

impl Arguments {
    fn limits(&self, settings: &mut Settings<'_>) -> Limits {
        let mut bytes = |flag, typed: &Option<String>, variable, default| {
            let size = settings.get((flag, typed.as_deref()), &[variable], parse_size);
            size.map_or(default, |size| usize::try_from(size).unwrap_or(usize::MAX))
        };
        let Limits { request_bytes, in_flight_bytes: default_in_flight_bytes, call } = Limits::default();
        let request_bytes =
            bytes("max-request-size", &self.max_request_size, env::BYOC_ENDPOINT_MAX_REQUEST_SIZE, request_bytes);
        let (given, variable) = (&self.max_hand_over_size, env::BYOC_ENDPOINT_MAX_HAND_OVER_SIZE);
        let hand_over_bytes = bytes("max-hand-over-size", given, variable, call.hand_over_bytes);
        let (given, variable) = (&self.max_answer_size, env::BYOC_ENDPOINT_MAX_ANSWER_SIZE);
        let answer_bytes = bytes("max-answer-size", given, variable, call.answer_bytes);

        let (given, variable) = (&self.in_flight_memory, env::BYOC_ENDPOINT_IN_FLIGHT_MEMORY);
        let in_flight_bytes = settings.get(("in-flight-memory", given.as_deref()), &[variable], in_flight);
        let in_flight_bytes = in_flight_bytes.unwrap_or(default_in_flight_bytes);

        let mut seconds = |flag, typed: &Option<String>, variable, default| {
            let seconds = settings.get((flag, typed.as_deref()), &[variable], number(1, LONGEST_TIMEOUT));
            seconds.map_or(default, Duration::from_secs)
        };
        let (given, variable) = (&self.container_timeout, env::BYOC_ENDPOINT_CONTAINER_TIMEOUT);
        let container_timeout = seconds("container-timeout", given, variable, call.container_timeout);
        let (given, variable) = (&self.stream_timeout, env::BYOC_ENDPOINT_STREAM_TIMEOUT);
        let stream_timeout = seconds("stream-timeout", given, variable, call.stream_timeout);

        let call = InvocationLimits { hand_over_bytes, answer_bytes, container_timeout, stream_timeout };
        Limits { request_bytes, in_flight_bytes, call }
    }
}

/// A setting of several values: its flag may be repeated, its variable has commas between them.
fn list<T>(
    settings: &mut Settings<'_>,
    (flag, typed): (&str, &[String]),
    variable: &str,
    parse: impl Fn(&str) -> Result<T, String>,
) -> Option<Vec<T>> {
    if typed.is_empty() {
        let each = |text: &str| text.split(',').map(|one| parse(one.trim())).collect();
        return settings.get((flag, None), &[variable], each);
    }
    typed.iter().map(|one| settings.get((flag, Some(one.as_str())), &[], &parse)).collect()
}

/// The least is what one small request with its answer needs, and what the parts of it are still worth something with.
fn in_flight(text: &str) -> Result<u64, String> {
    let bytes = parse_size(text)?;
    if bytes < LEAST_IN_FLIGHT { Err("expected at least 1M".into()) } else { Ok(bytes) }
}

/// A folder that is there.
fn folder(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match std::fs::metadata(&path) {
        Ok(found) if found.is_dir() => Ok(path),
        Ok(_) => Err(format!("\"{text}\" is no folder")),
        Err(_) => Err(nothing_at(&path)),
    }
}

/// A name as Host has it, without a port.
fn host_name(text: &str) -> Result<String, String> {
    let is_name = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if is_name {
        Ok(text.to_owned())
    } else {
        Err(format!("\"{text}\": expected a name without a port, such as endpoint"))
    }
}

fn configuration(file: &str) -> Result<(PathBuf, EndpointConfig), String> {
    let config = EndpointConfig::read(Path::new(file)).map_err(|error| error.to_string())?;
    Ok((PathBuf::from(file), config))
}

fn model_refresh(text: &str) -> Result<ModelRefresh, String> {
    match text.trim() {
        "never" => Ok(ModelRefresh::Never),
        "changed" => Ok(ModelRefresh::Changed),
        other => Err(format!("{}expected never or changed", suggest::did_you_mean(other, ["never", "changed"]))),
    }
}

fn port(text: &str) -> Result<u16, String> {
    let port = number(0, u64::from(u16::MAX))(text)?;
    u16::try_from(port).map_err(|error| error.to_string())
}

/// A folder as a container sees it, which has another current folder than we.
fn absolute(path: &str) -> Result<String, String> {
    if path.starts_with('/') {
        Ok(path.to_owned())
    } else {
        Err(format!("\"{path}\": expected an absolute path, such as /opt/ml/models"))
    }
}

/// `NAME=URL`, separated by commas.
fn containers(text: &str) -> Result<BTreeMap<String, Url>, String> {
    let mut containers = BTreeMap::new();
    for one in text.split(',').map(str::trim) {
        let expected = || format!("\"{one}\": expected HOSTNAME=URL, such as preprocessor=http://127.0.0.1:8081");
        let (name, url) = one.split_once('=').ok_or_else(expected)?;
        let url =
            Url::parse(url).ok().filter(|url| url.scheme() == "http" && url.path() == "/").ok_or_else(expected)?;
        if containers.insert(name.to_owned(), url).is_some() {
            return Err(format!("container {name} is given twice"));
        }
    }
    Ok(containers)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let json = r#"{"EndpointName": "e", "ModelName": "m", "PrimaryContainer": {"Image": "i"}}"#;
        std::fs::write(file.path(), json).unwrap();
        file
    }

    #[test]
    fn a_configuration_is_all_that_is_needed() {
        let file = file();
        let arguments =
            Arguments { config: file.path().to_str().map(String::from).into_iter().collect(), ..Arguments::default() };
        let environment = Environment::from([("PATH", "/bin"), ("AWS_SECRET_ACCESS_KEY", "s"), ("RUST_LOG", "debug")]);
        let (settings, level) = arguments.resolve(&environment).unwrap();
        assert_eq!((settings.host.to_string().as_str(), settings.port), ("127.0.0.1", 8080));
        assert_eq!((settings.state_dir, level), (None, log::LevelFilter::Info));
        assert_eq!(settings.limits, Limits::default());
        assert_eq!(settings.container_settings.environment.region, "us-east-1");
        let inherited: Vec<_> = settings.container_settings.environment.inherited.keys().map(String::as_str).collect();
        assert_eq!(inherited, ["PATH", "RUST_LOG"]);
    }

    #[test]
    fn every_option_has_a_variable_and_a_flag_wins() {
        let file = file();
        let environment = Environment::from([
            ("BYOC_ENDPOINT_CONFIG", file.path().to_str().unwrap()),
            ("BYOC_ENDPOINT_HOST", "0.0.0.0"),
            ("BYOC_ENDPOINT_PORT", "9000"),
            ("BYOC_ENDPOINT_CONTAINERS", "a=http://127.0.0.1:1, b=http://b:2"),
            ("BYOC_STATE_DIR", "/state"),
            ("BYOC_ENDPOINT_MODELS_SEEN_AT", "/opt/ml/models"),
            ("BYOC_ENDPOINT_ASYNC_OUTPUT", "/out"),
            ("BYOC_ENDPOINT_MAX_REQUEST_SIZE", "6M"),
            ("BYOC_ENDPOINT_MAX_HAND_OVER_SIZE", "1K"),
            ("BYOC_ENDPOINT_MAX_ANSWER_SIZE", "7"),
            ("BYOC_ENDPOINT_IN_FLIGHT_MEMORY", "9M"),
            ("BYOC_ENDPOINT_ALLOW_HOST", "endpoint, box.example"),
            ("BYOC_ENDPOINT_ASYNC_INPUT_ROOT", "/, /tmp"),
            ("BYOC_ENDPOINT_CONTAINER_TIMEOUT", "1"),
            ("BYOC_ENDPOINT_STREAM_TIMEOUT", "2"),
            ("AWS_DEFAULT_REGION", "eu-west-1"),
            ("BYOC_HEALTH_CHECK_TIMEOUT_SECONDS", "9"),
            ("BYOC_MODEL_DISK", "2G"),
            ("BYOC_MODEL_READY_TIMEOUT_SECONDS", "5"),
            ("BYOC_MODEL_REFRESH", "changed"),
        ]);
        let (settings, _) = Arguments::default().resolve(&environment).unwrap();
        assert_eq!((settings.host.to_string().as_str(), settings.port), ("0.0.0.0", 9000));
        assert_eq!(settings.running["b"].as_str(), "http://b:2/");
        assert_eq!(settings.state_dir, Some(PathBuf::from("/state")));
        assert_eq!(settings.models_seen_at.as_deref(), Some("/opt/ml/models"));
        assert_eq!(settings.async_output, Some(Location::Local(PathBuf::from("/out"))));
        assert_eq!(settings.container_settings.environment.region, "eu-west-1");
        let cache = CacheSettings {
            disk: Some(2 << 30),
            patience: Duration::from_secs(5),
            refresh: ModelRefresh::Changed,
            ..CacheSettings::default()
        };
        assert_eq!(settings.container_settings.cache, cache);
        assert_eq!(settings.container_settings.health_check_timeout, Duration::from_secs(9));
        let call = InvocationLimits {
            hand_over_bytes: 1024,
            answer_bytes: 7,
            container_timeout: Duration::from_secs(1),
            stream_timeout: Duration::from_secs(2),
        };
        let limits = Limits { request_bytes: 6 << 20, in_flight_bytes: 9 << 20, call };
        assert_eq!(settings.async_input_roots, Some(vec![PathBuf::from("/"), PathBuf::from("/tmp")]));
        assert_eq!(format!("{:?}", settings.allowed_hosts), r#"AllowedHosts(["endpoint", "box.example"])"#);
        assert_eq!(settings.limits, limits);

        let container = vec!["c=http://c:3".to_owned(), "d=http://d:4/".to_owned()];
        let flags = Arguments { port: Some("1".into()), container, ..Arguments::default() };
        let (settings, _) = flags.resolve(&environment).unwrap();
        assert_eq!(settings.port, 1);
        assert_eq!(settings.running.keys().collect::<Vec<_>>(), ["c", "d"]);
    }

    #[test]
    fn all_wrong_settings_are_reported_at_once() {
        let arguments = Arguments {
            config: vec!["/none/endpoint.json".into()],
            port: Some("65536".into()),
            container: vec!["preprocessor".into()],
            models_seen_at: Some("models".into()),
            allow_host: vec!["endpoint".into(), "http://endpoint".into()],
            async_input_root: vec!["/".into(), "/none/such".into()],
            in_flight_memory: Some("1K".into()),
            model_refresh: Some("always".into()),
            ..Arguments::default()
        };
        let error = arguments.resolve(&Environment::from([("BYOC_ENDPOINT_HOST", "here")])).unwrap_err();
        assert_eq!(error.cause(), Cause::BadSetting);
        for part in [
            "9 settings are wrong",
            "--allow-host is \"http://endpoint\"",
            "--async-input-root is \"/none/such\"",
            "--in-flight-memory",
            "--model-refresh is \"always\": expected never or changed",
            "--models-seen-at",
            "/none/endpoint.json",
            "--port",
            "HOSTNAME=URL",
            "BYOC_ENDPOINT_HOST",
        ] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
        let misspelt = Environment::from([("BYOC_MODEL_REFRESH", "chnged")]);
        let error = Arguments::default().resolve(&misspelt).unwrap_err();
        let said =
            "environment variable BYOC_MODEL_REFRESH is \"chnged\": did you mean changed? expected never or changed";
        assert_eq!(error.message(), said);
        let error = Arguments::default().resolve(&Environment::default()).unwrap_err();
        assert!(error.message().contains("--config FILE"), "{error}");
        for bad in ["a=https://h:1", "a=h:1", "a=http://h/path", "a=http://h:1,a=http://h:2"] {
            assert!(containers(bad).is_err(), "{bad}");
        }
    }
}
