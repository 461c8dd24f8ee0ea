//! What no fit would have written, although each value may stand where it does: a document is a text that people edit.

use crate::document::composite::FittedTransformer;
use crate::parameters::values::{Categories, Scalar, WordOr};
use byoc_formats::error::{Cause, Error, Result};
use std::collections::HashSet;

/// Looks through a transformer and its parts; `path` is where it stands.
///
/// # Errors
/// [`Cause::BadDocument`] with the path.
pub(crate) fn check(transformer: &FittedTransformer, path: &str) -> Result<()> {
    match transformer {
        FittedTransformer::OneHotEncoder(fitted) => {
            let is_given = matches!(fitted.parameters.categories, WordOr::Given(_));
            of_encoder(&fitted.attributes.categories_, is_given, &format!("{path}.OneHotEncoder"))
        }
        FittedTransformer::OrdinalEncoder(fitted) => {
            let is_given = matches!(fitted.parameters.categories, WordOr::Given(_));
            of_encoder(&fitted.attributes.categories_, is_given, &format!("{path}.OrdinalEncoder"))
        }
        FittedTransformer::ColumnTransformer(columns) => {
            let parts = columns.transformers_.iter().map(|(_, part, _)| part);
            of_parts(parts, &format!("{path}.ColumnTransformer.transformers_"))
        }
        FittedTransformer::FeatureUnion(union) => {
            let parts = union.transformer_list.iter().map(|(_, part)| part);
            of_parts(parts, &format!("{path}.FeatureUnion.transformer_list"))
        }
        FittedTransformer::Pipeline(pipeline) => {
            let steps = pipeline.steps.iter().map(|(_, step)| step);
            of_parts(steps, &format!("{path}.Pipeline.steps"))
        }
        _ => Ok(()),
    }
}

fn of_parts<'p>(mut parts: impl Iterator<Item = &'p FittedTransformer>, path: &str) -> Result<()> {
    let mut at = 0..;
    parts.try_for_each(|part| check(part, &format!("{path}[{}][1]", at.next().unwrap_or(0))))
}

/// Categories are different ones, and of one type where they were learned: scikit-learn sorts them. Given ones stay as
/// they are.
fn of_encoder(categories: &[Categories], are_given: bool, path: &str) -> Result<()> {
    for (feature, own) in categories.iter().enumerate() {
        let wrong = |at: usize, message: String| {
            Err(Error::new(Cause::BadDocument, format!("{path}.categories_[{feature}][{at}]: {message}")))
        };
        let scalars = own.scalars();
        let mut seen = HashSet::new();
        for (at, category) in scalars.iter().enumerate() {
            if !seen.insert(key(category)) {
                return wrong(at, format!("expected different categories, found {} twice", category.describe()));
            }
            if category.is_nan() && at + 1 < scalars.len() {
                return wrong(at, "expected \"NaN\", the missing value, to be the last category".to_owned());
            }
        }
        if are_given {
            continue;
        }
        let is_text = |category: &Scalar| matches!(category, Scalar::Text(_));
        let mut values = scalars.iter().filter(|category| !category.is_nan());
        let Some(first) = values.next() else { continue };
        if let Some(other) = values.find(|other| is_text(other) != is_text(first)) {
            let at = scalars.iter().position(|category| category == other).unwrap_or(0);
            let (first, other) = (first.describe(), other.describe());
            return wrong(
                at,
                format!("expected categories of one type as a fit learns them, found {first} and {other}"),
            );
        }
    }
    Ok(())
}

/// What is the same for categories that Python has for one: `1`, `1.0` and `True` are, text is another.
pub(crate) fn key(category: &Scalar) -> (Option<&str>, u64) {
    match category {
        Scalar::Text(text) => (Some(text), 0),
        Scalar::Large(value) => (None, (*value as f64).to_bits()),
        other if other.is_nan() => (None, f64::NAN.to_bits()),
        // Zero has two signs.
        other => (None, (other.number() + 0.0).to_bits()),
    }
}

#[cfg(test)]
mod tests {
    use crate::document::Document;
    use byoc_account::Allowance;
    use byoc_formats::error::Cause;

    fn encoder(categories: &str, learned: &str) -> String {
        format!(
            r#"{{"version": 1, "scikit-learn": "1.9.1", "columns": null, "label": null, "transformer": {{"Pipeline": {{"steps": [["e",
            {{"OrdinalEncoder": {{"categories": {categories}, "dtype": "float64", "handle_unknown": "error", "unknown_value": null,
            "encoded_missing_value": "NaN", "min_frequency": null, "max_categories": null, "n_features_in_": 1, "categories_": [{learned}],
            "infrequent_categories_": null}}}}]], "transform_input": null, "memory": null, "verbose": false}}}}}}"#
        )
    }

    #[test]
    fn categories_that_no_fit_would_have_learned_are_refused_by_their_path() {
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
}
