//! Example commands that invoke an endpoint which has just become InService.

use std::fs::File;
use std::io::Read as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::config::EndpointConfig;
use crate::platform::create_model::{ExecutionMode, ModelDataUrl, Models};
use crate::storage::Location;

/// The depth of the search for an example of a TargetModel.
const MAX_DEPTH: usize = 3;
/// The longest line of data that is written into the commands.
const MAX_LINE_LENGTH: u64 = 200;
/// A placeholder if there is no example file beside the configuration.
const UNKNOWN: &str = "/path/to/request.csv";

/// Commands that work from any folder: curl, boto3, the metrics page. A file `*.csv` beside the configuration serves as
/// an example request, and the first archive under the multi-model container's prefix as an example of a TargetModel.
/// If signatures are required, curl signs for `signing_region` with the keys in the environment, as boto3 does by
/// itself.
pub(super) fn example_commands(
    config: &EndpointConfig,
    file: &Path,
    address: SocketAddr,
    signing_region: Option<&str>,
) -> String {
    let multi_model = config.variants.iter().flat_map(|variant| &variant.model.containers);
    let multi_model = multi_model.into_iter().any(|container| matches!(container.models, Models::Multi { .. }));
    let url = format!("http://{address}");
    let name = &config.endpoint_name;
    let request = Request::beside(file);
    let (data, body) = (request.for_curl(), request.for_python());
    let target_model = multi_model.then(|| example(config).unwrap_or_else(|| "NAME.tar.gz".to_owned()));
    // The request members that this endpoint needs, and their values.
    let particular = [("TargetModel", target_model), ("TargetContainerHostname", direct(config))];
    let particular = particular.into_iter().filter_map(|(member, value)| Some((member, value?)));
    let (headers, arguments): (String, String) = particular
        .map(|(member, value)| {
            let header = member.replace("Target", "Target-").replace("ContainerHostname", "Container-Hostname");
            (format!("-H 'X-Amzn-SageMaker-{header}: {value}' "), format!("{member}='{value}', "))
        })
        .unzip();
    let (path, content_type, operation, answer) = match config.asynchronous {
        None => ("invocations", "Content-Type", "invoke_endpoint", "['Body'].read()"),
        Some(_) => {
            ("async-invocations", "X-Amzn-SageMaker-Content-Type", "invoke_endpoint_async", "['OutputLocation']")
        }
    };
    let signed = signing_region.map(signing).unwrap_or_default();
    // boto3 needs a region and keys, whether or not they are checked.
    let credentials = match signing_region {
        Some(region) => format!("region_name='{region}'"),
        None => "region_name='us-east-1', aws_access_key_id='any', aws_secret_access_key='any'".to_owned(),
    };
    format!(
        "\nEndpoint {name} is InService at {url}. Try it:\n\n\
         curl {signed}-H '{content_type}: text/csv' {headers}--data-binary '{data}' {url}/endpoints/{name}/{path}\n\n\
         boto3.client('sagemaker-runtime', endpoint_url='{url}', {credentials}).{operation}(\
         EndpointName='{name}', {arguments}ContentType='text/csv', Body={body}){answer}\n\n\
         Metrics: {url}/metrics\n\n"
    )
}

/// The data of an example request.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    /// A line of data.
    Line(String),
    /// A file, by its absolute path.
    File(PathBuf),
    /// No example data.
    Unknown,
}

impl Request {
    /// The first file `*.csv` beside a configuration, as a line of data if it is one.
    fn beside(configuration: &Path) -> Request {
        let folder = configuration.parent().unwrap_or(Path::new(""));
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let folder = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
        match first_file(&folder, ".csv") {
            Some(file) => line(&file).map_or(Request::File(file), Request::Line),
            None => Request::Unknown,
        }
    }

    /// The quoted argument of curl.
    fn for_curl(&self) -> String {
        match self {
            Request::Line(line) => line.clone(),
            Request::File(file) => format!("@{}", file.display()),
            Request::Unknown => format!("@{UNKNOWN}"),
        }
    }

    /// A Python expression for the body.
    fn for_python(&self) -> String {
        match self {
            Request::Line(line) => format!("'{line}'"),
            Request::File(file) => format!("open('{}', 'rb')", file.display()),
            Request::Unknown => format!("open('{UNKNOWN}', 'rb')"),
        }
    }
}

/// The only line of a small file, if it can be quoted and curl does not take it for a file name.
fn line(file: &Path) -> Option<String> {
    let mut text = String::new();
    File::open(file).ok()?.take(MAX_LINE_LENGTH + 2).read_to_string(&mut text).ok()?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
    let is_plain = line.bytes().all(|byte| matches!(byte, b' '..=b'~') && !b"'\\".contains(&byte));
    let is_short = !line.is_empty() && line.len() as u64 <= MAX_LINE_LENGTH;
    (is_plain && is_short && !line.starts_with('@')).then(|| line.to_owned())
}

/// The curl arguments that sign for SageMaker in a region.
fn signing(region: &str) -> String {
    format!(
        "--aws-sigv4 'aws:amz:{region}:sagemaker' --user \"$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY\" \
         ${{AWS_SESSION_TOKEN:+-H \"X-Amz-Security-Token: $AWS_SESSION_TOKEN\"}} "
    )
}

/// A container to call, if requests must name one.
fn direct(config: &EndpointConfig) -> Option<String> {
    let model =
        config.variants.iter().map(|variant| &variant.model).find(|model| model.mode == ExecutionMode::Direct)?;
    model.containers.first().map(|container| container.name.clone())
}

/// A TargetModel that can be invoked.
fn example(config: &EndpointConfig) -> Option<String> {
    let containers = config.variants.iter().flat_map(|variant| &variant.model.containers);
    let prefix = containers.into_iter().find_map(|container| match &container.models {
        Models::Multi { prefix: ModelDataUrl { location: Location::Local(path), .. }, .. } => Some(path),
        _ => None,
    })?;
    let archive = first_archive(prefix, MAX_DEPTH)?;
    Some(archive.strip_prefix(prefix).ok()?.display().to_string())
}

fn first_archive(folder: &Path, depth: usize) -> Option<PathBuf> {
    let below = || sorted(folder).into_iter().find_map(|entry| first_archive(&entry, depth.checked_sub(1)?));
    first_file(folder, ".tar.gz").or_else(below)
}

fn first_file(folder: &Path, suffix: &str) -> Option<PathBuf> {
    sorted(folder).into_iter().find(|path| path.is_file() && path.to_string_lossy().ends_with(suffix))
}

/// The entries of a folder, sorted by name; empty if the folder does not exist. A name that would end the quotes of
/// a command is left out, since users copy and run these commands.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.retain(|path| !path.to_string_lossy().contains(|c: char| c.is_control() || ['\'', '\\'].contains(&c)));
    entries.sort();
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::config::{AsyncConfig, VariantConfig};
    use crate::platform::create_model::ModelForm;
    use crate::platform::create_model::{ContainerConfig, ModelCacheSetting, ModelConfig};

    fn config(container: ContainerConfig, mode: ExecutionMode, asynchronous: Option<AsyncConfig>) -> EndpointConfig {
        let model = ModelConfig { mode, containers: vec![container] };
        let variants = vec![VariantConfig { name: "AllTraffic".into(), weight: 1.0, model }];
        EndpointConfig { endpoint_name: "housing".into(), account: "1".into(), variants, shadow: None, asynchronous }
    }

    fn container(models: Models) -> ContainerConfig {
        let (name, environment) = ("learner".to_owned(), Default::default());
        ContainerConfig { name_in_errors: name.clone(), name, environment, models }
    }

    #[test]
    fn a_name_that_would_end_the_quotes_of_a_command_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["a'; touch gone; '.csv", "b\n.csv", "c\\.csv", "d good.csv"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        assert_eq!(first_file(folder.path(), ".csv"), Some(folder.path().join("d good.csv")));
    }

    #[test]
    fn the_commands_contain_a_single_line_of_data_or_the_absolute_path() {
        let folder = tempfile::tempdir().unwrap();
        let (configuration, file) = (folder.path().join("endpoint.json"), folder.path().join("a.csv"));
        assert_eq!(Request::beside(&configuration), Request::Unknown);
        for (text, line) in [
            ("1993,2728,6,3.0,0.7,1,y,y", Some("1993,2728,6,3.0,0.7,1,y,y")),
            ("1,2\n", Some("1,2")),
            ("1,\"a b\"\r\n", Some("1,\"a b\"")),
            ("", None),
            ("\n", None),
            ("1,2\n3,4\n", None),
            ("@1,2", None),
            ("it's", None),
            ("a\\", None),
            ("ü", None),
            (&"1,".repeat(101), None),
        ] {
            std::fs::write(&file, text).unwrap();
            let expected = line.map_or(Request::File(file.clone()), |line| Request::Line(line.to_owned()));
            assert_eq!(Request::beside(&configuration), expected, "{text:?}");
        }
        let relative = Request::beside(Path::new("examples/housing/endpoint.json"));
        assert_eq!(relative.for_python(), "'1993,2728,6,3.0,0.7,1,y,y'");
        let relative = Request::File(std::path::absolute("a.csv").unwrap());
        assert!(relative.for_curl().starts_with("@/"), "{relative:?}");
    }

    #[test]
    fn the_commands_name_an_existing_artifact_and_request() {
        let folder = tempfile::tempdir().unwrap();
        let city = folder.path().join("models/Chicago_IL");
        std::fs::create_dir_all(&city).unwrap();
        std::fs::write(city.join("Chicago_IL.tar.gz"), "").unwrap();
        std::fs::write(folder.path().join("house.csv"), "").unwrap();
        let location = Location::Local(folder.path().join("models"));
        let prefix = ModelDataUrl { as_written: "./models/".into(), location, form: ModelForm::Archive };
        let models = Models::Multi { prefix, cache: ModelCacheSetting::Enabled };
        let config = config(container(models), ExecutionMode::Serial, None);
        let (file, address) = (folder.path().join("endpoint.json"), ([127, 0, 0, 1], 9000).into());
        let signed = super::example_commands(&config, &file, address, Some("eu-west-1"));
        assert!(signed.contains("curl --aws-sigv4 'aws:amz:eu-west-1:sagemaker' --user \"$AWS_"), "{signed}");
        let advice = example_commands(&config, &file, address, None);
        for part in [
            "curl -H 'Content-Type: text/csv' -H 'X-Amzn-SageMaker-Target-Model: Chicago_IL/Chicago_IL.tar.gz' --data",
            "TargetModel='Chicago_IL/Chicago_IL.tar.gz', ContentType",
            "house.csv' http://127.0.0.1:9000/endpoints/housing/invocations",
            "Metrics: http://127.0.0.1:9000/metrics",
        ] {
            assert!(advice.contains(part), "{part}: {advice}");
        }
    }

    #[test]
    fn the_commands_match_the_endpoints_mode() {
        let said = |config: &EndpointConfig| {
            example_commands(config, Path::new("e.json"), ([127, 0, 0, 1], 9000).into(), None)
        };
        let direct = said(&config(container(Models::Single(None)), ExecutionMode::Direct, None));
        for part in ["-H 'X-Amzn-SageMaker-Target-Container-Hostname: learner'", "TargetContainerHostname='learner', "]
        {
            assert!(direct.contains(part), "{part}: {direct}");
        }
        let later = AsyncConfig { output: None, failure: None, concurrent: 1 };
        let later = said(&config(container(Models::Single(None)), ExecutionMode::Serial, Some(later)));
        for part in ["-H 'X-Amzn-SageMaker-Content-Type: text/csv'", "/async-invocations", ".invoke_endpoint_async("] {
            assert!(later.contains(part), "{part}: {later}");
        }
    }
}
