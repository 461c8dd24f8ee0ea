use serde_json::{Value, json};

use super::*;

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

fn parse(config: &Value) -> Result<EndpointConfig, Vec<String>> {
    EndpointConfig::parse(&config.to_string(), Path::new("/home/me/housing"))
}

#[test]
fn create_models_json_with_an_endpoint_name_becomes_a_pipeline() {
    let config = parse(&housing()).unwrap();
    assert_eq!(config.endpoint_name, "housing");
    assert_eq!(config.account, "111122223333");
    let [preprocessor, learner] = &config.containers[..] else { panic!("{config:?}") };
    assert_eq!(preprocessor.name, "preprocessor");
    assert_eq!(preprocessor.environment["SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"], "text/csv");
    let Models::Single(Some(url)) = &preprocessor.models else { panic!("{preprocessor:?}") };
    assert_eq!(url.as_written, "./preprocessor/model.tar.gz");
    assert_eq!(url.path, Path::new("/home/me/housing/preprocessor/model.tar.gz"));
    let Models::Multi(prefix) = &learner.models else { panic!("{learner:?}") };
    assert_eq!(prefix.path, Path::new("/models/"));
}

#[test]
fn containers_without_hostnames_are_named_by_position_and_a_lone_one_is_primary() {
    let mut config = housing();
    for container in config["Containers"].as_array_mut().unwrap() {
        container.as_object_mut().unwrap().remove("ContainerHostname");
    }
    let names: Vec<_> =
        parse(&config).unwrap().containers.into_iter().map(|one| (one.name, one.name_in_errors)).collect();
    let name = |name: &str| (name.to_owned(), name.to_owned());
    assert_eq!(names, [name("container-1"), name("container-2")]);

    let alone = parse(&json!({"EndpointName": "e", "ModelName": "m", "PrimaryContainer": {"Image": "i"}})).unwrap();
    assert_eq!((&*alone.containers[0].name, &*alone.containers[0].name_in_errors), ("primary", "primary"));
    assert_eq!(alone.account, ACCOUNT);
    let named =
        json!({"EndpointName": "e", "ModelName": "m", "Containers": [{"Image": "i", "ContainerHostname": "h"}]});
    let alone = parse(&named).unwrap();
    assert_eq!((&*alone.containers[0].name, &*alone.containers[0].name_in_errors), ("h", "primary"));
}

#[test]
fn members_without_meaning_on_one_machine_are_passed_over() {
    let mut config = housing();
    config["Tags"] = json!([{"Key": "team", "Value": "pricing"}]);
    config["VpcConfig"] = json!({"Subnets": ["subnet-1"], "SecurityGroupIds": ["sg-1"]});
    config["EnableNetworkIsolation"] = json!(true);
    config["Containers"][0]["ImageConfig"] = json!({"RepositoryAccessMode": "Platform"});
    assert_eq!(parse(&config).unwrap(), parse(&housing()).unwrap());
}

#[test]
fn what_is_wrong_is_said_with_the_member_it_is_in() {
    // A JSON pointer to set, its value (null removes it), and what the problem says.
    let cases = [
        ("/EndpointName", Value::Null, "EndpointName: missing"),
        ("/EndpointName", json!("-x"), "EndpointName: \"-x\" is not a name"),
        ("/EndpointName", json!("x".repeat(64)), "is not a name"),
        ("/ModelName", json!("under_score"), "ModelName: \"under_score\" is not a name"),
        ("/ExecutionRoleArn", json!("role"), "ExecutionRoleArn: \"role\" is not a role's ARN"),
        ("/EndpointNam", json!("x"), "EndpointNam: unknown member"),
        ("/PrimaryContainer", json!({"Image": "i"}), "PrimaryContainer: cannot stand beside Containers"),
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
            json!("s3://b/k"),
            "Containers[0].ModelDataUrl: \"s3://b/k\": s3:// cannot be read",
        ),
        ("/Containers/0/ModelDataUrl", json!("https://h/k"), "https:// cannot be read"),
        ("/Containers/0/ModelDataUrl", json!(""), "Containers[0].ModelDataUrl: expected a path"),
        ("/Containers/0/ModelDataSource", json!({}), "Containers[0].ModelDataSource: not supported"),
        ("/Containers/0/MultiModelConfig", json!({}), "Containers[0].MultiModelConfig: only a container of Mode"),
        ("/Containers/1/ModelDataUrl", Value::Null, "Containers[1].ModelDataUrl: missing"),
        ("/Containers/1/MultiModelConfig", json!({"Model": 1}), "Containers[1].MultiModelConfig.Model: unknown member"),
        ("/Containers/1/MultiModelConfig", json!({"ModelCacheSetting": "Disabled"}), "Disabled is not supported"),
        ("/Containers/0/Mode", json!("MultiModel"), "More than one container in MultiModel mode is not supported"),
        ("/Containers/0/Mode", json!("multimodel"), "unknown variant `multimodel`"),
        ("/InferenceExecutionConfig/Mode", json!("Direct"), "InferenceExecutionConfig.Mode: Direct is not supported"),
        ("/ModelName", json!(3), "invalid type: integer `3`, expected a string at line 1"),
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
fn all_problems_are_reported_together() {
    let problems =
        parse(&json!({"ModelName": "m", "Extra": 1, "Containers": [{"ModelDataUrl": "s3://b/k"}]})).unwrap_err();
    assert_eq!(problems.len(), 4, "{problems:?}");
}

#[test]
fn a_pipeline_has_at_most_fifteen_containers() {
    let with = |count: usize| {
        let containers = vec![json!({"Image": "i"}); count];
        parse(&json!({"EndpointName": "e", "ModelName": "m", "Containers": containers}))
    };
    assert_eq!(with(15).unwrap().containers.len(), 15);
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
    let Models::Single(Some(url)) = &config.containers[0].models else { panic!("{config:?}") };
    assert_eq!(url.path, folder.path().join("./preprocessor/model.tar.gz"));

    std::fs::write(&file, "{").unwrap();
    let error = EndpointConfig::read(&file).unwrap_err();
    assert_eq!(error.cause(), Cause::BadSetting);
    assert!(error.message().starts_with(&format!("{}: EOF while parsing", file.display())), "{error}");
    let error = EndpointConfig::read(&folder.path().join("none.json")).unwrap_err();
    assert!(error.message().contains("none.json"), "{error}");
}
