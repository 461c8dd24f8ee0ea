use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::platform::create_model::Models;
use crate::storage::Location;

/// Two variants of one model each, in CreateEndpointConfig's format.
fn two_variants() -> Value {
    json!({
        "EndpointName": "housing",
        "EndpointConfigName": "housing-config",
        "ProductionVariants": [
            {"VariantName": "blue", "ModelName": "old", "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"},
            {"VariantName": "green", "ModelName": "new", "InitialVariantWeight": 0.5}
        ],
        "Tags": [{"Key": "team", "Value": "pricing"}],
        "Models": [
            {"ModelName": "old", "PrimaryContainer": {"Image": "i", "ModelDataUrl": "./old"}},
            {"ModelName": "new", "ExecutionRoleArn": "arn:aws:iam::111122223333:role/r",
             "PrimaryContainer": {"Image": "i", "ModelDataUrl": "./new"}}
        ]
    })
}

fn with_a_shadow() -> Value {
    let mut config = two_variants();
    let green = config["ProductionVariants"].as_array_mut().unwrap().pop().unwrap();
    config["ShadowProductionVariants"] = json!([green]);
    config
}

fn parse(config: &Value) -> Result<EndpointConfig, Vec<String>> {
    EndpointConfig::parse(&config.to_string(), Path::new("/home/me"))
}

#[test]
fn create_endpoint_configs_json_becomes_variants_of_the_models_beside_it() {
    let config = parse(&two_variants()).unwrap();
    assert_eq!((config.endpoint_name.as_str(), config.account.as_str()), ("housing", "111122223333"));
    let variants: Vec<_> = config.variants.iter().map(|variant| (variant.name.as_str(), variant.weight)).collect();
    assert_eq!(variants, [("blue", 1.0), ("green", 0.5)]);
    let paths: Vec<_> = config.variants.iter().map(|variant| &variant.model.containers[0].models).collect();
    let [Models::Single(Some(old)), Models::Single(Some(new))] = &paths[..] else { panic!("{paths:?}") };
    let local = |path: &str| Location::Local(path.into());
    assert_eq!((&old.location, &new.location), (&local("/home/me/old"), &local("/home/me/new")));
    assert_eq!((config.shadow, config.asynchronous), (None, None));
}

/// What `aws sagemaker describe-endpoint-config` prints, with the members of `describe-endpoint` and the models'
/// descriptions beside it.
#[test]
fn the_description_of_an_endpoint_is_accepted_as_the_endpoint() {
    let mut config = two_variants();
    for member in [
        "EndpointConfigArn",
        "CreationTime",
        "ResponseMetadata",
        "EndpointArn",
        "EndpointStatus",
        "LastModifiedTime",
        "LastDeploymentConfig",
    ] {
        config[member] = json!("2026-11-30T09:00:00+00:00");
    }
    config["Models"][0]["ModelArn"] = json!("arn:aws:sagemaker:us-east-1:123456789012:model/old");
    config["Models"][0]["CreationTime"] = json!(1796029200.5);
    assert_eq!(parse(&config).unwrap(), parse(&two_variants()).unwrap());
    config["EndpointConfigAm"] = json!("x");
    config["ProductionVariants"][0]["CreationTime"] = json!("2026");
    let problems = parse(&config).unwrap_err();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(problems[1].starts_with("ProductionVariants[0].CreationTime: unknown member"), "{problems:?}");
}

#[test]
fn a_shadow_variant_gets_a_share_that_is_the_ratio_of_the_weights() {
    let mut config = with_a_shadow();
    let shadow = parse(&config).unwrap().shadow.unwrap();
    assert_eq!((shadow.variant.name.as_str(), shadow.share), ("green", 0.5));
    config["ShadowProductionVariants"][0]["InitialVariantWeight"] = json!(3);
    assert_eq!(parse(&config).unwrap().shadow.unwrap().share, 1.0);
}

#[test]
fn asynchronous_inference_has_an_output_folder_a_failure_folder_and_a_limit() {
    let mut config = two_variants();
    config["AsyncInferenceConfig"] = json!({"OutputConfig": {}});
    let asynchronous = parse(&config).unwrap().asynchronous.unwrap();
    assert_eq!(asynchronous, AsyncConfig { output: None, failure: None, concurrent: CONCURRENT });
    config["AsyncInferenceConfig"] = json!({
        "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 7},
        "OutputConfig": {
            "S3OutputPath": "s3://bucket/out/", "S3FailurePath": "./failed",
            "NotificationConfig": {"SuccessTopic": "arn"}, "KmsKeyId": "k"
        }
    });
    let output = Location::S3 { bucket: "bucket".into(), key: "out/".into() };
    let failure = Location::Local("/home/me/./failed".into());
    let expected = AsyncConfig { output: Some(output), failure: Some(failure), concurrent: 7 };
    assert_eq!(parse(&config).unwrap().asynchronous.unwrap(), expected);
}

#[test]
fn a_problem_is_reported_with_its_member() {
    let none = Value::Null;
    let cases = [
        ("/EndpointConfigName", none.clone(), "EndpointConfigName: missing"),
        ("/Model", json!([]), "Model: unknown member"),
        ("/ProductionVariants", none.clone(), "ProductionVariants: empty"),
        ("/ProductionVariants", json!(vec![json!({"VariantName": "a", "ModelName": "old"}); 11]), "11 entries"),
        ("/ProductionVariants/0/VariantName", none.clone(), "ProductionVariants[0].VariantName: missing"),
        (
            "/ProductionVariants/1/VariantName",
            json!("blue"),
            "ProductionVariants: VariantName \"blue\" is already taken",
        ),
        (
            "/ProductionVariants/1/ModelName",
            json!("x"),
            "[1].ModelName: Could not find model \"x\"; Models has new, old",
        ),
        ("/ProductionVariants/1/InitialVariantWeight", json!(-1), "[1].InitialVariantWeight: -1 is not a weight"),
        ("/ProductionVariants/1/Instances", json!(1), "ProductionVariants[1].Instances: unknown member"),
        (
            "/ShadowProductionVariants",
            json!([{"VariantName": "s", "ModelName": "old"}]),
            "ShadowProductionVariants: with them there must be one production variant",
        ),
        ("/Models/0/EndpointName", json!("e"), "Models[0].EndpointName: a model has none"),
        ("/Models/1/ModelName", json!("old"), "Models[1].ModelName: \"old\" is already taken"),
        ("/Models/0/PrimaryContainer/Image", none.clone(), "Models[0].PrimaryContainer.Image: missing"),
        ("/Models/0/Primary", json!(1), "Models[0].Primary: unknown member"),
        ("/AsyncInferenceConfig", json!({}), "AsyncInferenceConfig.OutputConfig: missing"),
        (
            "/ProductionVariants/0/InitialVariantWeight",
            json!("3"),
            "ProductionVariants[0].InitialVariantWeight: expected a number, found",
        ),
        (
            "/Models/0/PrimaryContainer/Environment",
            json!(["a"]),
            "Models[0].PrimaryContainer.Environment: expected an object, found",
        ),
        ("/Models", json!([]), "Models: missing; a list of CreateModel's requests"),
        ("/AsyncInferenceConfig", json!({"Out": 1}), "AsyncInferenceConfig.Out: unknown member"),
        (
            "/AsyncInferenceConfig",
            json!({"OutputConfig": {"S3OutputPath": "gs://b/out"}}),
            "AsyncInferenceConfig.OutputConfig.S3OutputPath: \"gs://b/out\": gs:// is not supported",
        ),
        (
            "/AsyncInferenceConfig",
            json!({"OutputConfig": {}, "ClientConfig": {"MaxConcurrentInvocationsPerInstance": 0}}),
            "MaxConcurrentInvocationsPerInstance: 0; give 1 to 1000",
        ),
    ];
    for (pointer, value, expected) in cases {
        let mut config = two_variants();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        let parent = config.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        if value.is_null() {
            parent.remove(member);
        } else {
            parent.insert(member.to_owned(), value);
        }
        let problems = parse(&config).expect_err(pointer);
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{pointer}: {problems:?}");
    }

    let mut config = two_variants();
    config["AsyncInferenceConfig"] = json!({"OutputConfig": {}});
    config["Models"][0]["PrimaryContainer"]["Mode"] = json!("MultiModel");
    let problems = parse(&config).unwrap_err();
    assert!(problems[0].contains("InvokeEndpointAsync has no TargetModel"), "{problems:?}");
    assert!(problems[0].ends_with("could never answer"), "{problems:?}");

    let mut config = two_variants();
    for number in 0..2 {
        config["ProductionVariants"][number]["InitialVariantWeight"] = json!(0);
    }
    assert!(parse(&config).unwrap_err()[0].contains("every InitialVariantWeight is 0"));
    let mut config = with_a_shadow();
    config["AsyncInferenceConfig"] = json!({"OutputConfig": {}});
    assert!(parse(&config).unwrap_err()[0].contains("has no shadow variants"));
    config["ShadowProductionVariants"][0]["VariantName"] = json!("blue");
    assert!(parse(&config).unwrap_err()[0].contains("\"blue\" is already taken"));
}
