use crate::document::Document;
use byoc_account::Allowance;
use byoc_formats::error::Cause;

fn encoder(categories: &str, learned: &str) -> String {
    format!(
        r#"{{"version": 1, "scikit-learn": "1.9.1", "columns": null, "label": null,
        "transformer": {{"Pipeline": {{"steps": [["e", {{"OrdinalEncoder": {{"categories": {categories},
        "dtype": "float64", "handle_unknown": "error", "unknown_value": null, "encoded_missing_value": "NaN",
        "min_frequency": null, "max_categories": null, "n_features_in_": 1, "categories_": [{learned}],
        "infrequent_categories_": null}}}}]], "transform_input": null, "memory": null, "verbose": false}}}}}}"#
    )
}

#[test]
fn categories_that_no_fit_could_produce_are_refused_by_their_path() {
    let path = "transformer.Pipeline.steps[0][1].OrdinalEncoder.categories_[0]";
    for (learned, expected) in [
        (r#"["x", "x"]"#, "[1]: expected different categories, found \"x\" twice"),
        ("[1, 2, 2.0]", "[2]: expected different categories, found 2 twice"),
        (r#"[1, "x"]"#, "[1]: expected categories of one type as a fit learns them, found 1 and \"x\""),
        (r#"["NaN", "x"]"#, "[0]: expected \"NaN\", the missing value, to be the last category"),
    ] {
        let error = Document::parse(encoder("\"auto\"", learned).as_bytes(), &Allowance::unbounded()).unwrap_err();
        assert_eq!(error.cause(), Cause::BadDocument);
        assert_eq!(error.to_string(), format!("{path}{expected}"));
    }
    for (categories, learned) in [
        ("\"auto\"", r#"["x", "y", "NaN"]"#),
        ("\"auto\"", r#"[true, "NaN"]"#),
        ("\"auto\"", "[1, 2]"),
        (r#"[[1, "x"]]"#, r#"[1, "x"]"#),
    ] {
        Document::parse(encoder(categories, learned).as_bytes(), &Allowance::unbounded()).unwrap();
    }
}
