use serde_json::{Value, json};

use super::*;
use crate::endpoint::client_side::authorization::testing::{ARN, call, context, file, read, the_one};
use crate::endpoint::client_side::authorization::{INVOKE_ENDPOINT, Principals};

const HOUSING: &str = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing";

fn policy(statements: Value) -> Value {
    json!([{"Version": "2012-10-17", "Statement": statements}])
}

fn decision(policies: Value, target_model: Option<&str>) -> Decision {
    let principals = read(&file(ARN, policies)).unwrap();
    let principal = the_one(&principals);
    let call = call(target_model);
    decide(principal.policies(), INVOKE_ENDPOINT, HOUSING, &context(principal, &call))
}

fn problems(policies: Value) -> Vec<String> {
    read(&file(ARN, policies)).unwrap_err()
}

fn warnings(statement: Value) -> Vec<String> {
    let mut findings = Findings::default();
    Principals::parse(&file(ARN, policy(statement)).to_string(), &mut findings).unwrap();
    findings.warnings
}

/// The role of a city's own application, from multi-model-endpoint-security.html.
fn city(prefix: &str) -> Value {
    json!({
        "Sid": "InvokeOneCity", "Effect": "Allow", "Action": ["sagemaker:InvokeEndpoint"],
        "Resource": "arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing",
        "Condition": {"StringLike": {"sagemaker:TargetModel": [prefix]}},
    })
}

#[test]
fn a_role_for_one_city_reaches_that_city_only() {
    let policies = policy(json!([city("NewYork_NY/*")]));
    for (target_model, expected) in [
        (Some("NewYork_NY/NewYork_NY.tar.gz"), Decision::Allow),
        (Some("NewYork_NY/"), Decision::Allow),
        (Some("Chicago_IL/Chicago_IL.tar.gz"), Decision::ImplicitDeny),
        (Some("NewYork_NYC/a.tar.gz"), Decision::ImplicitDeny),
        (Some("newyork_ny/a.tar.gz"), Decision::ImplicitDeny),
        (Some("a/NewYork_NY/b.tar.gz"), Decision::ImplicitDeny),
        (Some(""), Decision::ImplicitDeny),
        (None, Decision::ImplicitDeny),
    ] {
        assert_eq!(decision(policies.clone(), target_model), expected, "{target_model:?}");
    }
}

#[test]
fn a_deny_overrides_an_allow_at_any_position() {
    let allow = json!({"Effect": "Allow", "Action": "sagemaker:*", "Resource": "*"});
    let deny = json!({"Effect": "Deny", "Action": "*", "Resource": "*",
                      "Condition": {"StringNotLike": {"sagemaker:TargetModel": "NewYork_NY/*"}}});
    let separately =
        json!([{"Version": "2012-10-17", "Statement": deny}, {"Version": "2012-10-17", "Statement": allow}]);
    for policies in [policy(json!([allow, deny])), policy(json!([deny, allow])), separately] {
        assert_eq!(decision(policies.clone(), Some("NewYork_NY/a")), Decision::Allow);
        assert_eq!(decision(policies.clone(), Some("Chicago_IL/a")), Decision::ExplicitDeny);
        // A negated operator is true for an absent key.
        assert_eq!(decision(policies, None), Decision::ExplicitDeny);
    }
    assert_eq!(decision(policy(json!(deny)), Some("NewYork_NY/a")), Decision::ImplicitDeny);
}

#[test]
fn without_a_policy_nothing_is_allowed() {
    assert_eq!(decision(json!([]), None), Decision::ImplicitDeny);
}

#[test]
fn actions_match_in_any_case() {
    for (action, expected) in [
        ("sagemaker:InvokeEndpoint", true),
        ("SageMaker:invokeendpoint", true),
        ("sagemaker:Invoke*", true),
        ("sagemaker:InvokeEndpoin?", true),
        ("sagemaker:*", true),
        ("*", true),
        ("sagemaker:InvokeEndpointAsync", false),
        ("sagemaker:InvokeEndpoint?", false),
        ("s3:*", false),
    ] {
        let named = json!({"Effect": "Allow", "Action": action, "Resource": "*"});
        let left_out = json!({"Effect": "Allow", "NotAction": action, "Resource": "*"});
        assert_eq!(decision(policy(named), None) == Decision::Allow, expected, "{action}");
        assert_eq!(decision(policy(left_out), None) == Decision::Allow, !expected, "Not {action}");
    }
}

#[test]
fn resources_match_only_in_the_same_case() {
    for (resource, expected) in [
        (HOUSING, true),
        ("*", true),
        ("arn:aws:sagemaker:*:*:endpoint/*", true),
        ("arn:aws:sagemaker:us-east-1:123456789012:endpoint/hous?ng", true),
        ("arn:aws:sagemaker", true),
        ("arn:aws:sagemaker:us-east-1:${aws:PrincipalAccount}:endpoint/housing", true),
        ("arn:aws:sagemaker:us-east-1:123456789012:endpoint/Housing", false),
        ("arn:aws:sagemaker:us-east-1:123456789012:endpoint/${aws:username}*", false),
        ("arn:aws:sagemaker:us-west-2:123456789012:endpoint/housing", false),
        ("arn:aws:sagemaker:us-east-1:999999999999:endpoint/housing", false),
        ("arn:aws-cn:sagemaker:us-east-1:123456789012:endpoint/housing", false),
        ("arn:aws:sagemaker:us-east-1:123456789012:endpoint/hous", false),
    ] {
        let named = json!({"Effect": "Allow", "Action": "*", "Resource": [resource]});
        let left_out = json!({"Effect": "Allow", "Action": "*", "NotResource": [resource]});
        assert_eq!(decision(policy(named), None) == Decision::Allow, expected, "{resource}");
        assert_eq!(decision(policy(left_out), None) == Decision::Allow, !expected, "Not {resource}");
    }
}

#[test]
fn a_policy_of_the_first_language_has_no_variables() {
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*",
                           "Condition": {"StringLike": {"sagemaker:TargetModel": "${aws:PrincipalAccount}/*"}}});
    for (version, model, expected) in [
        (Some("2012-10-17"), "123456789012/a", Decision::Allow),
        (Some("2008-10-17"), "123456789012/a", Decision::ImplicitDeny),
        (None, "123456789012/a", Decision::ImplicitDeny),
        (None, "${aws:PrincipalAccount}/a", Decision::Allow),
    ] {
        let mut document = json!({"Statement": statement});
        if let Some(version) = version {
            document["Version"] = version.into();
        }
        assert_eq!(decision(json!([document]), Some(model)), expected, "{version:?} {model}");
    }
}

#[test]
fn every_problem_is_reported_with_its_path() {
    let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    for (policies, expected) in [
        (json!({}), "Principals[0].Policies: expected a list, found an object"),
        (json!(["x"]), "Policies[0]: expected an object, found a string"),
        (json!([{"Version": "2012-10-17"}]), "Policies[0].Statement: missing"),
        (json!([{"Statement": []}]), "Policies[0].Statement: empty"),
        (json!([{"Version": "2020-01-01", "Statement": allow}]), "Policies[0].Version: expected 2012-10-17"),
        (json!([{"Version": 2012, "Statement": allow}]), "Policies[0].Version: expected a string, found a number"),
        (json!([{"Statement": allow, "Statements": allow}]), "Policies[0].Statements: unknown member"),
        (json!([{"Statement": [allow, "x"]}]), "Statement[1]: expected an object"),
        (json!([{"Statement": {"Action": "*", "Resource": "*"}}]), "Statement.Effect: missing"),
        (
            json!([{"Statement": {"Effect": "allow", "Action": "*", "Resource": "*"}}]),
            "expected Allow or Deny, found \"allow\"",
        ),
        (json!([{"Statement": {"Effect": "Allow", "Resource": "*"}}]), "Statement: has neither Action nor NotAction"),
        (json!([{"Statement": {"Effect": "Allow", "Action": "*"}}]), "Statement: has neither Resource nor NotResource"),
        (
            json!([{"Statement": {"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}}]),
            "Statement: has both Action and NotAction",
        ),
        (json!([{"Statement": {"Effect": "Allow", "Action": [], "Resource": "*"}}]), "Statement.Action: empty"),
        (json!([{"Statement": {"Effect": "Allow", "Action": "Invoke", "Resource": "*"}}]), "is not an action"),
        (
            json!([{"Statement": {"Effect": "Allow", "Action": "sagemaker:Invoke ", "Resource": "*"}}]),
            "is not an action",
        ),
        (json!([{"Statement": {"Effect": "Allow", "Action": "sagemaker:${*}", "Resource": "*"}}]), "is not an action"),
        (json!([{"Statement": {"Effect": "Allow", "Action": [1], "Resource": "*"}}]), "Action[0]: expected a string"),
        (json!([{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "housing"}}]), "neither * nor an ARN"),
        (
            json!([{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*", "Principal": "*"}}]),
            "Statement.Principal: unknown member",
        ),
        (
            json!([{"Statement": {"Sid": 1, "Effect": "Allow", "Action": "*", "Resource": "*"}}]),
            "Statement.Sid: expected",
        ),
    ] {
        let problems = problems(policies.clone());
        assert_eq!(problems.len(), 1, "{policies}: {problems:?}");
        assert!(problems[0].contains(expected), "{policies}: {problems:?}");
    }
}

#[test]
fn a_member_given_twice_cannot_turn_a_deny_into_an_allow() {
    let text = file(ARN, policy(json!([{"Effect": "Deny", "Action": "*", "Resource": "*"}]))).to_string();
    let text = text.replace("\"Effect\":\"Deny\"", "\"Effect\":\"Deny\",\"Effect\":\"Allow\"");
    let mut findings = Findings::default();
    Principals::parse(&text, &mut findings);
    assert_eq!(findings.problems, ["Principals[0].Policies[0].Statement[0].Effect: given twice"]);
}

#[test]
fn an_endpoint_name_with_capitals_causes_a_warning() {
    let of = |resource: &str| warnings(json!({"Effect": "Allow", "Action": "*", "Resource": resource}));
    let prefix = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/";
    assert!(of(&format!("{prefix}My-Endpoint"))[0].contains("Resource: never matches"));
    assert_eq!(of(&format!("{prefix}${{aws:PrincipalTag/Team}}-endpoint")), Vec::<String>::new());
    assert_eq!(of("arn:aws:s3:::Bucket/endpoint/X"), Vec::<String>::new());
}

#[test]
fn variables_without_effect_cause_a_warning() {
    let resource = |variable: &str| format!("arn:aws:sagemaker:*:*:endpoint/${{{variable}}}");
    let of = |variable: &str| warnings(json!({"Effect": "Allow", "Action": "*", "Resource": resource(variable)}));
    assert!(of("aws:SourceIp")[0].contains("Resource: no request to this endpoint has a value"));
    assert_eq!(of("aws:username"), Vec::<String>::new());

    let old = json!([{"Statement": {"Effect": "Allow", "Action": "*", "Resource": resource("aws:username")}}]);
    let mut findings = Findings::default();
    Principals::parse(&file(ARN, old).to_string(), &mut findings).unwrap();
    assert!(findings.warnings[0].contains("unless Version is 2012-10-17"), "{:?}", findings.warnings);
}

fn why(policies: Value, target_model: Option<&str>) -> String {
    let principals = read(&file(ARN, policies)).unwrap();
    let principal = the_one(&principals);
    let call = call(target_model);
    why_denied(principal.policies(), INVOKE_ENDPOINT, HOUSING, &context(principal, &call))
}

#[test]
fn a_decision_is_explained_by_statement_and_condition() {
    let one_city = policy(json!([city("NewYork_NY/*")]));
    assert_eq!(
        why(one_city.clone(), Some("Chicago_IL/a")),
        "Principals[0].Policies[0].Statement[0] (\"InvokeOneCity\") allows it only where StringLike \
         sagemaker:TargetModel [\"NewYork_NY/*\"]; the request has \"Chicago_IL/a\""
    );
    assert!(why(one_city, None).ends_with("[\"NewYork_NY/*\"]; the request has no such key"));
    let deny = json!({"Effect": "Deny", "Action": "*", "Resource": "*",
                      "Condition": {"StringNotLike": {"sagemaker:TargetModel": ["NewYork_NY/*", 7]}}});
    let allow = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    assert_eq!(
        why(policy(json!([allow, deny])), Some("Chicago_IL/a")),
        "Principals[0].Policies[0].Statement[1] denies it: StringNotLike sagemaker:TargetModel \
         [\"NewYork_NY/*\", 7]; the request has \"Chicago_IL/a\""
    );
    let always = json!({"Effect": "Deny", "Action": "*", "Resource": "*"});
    assert_eq!(why(policy(always), None), "Principals[0].Policies[0].Statement denies it, without a Condition");
    let other = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/other";
    let elsewhere = json!({"Effect": "Allow", "Action": "*", "Resource": other});
    assert_eq!(
        why(policy(elsewhere), None),
        format!("Principals[0].Policies[0].Statement allows the action on Resource [{other:?}] only")
    );
    let nothing = "no statement allows the action sagemaker:InvokeEndpoint";
    assert_eq!(why(json!([]), None), nothing);
    assert_eq!(why(policy(json!({"Effect": "Allow", "Action": "s3:*", "Resource": "*"})), None), nothing);
    let cities: Vec<Value> = (0..5).map(|number| city(&format!("{number}/*"))).collect();
    let several = why(policy(json!(cities)), Some("x"));
    assert!(several.contains("Statement[2]") && several.ends_with("; and 2 more statements"), "{several}");
}
