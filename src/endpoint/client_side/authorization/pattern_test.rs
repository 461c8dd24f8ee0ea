use proptest::prelude::*;

use super::*;
use crate::endpoint::client_side::authorization::testing::{call, context, file, read, the_one};

/// A simple and slow reference implementation of IAM's globs.
fn slowly(pattern: &[char], text: &[char]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some(('*', rest)) => (0..=text.len()).any(|taken| slowly(rest, &text[taken..])),
        Some(('?', rest)) => !text.is_empty() && slowly(rest, &text[1..]),
        Some((character, rest)) => text.first() == Some(character) && slowly(rest, &text[1..]),
    }
}

fn pattern(text: &str) -> Pattern {
    Pattern::with_wildcards(text, Version::Version2012).unwrap()
}

/// Whether the pattern matches for a principal with the tags TenantID (NewYork_NY) and Star (a*c).
fn matches_for_a_tenant(pattern: &Pattern, text: &str) -> bool {
    let mut file = file("arn:aws:iam::123456789012:user/division/Jane", serde_json::json!([]));
    file["Principals"][0]["Tags"] =
        serde_json::json!([{"Key": "TenantID", "Value": "NewYork_NY"}, {"Key": "Star", "Value": "a*c"}]);
    let principals = read(&file).unwrap();
    let call = call(Some("NewYork_NY/a.tar.gz"));
    pattern.matches(text, Case::Matters, &context(the_one(&principals), &call))
}

#[test]
fn wildcards_match_as_iams_do() {
    for (text, yes, no) in [
        (
            "NewYork_NY/*",
            vec!["NewYork_NY/a.tar.gz", "NewYork_NY/", "NewYork_NY/a/b/c"],
            vec!["NewYork_NY", "newyork_ny/a"],
        ),
        // The slash matters: without it a tenant could read another's models.
        ("company_a*", vec!["company_a/m", "company_ab/m"], vec!["company_b/m"]),
        ("company_a/*", vec!["company_a/m"], vec!["company_ab/m", "xcompany_a/m"]),
        ("?.tar.gz", vec!["a.tar.gz", "ü.tar.gz", "/.tar.gz"], vec![".tar.gz", "ab.tar.gz"]),
        ("*", vec!["", "a", "a/b:c"], vec![]),
        ("", vec![""], vec!["a"]),
        ("a*b*c", vec!["abc", "aXbYbZc"], vec!["acb", "abcd"]),
        ("a.c[d]+", vec!["a.c[d]+"], vec!["abcdd"]),
        ("**?", vec!["a", "ab"], vec![""]),
    ] {
        let compiled = pattern(text);
        for yes in yes {
            assert!(matches_for_a_tenant(&compiled, yes), "{text} {yes}");
        }
        for no in no {
            assert!(!matches_for_a_tenant(&compiled, no), "{text} {no}");
        }
    }
}

#[test]
fn variables_are_replaced_by_values_in_which_wildcards_are_plain_text() {
    for (text, yes, no) in [
        (
            "${aws:PrincipalTag/TenantID}/*",
            vec!["NewYork_NY/a"],
            vec!["Chicago_IL/a", "${aws:PrincipalTag/TenantID}/a"],
        ),
        ("${AWS:principaltag/tenantid}", vec!["NewYork_NY"], vec![]),
        ("${aws:PrincipalTag/Star}", vec!["a*c"], vec!["abc"]),
        ("${aws:username}-${aws:PrincipalAccount}", vec!["Jane-123456789012"], vec!["division/Jane-123456789012"]),
        ("a${*}b${?}${$}{", vec!["a*b?${"], vec!["axb?${"]),
        ("${aws:PrincipalTag/team, 'company-wide'}", vec!["company-wide"], vec![""]),
        ("${aws:PrincipalTag/TenantID, 'none'}", vec!["NewYork_NY"], vec!["none"]),
        // Without a value, nothing matches, not even `*`.
        ("${aws:PrincipalTag/team}*", vec![], vec!["", "x", "${aws:PrincipalTag/team}"]),
        ("$x{y}$", vec!["$x{y}$"], vec![]),
    ] {
        let compiled = pattern(text);
        for yes in yes {
            assert!(matches_for_a_tenant(&compiled, yes), "{text} {yes}");
        }
        for no in no {
            assert!(!matches_for_a_tenant(&compiled, no), "{text} {no}");
        }
    }
}

#[test]
fn the_first_language_has_no_variables() {
    let old = Pattern::with_wildcards("${aws:username}*", Version::Version2008).unwrap();
    assert!(matches_for_a_tenant(&old, "${aws:username}/x"));
    assert!(!matches_for_a_tenant(&old, "Jane/x"));
}

#[test]
fn a_broken_variable_is_refused() {
    for (text, part) in [
        ("a${aws:username", "never closed"),
        ("${}", "not a condition key"),
        ("${username}", "not a condition key"),
        ("${aws:PrincipalTag/}", "not a condition key"),
        ("${aws:username, none}", "single quotes"),
    ] {
        let problem = Pattern::with_wildcards(text, Version::Version2012).unwrap_err();
        assert!(problem.contains(part) && problem.contains(text), "{text}: {problem}");
    }
}

#[test]
fn a_literal_has_no_wildcards() {
    let literal = Pattern::literal("a*?", Version::Version2012).unwrap();
    assert!(matches_for_a_tenant(&literal, "a*?"));
    assert!(!matches_for_a_tenant(&literal, "abc"));
}

#[test]
fn an_incomplete_arn_is_completed_with_wildcards() {
    let arn = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing";
    for (text, expected) in [
        ("arn:aws:sagemaker", true),
        ("arn:aws:sagemaker:us-east-1", true),
        ("arn:aws:sagemaker:*", true),
        ("arn:*:endpoint/housing", false),
        ("arn:aws:sagemaker:*:*:endpoint/housing", true),
        ("arn:aws:sagemaker:*:endpoint/housing", false),
        ("arn:aws:s3", false),
        ("arn:aws:sagemaker:us-east-1:123456789012:endpoint/h*", true),
        ("arn:aws:sagemaker:us-east-1:123456789012:model/*", false),
    ] {
        assert_eq!(matches_for_a_tenant(&pattern(text).completed_to_an_arn(), arn), expected, "{text}");
    }
}

#[test]
fn matching_takes_at_most_pattern_times_text_steps() {
    // Exponential for a matcher that tries all splits: 25 runs over 60 KiB.
    let text = "a".repeat(60 * 1024);
    let compiled = pattern(&format!("{}b", "a*".repeat(25)));
    assert!(!matches_for_a_tenant(&compiled, &text));
}

proptest! {
    #[test]
    fn the_matcher_agrees_with_the_reference_implementation(pattern_text in "[ab/*?ü]{0,8}", text in "[ab/ü]{0,10}") {
        let characters: Vec<char> = pattern_text.chars().collect();
        let text_characters: Vec<char> = text.chars().collect();
        prop_assert_eq!(
            matches(&pattern(&pattern_text).0, &text, Case::Matters),
            slowly(&characters, &text_characters)
        );
    }

    #[test]
    fn without_case_the_matcher_agrees_with_the_reference_implementation_on_folded_text(
        pattern_text in "[aAbB*?]{0,6}",
        text in "[aAbB]{0,8}",
    ) {
        let folded = |text: &str| text.to_lowercase().chars().collect::<Vec<char>>();
        prop_assert_eq!(
            matches(&pattern(&pattern_text).0, &text, Case::Ignored),
            slowly(&folded(&pattern_text), &folded(&text))
        );
    }

    #[test]
    fn any_text_is_parsed_as_a_pattern_or_reported(text in "\\PC{0,40}", variable in "\\$\\{\\PC{0,12}\\}") {
        let _ = Pattern::with_wildcards(&text, Version::Version2012);
        let _ = Pattern::literal(&format!("{text}{variable}"), Version::Version2012);
    }
}
