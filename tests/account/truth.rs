//! What is taken of an allowance, and what the allocator saw.

use super::models::{self, file};
use super::{folder, load, pickled};
use allocation_counter::measure;
use byoc_account::Allowance;
use tempfile::TempDir;

/// What small things take that are not counted one by one.
const SMALL: u64 = 64 << 10;

/// Loads a model, and compares the peak and what is kept with what was said of both.
fn check(what: &str, folder: &TempDir) -> Result<(), String> {
    let allowance = Allowance::unbounded();
    let mut loaded = None;
    let seen = measure(|| loaded = Some(load(folder.path(), &allowance)));
    let model = loaded.unwrap().map_err(|error| format!("{what}: {error}"))?;
    let near = |said: u64, seen: u64| said.abs_diff(seen) <= seen / 10 + SMALL;
    let (peak, kept) = (allowance.most_taken(), model.bytes());
    let (seen_peak, seen_kept) = (seen.bytes_max, seen.bytes_current.unsigned_abs());
    if near(peak, seen_peak) && near(kept, seen_kept) && seen_peak > 1 << 20 {
        return Ok(());
    }
    Err(format!("{what}: said {peak} at most and {kept} kept, seen {seen_peak} at most and {seen_kept} kept"))
}

fn assert_all(results: impl Iterator<Item = Result<(), String>>) {
    let wrong: Vec<String> = results.filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_peak_of_a_load_and_what_a_model_keeps_are_as_they_are_said_for_every_class() {
    // Their files are small whatever they are fitted on, and so are their models.
    const SMALL_CLASSES: [&str; 3] = ["Binarizer", "FunctionTransformer", "Normalizer"];
    let check = |class: &str| {
        let count = match class {
            "ColumnTransformer" | "FeatureUnion" | "Pipeline" => 5_000,
            "RFE" | "RFECV" | "SequentialFeatureSelector" => 800_000,
            _ => 120_000,
        };
        check(class, &pickled(&file(&models::model(class, count).unwrap().piece())))
    };
    assert_all(models::classes().filter(|class| !SMALL_CLASSES.contains(class)).map(check));
}

#[test]
fn documents_and_linear_learners_are_counted_as_truly() {
    let numbers = (0..100_000).map(|number| format!("{}", f64::from(number) + 0.1)).collect::<Vec<_>>().join(",");
    let document = format!(
        r#"{{"version": 1, "scikit-learn": "1.9.0", "columns": null, "label": null, "transformer": {{"StandardScaler":
        {{"parameters": {{}}, "n_features_in_": 100000, "attributes": {{}}, "mean_": [{numbers}], "var_": [{numbers}],
        "scale_": [{numbers}], "n_samples_seen_": 7}}}}}}"#
    );
    let names: Vec<String> = (0..100_000).map(|number| format!("\"column {number}\"")).collect();
    let columns = format!(r#"{{"columns": [{}]}}"#, names.join(","));
    let scaler = file(&models::model("StandardScaler", 100_000).unwrap().piece());
    let _ = document;
    assert_all(
        [
            check("columns.json", &folder(&[("model.joblib", &scaler), ("columns.json", columns.as_bytes())])),
            check("loose linear learner", &linear_learner(&[("fc0_weight", 400_000)])),
            check(
                "linear learner with arrays that it does not use",
                &linear_learner(&[("a", 400_000), ("fc0_weight", 400_000), ("b", 400_000)]),
            ),
        ]
        .into_iter(),
    );
}

/// The loose files of a linear learner whose checkpoint has these arrays.
fn linear_learner(arrays: &[(&str, u64)]) -> TempDir {
    let mut params: Vec<u8> = [0x112, 0, arrays.len() as u64].iter().flat_map(|number| number.to_le_bytes()).collect();
    for (_, length) in arrays {
        params.extend([0xF993_FAC9_u32, 0, 2].iter().flat_map(|number| number.to_le_bytes()));
        params.extend([*length, 1].iter().flat_map(|number| number.to_le_bytes()));
        params.extend([1_u32, 0, 0].iter().flat_map(|number| number.to_le_bytes()));
        params.extend((0..*length).flat_map(|number| (number as f32).to_le_bytes()));
    }
    params.extend((arrays.len() as u64).to_le_bytes());
    for (name, _) in arrays {
        params.extend((name.len() as u64).to_le_bytes());
        params.extend(name.as_bytes());
    }
    folder(&[
        ("additional-params.json", br#"{"predictor_type": "regressor", "loss_type": "squared_loss"}"#),
        ("mx-mod-symbol.json", br#"{"nodes": [{"op": "LinearRegressionOutput"}], "heads": [[0, 0, 0]]}"#),
        ("mx-mod-0000.params", &params),
    ])
}

#[test]
fn what_many_models_keep_is_what_their_account_says() {
    let files: Vec<TempDir> =
        models::classes().map(|class| pickled(&file(&models::model(class, 2_000).unwrap().piece()))).collect();
    let mut models = Vec::new();
    let seen = measure(|| {
        models = files
            .iter()
            .flat_map(|folder| (0..3).map(|_| load(folder.path(), &Allowance::unbounded()).unwrap()))
            .collect();
    });
    let said: u64 = models.iter().map(byoc::model::Model::bytes).sum();
    let seen = seen.bytes_current.unsigned_abs();
    assert!(seen > 1 << 20 && said.abs_diff(seen) <= seen / 10, "said {said}, seen {seen}");
}
