//! `byoc endpoint`: a local SageMaker endpoint around containers.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use clap::Args;
use reqwest::Url;

use crate::cli::settings::{Settings, number, text};
use crate::endpoint::config::EndpointConfig;
use crate::endpoint::{self, Surroundings};
use crate::env::{self, Environment};
use crate::error::{Cause, Error, Result};
use crate::telemetry::logs;

/// Answer InvokeEndpoint on this machine, over a pipeline of containers that this command starts or that run already
#[derive(Args, Debug, Default)]
pub(super) struct Arguments {
    /// CreateModel's JSON plus EndpointName [env: BYOC_ENDPOINT_CONFIG]
    #[arg(long, value_name = "FILE")]
    config: Option<String>,
    /// Address to listen on [env: BYOC_ENDPOINT_HOST] [default: 127.0.0.1]
    #[arg(long, value_name = "ADDRESS")]
    host: Option<String>,
    /// Port to listen on; 0 picks a free one, printed in the first log line [env: BYOC_ENDPOINT_PORT] [default: 8080]
    #[arg(long, value_name = "PORT")]
    port: Option<String>,
    /// A container that runs already, by ContainerHostname, and its URL; may be repeated [env: BYOC_ENDPOINT_CONTAINERS, separated by commas]
    #[arg(long, value_name = "HOSTNAME=URL")]
    container: Vec<String>,
    /// Folder to unpack models in; a multi-model container that runs already must see it under the same path [env: BYOC_STATE_DIR] [default: a temporary one]
    #[arg(long, value_name = "FOLDER")]
    state_dir: Option<String>,
    /// What to log: error, warning, info, debug, trace, or Python's numbers [env: SAGEMAKER_CONTAINER_LOG_LEVEL] [default: info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
}

/// What a container may see of our environment: where programs, home and temporary files are, and what to log.
const INHERITED: [&str; 5] = ["PATH", "HOME", "TMPDIR", env::RUST_LOG, env::SAGEMAKER_CONTAINER_LOG_LEVEL];
const DEFAULT_PORT: u16 = 8080;
const DEFAULT_REGION: &str = "us-east-1";

pub(super) fn run(arguments: &Arguments, environment: &Environment) -> Result<()> {
    let (settings, level) = arguments.resolve(environment)?;
    logs::start(level, environment.get(env::RUST_LOG));
    endpoint::run(settings)
}

impl Arguments {
    fn resolve(&self, environment: &Environment) -> Result<(endpoint::Settings, log::LevelFilter)> {
        let mut settings = Settings::new(environment);
        let config = settings.get(("config", self.config.as_deref()), &[env::BYOC_ENDPOINT_CONFIG], |file| {
            let config = EndpointConfig::read(Path::new(file)).map_err(|error| error.to_string())?;
            Ok((PathBuf::from(file), config))
        });
        let host = settings.get(("host", self.host.as_deref()), &[env::BYOC_ENDPOINT_HOST], |text| {
            text.parse::<IpAddr>().map_err(|_| "expected an IP address such as 127.0.0.1 or 0.0.0.0".to_owned())
        });
        let port = settings.get(("port", self.port.as_deref()), &[env::BYOC_ENDPOINT_PORT], port);
        let running = self.container.join(",");
        let running = (!running.is_empty()).then_some(running);
        let running = settings.get(("container", running.as_deref()), &[env::BYOC_ENDPOINT_CONTAINERS], containers);
        let state_dir = settings.get(("state-dir", self.state_dir.as_deref()), &[env::BYOC_STATE_DIR], text);
        let level = settings.get(
            ("log-level", self.log_level.as_deref()),
            &[env::SAGEMAKER_CONTAINER_LOG_LEVEL],
            logs::parse_level,
        );
        let region = settings.get(("", None), &[env::AWS_REGION, env::AWS_DEFAULT_REGION], text);
        settings.finish()?;
        let (config_file, config) = config.ok_or_else(|| {
            Error::new(Cause::BadSetting, "no configuration; give --config FILE, CreateModel's JSON plus EndpointName")
        })?;
        let executable = std::env::current_exe()
            .map_err(|error| Error::new(Cause::Io, format!("could not find this program's own file: {error}")))?;
        let inherited = INHERITED
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), environment.get(name)?.to_owned())))
            .collect();
        let region = region.unwrap_or_else(|| DEFAULT_REGION.to_owned());
        let settings = endpoint::Settings {
            config_file,
            config,
            host: host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port: port.unwrap_or(DEFAULT_PORT),
            state_dir: state_dir.map(PathBuf::from),
            executable,
            running: running.unwrap_or_default(),
            surroundings: Surroundings { inherited, region },
        };
        Ok((settings, level.unwrap_or(log::LevelFilter::Info)))
    }
}

fn port(text: &str) -> Result<u16, String> {
    let port = number(0, u64::from(u16::MAX))(text)?;
    u16::try_from(port).map_err(|error| error.to_string())
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
        let arguments = Arguments { config: file.path().to_str().map(String::from), ..Arguments::default() };
        let environment = Environment::from([("PATH", "/bin"), ("AWS_SECRET_ACCESS_KEY", "s"), ("RUST_LOG", "debug")]);
        let (settings, level) = arguments.resolve(&environment).unwrap();
        assert_eq!((settings.host.to_string().as_str(), settings.port), ("127.0.0.1", 8080));
        assert_eq!((settings.state_dir, level), (None, log::LevelFilter::Info));
        assert_eq!(settings.surroundings.region, "us-east-1");
        let inherited: Vec<_> = settings.surroundings.inherited.keys().map(String::as_str).collect();
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
            ("AWS_DEFAULT_REGION", "eu-west-1"),
        ]);
        let (settings, _) = Arguments::default().resolve(&environment).unwrap();
        assert_eq!((settings.host.to_string().as_str(), settings.port), ("0.0.0.0", 9000));
        assert_eq!(settings.running["b"].as_str(), "http://b:2/");
        assert_eq!(settings.state_dir, Some(PathBuf::from("/state")));
        assert_eq!(settings.surroundings.region, "eu-west-1");

        let container = vec!["c=http://c:3".to_owned(), "d=http://d:4/".to_owned()];
        let flags = Arguments { port: Some("1".into()), container, ..Arguments::default() };
        let (settings, _) = flags.resolve(&environment).unwrap();
        assert_eq!(settings.port, 1);
        assert_eq!(settings.running.keys().collect::<Vec<_>>(), ["c", "d"]);
    }

    #[test]
    fn all_wrong_settings_are_reported_at_once() {
        let arguments = Arguments {
            config: Some("/none/endpoint.json".into()),
            port: Some("65536".into()),
            container: vec!["preprocessor".into()],
            ..Arguments::default()
        };
        let error = arguments.resolve(&Environment::from([("BYOC_ENDPOINT_HOST", "here")])).unwrap_err();
        assert_eq!(error.cause(), Cause::BadSetting);
        for part in ["4 settings are wrong", "/none/endpoint.json", "--port", "HOSTNAME=URL", "BYOC_ENDPOINT_HOST"] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
        let error = Arguments::default().resolve(&Environment::default()).unwrap_err();
        assert!(error.message().contains("--config FILE"), "{error}");
        for bad in ["a=https://h:1", "a=h:1", "a=http://h/path", "a=http://h:1,a=http://h:2"] {
            assert!(containers(bad).is_err(), "{bad}");
        }
    }
}
