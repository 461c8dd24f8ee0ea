use serde_json::{Value, json};

use super::*;
use crate::endpoint::client_side::authorization::testing::{call, context, file, read, the_one, with_statement};

/// Whether an Allow with this condition applies to a call with that TargetModel.
fn holds(condition: Value, target_model: Option<&str>) -> bool {
    let mut findings = Findings::default();
    let node: Node = serde_json::from_value(condition).unwrap();
    let conditions = Condition::read_all("Condition", &node, Version::Version2012, &mut findings);
    assert_eq!(findings.problems, Vec::<String>::new());
    let principals = with_statement(json!({"Effect": "Allow", "Action": "*", "Resource": "*"}));
    let call = call(target_model);
    conditions.iter().all(|condition| condition.holds(&context(the_one(&principals), &call)))
}

fn problems(condition: Value) -> Vec<String> {
    let mut findings = Findings::default();
    let node: Node = serde_json::from_value(condition).unwrap();
    Condition::read_all("Condition", &node, Version::Version2012, &mut findings);
    findings.problems
}

#[test]
fn each_operator_follows_iam_for_a_match_a_mismatch_and_an_absent_key() {
    // Operator, value, and whether it holds for NewYork_NY/a, for Chicago_IL/a and without TargetModel.
    for (operator, value, expected) in [
        ("StringEquals", "NewYork_NY/a", [true, false, false]),
        ("StringEquals", "NewYork_NY/*", [false, false, false]),
        ("StringEquals", "newyork_ny/a", [false, false, false]),
        ("StringNotEquals", "NewYork_NY/a", [false, true, true]),
        ("StringEqualsIgnoreCase", "newYORK_ny/A", [true, false, false]),
        ("StringEqualsIgnoreCase", "newyork_ny/*", [false, false, false]),
        ("StringNotEqualsIgnoreCase", "newYORK_ny/A", [false, true, true]),
        ("StringLike", "NewYork_NY/*", [true, false, false]),
        ("StringLike", "newyork_ny/*", [false, false, false]),
        ("StringLike", "*", [true, true, false]),
        ("StringNotLike", "NewYork_NY/*", [false, true, true]),
        ("StringEqualsIfExists", "NewYork_NY/a", [true, false, true]),
        ("StringNotEqualsIfExists", "NewYork_NY/a", [false, true, true]),
        ("StringEqualsIgnoreCaseIfExists", "newYORK_ny/A", [true, false, true]),
        ("StringLikeIfExists", "NewYork_NY/*", [true, false, true]),
        ("StringNotLikeIfExists", "NewYork_NY/*", [false, true, true]),
        ("ForAnyValue:StringLike", "NewYork_NY/*", [true, false, false]),
        ("ForAnyValue:StringNotLike", "NewYork_NY/*", [false, true, false]),
        ("ForAnyValue:StringLikeIfExists", "NewYork_NY/*", [true, false, true]),
        ("ForAllValues:StringLike", "NewYork_NY/*", [true, false, true]),
        ("ForAllValues:StringNotLike", "NewYork_NY/*", [false, true, true]),
        ("ForAllValues:StringEquals", "NewYork_NY/a", [true, false, true]),
        ("Null", "true", [false, false, true]),
        ("Null", "false", [true, true, false]),
        // The value of TargetModel is neither an ARN nor a boolean.
        ("ArnLike", "arn:*:*:*:*:*", [false, false, false]),
        ("ArnNotLike", "arn:*:*:*:*:*", [true, true, true]),
        ("Bool", "true", [false, false, false]),
        ("BoolIfExists", "true", [false, false, true]),
    ] {
        let found = [Some("NewYork_NY/a"), Some("Chicago_IL/a"), None]
            .map(|target_model| holds(json!({operator: {"sagemaker:TargetModel": value}}), target_model));
        assert_eq!(found, expected, "{operator} {value}");
    }
}

#[test]
fn one_matching_value_is_enough_and_with_a_negated_operator_none_may_match() {
    let values = json!(["NewYork_NY/*", "common/*"]);
    for (model, expected) in [("NewYork_NY/a", true), ("common/a", true), ("Chicago_IL/a", false)] {
        assert_eq!(holds(json!({"StringLike": {"sagemaker:TargetModel": values}}), Some(model)), expected, "{model}");
        assert_eq!(
            holds(json!({"StringNotLike": {"sagemaker:TargetModel": values}}), Some(model)),
            !expected,
            "{model}"
        );
    }
    assert!(!holds(json!({"StringLike": {"sagemaker:TargetModel": []}}), Some("a")));
    assert!(holds(json!({"Null": {"sagemaker:TargetModel": ["true", false]}}), None));
}

#[test]
fn all_keys_and_all_operators_must_hold() {
    let both = json!({
        "StringLike": {"sagemaker:TargetModel": "NewYork_NY/*", "aws:RequestedRegion": "us-*"},
        "StringEquals": {"aws:PrincipalAccount": "123456789012"},
    });
    assert!(holds(both.clone(), Some("NewYork_NY/a")));
    assert!(!holds(both, Some("Chicago_IL/a")));
    let region = json!({"StringLike": {"sagemaker:TargetModel": "NewYork_NY/*", "aws:RequestedRegion": "eu-*"}});
    assert!(!holds(region, Some("NewYork_NY/a")));
}

#[test]
fn the_case_of_keys_does_not_matter_and_a_role_lacks_some_keys() {
    for (key, value) in [
        ("SAGEMAKER:targetmodel", "m"),
        ("aws:PrincipalArn", "arn:aws:iam::123456789012:role/NewYork"),
        ("aws:PrincipalAccount", "123456789012"),
        ("aws:PrincipalType", "AssumedRole"),
        ("aws:RequestedRegion", "us-east-1"),
        ("aws:ResourceAccount", "123456789012"),
        ("aws:ViaAWSService", "false"),
        ("aws:PrincipalIsAWSService", "false"),
    ] {
        assert!(holds(json!({"StringEquals": {key: value}}), Some("m")), "{key}");
    }
    for key in ["kms:EncryptionContext:a", "oidc.example/id/1:sub", "aws:PrincipalTag/a b/c:d"] {
        assert!(holds(json!({"Null": {key: "true"}}), None), "{key}");
    }
    for key in ["aws:username", "aws:userid", "aws:PrincipalTag/x", "aws:SourceIp", "sagemaker:TargetContainerHostname"]
    {
        assert!(holds(json!({"Null": {key: "true"}}), Some("m")), "{key}");
    }
    assert!(holds(json!({"Bool": {"aws:PrincipalIsAWSService": "false"}}), None));
    assert!(holds(json!({"Bool": {"aws:PrincipalIsAWSService": false}}), None));
    assert!(!holds(json!({"Bool": {"aws:PrincipalIsAWSService": "true"}}), None));
}

#[test]
fn an_arn_is_compared_field_by_field() {
    for (pattern, expected) in [
        ("arn:aws:iam::123456789012:role/NewYork", true),
        ("arn:aws:iam::*:role/New*", true),
        ("arn:aws:iam::123456789012:role/newyork", false),
        // No wildcard matches a colon between fields.
        ("arn:*:123456789012:*:*:*", false),
        ("arn:aws:sts::123456789012:assumed-role/NewYork/me", false),
        ("arn:aws:iam::${aws:PrincipalAccount}:role/*", true),
    ] {
        for operator in ["ArnLike", "ArnEquals"] {
            assert_eq!(holds(json!({operator: {"aws:PrincipalArn": pattern}}), None), expected, "{operator} {pattern}");
        }
        for operator in ["ArnNotLike", "ArnNotEquals"] {
            assert_eq!(
                holds(json!({operator: {"aws:PrincipalArn": pattern}}), None),
                !expected,
                "{operator} {pattern}"
            );
        }
    }
}

#[test]
fn a_variable_without_a_value_matches_nothing() {
    assert!(!holds(json!({"StringLike": {"sagemaker:TargetModel": "${aws:PrincipalTag/t}*"}}), Some("m")));
    // AWS's documentation is quoted at `Pattern::matches`: a negated operator does match a missing value.
    for (operator, like) in [
        ("StringNotLike", "${aws:PrincipalTag/t}*"),
        ("StringNotEquals", "${aws:PrincipalTag/t}"),
        ("StringNotEqualsIgnoreCase", "${aws:PrincipalTag/t}"),
        ("StringNotLikeIfExists", "*${aws:PrincipalTag/t}*"),
    ] {
        assert!(holds(json!({operator: {"sagemaker:TargetModel": like}}), Some("m")), "{operator}");
        // Of several values, those without a variable still count.
        assert!(!holds(json!({operator: {"sagemaker:TargetModel": [like, "m"]}}), Some("m")), "{operator}");
    }
    let arn = "arn:aws:sts::123456789012:assumed-role/${aws:PrincipalTag/t}/*";
    assert!(holds(json!({"ArnNotLike": {"aws:PrincipalArn": arn}}), None));
    assert!(!holds(json!({"ArnLike": {"aws:PrincipalArn": arn}}), None));
}

#[test]
fn a_condition_that_cannot_be_evaluated_is_refused_with_its_path() {
    for (condition, parts) in [
        (json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), ["Condition.IpAddress: operator", "StringLike"]),
        (json!({"stringLike": {"aws:username": "x"}}), ["Condition.stringLike: operator", "StringLike"]),
        (json!({"ForSomeValues:StringLike": {"aws:username": "x"}}), ["ForSomeValues:StringLike", "ForAnyValue:"]),
        (json!({"NullIfExists": {"aws:username": "true"}}), ["NullIfExists", "cannot be evaluated"]),
        (json!({"BoolNot": {"aws:username": "true"}}), ["BoolNot", "cannot be evaluated"]),
        (json!({"StringLike": {"TargetModel": "x"}}), ["Condition.StringLike.TargetModel", "not a condition key"]),
        (json!({"StringLike": {"sagemaker:Target Model": "x"}}), ["Target Model", "not a condition key"]),
        (json!({"StringLike": {"sagemaker:TargetModel": {"a": "b"}}}), ["sagemaker:TargetModel", "found an object"]),
        (json!({"StringLike": {"sagemaker:TargetModel": ["a", null]}}), ["sagemaker:TargetModel[1]", "found null"]),
        (json!({"StringLike": {"sagemaker:TargetModel": "${x"}}), ["sagemaker:TargetModel", "never closed"]),
        (json!({"Null": {"sagemaker:TargetModel": "maybe"}}), ["Condition.Null", "\"true\" or \"false\""]),
        (json!({"Bool": {"aws:ViaAWSService": "no"}}), ["Condition.Bool", "\"true\" or \"false\""]),
        (json!({"ArnLike": {"aws:PrincipalArn": "*"}}), ["Condition.ArnLike", "six fields"]),
        (json!({"StringLike": "x"}), ["Condition.StringLike", "expected an object, found a string"]),
        (json!("x"), ["Condition", "expected an object, found a string"]),
        (json!({"StringLike": {"aws:userid": "x", "AWS:userId": "y"}}), ["aws:userid", "given twice"]),
    ] {
        let problems = problems(condition.clone());
        assert_eq!(problems.len(), 1, "{condition}: {problems:?}");
        assert!(parts.iter().all(|part| problems[0].contains(part)), "{condition}: {problems:?}");
    }
}

#[test]
fn keys_that_no_request_has_cause_a_warning() {
    let file = file(
        "arn:aws:iam::123456789012:user/Jane",
        json!([{"Version": "2012-10-17", "Statement": {
            "Effect": "Deny", "Action": "*", "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}, "StringLike": {"aws:userid": "${aws:SourceIp}"}},
        }}]),
    );
    assert!(read(&file).is_ok());
    let mut findings = Findings::default();
    assert!(crate::endpoint::client_side::authorization::Principals::parse(&file.to_string(), &mut findings).is_some());
    assert_eq!(findings.warnings.len(), 2, "{:?}", findings.warnings);
    assert!(findings.warnings[0].contains("Condition.Bool.aws:SecureTransport: no request"), "{:?}", findings.warnings);
    assert!(findings.warnings[1].contains("StringLike.aws:userid: no request"), "{:?}", findings.warnings);
}

#[test]
fn a_leading_slash_of_a_target_model_is_ignored_in_conditions() {
    for written in ["NewYork_NY/*", "/NewYork_NY/*"] {
        for asked in ["NewYork_NY/a.tar.gz", "/NewYork_NY/a.tar.gz", "//NewYork_NY/a.tar.gz"] {
            for (operator, expected) in [("StringLike", true), ("StringNotLike", false)] {
                let found = holds(json!({operator: {"sagemaker:TargetModel": written}}), Some(asked));
                assert_eq!(found, expected, "{operator} {written} {asked}");
            }
        }
    }
    assert!(holds(json!({"StringEquals": {"sagemaker:targetmodel": "a"}}), Some("/a")));
    assert!(!holds(json!({"StringLike": {"sagemaker:TargetModel": "NewYork_NY/*"}}), Some("/Chicago_IL/a")));
    assert!(!holds(json!({"StringLike": {"sagemaker:TargetModel": "NewYork_NY/*"}}), Some("%2FNewYork_NY/a")));
    // A slash within the name, and slashes in other keys, are significant.
    assert!(!holds(json!({"StringEquals": {"sagemaker:TargetModel": "a/b"}}), Some("ab")));
    assert!(!holds(json!({"StringEquals": {"aws:RequestedRegion": "/us-east-1"}}), None));
}
