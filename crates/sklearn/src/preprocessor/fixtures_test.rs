//! Compares the preprocessor with scikit-learn's answers in `tests/fixtures/sklearn`, by eleven versions from 0.20 to
//! 1.9.

use super::{Assumption, ColumnsJson, Preprocessor};
use crate::allow_list::ScikitLearn;
use byoc_account::Allowance;
use byoc_formats::error::{Cause, Error, Remedy, Result};
use byoc_formats::media_types::answer::write_features;
use byoc_formats::media_types::{MediaType, csv};
use byoc_formats::pickle;
use byoc_formats::rows::reading::ReadAs;
use std::fs;
use std::path::{Path, PathBuf};

/// The relative tolerance: powers and logarithms differ between platforms, and pandas before 3.1 rounds some of the
/// numbers that it reads.
const TOLERANCE: f64 = 1e-12;

pub(crate) fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/sklearn")
}

/// The folders of a folder, in order.
pub(crate) fn folders(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut folders: Vec<_> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn preprocessor(case: &Path) -> Result<Preprocessor> {
    let columns = ColumnsJson::parse(&fs::read(case.join("columns.json")).unwrap(), &Allowance::unbounded()).unwrap();
    Preprocessor::from_pickle(
        &pickle::read(fs::read(case.join("model.joblib")).unwrap(), &ScikitLearn, &Allowance::unbounded())?,
        Some(columns),
        &Allowance::unbounded(),
    )
}

/// The preprocessor of a case, without its `columns.json`.
fn unnamed(case: &str) -> Preprocessor {
    let tree = pickle::read(
        fs::read(fixtures().join(case).join("model.joblib")).unwrap(),
        &ScikitLearn,
        &Allowance::unbounded(),
    )
    .unwrap();
    Preprocessor::from_pickle(&tree, None, &Allowance::unbounded()).unwrap()
}

pub(crate) fn answer(preprocessor: &Preprocessor, body: &[u8]) -> Result<String> {
    let mut out = Vec::new();
    let table = csv::read(body, preprocessor, crate::testing::unbounded())?;
    write_features(preprocessor.transform(table)?, MediaType::Csv, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

pub(crate) fn cells(text: &str) -> Vec<Vec<String>> {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Whether a cell is the same text, or a float within the tolerance. An integer does not count as a float.
fn cell_matches(found: &str, expected: &str) -> bool {
    if found == expected {
        return true;
    }
    let is_integer = |text: &str| text.parse::<i64>().is_ok();
    let (Ok(one), Ok(other)) = (found.parse::<f64>(), expected.parse::<f64>()) else { return false };
    !is_integer(found) && !is_integer(expected) && (one - other).abs() <= TOLERANCE * one.abs().max(other.abs())
}

pub(crate) fn matches(found: &str, expected: &str) -> bool {
    let (found, expected) = (cells(found), cells(expected));
    found.len() == expected.len()
        && found.iter().zip(&expected).all(|(found, expected)| {
            found.len() == expected.len()
                && found.iter().zip(expected).all(|(found, expected)| cell_matches(found, expected))
        })
}

#[derive(Debug, Default, PartialEq)]
struct Counts {
    answers: usize,
    errors: usize,
    of_estimators: usize,
}

#[test]
fn answers_are_those_of_scikit_learn_in_every_version() {
    let mut counts = Counts::default();
    let mut wrong = Vec::new();
    for case in folders(&fixtures()).iter().filter(|path| !path.ends_with("bad")).flat_map(|version| folders(version)) {
        let expected = |name: &str| fs::read_to_string(case.join(name)).ok();
        if !expected("columns.json").unwrap().contains("\"method\": \"transform\"") {
            // These are scorers.
            assert!(preprocessor(&case).unwrap_err().to_string().contains("which a transformer does not have"));
            counts.of_estimators += 1;
            continue;
        }
        let body = fs::read(case.join("input.csv")).unwrap();
        let answer = preprocessor(&case).and_then(|preprocessor| answer(&preprocessor, &body));
        match (expected("expected.csv"), answer) {
            (Some(csv), Ok(found)) => {
                let exact = expected("expected_exact.csv");
                if matches(&found, &csv) || exact.is_some_and(|exact| matches(&found, &exact)) {
                    counts.answers += 1;
                } else {
                    wrong.push((case, format!("expected\n{csv}found\n{found}")));
                }
            }
            (None, Err(error)) if error.cause() == Cause::BadPayload => counts.errors += 1,
            (Some(_), Err(error)) => wrong.push((case, error.to_string())),
            (None, other) => wrong.push((case, format!("expected an error, found {other:?}"))),
        }
    }
    for (case, why) in &wrong {
        println!("{}: {why}", case.strip_prefix(fixtures()).unwrap().display());
    }
    assert!(wrong.is_empty(), "{} cases differ: {counts:?}", wrong.len());
    assert_eq!(counts, Counts { answers: 380, errors: 43, of_estimators: 63 });
}

/// The pickles of one preprocessor by dill, cloudpickle, and joblib after an import of dill.
fn by_other_writers(is_refused: bool) -> Vec<PathBuf> {
    let folder = fixtures().join("../pickle/writers");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    files.retain(|path| matches!(path.extension().and_then(|ending| ending.to_str()), Some("pkl" | "joblib")));
    files.retain(|path| name(path).starts_with("refused_") == is_refused);
    files
}

#[test]
fn artifacts_of_dill_cloudpickle_and_joblib_after_dill_answer_as_scikit_learn() {
    let files = by_other_writers(false);
    assert_eq!(files.len(), 42, "7 forms by 6 versions");
    for file in files {
        let body = fs::read(file.with_file_name("input.csv")).unwrap();
        let expected = fs::read_to_string(file.with_file_name("expected.csv")).unwrap();
        let tree = pickle::read(fs::read(&file).unwrap(), &ScikitLearn, &Allowance::unbounded());
        let preprocessor = tree
            .and_then(|tree| Preprocessor::from_pickle(&tree, None, &Allowance::unbounded()))
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let found = answer(&preprocessor, &body).unwrap();
        assert!(matches(&found, &expected), "{}: {found}", file.display());
    }
}

#[test]
fn functions_and_classes_pickled_as_code_are_refused_with_the_reason() {
    for file in by_other_writers(true) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let writer = if name.contains("cloudpickle") { "cloudpickle" } else { "dill" };
        let error =
            pickle::read(fs::read(&file).unwrap(), &ScikitLearn, &Allowance::unbounded()).map(drop).unwrap_err();
        assert_eq!(error.cause(), Cause::Unsupported, "{name}: {error}");
        let reason = format!("with which {writer} stores a function or class as code");
        assert!(error.message().contains(&reason), "{name}: {error}");
        let is_attribute = error.message().starts_with("attribute func: ");
        assert_eq!(is_attribute, name.contains("function"), "{name}: {error}");
    }
}

/// The skops models of some cases, each with a request and its answer.
pub(crate) fn of_skops(cases: &[&str]) -> Vec<(String, pickle::Tree, Vec<u8>, String)> {
    let folder = fixtures().join("../skops");
    let named = |case: &&str| ["0.4.0", "0.6.0", "0.11.0", "0.16.0"].map(|version| format!("{version}-{case}"));
    let read = |name: String| {
        let beside = |ending: &str| fs::read(folder.join(format!("{name}.{ending}"))).unwrap();
        let tree = pickle::read(beside("skops"), &ScikitLearn, &Allowance::unbounded());
        let tree = tree.unwrap_or_else(|error| panic!("{name}: {error}"));
        let (body, expected) = (beside("csv"), String::from_utf8(beside("expected.csv")).unwrap());
        (name, tree, body, expected)
    };
    cases.iter().flat_map(named).map(read).collect()
}

#[test]
fn artifacts_of_skops_answer_as_scikit_learn() {
    for (name, tree, body, expected) in of_skops(&["scaler", "columns", "union"]) {
        let preprocessor = Preprocessor::from_pickle(&tree, None, &Allowance::unbounded());
        let preprocessor = preprocessor.unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = answer(&preprocessor, &body).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(matches(&found, &expected), "{name}: {found}\nexpected\n{expected}");
    }
}

/// The models written by the first patch releases of a minor version, by their names without the extension.
fn of_patch_releases() -> Vec<(PathBuf, String)> {
    let entries = fs::read_dir(fixtures().join("../patch-releases")).unwrap().map(|entry| entry.unwrap().path());
    let models = entries.filter(|path| path.extension().is_some_and(|ending| ending == "pkl"));
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().trim_end_matches(".pkl").to_owned();
    models.map(|path| (path.clone(), name(&path))).collect()
}

fn of_patch_release(path: &Path, columns: Option<&str>) -> Result<Preprocessor> {
    let allowance = Allowance::unbounded();
    let columns = columns.map(|json| ColumnsJson::parse(json.as_bytes(), &allowance).unwrap());
    Preprocessor::from_pickle(&pickle::read(fs::read(path).unwrap(), &ScikitLearn, &allowance)?, columns, &allowance)
}

#[test]
fn artifacts_of_first_patch_releases_without_later_attributes_answer_as_scikit_learn() {
    let models = of_patch_releases();
    assert_eq!(models.len(), 3 * 8 + 3, "8 ColumnTransformers by 3 releases, 3 OneHotEncoders");
    for (path, name) in models {
        let beside = |ending: &str| fs::read(path.with_file_name(format!("{name}.{ending}"))).unwrap();
        let columns = name.contains("-names").then_some(r#"{"columns": ["a", "b", "c", "d"]}"#);
        let preprocessor = of_patch_release(&path, columns).unwrap_or_else(|error| panic!("{name}: {error}"));
        let found = answer(&preprocessor, &beside("csv")).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = String::from_utf8(beside("expected.csv")).unwrap();
        assert!(matches(&found, &expected), "{name}: {found}\nexpected\n{expected}");
    }
}

#[test]
fn columns_by_name_need_columns_json_if_the_model_has_no_names() {
    for (path, name) in of_patch_releases().iter().filter(|(_, name)| name.contains("-names")) {
        let preprocessor = of_patch_release(path, None).unwrap();
        let body = fs::read(path.with_file_name(format!("{name}.csv"))).unwrap();
        let error = answer(&preprocessor, &body).unwrap_err();
        assert_eq!(error.cause(), Cause::BadPayload);
        assert!(error.message().contains("by its name") && error.message().contains("columns.json"), "{name}: {error}");
        // In any order: the names identify the columns.
        let turned = of_patch_release(path, Some(r#"{"columns": ["d", "c", "b", "a"]}"#)).unwrap();
        let found = answer(&turned, b"10.0,0.1,x,1.5\n").unwrap();
        let first = fs::read_to_string(path.with_file_name(format!("{name}.expected.csv"))).unwrap();
        let is_whole = name.ends_with("names_dropped");
        assert!(!is_whole || matches(&found, first.lines().next().unwrap()), "{name}: {found}");
    }
}

/// The columns of a case that are read as another type than their cells suggest, because of the fit.
fn read_as_text(case: &Path) -> Vec<u32> {
    let Ok(preprocessor) = preprocessor(case) else { return Vec::new() };
    let readings = preprocessor.layout.readings().columns().iter();
    readings.filter(|known| known.reading.dtype == Some(ReadAs::Str)).map(|known| known.column).collect()
}

#[test]
fn fixtures_read_without_dtypes_agree_with_the_types_that_the_fit_shows() {
    let cases = folders(&fixtures()).into_iter().filter(|path| !path.ends_with("bad"));
    // Categories such as 1, 2 and x (ohe_dtypes) are text without a dtype, and show nothing.
    assert_eq!(cases.flat_map(|version| folders(&version)).find(|case| !read_as_text(case).is_empty()), None);
}

/// `tests/fixtures/text-columns`: text of digits, booleans and tokens, in four versions.
#[test]
fn text_that_looks_like_numbers_matches_the_fitted_text_however_rows_are_split() {
    let mut cases = 0;
    let mut wrong = Vec::new();
    for case in folders(&fixtures().join("../text-columns")).iter().flat_map(|version| folders(version)) {
        cases += 1;
        let preprocessor = preprocessor(&case).unwrap();
        let (body, expected) = ("input.csv", "expected.csv");
        let [body, expected] = [body, expected].map(|name| fs::read_to_string(case.join(name)).unwrap());
        let mut ask = |body: &str, expected: &str| {
            let found = answer(&preprocessor, body.as_bytes()).unwrap_or_else(|error| error.to_string());
            if !matches(&found, expected) {
                let case = case.strip_prefix(fixtures()).unwrap().display();
                wrong.push(format!("{case}\n{body}expected\n{expected}found\n{found}\n"));
            }
        };
        ask(&body, &expected);
        // Sent alone, a row of a column that is not known to be text has another type, as in pandas.
        let name = case.file_name().unwrap().to_str().unwrap();
        if !matches!(name, "mixed" | "mixed_alone" | "none" | "none_is_text" | "two_branches") {
            body.lines().zip(expected.lines()).for_each(|(row, expected)| ask(row, expected));
        }
    }
    assert!(wrong.is_empty(), "{} of {cases} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(cases, 84);
}

#[test]
fn artifacts_that_can_be_read_but_are_not_a_model_are_refused() {
    let bad = fixtures().join("bad");
    let index: serde_json::Value = serde_json::from_slice(&fs::read(bad.join("index.json")).unwrap()).unwrap();
    let mut refused = 0;
    for entry in index.as_array().unwrap().iter().filter(|entry| entry["layer"] == "model") {
        let file = entry["file"].as_str().unwrap();
        let tree = pickle::read(fs::read(bad.join(file)).unwrap(), &ScikitLearn, &Allowance::unbounded());
        let error = tree.and_then(|tree| Preprocessor::from_pickle(&tree, None, &Allowance::unbounded())).err();
        let error = error.unwrap_or_else(|| panic!("{file} was accepted: {}", entry["why"]));
        assert!(matches!(error.cause(), Cause::BadArtifact | Cause::Unsupported), "{file}: {error}");
        refused += 1;
    }
    assert_eq!(refused, 22);
}

#[test]
fn columns_that_fail_every_request_are_detected_at_load() {
    let refused = |case: &str, json: &str| {
        let tree = pickle::read(
            fs::read(fixtures().join(case).join("model.joblib")).unwrap(),
            &ScikitLearn,
            &Allowance::unbounded(),
        )
        .unwrap();
        let columns = ColumnsJson::parse(json.as_bytes(), &Allowance::unbounded()).unwrap();
        let preprocessor = Preprocessor::from_pickle(&tree, Some(columns), &Allowance::unbounded()).unwrap();
        preprocessor.refusal().map(|refusal| {
            assert!(refusal.starts_with("columns.json does not fit the model: "), "{case} {json}: {refusal}");
            refusal.to_owned()
        })
    };
    // Eight features by name, and a last one that no transformer uses.
    let housing = "1.6.1/housing_short";
    let eight = r#""YEAR_BUILT", "SQUARE_FEET", "NUM_BEDROOMS", "NUM_BATHROOMS", "LOT_ACRES", "GARAGE_SPACES",
        "FRONT_PORCH", "DECK""#;
    for (case, json, expected) in [
        (
            housing,
            r#"{"columns": ["YEAR_BUILT", "DECK"]}"#.to_owned(),
            Some("uses the column SQUARE_FEET, but the columns of a row are YEAR_BUILT, DECK"),
        ),
        (housing, format!(r#"{{"columns": [{eight}]}}"#), None),
        (housing, format!(r#"{{"columns": [{eight}], "label": "PRICE"}}"#), None),
        (housing, format!(r#"{{"columns": ["ID", {eight}, "NOTE"]}}"#), None),
        (housing, r#"{"label": null}"#.to_owned(), None),
        // By position: two columns without names.
        (
            "1.6.1/standard_numpy",
            r#"{"columns": ["a"]}"#.to_owned(),
            Some("columns.json does not fit the model: a row has 1 column by name (a), but the model was fitted on 2"),
        ),
        ("1.6.1/standard_numpy", "{}".to_owned(), None),
    ] {
        let message = refused(case, &json);
        match expected {
            Some(expected) => {
                assert!(message.as_deref().is_some_and(|found| found.contains(expected)), "{case} {json}: {message:?}")
            }
            None => assert_eq!(message, None, "{case} {json}"),
        }
    }
}

fn housing_error(body: &str) -> String {
    let housing = unnamed("1.6.1/housing_short");
    answer(&housing, body.as_bytes()).unwrap_err().to_string()
}

#[test]
fn errors_have_the_row_the_column_the_value_and_the_expectation() {
    let good = "1990,2500,3,2,1,2,y,n\n";
    let cases = [
        (format!("{good}1990,n/k,3,2,1,2,y,n\n"), "row 2, column 2 (SQUARE_FEET): could not read \"n/k\" as a number"),
        (
            format!("{good}inf,2500,3,2,1,2,y,n\n"),
            "row 2, column 1 (YEAR_BUILT): expected a finite number, found infinity",
        ),
        (
            "1990,2500,3,2,1,2,y\n".into(),
            "row 1, byte 0: expected rows of 8 columns (YEAR_BUILT, SQUARE_FEET, NUM_BEDROOMS, NUM_BATHROOMS, \
             LOT_ACRES, GARAGE_SPACES, FRONT_PORCH, DECK), or 9 with the label PRICE last, found 7",
        ),
        (
            "1990,2500,3,2,1,2,1,n\n".into(),
            "column 7 (FRONT_PORCH): the column has only values of type int64, which scikit-learn cannot compare with \
             categories of text (\"n\", \"y\"); it could if one row had text here, or with an imputer before the \
             encoder",
        ),
        (
            "1990,2500,3,2,1,2,y,\n".into(),
            "column 8 (DECK): the column has no value in any row, which scikit-learn cannot compare with \
             categories of text (\"n\", \"y\"); it could if one row had text here, or with an imputer before the \
             encoder",
        ),
    ];
    for (body, expected) in cases {
        assert_eq!(housing_error(&body), expected);
    }
    // Text without a dtype, of which some looks like numbers.
    let mixed = preprocessor(&fixtures().join("1.6.1/ohe_dtypes")).unwrap();
    let error = answer(&mixed, b"1,1.5,True,1,7\n").unwrap_err().to_string();
    let said = "cannot compare with categories of text (\"1\", \"2\", \"x\"); it could if one row had text here, or if the \
                column were said to be text";
    assert!(error.starts_with("column 4 (s): ") && error.ends_with(said), "{error}");
    let strict = preprocessor(&fixtures().join("1.6.1/ohe_unknown_error")).unwrap();
    let error = answer(&strict, b"red,yes\nmauve,no\n").unwrap_err().to_string();
    assert!(error.starts_with("row 2, column 1 (c): unknown category \"mauve\": expected one of "), "{error}");
}

#[test]
fn without_columns_json_the_last_column_that_no_transformer_uses_is_the_label() {
    let housing = unnamed("1.6.1/housing_short");
    assert_eq!(housing.feature_names().len(), 8);
    let features = answer(&housing, b"1990,2500,3,2,1,2,y,n\n").unwrap();
    let labelled = answer(&housing, b"1990,2500,3,2,1,2,y,n,250000\n").unwrap();
    assert_eq!(labelled, format!("250000.0,{features}"));
    let Assumption { text: why, remedy } = housing.guessed_label().unwrap();
    assert!(
        why.starts_with("the column PRICE is treated as the label if it contains numbers, because it comes last"),
        "{why}"
    );
    assert_eq!(remedy, Remedy::IsLabel("PRICE".to_owned()));
    // A column with text in any row is not the label but a column that scikit-learn drops.
    assert_eq!(answer(&housing, b"1990,2500,3,2,1,2,y,n,bob\n").unwrap(), features);
    let both = answer(&housing, b"1990,2500,3,2,1,2,y,n,1\n1990,2500,3,2,1,2,y,n,bob\n").unwrap();
    assert_eq!(both, features.repeat(2));
    // A column without values is not a label, nor is a column of bools; a column of numbers with missing values is.
    assert_eq!(answer(&housing, b"1990,2500,3,2,1,2,y,n,\n").unwrap(), features);
    let beside = answer(&housing, b"1990,2500,3,2,1,2,y,n,\n1990,2500,3,2,1,2,y,n,1\n").unwrap();
    assert_eq!(beside, format!("nan,{features}1.0,{features}"));
    assert_eq!(answer(&housing, b"1990,2500,3,2,1,2,y,n,True\n").unwrap(), features);
    // A label in columns.json is not guessed.
    assert_eq!(preprocessor(&fixtures().join("1.6.1/housing")).unwrap().guessed_label(), None);
}

#[test]
fn rows_by_name_may_omit_columns_that_no_transformer_uses_from_1_0_on() {
    use byoc_formats::rows::schema::Schema;
    let housing = unnamed("1.6.1/housing_short");
    assert!(housing.uses("DECK") && !housing.uses("PRICE"));
    let dropped = preprocessor(&fixtures().join("1.6.1/passthrough_drop")).unwrap();
    let names: Vec<String> = Schema::names(&dropped).into_iter().map(str::to_owned).collect();
    let (used, unused): (Vec<_>, Vec<_>) = names.iter().partition(|name| dropped.uses(name));
    assert!(!used.is_empty() && !unused.is_empty(), "{used:?} {unused:?}");
}

#[test]
fn a_housing_size_model_takes_less_than_two_kibibytes() {
    for version in ["0.24.2/housing_8", "1.6.1/housing", "1.9.1/housing"] {
        let bytes = preprocessor(&fixtures().join(version)).unwrap().bytes();
        assert!((300..=2048).contains(&bytes), "{version}: {bytes} bytes");
    }
}

#[test]
fn a_label_that_comes_first_keeps_its_column_number_in_messages() {
    let housing = preprocessor(&fixtures().join("1.6.1/housing_label_first")).unwrap();
    let error = |body: &[u8]| -> Error { answer(&housing, body).unwrap_err() };
    let message = error(b"1,1990,n/k,3,2,1,2,y,n\n").to_string();
    assert!(message.starts_with("row 1, column 3 (SQUARE_FEET): "), "{message}");
    let message = error(b"much,1990,2500,3,2,1,2,y,n\n").to_string();
    assert_eq!(message, "row 1, column 1 (PRICE): could not read the label \"much\" as a number");
}

/// A row of fields of every sort, drawn by a generator that is the same in every run.
fn drawn_row(width: usize, random: &mut impl FnMut(usize) -> usize) -> String {
    const FIELDS: &[&str] =
        &["1", "2.5", "-3", "", "red", "y", "yes", "True", "inf", "9223372036854775808", "1e300", " x"];
    // Mostly one kind of field for a column, so that some columns have a type.
    let fields: Vec<&str> =
        (0..width).map(|column| FIELDS[(column * 5 + random(2) * random(12)) % FIELDS.len()]).collect();
    fields.join(",") + "\n"
}

fn generator(mut state: u64) -> impl FnMut(usize) -> usize {
    move |below| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize % below
    }
}

#[test]
fn the_answer_to_any_rows_is_an_error_or_one_array() {
    let mut random = generator(7);
    let (mut answers, mut errors) = (0, 0);
    for case in folders(&fixtures()).iter().filter(|path| !path.ends_with("bad")).flat_map(|version| folders(version)) {
        let Ok(preprocessor) = preprocessor(&case) else { continue };
        let input = fs::read(case.join("input.csv")).unwrap();
        let Ok(width) =
            csv::read(&input, &|_: usize| Ok(()), crate::testing::unbounded()).map(|table| table.columns.len())
        else {
            continue;
        };
        for rows in 1..12 {
            let body: String = (0..rows).map(|_| drawn_row(width, &mut random)).collect();
            // In one column an empty field is a line without a row.
            let Ok(table) = csv::read(body.as_bytes(), &|_: usize| Ok(()), crate::testing::unbounded()) else {
                continue;
            };
            let rows = table.rows;
            let Ok(features) = preprocessor.transform(table) else {
                errors += 1;
                continue;
            };
            let table = features.into_table();
            answers += 1;
            let dtype = table.columns.first().map(|column| column.dtype());
            assert!(
                table.columns.iter().all(|column| column.len() == table.rows && Some(column.dtype()) == dtype),
                "{body}"
            );
            assert_eq!(table.rows, rows);
        }
    }
    assert!(answers > 500 && errors > 500, "{answers} answers, {errors} errors");
}

#[test]
fn a_damaged_artifact_is_refused_or_answers_but_never_ends_the_process() {
    let mut random = generator(11);
    let mut built = 0;
    for case in folders(&fixtures().join("1.9.1")) {
        let artifact = fs::read(case.join("model.joblib")).unwrap();
        let input = fs::read(case.join("input.csv")).unwrap();
        for _ in 0..25 {
            let mut spoiled = artifact.clone();
            for _ in 0..1 + random(3) {
                let byte = random(spoiled.len());
                spoiled[byte] = random(256) as u8;
            }
            let Ok(tree) = pickle::read(spoiled, &ScikitLearn, &Allowance::unbounded()) else { continue };
            let columns =
                ColumnsJson::parse(&fs::read(case.join("columns.json")).unwrap(), &Allowance::unbounded()).unwrap();
            for columns in [None, Some(columns)] {
                let Ok(preprocessor) = Preprocessor::from_pickle(&tree, columns, &Allowance::unbounded()) else {
                    continue;
                };
                built += 1;
                assert!(preprocessor.bytes() > 0);
                // It may succeed or fail here, but must return.
                let _ = answer(&preprocessor, &input);
            }
        }
    }
    assert!(built > 200, "only {built} models were built");
}

#[test]
fn a_small_artifact_that_would_become_a_huge_model_is_refused() {
    // A FeatureUnion that refers to one PolynomialFeatures of half a million products many times.
    let polynomial = "csklearn.preprocessing._polynomial\nPolynomialFeatures\n)\u{1}}(Vn_features_in_\nI1000\n\
        V_min_degree\nI0\nV_max_degree\nI2\nVinteraction_only\nI00\nVinclude_bias\nI00\nub";
    let union = |parts: usize| {
        let again = "(Vagain\ng1\nta".repeat(parts - 1);
        let text = format!(
            "csklearn.pipeline\nFeatureUnion\n)\u{1}}}(Vtransformer_list\n(l(Vfirst\n{polynomial}p1\nta{again}\
             Vtransformer_weights\nNV_sklearn_version\nV1.6.1\nub."
        );
        // NEWOBJ is not an ASCII character, so it is inserted here.
        let body = text.bytes().map(|byte| if byte == 1 { 0x81 } else { byte });
        let pickle = [0x80, 2].into_iter().chain(body).collect();
        Preprocessor::from_pickle(
            &pickle::read(pickle, &ScikitLearn, &Allowance::unbounded()).unwrap(),
            None,
            &Allowance::unbounded(),
        )
    };
    assert!(union(2).is_ok());
    let error = union(40).unwrap_err().to_string();
    assert!(error.ends_with("PolynomialFeatures: the model would take far more memory than its file"), "{error}");
}
