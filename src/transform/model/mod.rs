//! The model of a job: the containers that serve it, from start to stop, and how a payload passes through them.
//!
//! A container is always a separate process, started here or already running, and gets the same requests as from
//! SageMaker: a container that works here works there. `job_container` is one container, `invoker` one invocation of
//! all of them.

mod execution_parameters;
mod invoker;
mod job_container;
mod record_error;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Client, Url};
use serde_json::{Map, Value};

pub(super) use execution_parameters::ExecutionParameters;
pub(super) use invoker::{Invoker, TransformError};
use job_container::JobContainer;
pub(super) use record_error::RecordError;

use crate::error::{Cause, Error, Result};
use crate::platform::create_model::{
    ContainerConfig, CreateModel, ExecutionMode, FileOf, ModelDataUrl, ModelForm, Models, Validator, parse_request,
};
use crate::platform::environment::ContainerEnvironment;
use crate::platform::http;
use crate::platform::problems::{combine, list_problems};
use crate::storage::{Location, Storage, StorageError, absolute, missing_path_message, read_text};
use crate::temporary_folder::TemporaryFolder;
use crate::transform::storage_error::read_failed;
use byoc_formats::error::chain;
use byoc_formats::file_kind::PREPROCESSOR_JSON;

/// The containers that serve a job.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelSource {
    /// A container that is already running.
    Running(Url),
    /// The location of one model; a container is started for it.
    Model(ContainerConfig),
    /// The containers of a CreateModel request, in the order in which a payload passes through them.
    Containers(Vec<ContainerConfig>),
}

/// How containers are started.
#[derive(Clone, Debug)]
pub struct LaunchSettings {
    /// The executable that runs a container when called with `serve`.
    pub executable: PathBuf,
    /// The environment variables that all containers share.
    pub environment: ContainerEnvironment,
    /// The time within which a container must become healthy.
    pub health_check_timeout: Duration,
    /// The storage of models, inputs and outputs.
    pub storage: Arc<Storage>,
}

impl ModelSource {
    /// Parses `--model`: the URL of a running container, a JSON file with a CreateModel request, or the location of one
    /// model (a folder, an archive or a model file).
    ///
    /// # Errors
    /// Why it is not one of these.
    pub fn parse(text: &str) -> Result<ModelSource, String> {
        if text.starts_with("http://") {
            return match Url::parse(text) {
                Ok(url) if url.path() == "/" && url.query().is_none() => Ok(ModelSource::Running(url)),
                _ => Err("expected a container's URL such as http://127.0.0.1:8080".to_owned()),
            };
        }
        let path = Path::new(text);
        let is_artifact = path.file_name().is_some_and(|name| name == PREPROCESSOR_JSON);
        if path.extension().is_some_and(|extension| extension == "json") && !is_artifact {
            return ModelSource::from_create_model(path);
        }
        let location = Location::parse(text, &absolute(Path::new(".")))?;
        if let Location::Local(path) = &location
            && !path.exists()
        {
            return Err(format!(
                "{}; give a folder, a model.tar.gz, a model.joblib, a .json file with CreateModel's request, or the \
                 URL of a container that runs",
                missing_path_message(path)
            ));
        }
        // A key that ends in a slash is a prefix of files, as a folder is.
        let form = match &location {
            Location::S3 { key, .. } if key.is_empty() || key.ends_with('/') => ModelForm::Files,
            _ => ModelForm::Archive,
        };
        let url = ModelDataUrl { as_written: text.to_owned(), location, form };
        let container = ContainerConfig {
            name: "primary".to_owned(),
            name_in_errors: "primary".to_owned(),
            environment: BTreeMap::new(),
            models: Models::Single(Some(url)),
        };
        Ok(ModelSource::Model(container))
    }

    /// The containers that are started for this source.
    fn containers(&self) -> &[ContainerConfig] {
        match self {
            ModelSource::Running(_) => &[],
            ModelSource::Model(container) => std::slice::from_ref(container),
            ModelSource::Containers(containers) => containers,
        }
    }

    /// Treats an S3 URL without a slash at its end as a folder, as `byoc serve` and `byoc inspect` do, if there is no
    /// such object but there are objects below it. If nothing exists there, the fetch reports it.
    pub(super) async fn resolve_s3_folder(mut self, storage: &Storage) -> Result<ModelSource> {
        let ModelSource::Model(ContainerConfig { models: Models::Single(Some(url)), .. }) = &mut self else {
            return Ok(self);
        };
        if let (ModelForm::Archive, Location::S3 { bucket, key }) = (url.form, &mut url.location) {
            let opened = storage.bucket(bucket)?;
            if matches!(opened.head(key).await, Err(StorageError::NotFound)) {
                let prefix = format!("{key}/");
                if opened.list_at_most(&prefix, 1).await.is_ok_and(|found| !found.is_empty()) {
                    (*key, url.form) = (prefix, ModelForm::Files);
                }
            }
        }
        Ok(self)
    }

    fn from_create_model(file: &Path) -> Result<ModelSource, String> {
        let text = read_text(file).map_err(|error| chain(&error).to_string())?;
        let whole = absolute(file);
        let folder = whole.parent().unwrap_or(Path::new("/"));
        let mut check = Validator { folder, prefix: String::new(), problems: Vec::new() };
        FileOf::Endpoint.check(&text)?;
        let mut typed: CreateModel = parse_request(&text).map_err(|problems| list_problems(&problems))?;
        // A member that only endpoints use: the same file can serve both.
        typed.endpoint_name = None;
        let (_, model) = check.model(typed);
        if model.mode == ExecutionMode::Direct {
            check.problem("InferenceExecutionConfig.Mode", "Direct is for endpoints; a transform job goes through all");
        }
        for container in &model.containers {
            if matches!(container.models, Models::Multi { .. }) {
                check.problem(
                    format_args!("container {}", container.name),
                    "Mode MultiModel is for endpoints; give the ModelDataUrl of one model",
                );
            }
        }
        if check.problems.is_empty() {
            Ok(ModelSource::Containers(model.containers))
        } else {
            Err(list_problems(&check.problems))
        }
    }

    /// A document that changes when the model does. A container that is already running is assumed to be unchanged.
    ///
    /// # Errors
    /// If an artifact cannot be read.
    pub(super) async fn version(&self, storage: &Storage) -> Result<Value> {
        if let ModelSource::Running(url) = self {
            return Ok(url.as_str().into());
        }
        let mut versions = Vec::new();
        for container in self.containers() {
            let environment = container.environment.iter().map(|(name, value)| (name.clone(), value.as_str().into()));
            let artifact = match &container.models {
                Models::Single(Some(url)) => version_of_artifact(url, storage).await?,
                Models::Single(None) | Models::Multi { .. } => Value::Null,
            };
            let members = [("Environment", Map::from_iter(environment).into()), ("artifact", artifact)];
            versions.push(Value::from_iter(members));
        }
        Ok(versions.into())
    }
}

/// The version of an artifact in its storage: that of the object, or those of all objects by key.
async fn version_of_artifact(url: &ModelDataUrl, storage: &Storage) -> Result<Value> {
    let failed = |failure| read_failed(&url.location, failure);
    match &url.location {
        Location::Local(path) => version_of_files(path),
        Location::S3 { bucket, key } if url.form == ModelForm::Files => {
            let listed = storage.bucket(bucket)?.list(key).await.map_err(failed)?;
            Ok(Map::from_iter(listed.into_iter().map(|entry| (entry.key, entry.version.into()))).into())
        }
        Location::S3 { bucket, key } => {
            let (entry, _) = storage.bucket(bucket)?.head(key).await.map_err(failed)?;
            Ok(entry.version.into())
        }
    }
}

/// The size and checksum of a file, or of all files in a folder by name.
fn version_of_files(path: &Path) -> Result<Value> {
    if !path.is_dir() {
        let mut file = std::fs::File::open(path).map_err(|error| Error::io("open", path, error))?;
        let mut sum = Checksum(crc32fast::Hasher::new());
        let bytes = std::io::copy(&mut file, &mut sum).map_err(|error| Error::io("read", path, error))?;
        return Ok(format!("{bytes} bytes, CRC-32 {:08x}", sum.0.finalize()).into());
    }
    let entries = std::fs::read_dir(path).map_err(|error| Error::io("list", path, error))?;
    let mut files = Map::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        files.insert(name, version_of_files(&path)?);
    }
    Ok(files.into())
}

struct Checksum(crc32fast::Hasher);

impl std::io::Write for Checksum {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The containers of a job, running.
#[derive(Debug)]
pub(super) struct Model {
    client: Client,
    containers: Vec<JobContainer>,
    /// The folder of unpacked artifacts, deleted on drop.
    _unpacked: TemporaryFolder,
}

impl Model {
    /// Starts all containers concurrently and waits until they are healthy. `variables` are the job's own and override
    /// those of the model.
    ///
    /// # Errors
    /// A line for each container that does not become healthy; the others are stopped.
    pub(super) async fn start(
        source: &ModelSource,
        launch: &LaunchSettings,
        variables: &BTreeMap<String, String>,
    ) -> Result<Model> {
        let client = http::client().map_err(|error| Error::new(Cause::Internal, "no HTTP client").caused_by(error))?;
        let unpacked = TemporaryFolder::make("byoc-transform-")?;
        unpacked.remove_abandoned();
        let started = match source {
            ModelSource::Running(url) => vec![JobContainer::running(&client, url, launch).await],
            ModelSource::Model(_) | ModelSource::Containers(_) => {
                let all = source.containers().iter().enumerate().map(|(position, container)| {
                    let mut container = container.clone();
                    container.environment.extend(variables.clone());
                    JobContainer::start(&client, container, position, launch, unpacked.path())
                });
                join_all(all).await
            }
        };
        let (mut containers, mut problems) = (Vec::new(), Vec::new());
        for stage in started {
            match stage {
                Ok(stage) => containers.push(stage),
                Err(error) => problems.push(error),
            }
        }
        let model = Model { client, containers, _unpacked: unpacked };
        let Some(error) = combine(problems) else { return Ok(model) };
        model.stop().await;
        Err(error)
    }

    /// The parameters that the containers ask for, merged.
    pub(super) async fn execution_parameters(&self) -> ExecutionParameters {
        let asked = self.containers.iter().map(|stage| execution_parameters::ask(&self.client, stage));
        join_all(asked).await.into_iter().fold(ExecutionParameters::default(), ExecutionParameters::merge)
    }

    /// Stops the containers that were started, after their requests have finished.
    pub(super) async fn stop(&self) {
        join_all(self.containers.iter().map(JobContainer::stop)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env;
    use crate::storage::S3Access;
    use byoc_fake_container::{FakeContainer, response};

    #[actix_web::test]
    async fn a_folder_in_s3_needs_no_slash_at_its_end() {
        // S3 with one object, `models/b/m.pkl`.
        let server = FakeContainer::start(|seen| async move {
            if let Some(prefix) = seen.query.split('&').find_map(|part| part.strip_prefix("prefix=")) {
                let is_above = "models/b/m.pkl".starts_with(&prefix.replace("%2F", "/"));
                let entry = "<Contents><Key>models/b/m.pkl</Key><Size>1</Size><ETag>\"1\"</ETag>\
                             <LastModified>2026-11-23T06:00:00Z</LastModified></Contents>";
                let entries = if is_above { entry } else { "" };
                let body = format!("<?xml version=\"1.0\"?><ListBucketResult>{entries}</ListBucketResult>");
                return response(200).content_type("application/xml").body(body);
            }
            if seen.path == "/bucket/models/b/m.pkl" {
                let modified = ("Last-Modified", "Mon, 23 Nov 2026 06:00:00 GMT");
                return response(200).insert_header(("ETag", "\"1\"")).insert_header(modified).body("b");
            }
            response(404).content_type("application/xml").body("<Error><Code>NoSuchKey</Code></Error>")
        });
        let variables = [
            (env::AWS_ACCESS_KEY_ID, "id"),
            (env::AWS_SECRET_ACCESS_KEY, "secret"),
            (env::AWS_ENDPOINT_URL_S3, server.origin.as_str().trim_end_matches('/')),
        ];
        let storage = Storage::new(S3Access(variables.map(|(name, value)| (name.to_owned(), value.to_owned())).into()));
        for (typed, key, form) in [
            ("s3://bucket/models/b", "models/b/", ModelForm::Files),
            ("s3://bucket/models/b/", "models/b/", ModelForm::Files),
            ("s3://bucket/models/b/m.pkl", "models/b/m.pkl", ModelForm::Archive),
            ("s3://bucket/models/c", "models/c", ModelForm::Archive),
        ] {
            let resolved = ModelSource::parse(typed).unwrap().resolve_s3_folder(&storage).await.unwrap();
            let ModelSource::Model(ContainerConfig { models: Models::Single(Some(url)), .. }) = resolved else {
                panic!("{typed}")
            };
            let location = Location::S3 { bucket: "bucket".to_owned(), key: key.to_owned() };
            assert_eq!((url.location, url.form, url.as_written.as_str()), (location, form, typed));
        }
    }
}
