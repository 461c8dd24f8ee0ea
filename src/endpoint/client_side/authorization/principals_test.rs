use serde_json::{Value, json};

use super::*;
use crate::endpoint::client_side::authorization::testing::{ARN, KEY, file, read, the_one};

fn problems(file: &Value) -> Vec<String> {
    read(file).unwrap_err()
}

#[test]
fn a_principal_has_its_access_keys_and_condition_keys() {
    let mut file = file(ARN, json!([]));
    file["Principals"][0]["SessionToken"] = "token".into();
    file["Principals"][0]["UserId"] = "AROAEXAMPLE:me".into();
    file["Principals"][0]["Tags"] = json!([{"Key": "TenantID", "Value": "NewYork_NY"}]);
    let principals = read(&file).unwrap();
    assert_eq!((principals.account(), principals.count()), ("123456789012", 1));
    let principal = the_one(&principals);
    assert_eq!((principal.arn(), principal.partition()), (ARN, "aws"));
    assert_eq!(principal.credentials().session_token(), Some("token"));
    assert_eq!(principal.user_id(), Some("AROAEXAMPLE:me"));
    assert_eq!(principal.tag("tenantid"), Some("NewYork_NY"));
    assert_eq!(principal.tag("other"), None);
}

#[test]
fn the_kind_of_a_caller_is_recognized_by_its_arn() {
    let root = "arn:aws:iam::123456789012:root";
    let user = "arn:aws:iam::123456789012:user/division/Jane";
    let federated = "arn:aws:sts::123456789012:federated-user/Jane";
    let session = "arn:aws-cn:sts::123456789012:assumed-role/NewYork/i-0abc";
    for (arn, kind, in_policies, user_name, user_id) in [
        (root, "Account", root, None, Some("123456789012")),
        (user, "User", user, Some("Jane"), None),
        (federated, "FederatedUser", federated, None, Some("123456789012:Jane")),
        (session, "AssumedRole", "arn:aws-cn:iam::123456789012:role/NewYork", None, None),
    ] {
        let principals = read(&file(arn, json!([]))).unwrap();
        let principal = the_one(&principals);
        assert_eq!((principal.kind(), principal.arn_in_policies()), (kind, in_policies), "{arn}");
        assert_eq!((principal.user_name(), principal.user_id()), (user_name, user_id), "{arn}");
    }
}

#[test]
fn an_arn_that_is_not_a_callers_is_refused() {
    for (arn, part) in [
        ("Jane", "not a principal's ARN"),
        ("arn:aws:iam:us-east-1:123456789012:user/Jane", "not a principal's ARN"),
        ("arn:aws:iam::1234:user/Jane", "twelve digits"),
        ("arn:aws:iam::123456789012:user/", "no user's name"),
        ("arn:aws:iam::123456789012:user", "no user's name"),
        ("arn:aws:sts::123456789012:assumed-role/NewYork", "not a role and a session"),
        ("arn:aws:sts::123456789012:assumed-role/NewYork/a/b", "not a role and a session"),
        ("arn:aws:iam::123456789012:role/NewYork", "a role calls through a session"),
        ("arn:aws:iam::123456789012:group/g", "neither a user nor a session"),
        ("arn:aws:iam::123456789012:assumed-role/NewYork/me", "neither a user nor a session"),
        ("arn:aws:iam::123456789012:root/x", "neither a user nor a session"),
    ] {
        let problems = problems(&file(arn, json!([])));
        assert_eq!(problems.len(), 1, "{arn}: {problems:?}");
        assert!(problems[0].starts_with("Principals[0].Arn: "), "{problems:?}");
        assert!(problems[0].contains(part) && problems[0].contains("assumed-role/ROLE/SESSION"), "{problems:?}");
    }
}

#[test]
fn all_problems_are_reported_together_without_secrets() {
    let problems = problems(&json!({
        "Account": "12345",
        "Users": [],
        "Principals": [
            {"Arn": 1, "AccessKeyId": "a b", "SecretAccessKey": {"x": "s3cret"}, "SessionToken": "s3 cret",
             "Policies": 1},
            {"AccessKey": "s3cret", "Arn": ARN, "AccessKeyId": "", "SecretAccessKey": "", "SessionToken": ""},
            "s3cret",
            {"Arn": ARN, "AccessKeyId": KEY, "SecretAccessKey": "s3cret", "Policies": [], "Expiration": "soon",
             "Tags": [{"Key": "a", "Value": "b"}, {"Key": "A", "Value": "c"}, {"Name": "x"}]},
            {"Arn": ARN, "AccessKeyId": KEY, "SecretAccessKey": "s3cret", "SessionToken": null, "Policies": []},
        ],
    }));
    for expected in [
        "Users: unknown member; there are Account, Principals",
        "Account: expected the twelve digits",
        "Principals[0].Arn: expected a string, found a number",
        "Principals[0].AccessKeyId: has characters that no signature can carry",
        "Principals[0].SecretAccessKey: expected a string, found an object",
        "Principals[0].SessionToken: has characters that no header can carry",
        "Principals[0].Policies: expected a list, found a number",
        "Principals[1].AccessKey: unknown member; there are AccessKeyId, Arn",
        "Principals[1].Arn: in another account than Account",
        "Principals[1].AccessKeyId: empty",
        "Principals[1].SecretAccessKey: empty",
        "Principals[1].SessionToken: empty",
        "Principals[1].Policies: missing",
        "Principals[2]: expected an object, found a string",
        "Principals[3].Expiration: expected a time",
        "Principals[3].Tags[1].Key: given twice",
        "Principals[3].Tags[2].Name: unknown member",
        "Principals[3].Tags[2].Key: missing",
        "Principals[4].AccessKeyId: another principal has the same one",
    ] {
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{expected}: {problems:#?}");
    }
    assert!(!problems.iter().any(|problem| problem.contains("s3cret") || problem.contains("s3 cret")), "{problems:#?}");
}

#[test]
fn a_file_without_principals_or_account_is_refused() {
    assert_eq!(problems(&json!({})), ["Account: missing", "Principals: missing"]);
    let nobody = problems(&json!({"Account": "123456789012", "Principals": []}));
    assert_eq!(nobody, ["Principals: empty; every call would be refused"]);
    assert_eq!(problems(&json!([])), ["expected an object, found a list"]);
}

#[test]
fn a_file_is_read_and_problems_name_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("iam.json");
    std::fs::write(&path, file(ARN, json!([])).to_string()).unwrap();
    let principals = Principals::from_file(&path).unwrap();
    assert_eq!((principals.count(), principals.warnings().len()), (1, 0));

    let suspicious = json!([{"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*",
                                         "Condition": {"Bool": {"aws:SecureTransport": "false"}}}}]);
    std::fs::write(&path, file(ARN, suspicious).to_string()).unwrap();
    let principals = Principals::from_file(&path).unwrap();
    assert!(principals.warnings()[0].starts_with(&format!("{}: Principals[0].Policies[0].", path.display())));

    std::fs::write(&path, r#"{"Account": "1", "Principals": [{}]}"#).unwrap();
    let error = Principals::from_file(&path).unwrap_err();
    assert_eq!(error.cause(), Cause::BadSetting);
    assert_eq!(error.message().lines().count(), 6, "{error}");
    assert!(error.message().starts_with(&format!("{}: ", path.display())), "{error}");

    std::fs::write(&path, "{\"Account\": 1").unwrap();
    assert!(Principals::from_file(&path).unwrap_err().message().contains("expected JSON: line 1, column "));
    let missing = Principals::from_file(&folder.path().join("none.json")).unwrap_err();
    assert_eq!(missing.cause(), Cause::BadSetting);
}

#[test]
fn a_principal_prints_without_its_secrets() {
    let mut file = file(ARN, json!([]));
    file["Principals"][0]["SecretAccessKey"] = "s3cret".into();
    file["Principals"][0]["SessionToken"] = "t0ken".into();
    let printed = format!("{:?}", read(&file).unwrap());
    assert!(printed.contains(KEY) && !printed.contains("s3cret") && !printed.contains("t0ken"), "{printed}");
}
