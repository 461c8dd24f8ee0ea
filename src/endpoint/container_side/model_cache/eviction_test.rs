//! Eviction with a container that can hold few models and a disk that can hold few artifacts.

use std::collections::BTreeSet;
use std::sync::Mutex;

use futures_util::future::join_all;
use serde_json::Value;
use tempfile::TempDir;

use super::super::container::Container;
use super::super::error::ContainerError;
use super::super::pipeline::{Invocation, Pipeline};
use super::*;
use crate::supervisor::Health;
use byoc_fake_container::{FakeContainer, Request, response, write_archive};

/// A container with memory for a number of models, and the ids of those that it has loaded.
struct Small {
    container: FakeContainer,
    loaded: Arc<Mutex<BTreeSet<String>>>,
}

impl Small {
    fn with_room_for(models: usize) -> Small {
        let loaded: Arc<Mutex<BTreeSet<String>>> = Arc::default();
        let known = Arc::clone(&loaded);
        let container = FakeContainer::start(move |seen: Request| {
            let status = answer(&mut known.lock().unwrap(), models, &seen);
            async move { response(status).body(format!("{status} for {models} models")) }
        });
        Small { container, loaded }
    }

    fn loaded(&self) -> usize {
        self.loaded.lock().unwrap().len()
    }

    fn count(&self, method: &str, path: &str) -> usize {
        self.container.count(method, path)
    }
}

fn answer(loaded: &mut BTreeSet<String>, room: usize, seen: &Request) -> u16 {
    let id = |path: &str| path.split('/').nth(2).unwrap_or_default().to_owned();
    match seen.method.as_str() {
        "DELETE" => {
            if loaded.remove(&id(&seen.path)) {
                200
            } else {
                404
            }
        }
        "POST" if seen.path.ends_with("/invoke") => {
            if loaded.contains(&id(&seen.path)) {
                200
            } else {
                404
            }
        }
        _ if loaded.len() >= room => 507,
        _ => {
            let body: Value = serde_json::from_str(&seen.body).unwrap();
            if loaded.insert(body["model_name"].as_str().unwrap().to_owned()) { 200 } else { 409 }
        }
    }
}

/// A prefix with these artifacts, and a state folder.
struct Disk(TempDir);

impl Disk {
    fn with(models: &[&str]) -> Disk {
        let disk = Disk(tempfile::tempdir().unwrap());
        for model in models {
            write_archive(&disk.0.path().join("prefix").join(model), "0123456789");
        }
        disk
    }

    fn cache(&self, container: &FakeContainer, settings: CacheSettings) -> ModelCache {
        let store = ModelStore::folder("p", self.0.path().join("prefix"));
        let folder = ModelFolder::open_deleting_leftovers(self.0.path()).unwrap();
        ModelCache::with_settings("learner", container.origin.clone(), store, folder, settings)
    }

    /// The number of unpacked artifacts.
    fn unpacked(&self) -> usize {
        std::fs::read_dir(self.0.path().join("models")).map_or(0, |entries| {
            entries.filter(|entry| entry.as_ref().unwrap().path().join("model/model_algo-1").is_file()).count()
        })
    }
}

fn name(text: &str) -> TargetModel {
    TargetModel::parse(text).unwrap()
}

fn client() -> Client {
    crate::platform::http::client().unwrap()
}

async fn lease(cache: &ModelCache, model: &str) -> Result<LoadedModel, InvocationError> {
    cache.lease(&client(), &name(model), Arrival::now(uuid::Uuid::nil())).await
}

async fn until(condition: impl Fn() -> bool) {
    let waiting = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap();
}

#[actix_web::test]
async fn the_least_recently_used_model_is_unloaded_and_stays_unpacked() {
    let disk = Disk::with(&["a", "b", "c"]);
    let small = Small::with_room_for(2);
    let cache = disk.cache(&small.container, CacheSettings::default());
    for model in ["a", "b", "a", "c"] {
        lease(&cache, model).await.unwrap();
    }
    // b was used before a.
    assert_eq!((small.loaded(), small.count("DELETE", "/models/")), (2, 1));
    assert_eq!(disk.unpacked(), 3);
    lease(&cache, "a").await.unwrap();
    assert_eq!(small.count("DELETE", "/models/"), 1);

    // From disk, not from the prefix: the artifact there may be deleted.
    std::fs::remove_dir_all(disk.0.path().join("prefix")).unwrap();
    lease(&cache, "b").await.unwrap();
    assert_eq!(small.loaded(), 2);
}

#[actix_web::test]
async fn a_model_that_never_fits_is_reported_with_the_containers_error() {
    let disk = Disk::with(&["a"]);
    let small = Small::with_room_for(0);
    let cache = disk.cache(&small.container, CacheSettings::default());
    let failure = lease(&cache, "a").await.unwrap_err();
    let what = ContainerError::Status(507, bytes::Bytes::from_static(b"507 for 0 models"));
    assert_eq!(failure, InvocationError::Container { container: "learner".into(), what });
}

#[actix_web::test]
async fn a_busy_model_is_unloaded_once_its_requests_have_ended_and_new_requests_wait() {
    let disk = Disk::with(&["a", "b"]);
    let small = Small::with_room_for(1);
    let cache = disk.cache(&small.container, CacheSettings::default());
    let busy = lease(&cache, "a").await.unwrap();
    let other = tokio::spawn({
        let cache = cache.clone();
        async move { lease(&cache, "b").await.map(drop) }
    });
    until(|| cache.manager.inventory().unloading(&name("a")).is_some()).await;
    // Arrives after the request for b, so that it does not keep a loaded for ever.
    let again = tokio::spawn({
        let cache = cache.clone();
        async move { lease(&cache, "a").await.map(drop) }
    });
    assert_eq!(small.count("DELETE", "/models/"), 0, "a is in use");
    drop(busy);
    other.await.unwrap().unwrap();
    again.await.unwrap().unwrap();
    assert_eq!(small.loaded(), 1);
}

#[actix_web::test]
async fn many_requests_for_more_models_than_fit_are_all_answered() {
    let models: Vec<String> = (0..12).map(|number| format!("m{number}")).collect();
    let disk = Disk::with(&models.iter().map(String::as_str).collect::<Vec<_>>());
    let small = Small::with_room_for(3);
    let cache = disk.cache(&small.container, CacheSettings::default());
    let multi = Container::multi_model("learner", cache.clone(), Health::default());
    let pipeline = Pipeline::new(vec![multi]).unwrap();
    let client = client();
    let calls = (0..120).map(|number| {
        let call = Invocation { target_model: Some(name(&models[number * 7 % 12])), ..Invocation::default() };
        pipeline.invoke(&client, call)
    });
    for outcome in join_all(calls).await {
        outcome.unwrap();
    }
    assert!(small.loaded() <= 3);
    assert_eq!(cache.manager.inventory().on_disk().0, 12);
}

#[actix_web::test]
async fn a_model_that_the_container_has_lost_is_loaded_again_once() {
    let disk = Disk::with(&["a"]);
    let small = Small::with_room_for(1);
    let cache = disk.cache(&small.container, CacheSettings::default());
    let pipeline = Pipeline::new(vec![Container::multi_model("learner", cache, Health::default())]).unwrap();
    let call = || Invocation { target_model: Some(name("a")), ..Invocation::default() };
    pipeline.invoke(&client(), call()).await.unwrap();
    small.loaded.lock().unwrap().clear();
    pipeline.invoke(&client(), call()).await.unwrap();
    assert_eq!(small.count("POST", "/models/"), 3, "invoked, not found, invoked");

    let forgetful = FakeContainer::start(|seen: Request| async move {
        response(if seen.path.ends_with("/invoke") { 404 } else { 200 }).finish()
    });
    let cache = disk.cache(&forgetful, CacheSettings::default());
    let pipeline = Pipeline::new(vec![Container::multi_model("learner", cache, Health::default())]).unwrap();
    let failure = pipeline.invoke(&client(), call()).await.unwrap_err();
    assert!(matches!(failure, InvocationError::Container { what: ContainerError::Status(404, _), .. }), "{failure:?}");
    assert_eq!(forgetful.count("POST", "/models/"), 2);
}

#[actix_web::test]
async fn a_container_without_memory_to_answer_unloads_others_and_is_asked_again() {
    let disk = Disk::with(&["a", "b", "c"]);
    let full = Arc::new(Mutex::new(3));
    let free = Arc::clone(&full);
    let container = FakeContainer::start(move |seen: Request| {
        let mut loaded = free.lock().unwrap();
        if seen.method == "DELETE" {
            *loaded -= 1;
        }
        let status = if seen.path.ends_with("/invoke") && *loaded > 1 { 507 } else { 200 };
        async move { response(status).finish() }
    });
    let cache = disk.cache(&container, CacheSettings::default());
    for model in ["a", "b"] {
        lease(&cache, model).await.unwrap();
    }
    let pipeline = Pipeline::new(vec![Container::multi_model("learner", cache, Health::default())]).unwrap();
    let call = || Invocation { target_model: Some(name("c")), ..Invocation::default() };
    pipeline.invoke(&client(), call()).await.unwrap();
    assert_eq!((container.count("DELETE", "/models/"), container.count("POST", "/models/")), (2, 3));

    *full.lock().unwrap() = 9;
    let failure = pipeline.invoke(&client(), call()).await.unwrap_err();
    assert!(matches!(failure, InvocationError::Container { what: ContainerError::Status(507, _), .. }), "{failure:?}");
}

#[actix_web::test]
async fn artifacts_that_nobody_uses_are_deleted_when_the_disk_budget_is_full() {
    let disk = Disk::with(&["a", "b", "c", "d"]);
    let small = Small::with_room_for(1);
    let cache = disk.cache(&small.container, CacheSettings { disk: Some(25), ..CacheSettings::default() });
    for model in ["a", "b", "a"] {
        lease(&cache, model).await.unwrap();
    }
    assert_eq!(disk.unpacked(), 2);
    lease(&cache, "c").await.unwrap();
    assert_eq!(cache.manager.inventory().on_disk(), (2, 20));
    assert!(cache.manager.inventory().artifact(&name("b")).is_none(), "b was not used for longest");
    assert_eq!(disk.unpacked(), 2);

    // No artifact is unused while every model is loaded, so the least recently used model is unloaded.
    let roomy = Small::with_room_for(9);
    let disk = Disk::with(&["a", "b", "c"]);
    let cache = disk.cache(&roomy.container, CacheSettings { disk: Some(20), ..CacheSettings::default() });
    for model in ["a", "b", "c"] {
        lease(&cache, model).await.unwrap();
    }
    assert_eq!((roomy.loaded(), disk.unpacked()), (2, 2));

    let cache = disk.cache(&roomy.container, CacheSettings { disk: Some(9), ..CacheSettings::default() });
    let failure = lease(&cache, "a").await.unwrap_err();
    assert!(matches!(&failure, InvocationError::DiskTooSmall { limit: 9, .. }), "{failure:?}");
}

#[actix_web::test]
async fn models_requested_at_the_same_time_share_the_disk_and_are_all_loaded() {
    let models: Vec<String> = (0..12).map(|number| format!("m{number}")).collect();
    let disk = Disk::with(&models.iter().map(String::as_str).collect::<Vec<_>>());
    let roomy = Small::with_room_for(99);
    // Space for one that is unpacked, and for two that are being unpacked.
    let cache = disk.cache(&roomy.container, CacheSettings { disk: Some(10), ..CacheSettings::default() });
    let outcomes = futures_util::future::join_all(models.iter().map(|model| lease(&cache, model))).await;
    for outcome in outcomes {
        outcome.unwrap();
    }
    assert_eq!(roomy.count("POST", "/models"), 12);
}

#[actix_web::test]
async fn with_a_disabled_cache_a_model_is_unloaded_after_its_last_request() {
    let disk = Disk::with(&["a"]);
    let small = Small::with_room_for(9);
    let disabled = CacheSettings { setting: ModelCacheSetting::Disabled, ..CacheSettings::default() };
    let cache = disk.cache(&small.container, disabled);
    let (first, second) = (lease(&cache, "a").await.unwrap(), lease(&cache, "a").await.unwrap());
    drop(first);
    tokio::task::yield_now().await;
    assert_eq!((small.loaded(), disk.unpacked()), (1, 1), "one request still uses it");
    drop(second);
    until(|| small.loaded() == 0 && disk.unpacked() == 0).await;
    until(|| cache.manager.inventory().is_empty()).await;
    lease(&cache, "a").await.unwrap();
    assert_eq!(small.count("POST", "/models"), 2);
}

#[actix_web::test]
async fn a_restarted_container_has_no_models() {
    let disk = Disk::with(&["a"]);
    let small = Small::with_room_for(1);
    let cache = disk.cache(&small.container, CacheSettings::default());
    lease(&cache, "a").await.unwrap();
    small.loaded.lock().unwrap().clear();
    cache.clear();
    lease(&cache, "a").await.unwrap();
    assert_eq!(small.loaded(), 1);
}
