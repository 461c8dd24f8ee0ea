//! The bytes taken from an allowance, compared with the allocator.

use super::models::{self, file};
use super::{folder, load, pickled, skops};
use allocation_counter::measure;
use byoc_account::Allowance;
use tempfile::TempDir;

/// Bytes of small allocations that an allowance does not count.
const SMALL: u64 = 64 << 10;

/// The bytes that a load took from its allowance and those that it allocated, at its peak and kept by the model.
struct Row {
    what: String,
    taken_peak: u64,
    allocated_peak: u64,
    taken_kept: u64,
    allocated_kept: u64,
}

impl Row {
    fn of(what: &str, folder: &TempDir) -> Row {
        let allowance = Allowance::unbounded();
        let mut loaded = None;
        let allocated = measure(|| loaded = Some(load(folder.path(), &allowance)));
        let model = loaded.unwrap().unwrap_or_else(|error| panic!("{what}: {error}"));
        Row {
            what: what.to_owned(),
            taken_peak: allowance.max_taken(),
            allocated_peak: allocated.bytes_max,
            taken_kept: model.bytes(),
            allocated_kept: allocated.bytes_current.unsigned_abs(),
        }
    }

    /// A message if the two differ by more than a tenth.
    fn wrong(self) -> Option<String> {
        let near = |taken: u64, allocated: u64| taken.abs_diff(allocated) <= allocated / 10 + SMALL;
        let Row { what, taken_peak, allocated_peak, taken_kept, allocated_kept } = self;
        let matches_allocator =
            near(taken_peak, allocated_peak) && near(taken_kept, allocated_kept) && allocated_peak > 1 << 20;
        let message = || {
            format!(
                "{what}: took a peak of {taken_peak} bytes and kept {taken_kept}, \
                 allocated {allocated_peak} and {allocated_kept}"
            )
        };
        (!matches_allocator).then(message)
    }
}

fn assert_matches_allocator(rows: Vec<Row>) {
    let wrong: Vec<String> = rows.into_iter().filter_map(Row::wrong).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every class, with a model that takes a megabyte or more.
fn class_rows() -> Vec<Row> {
    // The models of these classes are small, whatever they are fitted on.
    const SMALL_CLASSES: [&str; 3] = ["Binarizer", "FunctionTransformer", "Normalizer"];
    let row = |class: &str| {
        let count = match class {
            "ColumnTransformer" | "FeatureUnion" | "Pipeline" => 5_000,
            "RFE" | "RFECV" | "SequentialFeatureSelector" => 800_000,
            _ => 120_000,
        };
        Row::of(class, &pickled(&file(&models::model(class, count).unwrap().piece())))
    };
    models::classes().filter(|class| !SMALL_CLASSES.contains(class)).map(row).collect()
}

#[test]
fn the_peak_of_a_load_and_the_bytes_that_a_model_keeps_match_the_allocator_for_every_class() {
    assert_matches_allocator(class_rows());
}

#[test]
fn the_bytes_of_documents_skops_models_and_linear_learners_match_the_allocator() {
    assert_matches_allocator(document_rows());
}

#[test]
#[ignore = "prints the table of docs/dev/bounds.md"]
fn print_the_table_of_loads() {
    println!("| | peak taken, KiB | peak allocated | kept, KiB | kept allocated |\n| --- | --- | --- | --- | --- |");
    for Row { what, taken_peak, allocated_peak, taken_kept, allocated_kept } in
        class_rows().into_iter().chain(document_rows())
    {
        let [a, b, c, d] = [taken_peak, allocated_peak, taken_kept, allocated_kept].map(|bytes| bytes / 1024);
        println!("| {what} | {a} | {b} | {c} | {d} |");
    }
}

fn document_rows() -> Vec<Row> {
    documents(4).iter().map(|(what, folder)| Row::of(what, folder)).collect()
}

/// Files other than pickles, `count` times as large as the smallest.
pub(super) fn documents(times: usize) -> Vec<(&'static str, TempDir)> {
    let count = 15_000 * times;
    let numbers = (0..count).map(|number| format!("{number}.1")).collect::<Vec<_>>().join(",");
    let scaler = format!(
        r#"{{"StandardScaler": {{"copy": true, "with_mean": true, "with_std": true, "n_features_in_": {count},
        "mean_": [{numbers}], "var_": [{numbers}], "scale_": [{numbers}], "n_samples_seen_": 7}}}}"#
    );
    let document = |columns: &str, transformer: &str| {
        let text = format!(
            r#"{{"version": 1, "scikit-learn": "1.9.1", "columns": {columns}, "label": null,
            "transformer": {transformer}}}"#
        );
        folder(&[("preprocessor.json", text.as_bytes())])
    };
    let names: Vec<String> = (0..count).map(|number| format!("\"column {number}\"")).collect();
    let columns = format!(r#"{{"columns": [{}]}}"#, names.join(","));
    let dtypes: Vec<String> = names.iter().map(|name| format!("{name}: \"float64\"")).collect();
    let dtypes = format!(r#"{{"columns": [{}], "dtypes": {{{}}}}}"#, names.join(","), dtypes.join(","));
    let pickle = file(&models::model("StandardScaler", count).unwrap().piece());
    let unused: Vec<String> = (0..count / 5).map(|number| format!("array {number}")).collect();
    let unused = unused.iter().map(|name| (name.as_str(), 20));
    let length = 100_000 * times as u64;
    vec![
        ("preprocessor.json", document("null", &scaler)),
        ("columns.json", folder(&[("model.joblib", &pickle), ("columns.json", columns.as_bytes())])),
        ("columns.json with dtypes", folder(&[("model.joblib", &pickle), ("columns.json", dtypes.as_bytes())])),
        ("a stored skops model", skops::scaler(count, skops::Kept::Stored)),
        ("a deflated skops model", skops::scaler(count, skops::Kept::Deflated)),
        ("linear learner", linear_learner(&[("fc0_weight", length)])),
        (
            "linear learner with arrays that it does not use",
            linear_learner(&unused.chain([("fc0_weight", length), ("b", length)]).collect::<Vec<_>>()),
        ),
    ]
}

/// A `preprocessor.json` of a ColumnTransformer with a branch for each of `count` columns.
pub(super) fn branches(count: usize) -> TempDir {
    let names: Vec<String> = (0..count).map(|number| format!("\"column {number}\"")).collect();
    let branch = |name: &String| {
        format!(
            r#"["of {}", {{"MaxAbsScaler": {{"copy": true, "clip": false, "n_features_in_": 1,
            "feature_names_in_": [{name}],
            "max_abs_": [1.0], "scale_": [1.0], "n_samples_seen_": 3}}}}, [{name}]]"#,
            name.trim_matches('"')
        )
    };
    let branches = names.iter().map(branch).collect::<Vec<_>>().join(",");
    let names = names.join(",");
    let text = format!(
        r#"{{"version": 1, "scikit-learn": "1.9.1", "columns": [{names}], "label": null,
        "transformer": {{"ColumnTransformer":
        {{"remainder": "drop", "sparse_threshold": 0.3, "n_jobs": null, "transformer_weights": null, "verbose": false,
        "verbose_feature_names_out": true, "n_features_in_": {count}, "feature_names_in_": [{names}],
        "transformers_": [{branches}], "sparse_output_": false}}}}}}"#
    );
    folder(&[("preprocessor.json", text.as_bytes())])
}

/// The files of a linear learner whose checkpoint has these arrays.
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
fn the_sum_of_the_bytes_of_many_models_matches_the_allocator() {
    let files: Vec<TempDir> =
        models::classes().map(|class| pickled(&file(&models::model(class, 2_000).unwrap().piece()))).collect();
    let mut models = Vec::new();
    let allocated = measure(|| {
        models = files
            .iter()
            .flat_map(|folder| (0..3).map(|_| load(folder.path(), &Allowance::unbounded()).unwrap()))
            .collect();
    });
    let taken: u64 = models.iter().map(byoc::model::Model::bytes).sum();
    let allocated = allocated.bytes_current.unsigned_abs();
    assert!(
        allocated > 1 << 20 && taken.abs_diff(allocated) <= allocated / 10,
        "the models report {taken} bytes, allocated {allocated}"
    );
}
