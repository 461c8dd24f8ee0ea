use serde_json::{Value, json};

use super::*;
use crate::platform::create_model::{CreateModel, Models};

fn source(uri: &str, data_type: &str, compression: &str) -> Value {
    json!({"S3DataSource": {"S3Uri": uri, "S3DataType": data_type, "CompressionType": compression}})
}

/// The models of a container with these members, or all problems in it.
fn checked(members: Value) -> Result<Models, Vec<String>> {
    let mut container = json!({"Image": "i"});
    container.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    let typed: CreateModel = serde_json::from_value(json!({"ModelName": "m", "PrimaryContainer": container})).unwrap();
    let mut check = Validator { folder: Path::new("/folder"), prefix: String::new(), problems: Vec::new() };
    let (_, model) = check.model(typed);
    let mut containers = model.containers.into_iter();
    if check.problems.is_empty() { Ok(containers.next().unwrap().models) } else { Err(check.problems) }
}

fn data(members: Value) -> ModelDataUrl {
    match checked(members) {
        Ok(Models::Single(Some(data))) => data,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_model_data_source_is_a_prefix_of_files_one_file_or_an_archive() {
    let s3 = |key: &str| Location::S3 { bucket: "b".into(), key: key.into() };
    for (uri, data_type, compression, location, form) in [
        ("s3://b/m/", "S3Prefix", "None", s3("m/"), ModelForm::Files),
        ("s3://b/", "S3Prefix", "None", s3(""), ModelForm::Files),
        ("https://b.s3.eu-west-1.amazonaws.com/m/", "S3Prefix", "None", s3("m/"), ModelForm::Files),
        ("s3://b/m/model.joblib", "S3Object", "None", s3("m/model.joblib"), ModelForm::File),
        ("s3://b/m/model.tar.gz", "S3Object", "Gzip", s3("m/model.tar.gz"), ModelForm::Archive),
        ("./model", "S3Prefix", "None", Location::Local("/folder/./model".into()), ModelForm::Files),
    ] {
        let found = data(json!({"ModelDataSource": source(uri, data_type, compression)}));
        assert_eq!(found, ModelDataUrl { as_written: uri.into(), location, form });
    }
    // Members that SageMaker or its hubs add make no difference.
    let mut full = source("s3://b/m/", "S3Prefix", "None");
    for (member, value) in [
        ("ModelAccessConfig", json!({"AcceptEula": true})),
        ("HubAccessConfig", json!({"HubContentArn": "arn"})),
        ("ETag", json!("\"1\"")),
        ("ManifestEtag", json!("\"1\"")),
    ] {
        full["S3DataSource"][member] = value;
    }
    assert_eq!(data(json!({"ModelDataSource": full})).form, ModelForm::Files);
}

/// `aws sagemaker describe-model` prints both for a model that was created with ModelDataUrl.
#[test]
fn both_members_may_denote_the_same_data() {
    let url = "s3://b/model.tar.gz";
    let found = data(json!({"ModelDataUrl": url, "ModelDataSource": source(url, "S3Object", "Gzip")}));
    assert_eq!((found.form, found.as_written.as_str()), (ModelForm::Archive, url));
    let https = source("https://s3.amazonaws.com/b/model.tar.gz", "S3Object", "Gzip");
    assert_eq!(data(json!({"ModelDataUrl": url, "ModelDataSource": https})).as_written, url);
    let many = json!({
        "Mode": "MultiModel",
        "ModelDataUrl": "s3://b/m",
        "ModelDataSource": source("s3://b/m/", "S3Prefix", "None")
    });
    assert!(matches!(checked(many), Ok(Models::Multi { .. })));
}

#[test]
fn contradictions_are_reported_with_their_member() {
    let archive = || source("s3://b/m.tar.gz", "S3Object", "Gzip");
    for (members, expected) in [
        (
            json!({"ModelDataUrl": "s3://b/other.tar.gz", "ModelDataSource": archive()}),
            "ModelDataSource: cannot be combined with",
        ),
        (
            json!({"ModelDataUrl": "s3://b/m/", "ModelDataSource": source("s3://b/m/", "S3Prefix", "None")}),
            "ModelDataSource: cannot be combined with",
        ),
        (
            json!({"ModelDataSource": source("s3://b/m/", "S3Prefix", "Gzip")}),
            "S3DataSource.CompressionType: Gzip requires S3DataType S3Object",
        ),
        (
            json!({"ModelDataSource": source("s3://b/m", "S3Prefix", "None")}),
            "S3DataSource.S3Uri: \"s3://b/m\": with S3DataType S3Prefix",
        ),
        (
            json!({"ModelDataSource": source("s3://b/m/", "S3Object", "None")}),
            "S3Uri: \"s3://b/m/\": expected an object",
        ),
        (json!({"ModelDataSource": source("s3://b", "S3Object", "Gzip")}), "S3Uri: \"s3://b\": expected an object"),
        (json!({"ModelDataSource": source("gs://b/m", "S3Object", "Gzip")}), "S3Uri: \"gs://b/m\": gs://"),
        (json!({"ModelDataSource": {}}), "ModelDataSource.S3DataSource: missing"),
        (json!({"ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/m/"}}}), "S3DataSource.S3DataType: missing"),
        (json!({"ModelDataSource": {"S3DataSource": {}}}), "S3DataSource.CompressionType: missing"),
        (json!({"ModelDataSource": {"S3": {}}}), "PrimaryContainer.ModelDataSource.S3: unknown member"),
        (
            json!({"ModelDataSource": {"S3DataSource": {"Uri": "x"}}}),
            "ModelDataSource.S3DataSource.Uri: unknown member",
        ),
        (
            json!({"Mode": "MultiModel", "ModelDataSource": source("s3://b/m/", "S3Prefix", "None")}),
            "not allowed for a container of Mode",
        ),
        (
            json!({"ModelDataSource": {"S3DataSource": {"S3Uri": "s3://b/m/", "S3DataType": "S3Prefix",
                "CompressionType": "None", "ManifestS3Uri": "s3://b/manifest"}}}),
            "ManifestS3Uri: not supported here",
        ),
    ] {
        let problems = checked(members.clone()).expect_err(expected);
        assert!(problems.iter().any(|problem| problem.contains(expected)), "{members}: {problems:?}");
    }
}
