//! Artifacts that are replaced or deleted while their models are loaded.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use reqwest::Client;
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::Semaphore;

use super::super::container::Container;
use super::super::error::InvocationError;
use super::super::model_store::{ModelFolder, ModelStore};
use super::super::pipeline::{Invocation, Pipeline, PipelineResponse};
use super::*;
use crate::supervisor::Health;
use byoc_fake_container::{FakeContainer, Request, response, write_archive};

/// A prefix with an artifact, and a multi-model container that answers with the artifact's content. Invocations wait
/// for a permit.
struct Rig {
    folder: TempDir,
    container: FakeContainer,
    cache: ModelCache,
    pipeline: Pipeline,
    gate: Arc<Semaphore>,
}

impl Rig {
    fn new(refresh: ModelRefresh) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        let gate = Arc::new(Semaphore::new(1000));
        let loaded: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
        let held = Arc::clone(&gate);
        let container = FakeContainer::start(move |seen: Request| {
            let (loaded, gate) = (Arc::clone(&loaded), Arc::clone(&held));
            async move {
                let id = seen.path.split('/').nth(2).unwrap_or_default().to_owned();
                if seen.method == "DELETE" {
                    return response(if loaded.lock().unwrap().remove(&id).is_some() { 200 } else { 404 }).finish();
                }
                if !seen.path.ends_with("/invoke") {
                    let body: Value = serde_json::from_str(&seen.body).unwrap();
                    let text = |member: &str| body[member].as_str().unwrap().to_owned();
                    let weights = std::fs::read_to_string(PathBuf::from(text("url")).join("model_algo-1")).unwrap();
                    let before = loaded.lock().unwrap().insert(text("model_name"), weights);
                    return response(if before.is_none() { 200 } else { 409 }).finish();
                }
                let weights = loaded.lock().unwrap().get(&id).cloned();
                gate.acquire().await.unwrap().forget();
                match weights {
                    Some(weights) => response(200).body(weights),
                    None => response(404).finish(),
                }
            }
        });
        let store = ModelStore::folder("./prefix/", folder.path().join("prefix"));
        let settings = CacheSettings { refresh, ..CacheSettings::default() };
        let unpacked = ModelFolder::open_deleting_leftovers(folder.path()).unwrap();
        let cache = ModelCache::with_settings("learner", container.origin.clone(), store, unpacked, settings);
        let multi = Container::multi_model("learner", cache.clone(), Health::default());
        Rig { folder, container, cache, pipeline: Pipeline::new(vec![multi]).unwrap(), gate }
    }

    fn archive(&self) -> PathBuf {
        self.folder.path().join("prefix/a.tar.gz")
    }

    async fn invoke(&self) -> Result<String, InvocationError> {
        let call = Invocation { target_model: Some(name()), ..Invocation::default() };
        let answer = self.pipeline.invoke(&client(), call).await;
        answer.map(|PipelineResponse { body, .. }| String::from_utf8_lossy(&body).into_owned())
    }

    fn loads(&self) -> usize {
        self.container.seen().iter().filter(|seen| seen.is("POST", "/models")).count()
    }
}

fn name() -> TargetModel {
    TargetModel::parse("a.tar.gz").unwrap()
}

fn client() -> Client {
    crate::platform::http::client().unwrap()
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
async fn a_replaced_or_deleted_model_keeps_answering_and_is_logged_once() {
    let rig = Rig::new(ModelRefresh::Never);
    write_archive(&rig.archive(), "old");
    assert_eq!(rig.invoke().await.unwrap(), "old");
    let slot = rig.cache.manager.inventory().use_slot(&name()).unwrap();
    until(|| slot.watcher.is_idle()).await;
    write_archive(&rig.archive(), "newer");
    assert_eq!(rig.cache.manager.state(&name()).await, ArtifactState::Changed);
    assert_eq!(rig.invoke().await.unwrap(), "old");
    until(|| slot.watcher.is_done()).await;
    assert!(!slot.watcher.begin(), "no further checks after the report");
    std::fs::remove_file(rig.archive()).unwrap();
    assert_eq!(rig.cache.manager.state(&name()).await, ArtifactState::Deleted);
    assert_eq!(rig.invoke().await.unwrap(), "old");
    assert_eq!(rig.loads(), 1);
}

#[actix_web::test]
async fn the_next_request_is_answered_by_the_new_artifact_and_nothing_is_loaded_twice() {
    let rig = Rig::new(ModelRefresh::Changed);
    for weights in ["1", "22", "333"] {
        write_archive(&rig.archive(), weights);
        for _ in 0..3 {
            assert_eq!(rig.invoke().await.unwrap(), weights);
        }
    }
    assert_eq!((rig.loads(), rig.container.count("DELETE", "/models/")), (3, 2));

    std::fs::remove_file(rig.archive()).unwrap();
    for _ in 0..2 {
        let failure = rig.invoke().await.unwrap_err();
        assert!(
            matches!(&failure, InvocationError::NoSuchModel { url, .. } if url == "./prefix/a.tar.gz"),
            "{failure:?}"
        );
    }
    write_archive(&rig.archive(), "back");
    assert_eq!(rig.invoke().await.unwrap(), "back");

    std::fs::write(rig.archive(), "no archive").unwrap();
    for _ in 0..2 {
        let failure = rig.invoke().await.unwrap_err();
        assert!(
            matches!(&failure, InvocationError::BadArtifact { url, .. } if url == "./prefix/a.tar.gz"),
            "{failure:?}"
        );
    }
    write_archive(&rig.archive(), "mended");
    assert_eq!(rig.invoke().await.unwrap(), "mended");
}

#[actix_web::test]
async fn requests_in_flight_finish_on_the_old_model_and_later_ones_wait_for_the_new_one() {
    let rig = Rig::new(ModelRefresh::Changed);
    write_archive(&rig.archive(), "old");
    assert_eq!(rig.invoke().await.unwrap(), "old");
    rig.gate.forget_permits(1000);
    let asked = || rig.container.seen().iter().filter(|seen| seen.path.ends_with("/invoke")).count();
    let work = async {
        let (first, second) = tokio::join!(rig.invoke(), rig.invoke());
        assert_eq!((first.unwrap().as_str(), second.unwrap().as_str()), ("old", "old"));
    };
    let later = async {
        until(|| asked() == 3).await;
        write_archive(&rig.archive(), "newer");
        let next = futures_util::future::join_all((0..16).map(|_| rig.invoke()));
        let open = async {
            until(|| rig.cache.manager.inventory().unloading(&name()).is_some()).await;
            assert_eq!(rig.container.count("DELETE", "/models/"), 0, "the old one is in use");
            rig.gate.add_permits(100);
        };
        let (next, ()) = tokio::join!(next, open);
        for answer in next {
            assert_eq!(answer.unwrap(), "newer");
        }
    };
    tokio::join!(work, later);
    assert_eq!(rig.loads(), 2);
}

#[actix_web::test]
async fn requests_are_answered_while_an_archive_is_overwritten_slowly() {
    let rig = Rig::new(ModelRefresh::Changed);
    let next = rig.folder.path().join("next.tar.gz");
    write_archive(&rig.archive(), "old");
    assert_eq!(rig.invoke().await.unwrap(), "old");
    write_archive(&next, "newer");
    let whole = std::fs::read(next).unwrap();
    let archive = rig.archive();
    let writing = async {
        use std::io::Write as _;
        let mut file = std::fs::File::create(&archive).unwrap();
        for piece in whole.chunks(whole.len().div_ceil(8)) {
            file.write_all(piece).unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let asking = async {
        loop {
            match rig.invoke().await.unwrap().as_str() {
                "newer" => break,
                other => assert_eq!(other, "old"),
            }
        }
    };
    tokio::join!(writing, asking);
}

#[actix_web::test]
async fn an_unloaded_model_is_not_loaded_again_from_an_outdated_folder() {
    for (refresh, expected) in [(ModelRefresh::Never, "old"), (ModelRefresh::Changed, "newer")] {
        let rig = Rig::new(refresh);
        write_archive(&rig.archive(), "old");
        assert_eq!(rig.invoke().await.unwrap(), "old");
        assert!(rig.cache.manager.unload_idle(&client(), &EvictionReason::Disk).await);
        write_archive(&rig.archive(), "newer");
        assert_eq!(rig.invoke().await.unwrap(), expected);
    }
}

#[actix_web::test]
async fn after_a_failed_check_the_model_answers_unchecked_for_a_while() {
    let rig = Rig::new(ModelRefresh::Changed);
    write_archive(&rig.archive(), "old");
    assert_eq!(rig.invoke().await.unwrap(), "old");
    write_archive(&rig.archive(), "newer");
    rig.cache.manager.inventory().use_slot(&name()).unwrap().backoff.begin();
    assert_eq!(rig.invoke().await.unwrap(), "old", "nobody looks");
    assert_eq!(rig.cache.manager.state(&name()).await, ArtifactState::Changed);
}
