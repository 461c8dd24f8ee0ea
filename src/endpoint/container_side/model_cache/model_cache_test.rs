use std::path::Path;

use actix_web::HttpResponse;
use futures_util::future::join_all;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::super::container::Container;
use super::super::error::ContainerError;
use super::super::pipeline::{Invocation, Pipeline};
use super::*;
use crate::supervisor::Health;
use byoc_fake_container::{FakeContainer, Request, response, write_archive};

impl ModelCache {
    /// The URL at which a model is invoked; does not keep it loaded.
    async fn invoke_url(&self, client: &Client, target_model: &TargetModel) -> Result<Url, InvocationError> {
        self.lease(client, target_model, Arrival::now(uuid::Uuid::nil())).await.map(|lease| lease.url().clone())
    }
}

/// A prefix with one artifact, and a state folder.
struct Disk(TempDir);

impl Disk {
    fn new() -> Disk {
        let disk = Disk(tempfile::tempdir().unwrap());
        write_archive(&disk.prefix().join("NewYork_NY/NewYork_NY.tar.gz"), "weights");
        disk
    }

    fn prefix(&self) -> std::path::PathBuf {
        self.0.path().join("prefix")
    }

    fn cache(&self, container: &FakeContainer) -> ModelCache {
        let store = ModelStore::folder("./prefix/", self.prefix());
        ModelCache::new(
            "learner",
            container.origin.clone(),
            store,
            ModelFolder::open_deleting_leftovers(self.0.path()).unwrap(),
        )
    }
}

fn new_york() -> TargetModel {
    TargetModel::parse("NewYork_NY/NewYork_NY.tar.gz").unwrap()
}

fn client() -> Client {
    crate::platform::http::client().unwrap()
}

fn ok() -> FakeContainer {
    FakeContainer::answering(200, "application/json", "{}")
}

#[actix_web::test]
async fn concurrent_requests_load_a_model_once() {
    let disk = Disk::new();
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let container = FakeContainer::start(move |_| {
        let gate = Arc::clone(&held);
        async move {
            drop(gate.acquire().await.unwrap());
            HttpResponse::Ok().finish()
        }
    });
    let cache = disk.cache(&container);
    let client = client();
    let new_york = new_york();
    let waiting = join_all((0..64).map(|_| cache.invoke_url(&client, &new_york)));
    let open = async {
        // All 64 requests wait by the time the container gets the load request.
        while container.count("POST", "/models") == 0 {
            tokio::task::yield_now().await;
        }
        gate.add_permits(1);
    };
    let (urls, ()) = tokio::join!(waiting, open);
    let first = urls[0].clone().unwrap();
    assert!(urls.iter().all(|url| url.as_ref() == Ok(&first)));
    assert_eq!(container.seen().len(), 1);

    let load = &container.seen()[0];
    assert!(load.is("POST", "/models"), "{load:?}");
    assert_eq!(load.header("content-type"), "application/json");
    assert_eq!(load.header("accept"), "application/json");
    assert_eq!(load.header("x-amzn-sagemaker-target-model"), "NewYork_NY/NewYork_NY.tar.gz");
    let body: Value = serde_json::from_str(&load.body).unwrap();
    let (id, folder) = (body["model_name"].as_str().unwrap(), body["url"].as_str().unwrap());
    assert!(id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
    assert_eq!(folder, disk.0.path().join("models").join(id).join("model").to_str().unwrap());
    assert_eq!(std::fs::read_to_string(Path::new(folder).join("model_algo-1")).unwrap(), "weights");
    assert_eq!(first.path(), format!("/models/{id}/invoke"));

    cache.invoke_url(&client, &new_york).await.unwrap();
    assert_eq!(container.seen().len(), 1, "a loaded model is not loaded again");
}

#[actix_web::test]
async fn a_pipeline_invokes_the_model_with_its_name() {
    let disk = Disk::new();
    let container = ok();
    let multi = Container::multi_model("learner", disk.cache(&container), Health::default());
    let pipeline = Pipeline::new(vec![multi]).unwrap();
    let call = || Invocation { target_model: Some(new_york()), ..Invocation::default() };
    pipeline.invoke(&client(), call()).await.unwrap();
    let invoke = &container.seen()[1];
    assert!(invoke.path.starts_with("/models/") && invoke.path.ends_with("/invoke"), "{invoke:?}");
    assert_eq!(invoke.header("x-amzn-sagemaker-target-model"), "NewYork_NY/NewYork_NY.tar.gz");
    let failure = pipeline.invoke(&client(), Invocation::default()).await.unwrap_err();
    assert_eq!(failure, InvocationError::TargetModelMissing);
}

#[actix_web::test]
async fn a_model_that_could_not_be_loaded_is_tried_again() {
    let disk = Disk::new();
    let broken = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let asked = Arc::clone(&broken);
    let container = FakeContainer::start(move |_| {
        let status = if asked.swap(false, std::sync::atomic::Ordering::SeqCst) { 500 } else { 200 };
        async move { response(status).body("cannot") }
    });
    let cache = disk.cache(&container);
    let failure = cache.invoke_url(&client(), &new_york()).await.unwrap_err();
    let what = ContainerError::Status(500, bytes::Bytes::from_static(b"cannot"));
    assert_eq!(failure, InvocationError::Container { container: "learner".into(), what });
    cache.invoke_url(&client(), &new_york()).await.unwrap();
    assert_eq!(container.count("POST", "/models"), 2);
}

#[actix_web::test]
async fn a_request_that_waits_too_long_fails_and_loading_continues() {
    let disk = Disk::new();
    let gate = Arc::new(Semaphore::new(0));
    let held = Arc::clone(&gate);
    let container = FakeContainer::start(move |_| {
        let gate = Arc::clone(&held);
        async move {
            drop(gate.acquire().await.unwrap());
            HttpResponse::Ok().finish()
        }
    });
    let mut cache = disk.cache(&container);
    cache.model_ready_timeout = Duration::ZERO;
    let failure = cache.invoke_url(&client(), &new_york()).await.unwrap_err();
    let target_model = "NewYork_NY/NewYork_NY.tar.gz".to_owned();
    assert_eq!(failure, InvocationError::ModelNotReady { target_model, waited: Duration::ZERO });
    gate.add_permits(1);
    cache.model_ready_timeout = CacheSettings::default().model_ready_timeout;
    cache.invoke_url(&client(), &new_york()).await.unwrap();
    assert_eq!(container.count("POST", "/models"), 1);
}

#[actix_web::test]
async fn a_model_of_an_earlier_endpoint_is_unloaded_first() {
    let disk = Disk::new();
    let loaded = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let asked = Arc::clone(&loaded);
    let container = FakeContainer::start(move |seen: Request| {
        let status = match seen.method.as_str() {
            "DELETE" => {
                asked.store(false, std::sync::atomic::Ordering::SeqCst);
                200
            }
            _ if asked.load(std::sync::atomic::Ordering::SeqCst) => 409,
            _ => 200,
        };
        async move { response(status).finish() }
    });
    let url = disk.cache(&container).invoke_url(&client(), &new_york()).await.unwrap();
    let calls: Vec<_> = container.seen().iter().map(|seen| (seen.method.clone(), seen.path.clone())).collect();
    let model = url.path().trim_end_matches("/invoke").to_owned();
    let expected = [("POST", "/models".to_owned()), ("DELETE", model), ("POST", "/models".to_owned())];
    assert_eq!(calls, expected.map(|(method, path)| (method.to_owned(), path)));
    // A restarted endpoint finds it under the same id again.
    assert_eq!(disk.cache(&ok()).invoke_url(&client(), &new_york()).await.unwrap().path(), url.path());
}

#[actix_web::test]
async fn a_path_outside_the_prefix_is_not_a_model() {
    let disk = Disk::new();
    let container = ok();
    let cache = disk.cache(&container);
    write_archive(&disk.0.path().join("outside.tar.gz"), "secret");
    std::os::unix::fs::symlink(disk.0.path().join("outside.tar.gz"), disk.prefix().join("link.tar.gz")).unwrap();
    for absent in ["Paris/Paris.tar.gz", "NewYork_NY", "link.tar.gz"] {
        let failure = cache.invoke_url(&client(), &TargetModel::parse(absent).unwrap()).await.unwrap_err();
        let url = format!("./prefix/{absent}");
        assert_eq!(failure, InvocationError::NoSuchModel { container: "learner".into(), url });
    }
    assert!(container.seen().is_empty());
    assert!(cache.manager.inventory().is_empty(), "names that are no models take no memory");

    // A model that is copied there later can be invoked at once.
    write_archive(&disk.prefix().join("Paris/Paris.tar.gz"), "weights");
    cache.invoke_url(&client(), &TargetModel::parse("Paris/Paris.tar.gz").unwrap()).await.unwrap();
}

#[actix_web::test]
async fn a_file_that_is_not_an_archive_is_a_bad_artifact() {
    let disk = Disk::new();
    std::fs::write(disk.prefix().join("broken.tar.gz"), "not a gzip file").unwrap();
    let container = ok();
    let failure =
        disk.cache(&container).invoke_url(&client(), &TargetModel::parse("broken.tar.gz").unwrap()).await.unwrap_err();
    assert!(
        matches!(&failure, InvocationError::BadArtifact { url, .. } if url == "./prefix/broken.tar.gz"),
        "{failure:?}"
    );
    assert!(container.seen().is_empty());
}
