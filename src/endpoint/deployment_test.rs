use super::*;
use crate::endpoint::CacheSettings;
use crate::endpoint::config::ShadowConfig;
use crate::platform::create_model::{ContainerConfig, ExecutionMode, ModelConfig, Models};
use byoc_fake_container::FakeContainer;
use byoc_formats::error::chain;

fn variant(name: &str, containers: &[&str]) -> VariantConfig {
    let container = |name: &&str| ContainerConfig {
        name: name.to_string(),
        name_in_errors: name.to_string(),
        environment: Default::default(),
        models: Models::Single(None),
    };
    let containers = containers.iter().map(container).collect();
    VariantConfig { name: name.into(), weight: 1.0, model: ModelConfig { mode: ExecutionMode::Serial, containers } }
}

fn endpoint(name: &str, variants: Vec<VariantConfig>) -> EndpointConfig {
    EndpointConfig {
        endpoint_name: name.into(),
        account: "123456789012".into(),
        variants,
        shadow: None,
        asynchronous: None,
    }
}

fn context(running: &[(&str, &FakeContainer)]) -> EndpointContext {
    EndpointContext {
        async_inputs: Arc::default(),
        executable: PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/endpoint/fake-serve.sh"),
        running: running.iter().map(|(name, fake)| (name.to_string(), fake.origin.clone())).collect(),
        state_dir: "/state".into(),
        models_seen_at: None,
        async_output: Location::Local("/state/async".into()),
        container_settings: ContainerSettings {
            environment: crate::platform::environment::ContainerEnvironment {
                inherited: BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]),
                region: "us-east-1".into(),
            },
            health_check_timeout: std::time::Duration::from_secs(60),
            cache: CacheSettings::default(),
            storage: Arc::default(),
        },
        account: None,
    }
}

fn deployments(configs: Vec<EndpointConfig>, context: &EndpointContext) -> Vec<Deployment> {
    configs.into_iter().map(|config| Deployment::new("e.json".into(), config, context)).collect()
}

#[actix_web::test]
async fn a_running_container_is_named_as_precisely_as_needed() {
    let fake = FakeContainer::answering(200, "text/plain", "");
    let other = FakeContainer::answering(200, "text/plain", "");
    let third = FakeContainer::answering(200, "text/plain", "");
    let context = context(&[("c", &fake), ("green/c", &other), ("two/green/c", &third)]);
    let variants = || vec![variant("blue", &["c"]), variant("green", &["c"])];
    let deployments = deployments(vec![endpoint("one", variants()), endpoint("two", variants())], &context);
    check(&deployments, &context).unwrap();
    let origins: Vec<_> = deployments
        .iter()
        .flat_map(|deployment| deployment.variants().map(|one| deployment.starter(one, &context, false)))
        .map(|starter| (starter.running["c"].clone(), starter.state_dir))
        .collect();
    let expected = [(&fake, "one/blue"), (&other, "one/green"), (&fake, "two/blue"), (&third, "two/green")];
    let expected = expected.map(|(fake, folder)| (fake.origin.clone(), Path::new("/state").join(folder)));
    assert_eq!(origins, expected);
}

#[actix_web::test]
async fn a_single_variant_of_a_single_endpoint_uses_the_state_folder_directly() {
    let context = context(&[]);
    let deployments = deployments(vec![endpoint("one", vec![variant("AllTraffic", &["c"])])], &context);
    let starter = deployments[0].starter(&deployments[0].config.variants[0], &context, is_alone(&deployments));
    assert_eq!(starter.state_dir, Path::new("/state"));
    let mut config = endpoint("one", vec![variant("AllTraffic", &["c"])]);
    config.shadow = Some(ShadowConfig { variant: variant("shadow", &["c"]), share: 1.0 });
    assert!(!is_alone(&[Deployment::new("e.json".into(), config, &context)]));
}

#[actix_web::test]
async fn problems_known_before_the_start_are_reported_before_it() {
    let fake = FakeContainer::answering(200, "text/plain", "");
    let context = context(&[("c", &fake), ("d", &fake), ("red/c", &fake)]);
    let config = || endpoint("one", vec![variant("blue", &["c"])]);
    let error = check(&deployments(vec![config(), config()], &context), &context).unwrap_err();
    assert_eq!(error.cause(), Cause::BadSetting);
    for part in ["--container d: there is no such", "--container red/c", "EndpointName: \"one\" is already taken"] {
        assert!(error.message().contains(part), "{part}: {error}");
    }
}

#[actix_web::test]
async fn the_nearest_container_name_is_suggested_first() {
    let fake = FakeContainer::answering(200, "text/plain", "");
    let context = context(&[("linear-lerner", &fake)]);
    let config = endpoint("one", vec![variant("blue", &["preprocessor", "linear-learner"])]);
    let error = check(&deployments(vec![config], &context), &context).unwrap_err();
    let said = "--container linear-lerner: there is no such container, only linear-learner, preprocessor; did you mean \
                linear-learner?";
    assert!(error.message().contains(said), "{error}");
}

#[actix_web::test]
async fn a_variant_that_does_not_start_is_named_and_fails_its_endpoint() {
    let fake = FakeContainer::answering(200, "text/plain", "");
    let mut context = context(&[("good", &fake)]);
    let mut bad = variant("green", &["bad"]);
    bad.model.containers[0].environment = BTreeMap::from([("FAKE".to_owned(), "ends".to_owned())]);
    let folder = tempfile::tempdir().unwrap();
    context.state_dir = folder.path().into();
    let deployments = deployments(vec![endpoint("one", vec![variant("blue", &["good"]), bad])], &context);
    let client = crate::platform::http::client().unwrap();
    let error = start(&client, &deployments, &context).await.unwrap_err();
    let start = "The bad for production variant green did not pass the ping health check: ";
    assert!(chain(&error).to_string().contains(start), "{error}");
}
