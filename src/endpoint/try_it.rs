//! What to type next: commands that invoke an endpoint which has just gone InService.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::config::{EndpointConfig, Models};

/// How many folders deep an example of a TargetModel is looked for.
const DEEPEST: usize = 3;

/// Lines to copy: curl, boto3, the metrics page. A file `*.csv` beside the configuration is taken for an example request,
/// and the first archive under the multi-model container's prefix for an example of a TargetModel.
pub(super) fn advice(config: &EndpointConfig, file: &Path, address: SocketAddr, multi_model: bool) -> String {
    let url = format!("http://{address}");
    let name = &config.endpoint_name;
    let request = first_file(file.parent().unwrap_or(Path::new("")), ".csv");
    let request = request.map_or_else(|| "request.csv".to_owned(), |path| path.display().to_string());
    let target_model = multi_model.then(|| example(config).unwrap_or_else(|| "NAME.tar.gz".to_owned()));
    let header = target_model.as_ref().map(|model| format!("-H 'X-Amzn-SageMaker-Target-Model: {model}' "));
    let argument = target_model.as_ref().map(|model| format!("TargetModel='{model}', "));
    format!(
        "\nEndpoint {name} is InService at {url}. Try it:\n\n\
         curl -H 'Content-Type: text/csv' {}--data-binary '@{request}' {url}/endpoints/{name}/invocations\n\n\
         boto3.client('sagemaker-runtime', endpoint_url='{url}').invoke_endpoint(EndpointName='{name}', \
         {}ContentType='text/csv', Body=open('{request}', 'rb'))['Body'].read()\n\n\
         Metrics: {url}/metrics\n\n",
        header.unwrap_or_default(),
        argument.unwrap_or_default()
    )
}

/// A TargetModel that can be invoked.
fn example(config: &EndpointConfig) -> Option<String> {
    let prefix = config.containers.iter().find_map(|container| match &container.models {
        Models::Multi(prefix) => Some(&prefix.path),
        Models::Single(_) => None,
    })?;
    let archive = first_archive(prefix, DEEPEST)?;
    Some(archive.strip_prefix(prefix).ok()?.display().to_string())
}

fn first_archive(folder: &Path, depth: usize) -> Option<PathBuf> {
    let below = || sorted(folder).into_iter().find_map(|entry| first_archive(&entry, depth.checked_sub(1)?));
    first_file(folder, ".tar.gz").or_else(below)
}

fn first_file(folder: &Path, suffix: &str) -> Option<PathBuf> {
    sorted(folder).into_iter().find(|path| path.is_file() && path.to_string_lossy().ends_with(suffix))
}

/// What is in a folder, by name; nothing where there is no folder.
fn sorted(folder: &Path) -> Vec<PathBuf> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    entries.sort();
    entries
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::endpoint::config::{ContainerConfig, ModelDataUrl};

    #[test]
    fn the_commands_name_an_artifact_and_a_request_that_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let city = folder.path().join("models/Chicago_IL");
        std::fs::create_dir_all(&city).unwrap();
        std::fs::write(city.join("Chicago_IL.tar.gz"), "").unwrap();
        std::fs::write(folder.path().join("house.csv"), "").unwrap();
        let prefix = ModelDataUrl { as_written: "./models/".into(), path: folder.path().join("models") };
        let container = ContainerConfig {
            name: "learner".into(),
            name_in_errors: "primary".into(),
            environment: Default::default(),
            models: Models::Multi(prefix),
        };
        let config =
            EndpointConfig { endpoint_name: "housing".into(), account: "1".into(), containers: vec![container] };
        let advice = advice(&config, &folder.path().join("endpoint.json"), ([127, 0, 0, 1], 9000).into(), true);
        for part in [
            "X-Amzn-SageMaker-Target-Model: Chicago_IL/Chicago_IL.tar.gz",
            "TargetModel='Chicago_IL/Chicago_IL.tar.gz'",
            "house.csv' http://127.0.0.1:9000/endpoints/housing/invocations",
            "Metrics: http://127.0.0.1:9000/metrics",
        ] {
            assert!(advice.contains(part), "{part}: {advice}");
        }
    }
}
