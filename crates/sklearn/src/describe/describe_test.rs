//! Descriptions of the fixtures, whose contents are known.

use super::*;
use crate::allow_list::ScikitLearn;
use byoc_account::Allowance;
use byoc_formats::pickle;
use serde_json::json;
use std::path::{Path, PathBuf};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/sklearn")
}

/// The description of a fixture without its `columns.json`, which does not affect it.
fn described(case: &str) -> PreprocessorDescription {
    let tree = pickle::read(
        std::fs::read(fixtures().join(case).join("model.joblib")).unwrap(),
        &ScikitLearn,
        &Allowance::unbounded(),
    )
    .unwrap();
    Preprocessor::from_pickle(&tree, None, &Allowance::unbounded())
        .unwrap()
        .describe(&tree, &Allowance::unbounded())
        .unwrap()
}

fn names(case: &str) -> Vec<String> {
    described(case).transformer.feature_names_out.unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn the_housing_preprocessor_is_described_completely_in_every_version() {
    for version in ["1.0.2", "1.1.3", "1.2.2", "1.4.2", "1.6.1", "1.9.1"] {
        let description = described(&format!("{version}/housing"));
        assert_eq!(description.scikit_learn, version);
        let transformer = &description.transformer;
        assert_eq!(transformer.class, "ColumnTransformer", "{version}");
        let [numeric, categorical] = transformer.parts.as_slice() else { panic!("{version}") };
        let steps = [&numeric.parts[0], &categorical.parts[0]];
        assert_eq!(steps.map(|step| step.class.as_str()), ["StandardScaler", "OneHotEncoder"], "{version}");
        let [scaler, encoder] = steps;
        assert_eq!(scaler.columns.first().map(|name| &**name), Some("YEAR_BUILT"), "{version}");
        assert_eq!(scaler.fitted["mean_"].as_array().unwrap().len(), scaler.columns.len(), "{version}");
        assert!(scaler.by_column.contains(&"scale_".to_owned()), "{version}");
        assert_eq!(scaler.settings["with_mean"], json!(true), "{version}");
        assert_eq!(encoder.fitted["categories_"], json!([["n", "y"], ["n", "y"]]), "{version}");
        let features = transformer.feature_names_out.as_ref().unwrap();
        assert_eq!((features.len(), &*features[9]), (10, "cat__DECK_y"), "{version}");
        assert_eq!(transformer.note, None, "{version}");
    }
}

#[test]
fn models_from_before_version_1_have_the_names_of_version_1_or_a_reason() {
    let description = described("0.24.2/abalone");
    let transformer = &description.transformer;
    assert_eq!(&*transformer.feature_names_out.as_ref().unwrap()[7], "cat__sex_F");
    let note = transformer.note.as_deref().unwrap();
    assert!(note.contains("0.24.2 raises AttributeError: Transformer num (type Pipeline)"), "{note}");
    let encoder = &transformer.parts[1].parts[1];
    assert_eq!(encoder.class, "OneHotEncoder");
    assert_eq!(&*encoder.feature_names_out.as_ref().unwrap()[0], "x0_F", "get_feature_names knows no columns");
    assert!(encoder.note.as_deref().unwrap().starts_with("named as get_feature_names"));
}

#[test]
fn categories_bins_powers_and_choices_have_names() {
    assert_eq!(names("1.6.1/ohe_infrequent_drop"), ["c_déjà", "c_red", "c_infrequent_sklearn", "f_yes"]);
    let polynomial = names("1.6.1/polynomial_variants");
    assert_eq!(polynomial[..6], ["i__a b", "i__a e", "i__b e", "i__a b e", "f__1", "f__a"]);
    let infrequent = described("1.6.1/ohe_infrequent_drop").transformer;
    assert_eq!(infrequent.fitted["infrequent_categories_"], json!([["dark, grey", "green", "q\"t"], null]));
}

#[test]
fn if_scikit_learn_raises_its_exception_is_reported() {
    let transformer = described("1.9.1/label_binarizer").transformer;
    assert_eq!(transformer.feature_names_out, None);
    let error = transformer.feature_names_out_error.unwrap();
    assert_eq!(error, "AttributeError: This 'LabelBinarizer' has no attribute 'get_feature_names_out'");
    let error = described("1.9.1/function_none").transformer.feature_names_out_error.unwrap();
    assert!(error.starts_with("AttributeError: Estimator functiontransformer does not provide"), "{error}");
}

/// If there are names, their number is that of the columns of scikit-learn's answer.
#[test]
fn there_is_a_name_for_each_column_of_the_answer() {
    let mut compared = 0;
    let folders = |path: &Path| {
        let entries = std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.is_dir()).collect::<Vec<_>>()
    };
    for case in folders(&fixtures()).iter().flat_map(|version| folders(version)) {
        let name = case.strip_prefix(fixtures()).unwrap().display().to_string();
        let Ok(meta) = std::fs::read(case.join("meta.json")) else { continue };
        let meta: Json = serde_json::from_slice(&meta).unwrap();
        let Some(width) = meta["shape"].get(1).and_then(Json::as_u64) else { continue };
        let tree =
            pickle::read(std::fs::read(case.join("model.joblib")).unwrap(), &ScikitLearn, &Allowance::unbounded())
                .unwrap();
        let Ok(preprocessor) = Preprocessor::from_pickle(&tree, None, &Allowance::unbounded()) else { continue };
        let description = preprocessor.describe(&tree, &Allowance::unbounded()).unwrap();
        if let Some(names) = description.transformer.feature_names_out {
            // Some cases have the label before the features.
            assert!([width, width.saturating_sub(1)].contains(&(names.len() as u64)), "{name}: {names:?}");
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared}");
}
