use super::*;
use byoc_formats::pickle::Items;
use serde::de::DeserializeOwned;

fn read<T: DeserializeOwned>(json: &str) -> T {
    serde_json::from_str(json).unwrap_or_else(|error| panic!("{json}: {error}"))
}

fn message<T: DeserializeOwned>(json: &str) -> String {
    serde_json::from_str::<T>(json).map(drop).unwrap_err().to_string()
}

#[test]
fn numbers_that_json_does_not_have_are_words() {
    for json in ["\"NaN\"", "\"Infinity\"", "\"-Infinity\"", "0.5", "-0.0"] {
        assert_eq!(serde_json::to_string(&read::<Float>(json)).unwrap(), json, "{json}");
    }
    assert!(message::<Float>("\"nan\"").contains("expected a number, \"NaN\", \"Infinity\" or \"-Infinity\""));
    assert!(read::<Scalar>("\"NaN\"").is_nan());
    assert_eq!(read::<Scalar>("\"nan\""), Scalar::Text("nan".to_owned()));
}

#[test]
fn plain_values_that_python_has_for_equal_are_equal() {
    for (one, other, are_equal) in [
        ("1", "1.0", true),
        ("1", "true", true),
        ("0.0", "-0.0", true),
        ("\"NaN\"", "\"NaN\"", true),
        ("\"1\"", "1", false),
        ("18446744073709551615", "18446744073709551615", true),
        ("\"a\"", "\"A\"", false),
    ] {
        assert_eq!(read::<Scalar>(one) == read::<Scalar>(other), are_equal, "{one} {other}");
    }
}

#[test]
fn categories_have_the_type_of_their_values() {
    for (json, expected) in [
        ("[]", Categories::Bool(Vec::new())),
        ("[false, true]", Categories::Bool(vec![false, true])),
        ("[1, -2]", Categories::Int64(vec![1, -2])),
        ("[1, 18446744073709551615]", Categories::UInt64(vec![1, u64::MAX])),
        ("[1, 2.5]", Categories::Float64(vec![1.0, 2.5])),
        ("[true, \"NaN\"]", Categories::Object(vec![Scalar::Bool(true), Scalar::Float(f64::NAN)])),
    ] {
        assert_eq!(read::<Categories>(json), expected, "{json}");
    }
    let with_gap: Categories = read("[\"a\", \"NaN\"]");
    assert!(with_gap.ends_missing() && with_gap.len() == 2);
    assert_eq!(serde_json::to_string(&with_gap).unwrap(), "[\"a\",\"NaN\"]");
}

#[test]
fn a_list_of_two_has_two() {
    assert_eq!(read::<Range>("[0, 1.5]"), Range(0.0, 1.5));
    for json in ["[]", "[1]", "[1, 2, 3]", "1", "null"] {
        assert!(message::<Range>(json).contains("expected a list of two numbers"), "{json}");
    }
}

#[test]
fn one_value_or_one_for_each_feature() {
    assert_eq!(read::<BinCounts>("3"), BinCounts::All(AtLeast(3)));
    assert_eq!(read::<BinCounts>("[2, 4]"), BinCounts::Each(vec![AtLeast(2), AtLeast(4)]));
    assert_eq!(read::<Degrees>("[1, 2]"), Degrees::Between(AtLeast(1), AtLeast(2)));
    assert_eq!(Samples::of(vec![5, 5]), Samples::All(5));
    assert_eq!(Samples::of(vec![5, 4]), Samples::Each(vec![5, 4]));
    assert!(message::<BinCounts>("1").contains("expected an integer of at least 2"));
}

#[test]
fn fractions_and_counts_are_distinguished_by_their_notation() {
    assert_eq!(read::<Frequency>("2"), Frequency::Count(2));
    assert_eq!(read::<Frequency>("0.25"), Frequency::Share(0.25));
    for json in ["0", "-1", "1.0", "1.5", "\"2\""] {
        assert!(
            message::<Frequency>(json).contains("null, an integer of at least 1, or a share between 0 and 1"),
            "{json}"
        );
    }
    assert_eq!(read::<Code>("-1"), Code::Int(-1));
    assert_eq!(read::<Code>("\"NaN\""), Code::Nan);
}

#[test]
fn a_matrix_is_an_array_of_rows() {
    let matrix: Matrix = read("[[1, 2], [3, 4], [5, 6]]");
    let Some(Python::Array(Items::Float64(items), shape)) = matrix.to_python() else { panic!("no array") };
    assert_eq!((items.as_slice(), shape.as_slice()), (&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0][..], &[3, 2][..]));
}
