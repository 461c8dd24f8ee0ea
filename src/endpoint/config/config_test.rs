use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::platform::create_model::{ContainerConfig, ExecutionMode, ModelCacheSetting, Models};

/// The walk-through's pipeline: a preprocessor, then linear learners in MultiModel mode.
fn housing() -> Value {
    json!({
        "EndpointName": "housing",
        "ModelName": "housing-pipeline",
        "ExecutionRoleArn": "arn:aws:iam::111122223333:role/SageMaker",
        "Containers": [
            {
                "Image": "byoc",
                "ContainerHostname": "preprocessor",
                "ModelDataUrl": "./preprocessor/model.tar.gz",
                "Environment": {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "text/csv"}
            },
            {
                "Image": "byoc",
                "ContainerHostname": "linear-learner",
                "Mode": "MultiModel",
                "ModelDataUrl": "file:///models/",
                "MultiModelConfig": {"ModelCacheSetting": "Enabled"}
            }
        ],
        "InferenceExecutionConfig": {"Mode": "Serial"}
    })
}

fn containers(config: &EndpointConfig) -> &[ContainerConfig] {
    let [variant] = &config.variants[..] else { panic!("{config:?}") };
    assert_eq!((variant.name.as_str(), variant.weight), ("AllTraffic", 1.0));
    &variant.model.containers
}

fn parse(config: &Value) -> Result<EndpointConfig, Vec<String>> {
    EndpointConfig::parse(&config.to_string(), Path::new("/home/me/housing"))
}

#[test]
fn create_models_json_with_an_endpoint_name_becomes_a_pipeline() {
    let config = parse(&housing()).unwrap();
    assert_eq!(config.endpoint_name, "housing");
    assert_eq!(config.account, "111122223333");
    let [preprocessor, learner] = containers(&config) else { panic!("{config:?}") };
    assert_eq!(preprocessor.name, "preprocessor");
    assert_eq!(preprocessor.environment["SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"], "text/csv");
    let Models::Single(Some(url)) = &preprocessor.models else { panic!("{preprocessor:?}") };
    assert_eq!(url.as_written, "./preprocessor/model.tar.gz");
    assert_eq!(url.location, Location::Local("/home/me/housing/preprocessor/model.tar.gz".into()));
    let Models::Multi { prefix, cache: ModelCacheSetting::Enabled } = &learner.models else { panic!("{learner:?}") };
    assert_eq!(prefix.location, Location::Local("/models/".into()));
}

#[test]
fn containers_without_hostnames_are_named_by_position_and_a_single_one_is_primary() {
    let mut config = housing();
    for container in config["Containers"].as_array_mut().unwrap() {
        container.as_object_mut().unwrap().remove("ContainerHostname");
    }
    let names: Vec<_> =
        containers(&parse(&config).unwrap()).iter().cloned().map(|one| (one.name, one.name_in_errors)).collect();
    let name = |name: &str| (name.to_owned(), name.to_owned());
    assert_eq!(names, [name("container-1"), name("container-2")]);

    let alone = parse(&json!({"EndpointName": "e", "ModelName": "m", "PrimaryContainer": {"Image": "i"}})).unwrap();
    assert_eq!((&*containers(&alone)[0].name, &*containers(&alone)[0].name_in_errors), ("primary", "primary"));
    assert_eq!(alone.account, ACCOUNT);
    let named =
        json!({"EndpointName": "e", "ModelName": "m", "Containers": [{"Image": "i", "ContainerHostname": "h"}]});
    let alone = parse(&named).unwrap();
    assert_eq!((&*containers(&alone)[0].name, &*containers(&alone)[0].name_in_errors), ("h", "primary"));
}

#[test]
fn in_direct_mode_every_container_has_a_name_for_requests() {
    let mut config = housing();
    config["InferenceExecutionConfig"]["Mode"] = json!("Direct");
    assert_eq!(parse(&config).unwrap().variants[0].model.mode, ExecutionMode::Direct);
    let mut one = json!({
        "EndpointName": "e", "ModelName": "m", "InferenceExecutionConfig": {"Mode": "Direct"},
        "Containers": [{"Image": "i", "ContainerHostname": "h"}]
    });
    assert_eq!(containers(&parse(&one).unwrap())[0].name_in_errors, "h");
    one["Containers"][0].as_object_mut().unwrap().remove("ContainerHostname");
    let expected = "Containers: ContainerHostname is missing; in Direct mode, requests select a container by it";
    assert_eq!(parse(&one).unwrap_err(), [expected]);
}

#[test]
fn models_may_lie_in_s3() {
    for (url, expected) in [("s3://b/models/", "models/"), ("s3://b", ""), ("s3://b/k/model.tar.gz", "k/model.tar.gz")]
    {
        let mut config = housing();
        config["Containers"][1]["ModelDataUrl"] = json!(url);
        let config = parse(&config).unwrap();
        let Models::Multi { prefix, .. } = &containers(&config)[1].models else { panic!("{config:?}") };
        assert_eq!(prefix.location, Location::S3 { bucket: "b".into(), key: expected.into() });
    }
}

#[test]
fn a_model_cache_can_be_disabled() {
    let mut config = housing();
    config["Containers"][1]["MultiModelConfig"]["ModelCacheSetting"] = json!("Disabled");
    let config = parse(&config).unwrap();
    assert!(matches!(&containers(&config)[1].models, Models::Multi { cache: ModelCacheSetting::Disabled, .. }));
}

#[test]
fn members_without_meaning_on_one_machine_are_ignored() {
    let mut config = housing();
    config["Tags"] = json!([{"Key": "team", "Value": "pricing"}]);
    config["VpcConfig"] = json!({"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]});
    config["EnableNetworkIsolation"] = json!(true);
    config["Containers"][0]["ImageConfig"] = json!({"RepositoryAccessMode": "Platform"});
    assert_eq!(parse(&config).unwrap(), parse(&housing()).unwrap());
}

/// What `aws sagemaker describe-model` prints, with EndpointName beside it.
#[test]
fn the_description_of_a_model_is_accepted_as_the_model() {
    let mut config = housing();
    for (member, value) in [
        ("CreationTime", json!("2026-11-30T09:00:00.123000+00:00")),
        ("ModelArn", json!("arn:aws:sagemaker:us-east-1:123456789012:model/housing-pipeline")),
        ("EnableNetworkIsolation", json!(false)),
        ("DeploymentRecommendation", json!({"RecommendationStatus": "COMPLETED"})),
        ("ResponseMetadata", json!({"RequestId": "r", "HTTPStatusCode": 200})),
    ] {
        config[member] = value;
    }
    assert_eq!(parse(&config).unwrap(), parse(&housing()).unwrap());
    let mut alone = json!({"EndpointName": "e", "ModelName": "m", "PrimaryContainer": {"Image": "i"}});
    let expected = parse(&alone).unwrap();
    alone["Containers"] = json!([]);
    assert_eq!(parse(&alone).unwrap(), expected, "moto's description has an empty list too");
    config["PrimaryContainer"] = json!({});
    assert_eq!(parse(&config).unwrap(), parse(&housing()).unwrap(), "and of a pipeline an empty container");
    config["ModelAm"] = json!("arn");
    config["Containers"][0]["CreationTime"] = json!("2026");
    assert_eq!(
        parse(&config).unwrap_err(),
        [
            "ModelAm: unknown member; the API has no member of this name: did you mean ModelName?",
            "Containers[0].CreationTime: unknown member; the API has no member of this name"
        ]
    );
}

#[test]
fn a_problem_is_reported_with_its_member() {
    // A JSON pointer to set, its value (null removes it), and the expected problem.
    let cases = [
        ("/EndpointName", Value::Null, "EndpointName: missing"),
        ("/EndpointName", json!("-x"), "EndpointName: \"-x\" is not a name"),
        ("/EndpointName", json!("x".repeat(64)), "is not a name"),
        ("/ModelName", json!("under_score"), "ModelName: \"under_score\" is not a name"),
        ("/ExecutionRoleArn", json!("role"), "ExecutionRoleArn: \"role\" is not a role's ARN"),
        ("/EndpointNam", json!("x"), "EndpointNam: unknown member"),
        ("/PrimaryContainer", json!({"Image": "i"}), "PrimaryContainer: cannot be combined with Containers"),
        ("/Containers", Value::Null, "Containers: missing"),
        ("/Containers/0/Image", Value::Null, "Containers[0].Image: missing"),
        ("/Containers/0/Image", json!("a b"), "Containers[0].Image: expected 1 to 255"),
        ("/Containers/0/Enviroment", json!({}), "Containers[0].Enviroment: unknown member"),
        ("/Containers/0/Environment", json!({"1A": "x"}), "Containers[0].Environment.1A: a variable's name"),
        ("/Containers/0/Environment", json!({"A": "x".repeat(1025)}), "Containers[0].Environment.A: name or value"),
        ("/Containers/0/ContainerHostname", Value::Null, "ContainerHostname must be given for all"),
        (
            "/Containers/0/ContainerHostname",
            json!("linear-learner"),
            "Containers[1].ContainerHostname: \"linear-learner\"",
        ),
        ("/Containers/0/ContainerHostname", json!("a.b"), "Containers[0].ContainerHostname: \"a.b\" is not a name"),
        (
            "/Containers/0/ModelDataUrl",
            json!("s3:///k"),
            "Containers[0].ModelDataUrl: \"s3:///k\": expected s3://BUCKET/KEY",
        ),
        ("/Containers/0/ModelDataUrl", json!("https://h/k"), "h is not a host of Amazon S3"),
        ("/Containers/0/ModelDataUrl", json!("gs://h/k"), "gs:// is not supported"),
        ("/Containers/0/ModelDataUrl", json!(""), "Containers[0].ModelDataUrl: expected a path"),
        ("/Containers/0/ModelDataSource", json!({}), "Containers[0].ModelDataSource.S3DataSource: missing"),
        ("/Containers/0/ModelPackageName", json!("p"), "Containers[0].ModelPackageName: not supported"),
        (
            "/Containers/0/MultiModelConfig",
            json!({}),
            "Containers[0].MultiModelConfig: allowed only for a container of Mode",
        ),
        ("/Containers/1/ModelDataUrl", Value::Null, "Containers[1].ModelDataUrl: missing"),
        ("/Containers/1/MultiModelConfig", json!({"Model": 1}), "Containers[1].MultiModelConfig.Model: unknown member"),
        ("/Containers/0/Mode", json!("MultiModel"), "More than one container in MultiModel mode is not supported"),
        (
            "/Containers/0/Mode",
            json!("multimodel"),
            "did you mean MultiModel? expected SingleModel or MultiModel, found \"multimodel\"",
        ),
        ("/InferenceExecutionConfig/Mode", json!("Parallel"), "expected Serial or Direct, found \"Parallel\""),
        ("/ModelName", json!(3), "expected text, found 3"),
    ];
    for (pointer, value, expected) in cases {
        let mut config = housing();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        let parent = config.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            parent.remove(member);
        } else {
            parent.insert(member.to_owned(), value.clone());
        }
        let problems = parse(&config).expect_err(pointer);
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{pointer} = {value}: {problems:?}");
    }
}

#[test]
fn a_file_that_is_not_an_object_is_quoted() {
    for (text, found) in [("", "an empty file"), (" \n", "an empty file"), ("1993,2728\n1,2", "\"1993,2728\"")] {
        let problems = EndpointConfig::parse(text, Path::new("/")).unwrap_err();
        let expected = "expected a JSON object, the request of an operation of SageMaker's API, found ";
        assert_eq!(problems, [format!("{expected}{found}")]);
    }
}

#[test]
fn a_required_member_of_a_wrong_type_is_one_problem() {
    for (mode, found) in [(json!("Paralel"), "\"Paralel\""), (json!(5), "5")] {
        let mut config = housing();
        config["InferenceExecutionConfig"] = json!({"Mode": mode});
        config["ModelName"] = json!(3);
        let mut problems = parse(&config).unwrap_err();
        problems.sort();
        let expected = format!("InferenceExecutionConfig.Mode: expected Serial or Direct, found {found}");
        assert_eq!(problems, [expected, "ModelName: expected text, found 3".to_owned()]);
    }
}

#[test]
fn all_problems_are_reported_together() {
    let problems =
        parse(&json!({"ModelName": "m", "Extra": 1, "Containers": [{"ModelDataUrl": "s3:///k"}]})).unwrap_err();
    assert_eq!(problems.len(), 4, "{problems:?}");
}

#[test]
fn a_pipeline_has_at_most_fifteen_containers() {
    let with = |count: usize| {
        let containers = vec![json!({"Image": "i"}); count];
        parse(&json!({"EndpointName": "e", "ModelName": "m", "Containers": containers}))
    };
    assert_eq!(containers(&with(15).unwrap()).len(), 15);
    assert_eq!(with(16).unwrap_err(), ["Containers: 16 entries; at most 15"]);
    assert_eq!(with(0).unwrap_err(), ["Containers: empty; give 1 to 15"]);
}

#[test]
fn the_environments_of_all_containers_share_their_limit() {
    let environment: BTreeMap<String, String> = (0..20).map(|i| (format!("V{i}"), "x".repeat(1000))).collect();
    let containers =
        [json!({"Image": "i", "Environment": environment}), json!({"Image": "i", "Environment": environment})];
    let problems = parse(&json!({"EndpointName": "e", "ModelName": "m", "Containers": containers})).unwrap_err();
    assert_eq!(problems, ["Containers: all Environments together take 40100 bytes; at most 32768"]);
}

#[test]
fn a_file_is_read_with_its_name_in_every_problem_and_paths_relative_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("endpoint.json");
    std::fs::write(&file, housing().to_string()).unwrap();
    let config = EndpointConfig::read(&file).unwrap();
    let Models::Single(Some(url)) = &containers(&config)[0].models else { panic!("{config:?}") };
    assert_eq!(url.location, Location::Local(folder.path().join("./preprocessor/model.tar.gz")));

    std::fs::write(&file, "{").unwrap();
    let error = EndpointConfig::read(&file).unwrap_err();
    assert_eq!(error.cause(), Cause::BadSetting);
    assert!(error.message().starts_with(&format!("{}: expected JSON: line 1, column ", file.display())), "{error}");
    let error = EndpointConfig::read(&folder.path().join("none.json")).unwrap_err();
    assert!(error.message().contains("none.json"), "{error}");
}
