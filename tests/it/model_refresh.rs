//! Train, replace, invoke: what `byoc endpoint` does when the artifact of a loaded model is replaced or deleted.

use std::fs::FileTimes;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use byoc_formats::targz;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::artifacts::fixture;
use crate::support::http::Reply;
use crate::support::program::{Endpoint, wait_until};

const INVOKE: &str = "/endpoints/e/invocations";
const BODY: &[u8] = b"1,2,3,4,5,6,7,8,9,10";

/// Two models of ten features.
fn chicago() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/housing/models/Chicago_IL/Chicago_IL.tar.gz")
}

fn other() -> PathBuf {
    fixture("linear-learner/regressor_housing/model.tar.gz")
}

/// A configuration of one container, in the same folder as its models.
struct Rig {
    folder: TempDir,
    endpoint: Endpoint,
    headers: Vec<(&'static str, &'static str)>,
}

impl Rig {
    /// A multi-model container over the prefix `models`.
    fn multi_model(arguments: &[&str]) -> Rig {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("models")).unwrap();
        put(&chicago(), &folder.path().join("models/a.tar.gz"));
        let container = json!({"Image": "i", "Mode": "MultiModel", "ModelDataUrl": "./models/"});
        let target_model = ("x-amzn-sagemaker-target-model", "a.tar.gz");
        Rig::start(folder, &container, arguments, vec![("content-type", "text/csv"), target_model])
    }

    /// A container of the one model at `url`.
    fn single_model(folder: TempDir, url: &str, arguments: &[&str]) -> Rig {
        let container = json!({"Image": "i", "ModelDataUrl": url});
        Rig::start(folder, &container, arguments, vec![("content-type", "text/csv")])
    }

    fn start(
        folder: TempDir,
        container: &Value,
        arguments: &[&str],
        headers: Vec<(&'static str, &'static str)>,
    ) -> Rig {
        let config = folder.path().join("endpoint.json");
        let model = json!({"EndpointName": "e", "ModelName": "m", "PrimaryContainer": container});
        std::fs::write(&config, model.to_string()).unwrap();
        let endpoint = Endpoint::start(&config, arguments, &[]);
        Rig { folder, endpoint, headers }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn invoke(&self) -> Reply {
        self.endpoint.client().send("POST", INVOKE, &self.headers, BODY)
    }

    fn answer(&self) -> Value {
        let reply = self.invoke();
        assert_eq!(reply.status, 200, "{}", reply.text());
        reply.json()
    }

    /// The message of an error.
    fn error(&self, status: u16) -> String {
        let reply = self.invoke();
        assert_eq!(reply.status, status, "{}", reply.text());
        reply.json()["Message"].as_str().unwrap().to_owned()
    }

    /// Waits for the line `last`, and returns how many lines of the log so far contain `text`.
    fn count(&mut self, text: &str, last: &str) -> usize {
        self.endpoint.process().wait_for_log(last);
        self.endpoint.process().seen().iter().filter(|line| line.contains(text)).count()
    }
}

/// Replaces a file by another, in one step.
fn put(from: &Path, to: &Path) {
    let beside = to.with_extension("part");
    std::fs::copy(from, &beside).unwrap();
    std::fs::rename(beside, to).unwrap();
}

/// Sets the modification time of a file or a folder back by more time than a writer may pause.
fn age(path: &Path) {
    let times = FileTimes::new().set_modified(SystemTime::now() - Duration::from_secs(11));
    std::fs::File::open(path).unwrap().set_times(times).unwrap();
}

fn unpacked(archive: &Path, into: &Path) {
    targz::unpack(std::fs::File::open(archive).unwrap(), into, &targz::Limits::default()).unwrap();
}

#[test]
fn replaced_and_deleted_models_keep_answering_and_each_is_logged_once() {
    let folder = tempfile::tempdir().unwrap();
    put(&chicago(), &folder.path().join("model.tar.gz"));
    let single = Rig::single_model(folder, "./model.tar.gz", &[]);
    for (mut rig, archive, is_deleted) in [
        (Rig::multi_model(&[]), "models/a.tar.gz", false),
        (Rig::multi_model(&["--model-refresh", "never"]), "models/a.tar.gz", true),
        (single, "model.tar.gz", false),
    ] {
        let first = rig.answer();
        let said = if is_deleted {
            std::fs::remove_file(rig.path(archive)).unwrap();
            "was deleted since it was loaded"
        } else {
            put(&other(), &rig.path(archive));
            "changed since it was loaded"
        };
        for _ in 0..5 {
            assert_eq!(rig.answer(), first);
        }
        let line = rig.endpoint.process().wait_for_log(said);
        assert!(line.contains("WARN") && line.contains("--model-refresh changed"), "{line}");
        // The line must not appear again. A refused request marks the end of the log.
        for _ in 0..5 {
            assert_eq!(rig.answer(), first);
        }
        let refused = [("content-type", "text/csv"), ("x-amzn-sagemaker-target-variant", "none")];
        assert_eq!(rig.endpoint.client().send("POST", INVOKE, &refused, BODY).status, 400);
        assert_eq!(rig.count(said, "Variant none of endpoint"), 1);
    }
}

#[test]
fn the_next_request_to_a_multi_model_container_is_answered_by_the_new_artifact() {
    let rig = Rig::multi_model(&["--model-refresh", "changed"]);
    let archive = rig.path("models/a.tar.gz");
    let first = rig.answer();
    put(&other(), &archive);
    let second = rig.answer();
    assert_ne!(first, second);
    put(&chicago(), &archive);
    assert_eq!(rig.answer(), first);

    std::fs::write(&archive, "no archive").unwrap();
    let message = rig.error(400);
    assert!(message.starts_with("Failed to extract model data archive for container \"primary\""), "{message}");
    std::fs::remove_file(&archive).unwrap();
    let message = rig.error(400);
    assert!(message.starts_with("Failed to download model data for container \"primary\""), "{message}");
    put(&other(), &archive);
    assert_eq!(rig.answer(), second);
}

#[test]
fn the_next_request_to_a_container_of_one_model_is_answered_by_the_new_artifact() {
    let folder = tempfile::tempdir().unwrap();
    put(&chicago(), &folder.path().join("model.tar.gz"));
    let mut rig = Rig::single_model(folder, "./model.tar.gz", &["--model-refresh", "changed"]);
    let archive = rig.path("model.tar.gz");
    let first = rig.answer();
    assert_eq!(rig.answer(), first);
    put(&other(), &archive);
    let second = rig.answer();
    assert_ne!(first, second);
    rig.endpoint.process().wait_for_log("stopped (exit status: 0)");

    std::fs::write(&archive, "no archive").unwrap();
    for _ in 0..2 {
        let message = rig.error(400);
        assert!(message.starts_with("Failed to extract model data archive for container \"primary\""), "{message}");
    }
    assert_eq!(rig.endpoint.client().get("/ping").status, 200, "the endpoint is still InService");
    std::fs::remove_file(&archive).unwrap();
    for _ in 0..2 {
        assert!(rig.error(400).starts_with("Failed to download model data"));
    }
    put(&chicago(), &archive);
    assert_eq!(rig.answer(), first);
}

#[test]
fn a_model_folder_is_compared_file_by_file() {
    let folder = tempfile::tempdir().unwrap();
    let model = folder.path().join("model");
    unpacked(&chicago(), &model);
    let rig = Rig::single_model(folder, "./model", &["--model-refresh", "changed"]);
    let first = rig.answer();
    let next = rig.path("next");
    unpacked(&other(), &next);
    put(&next.join("model_algo-1"), &model.join("model_algo-1"));
    assert_ne!(rig.answer(), first);
    let second = rig.answer();
    std::fs::write(model.join("model_algo-1"), "broken").unwrap();
    assert_eq!(rig.answer(), second, "the file may still be being written");
    age(&model.join("model_algo-1"));
    age(&model);
    let message = rig.error(400);
    assert!(message.contains("the process has ended") && message.contains("model_algo-1"), "{message}");
}

#[test]
fn while_a_model_is_replaced_every_request_is_answered_by_the_old_or_the_new_one() {
    let folder = tempfile::tempdir().unwrap();
    put(&chicago(), &folder.path().join("model.tar.gz"));
    let single = Rig::single_model(folder, "./model.tar.gz", &["--model-refresh", "changed"]);
    for (rig, archive) in
        [(Rig::multi_model(&["--model-refresh", "changed"]), "models/a.tar.gz"), (single, "model.tar.gz")]
    {
        let archive = rig.path(archive);
        let first = rig.answer();
        put(&other(), &archive);
        let second = rig.answer();
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let asking: Vec<_> = (0..4)
                .map(|_| {
                    let (client, headers) = (rig.endpoint.client(), &rig.headers);
                    let (is_over, first, second) = (&is_over, &first, &second);
                    scope.spawn(move || {
                        let mut count = 0;
                        while !is_over.load(Ordering::Relaxed) {
                            let reply = client.send("POST", INVOKE, headers, BODY);
                            assert_eq!(reply.status, 200, "{}", reply.text());
                            assert!([first, second].contains(&&reply.json()), "{}", reply.text());
                            count += 1;
                        }
                        count
                    })
                })
                .collect();
            for _ in 0..3 {
                for (model, expected) in [(chicago(), &first), (other(), &second)] {
                    put(&model, &archive);
                    assert_eq!(&rig.answer(), expected);
                }
            }
            is_over.store(true, Ordering::Relaxed);
            for asked in asking {
                assert!(asked.join().unwrap() > 0);
            }
        });
    }
}

#[test]
fn an_archive_may_be_written_with_pauses_and_is_reported_as_broken_if_writing_stops() {
    let folder = tempfile::tempdir().unwrap();
    put(&chicago(), &folder.path().join("model.tar.gz"));
    let single = Rig::single_model(folder, "./model.tar.gz", &["--model-refresh", "changed"]);
    let whole = std::fs::read(other()).unwrap();
    for (mut rig, archive) in
        [(Rig::multi_model(&["--model-refresh", "changed"]), "models/a.tar.gz"), (single, "model.tar.gz")]
    {
        let archive = rig.path(archive);
        let first = rig.answer();
        for written in [0, 1, whole.len() / 2, whole.len() - 1] {
            std::fs::write(&archive, &whole[..written]).unwrap();
            for _ in 0..2 {
                assert_eq!(rig.answer(), first, "{written} bytes are written");
            }
        }
        let absolute = archive.display().to_string();
        let said = "is still being written, or broken";
        let line = rig.endpoint.process().wait_for_log(said);
        assert!(line.contains("WARN") && line.contains(&absolute) && !line.contains("/./"), "{line}");
        age(&archive);
        for _ in 0..2 {
            let message = rig.error(400);
            assert!(message.starts_with("Failed to extract model data archive"), "{message}");
        }
        std::fs::write(&archive, &whole).unwrap();
        assert_ne!(rig.answer(), first);
        let seen = rig.endpoint.process().seen();
        assert_eq!(seen.iter().filter(|line| line.contains(said)).count(), 1);
        assert!(!seen.iter().any(|line| line.contains("BadArtifact") || line.contains("container: \"")), "{seen:?}");
    }
}

#[test]
fn the_old_model_answers_while_an_artifact_is_written_slowly_in_place() {
    let rig = Rig::multi_model(&["--model-refresh", "changed"]);
    let archive = rig.path("models/a.tar.gz");
    let first = rig.answer();
    let whole = std::fs::read(other()).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            use std::io::Write as _;
            let mut file = std::fs::File::create(&archive).unwrap();
            for piece in whole.chunks(whole.len().div_ceil(10)) {
                file.write_all(piece).unwrap();
                std::thread::sleep(std::time::Duration::from_millis(20));
            }
        });
        wait_until("the new model answers", || rig.answer() != first);
    });
}
