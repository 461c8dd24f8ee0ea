//! `byoc endpoint`: a local SageMaker endpoint around containers.

use std::sync::Arc;

use crate::cli::containers;
use crate::cli::settings::raw::RawSettings;
use crate::cli::table::endpoint::Endpoint;
use crate::endpoint::client_side::AllowedHosts;
use crate::endpoint::client_side::authorization::Authorization;
use crate::endpoint::{self, CacheSettings, ContainerSettings, InvocationLimits, Limits};
use crate::error::{Cause, Error, Result};
use crate::platform::environment::ContainerEnvironment;
use crate::storage::{S3Access, Storage};
use crate::telemetry::logs;

pub(super) fn run(raw: &RawSettings) -> Result<()> {
    let (settings, problems) = raw.read::<Endpoint>();
    problems.finish()?;
    logs::start(settings.log_level, settings.log_filter.as_deref());
    endpoint::run(resolve(settings, raw)?)
}

fn resolve(settings: Endpoint, raw: &RawSettings) -> Result<endpoint::Settings> {
    let endpoints = settings.config.ok_or_else(|| {
        Error::new(Cause::BadSetting, "no configuration; give --config FILE, CreateModel's JSON plus EndpointName")
    })?;
    let limits = Limits {
        request_bytes: settings.max_request_size,
        in_flight_bytes: settings.in_flight_memory.unwrap_or_else(|| Limits::default().in_flight_bytes),
        call: InvocationLimits {
            hand_over_bytes: settings.max_hand_over_size,
            answer_bytes: settings.max_answer_size,
            container_timeout: settings.container_timeout,
            stream_timeout: settings.stream_timeout,
        },
    };
    let cache = CacheSettings {
        disk: settings.model_disk,
        model_ready_timeout: settings.model_ready_timeout,
        refresh: settings.model_refresh,
        ..CacheSettings::default()
    };
    Ok(endpoint::Settings {
        endpoints,
        host: settings.host,
        port: settings.port,
        authorization: settings.iam.map(Authorization::new),
        limits,
        state_dir: settings.state_dir,
        models_seen_at: settings.models_seen_at,
        allowed_hosts: AllowedHosts::new(settings.allow_host.unwrap_or_default()),
        async_input_roots: settings.async_input_root,
        async_output: settings.async_output,
        executable: containers::executable()?,
        running: settings.container.unwrap_or_default(),
        container_settings: ContainerSettings {
            environment: ContainerEnvironment {
                inherited: containers::inherited(raw.environment()),
                region: settings.region,
            },
            health_check_timeout: settings.health_check_timeout,
            cache,
            storage: Arc::new(Storage::new(S3Access::of(raw.environment()))),
        },
    })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::cli::testing::raw_settings;
    use crate::endpoint::ModelRefresh;
    use crate::env::Environment;
    use crate::storage::Location;

    fn read(flags: &[&str], environment: &Environment) -> Result<endpoint::Settings> {
        let raw = raw_settings("endpoint", flags, environment.clone());
        let (settings, problems) = raw.read();
        problems.finish().and_then(|()| resolve(settings, &raw))
    }

    fn file() -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        let json = r#"{"EndpointName": "e", "ModelName": "m", "PrimaryContainer": {"Image": "i"}}"#;
        std::fs::write(file.path(), json).unwrap();
        file
    }

    #[test]
    fn a_configuration_suffices() {
        let file = file();
        let environment = Environment::from([("PATH", "/bin"), ("AWS_SECRET_ACCESS_KEY", "s"), ("RUST_LOG", "debug")]);
        let settings = read(&["--config", file.path().to_str().unwrap()], &environment).unwrap();
        assert_eq!((settings.host.to_string().as_str(), settings.port), ("127.0.0.1", 8080));
        assert_eq!(settings.state_dir, None);
        assert_eq!(settings.limits, Limits::default());
        assert_eq!(settings.container_settings.cache, CacheSettings::default());
        assert_eq!(settings.container_settings.environment.region, "us-east-1");
        let inherited: Vec<_> = settings.container_settings.environment.inherited.keys().map(String::as_str).collect();
        assert_eq!(inherited, ["PATH", "RUST_LOG"]);
    }

    #[test]
    fn every_option_has_a_variable_and_flags_win() {
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
        let settings = read(&[], &environment).unwrap();
        assert_eq!((settings.host.to_string().as_str(), settings.port), ("0.0.0.0", 9000));
        assert_eq!(settings.running["b"].as_str(), "http://b:2/");
        assert_eq!(settings.state_dir, Some(PathBuf::from("/state")));
        assert_eq!(settings.models_seen_at.as_deref(), Some("/opt/ml/models"));
        assert_eq!(settings.async_output, Some(Location::Local(PathBuf::from("/out"))));
        assert_eq!(settings.container_settings.environment.region, "eu-west-1");
        let cache = CacheSettings {
            disk: Some(2 << 30),
            model_ready_timeout: Duration::from_secs(5),
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

        let flags = ["--port", "1", "--container", "c=http://c:3", "--container", "d=http://d:4/"];
        let settings = read(&flags, &environment).unwrap();
        assert_eq!(settings.port, 1);
        assert_eq!(settings.running.keys().collect::<Vec<_>>(), ["c", "d"]);
    }

    #[test]
    fn all_invalid_settings_are_reported_at_once() {
        let flags = [
            "--config=/none/endpoint.json",
            "--port=65536",
            "--container=preprocessor",
            "--models-seen-at=models",
            "--allow-host=endpoint",
            "--allow-host=http://endpoint",
            "--async-input-root=/",
            "--async-input-root=/none/such",
            "--in-flight-memory=1K",
            "--model-refresh=always",
        ];
        let error = read(&flags, &Environment::from([("BYOC_ENDPOINT_HOST", "here")])).unwrap_err();
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
        let error = read(&[], &misspelt).unwrap_err();
        let said =
            "environment variable BYOC_MODEL_REFRESH is \"chnged\": did you mean changed? expected never or changed";
        assert_eq!(error.message(), said);
        let error = read(&[], &Environment::default()).unwrap_err();
        assert!(error.message().contains("--config FILE"), "{error}");
    }
}
