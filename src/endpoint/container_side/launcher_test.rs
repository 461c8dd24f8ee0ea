use super::*;
use crate::platform::create_model::ModelCacheSetting;
use crate::storage::Location;
use byoc_fake_container::FakeContainer;

fn url(as_written: &str) -> ModelDataUrl {
    ModelDataUrl {
        as_written: as_written.into(),
        location: Location::Local(PathBuf::from(as_written)),
        form: ModelForm::Archive,
    }
}

fn models_under(prefix: ModelDataUrl) -> Models {
    Models::Multi { prefix, cache: ModelCacheSetting::Enabled }
}

fn container(name: &str, models: Models) -> ContainerConfig {
    let environment = BTreeMap::from([("FAKE".to_owned(), "ends".to_owned())]);
    ContainerConfig { name: name.into(), name_in_errors: name.into(), environment, models }
}

/// A launcher whose containers run a script in place of `byoc serve`.
fn starter(running: &[(&str, &FakeContainer)]) -> ContainerLauncher {
    ContainerLauncher {
        executable: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/endpoint/fake-serve.sh"),
        running: running.iter().map(|(name, fake)| (name.to_string(), fake.origin.clone())).collect(),
        state_dir: PathBuf::from("/state"),
        models_seen_at: None,
        container_settings: ContainerSettings {
            environment: crate::platform::environment::ContainerEnvironment {
                inherited: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
                region: "us-east-1".into(),
            },
            health_check_timeout: std::time::Duration::from_secs(60),
            cache: CacheSettings::default(),
            storage: std::sync::Arc::default(),
        },
        variant: "AllTraffic".into(),
        log_prefix: String::new(),
    }
}

#[actix_web::test]
async fn all_problems_known_before_the_start_are_reported_together() {
    let fake = FakeContainer::answering(200, "text/plain", "");
    let location = Location::S3 { bucket: "bucket".into(), key: String::new() };
    let in_s3 = ModelDataUrl { as_written: "s3://bucket".into(), location, form: ModelForm::Archive };
    let containers = [
        container("a", Models::Single(Some(url("/none/model.tar.gz")))),
        container("b", models_under(url("/none/models"))),
        container("c", Models::Single(Some(url("/none/its-own.tar.gz")))),
        container("d", Models::Single(None)),
        container("e", Models::Single(Some(in_s3))),
    ];
    let error = starter(&[("c", &fake)]).check(&containers).unwrap_err();
    assert_eq!(error.cause(), Cause::BadSetting);
    let lines: Vec<&str> = error.message().lines().skip(1).map(str::trim).collect();
    // The message lists the entries of the root folder.
    for (line, start) in lines.iter().zip([
        "container a: ModelDataUrl \"/none/model.tar.gz\": there is nothing at /none/model.tar.gz",
        "container b: ModelDataUrl \"/none/models\": there is nothing at /none/models",
    ]) {
        assert!(line.starts_with(start), "{line}");
    }
    assert_eq!(
        lines[2..],
        [
            "container d: ModelDataUrl is missing; give one, or a ModelDataSource, or --container NAME=URL for one \
             that runs already",
            "container e: ModelDataUrl \"s3://bucket\" names a bucket and no object in it",
        ]
    );
    starter(&[("c", &fake)]).check(&containers[2..3]).unwrap();
}

#[actix_web::test]
async fn a_misspelt_model_is_reported_with_the_nearest_name() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.tar.gz"), "").unwrap();
    let location = Location::parse("./modle.tar.gz", folder.path()).unwrap();
    let misspelt = ModelDataUrl { as_written: "./modle.tar.gz".into(), location, form: ModelForm::Archive };
    let error = starter(&[]).check(&[container("a", Models::Single(Some(misspelt)))]).unwrap_err();
    let folder = folder.path().display();
    assert_eq!(
        error.message(),
        format!(
            "container a: ModelDataUrl \"./modle.tar.gz\": there is nothing at {folder}/modle.tar.gz: did you mean \
             {folder}/model.tar.gz? {folder} has model.tar.gz"
        )
    );
}

#[actix_web::test]
async fn running_containers_are_used_as_they_are() {
    let (single, multi) =
        (FakeContainer::answering(200, "text/plain", ""), FakeContainer::answering(200, "text/plain", ""));
    let containers = [container("a", Models::Single(None)), container("b", models_under(url("/models")))];
    let client = crate::platform::http::client().unwrap();
    let started =
        starter(&[("a", &single), ("b", &multi)]).start(&client, &containers, ExecutionMode::Serial).await.unwrap();
    assert!(started.pipeline.is_multi_model());
    let asked = |fake: &FakeContainer| fake.seen().into_iter().map(|seen| seen.path).collect::<Vec<_>>();
    assert_eq!((asked(&single), asked(&multi)), (vec!["/ping".into()], vec!["/ping".into(), "/models".into()]));
}

#[actix_web::test]
async fn every_container_that_does_not_start_is_named() {
    let fake = FakeContainer::answering(200, "text/plain", "");
    let containers = ["a", "b", "c"].map(|name| container(name, Models::Single(None)));
    let client = crate::platform::http::client().unwrap();
    let error = starter(&[("b", &fake)]).start(&client, &containers, ExecutionMode::Serial).await.unwrap_err();
    let lines: Vec<&str> = error.message().lines().skip(1).map(str::trim).collect();
    assert_eq!(lines.len(), 2, "{error}");
    for (line, name) in lines.into_iter().zip(["a", "c"]) {
        let start = format!("The {name} for production variant AllTraffic did not pass the ping health check: ");
        assert!(line.starts_with(&start) && line.contains("exit status: 78"), "{line}");
    }
}
