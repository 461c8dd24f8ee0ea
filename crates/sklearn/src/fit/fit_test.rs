use super::*;
use crate::allow_list::ScikitLearn;
use crate::preprocessor::{Overrides, Preprocessor};
use byoc_account::Allowance;
use byoc_formats::media_types::MediaType;
use byoc_formats::media_types::answer::write_features;

/// Rows of CSV in chunks of `chunk` lines, with the column types of the whole.
struct Text {
    whole: String,
    chunk: usize,
    passes: usize,
}

impl Rows for Text {
    fn pass(&mut self, see: &mut dyn FnMut(Table<'_>) -> Result<()>) -> Result<()> {
        use byoc_formats::media_types::csv::{ColumnType, Records, Typing};
        self.passes += 1;
        let whole = Records::find(self.whole.as_bytes(), None, true)?;
        let mut typings = vec![Typing::default(); whole.width()];
        typings.iter_mut().enumerate().for_each(|(column, typing)| typing.see(&whole, column));
        let types: Vec<ColumnType> = typings.iter().map(Typing::column_type).collect();
        let lines: Vec<&str> = self.whole.split_inclusive('\n').collect();
        for (number, lines) in lines.chunks(self.chunk).enumerate() {
            let text = lines.concat();
            let records = Records::find(text.as_bytes(), Some(types.len()), true)?;
            see(records.table(&types)).map_err(|error| error.shifted(number * self.chunk, 0))?;
        }
        Ok(())
    }
}

fn from_json(json: &[u8]) -> Result<Preprocessor> {
    Document::parse(json, &Allowance::unbounded())?.preprocessor(&Overrides::default(), &Allowance::unbounded())
}

fn fitted(specification: &str, rows: &str, chunk: usize) -> Result<(Document, usize)> {
    let mut rows = Text { whole: rows.to_owned(), chunk, passes: 0 };
    let document = fit(Specification::parse(specification.as_bytes())?, &mut rows, &mut |_| {})?;
    Ok((document, rows.passes))
}

fn message(specification: &str, rows: &str) -> String {
    fitted(specification, rows, 2).unwrap_err().to_string()
}

const HOUSES: &str = "1993,2728,y,y,1\n2004,1500,n,,2\n1980,,y,n,3\n2011,4100,n,y,4\n1999,2728,y,y,5\n";

const WALK_THROUGH: &str = r#"{"version": 1, "columns": ["YEAR", "FEET", "PORCH", "DECK"], "label": "PRICE",
    "label_position": "last", "transformer": {"ColumnTransformer": {"transformers": [
        ["numbers", {"Pipeline": {"steps": [
            ["fill", {"SimpleImputer": {"strategy": "median"}}], ["scale", {"StandardScaler": {}}]]}}, ["YEAR", "FEET"]],
        ["words", {"Pipeline": {"steps": [
            ["fill", {"SimpleImputer": {"strategy": "most_frequent"}}], ["encode", {"OneHotEncoder": {}}]]}},
            ["PORCH", "DECK"]]]}}}"#;

fn served(preprocessor: &Preprocessor, rows: &str) -> String {
    let table =
        byoc_formats::media_types::csv::read(rows.as_bytes(), &|_: usize| Ok(()), &Allowance::unbounded()).unwrap();
    let mut out = Vec::new();
    write_features(preprocessor.transform(table).unwrap(), MediaType::Csv, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_fit_takes_one_pass_per_step_and_one_for_the_sparsity_of_the_answer() {
    let (_, passes) = fitted(WALK_THROUGH, HOUSES, 2).unwrap();
    assert_eq!(passes, 3);
    let dense = WALK_THROUGH.replace(r#""OneHotEncoder": {}"#, r#""OneHotEncoder": {"sparse_output": false}"#);
    assert_eq!(fitted(&dense, HOUSES, 2).unwrap().1, 2);
}

#[test]
fn both_files_give_the_same_answers_and_the_label_comes_first() {
    let (document, _) = fitted(WALK_THROUGH, HOUSES, 2).unwrap();
    let from_json = from_json(&document.to_json()).unwrap();
    let tree = byoc_formats::pickle::read(document.to_joblib(), &ScikitLearn, &Allowance::unbounded()).unwrap();
    let from_joblib = Preprocessor::from_pickle(&tree, None, &Allowance::unbounded()).unwrap();
    let unlabelled = "2004,1500,n,y\n1993,,y,n\n";
    assert_eq!(served(&from_json, unlabelled), served(&from_joblib, unlabelled));
    assert!(served(&from_json, "2004,1500,n,y,77\n").starts_with("77.0,0.62"), "{}", served(&from_json, HOUSES));
}

#[test]
fn what_is_written_is_read_back_and_written_the_same() {
    let (document, _) = fitted(WALK_THROUGH, HOUSES, 100).unwrap();
    let json = document.to_json();
    let again = Document::parse(&json, &Allowance::unbounded()).unwrap();
    assert_eq!(String::from_utf8(again.to_json()).unwrap(), String::from_utf8(json).unwrap());
    assert_eq!(again.to_joblib(), document.to_joblib());
}

#[test]
fn chunks_make_no_difference() {
    for parts in [
        r#"[["a", {"MinMaxScaler": {}}, ["YEAR", "FEET"]], ["b", {"OrdinalEncoder": {}}, ["PORCH", "DECK"]]]"#,
        r#"[["a", {"RobustScaler": {}}, ["YEAR", "FEET"]], ["b", {"QuantileTransformer": {}}, ["YEAR"]],
            ["c", {"MaxAbsScaler": {}}, ["FEET"]]]"#,
        r#"[["a", {"KBinsDiscretizer": {"n_bins": 3}}, ["YEAR"]], ["b", {"PowerTransformer": {}}, ["FEET"]],
            ["c", {"VarianceThreshold": {}}, ["YEAR"]]]"#,
        r#"[["a", {"SimpleImputer": {"add_indicator": true}}, ["FEET"]],
            ["b", {"OneHotEncoder": {"max_categories": 2}}, ["DECK"]]]"#,
    ] {
        let specification = format!(
            r#"{{"version": 1, "columns": ["YEAR", "FEET", "PORCH", "DECK", "PRICE"],
                "transformer": {{"ColumnTransformer": {{"transformers": {parts}}}}}}}"#
        );
        let whole = fitted(&specification, HOUSES, 100).unwrap().0.to_json();
        for chunk in 1..5 {
            let parts = fitted(&specification, HOUSES, chunk).unwrap().0.to_json();
            assert_eq!(String::from_utf8(parts).unwrap(), String::from_utf8(whole.clone()).unwrap());
        }
    }
}

fn of_one(transformer: &str) -> String {
    format!(r#"{{"version": 1, "columns": ["a", "b"], "transformer": {transformer}}}"#)
}

#[test]
fn if_scikit_learn_raises_the_error_has_the_place_and_the_reason() {
    let cases = [
        (r#"{"StandardScaler": {}}"#, "1,2\n3,x\n", "row 2, column 2 (b): could not read \"x\" as a number"),
        (r#"{"Normalizer": {}}"#, "1,2\n3,4\n5,\n", "row 3, column 2 (b): expected a number, found a missing value"),
        (
            r#"{"PowerTransformer": {"method": "box-cox"}}"#,
            "1,2\n3,-4\n",
            "column 2 (b): PowerTransformer: box-cox can only",
        ),
        (
            r#"{"OneHotEncoder": {"drop": ["x", "q"]}}"#,
            "x,y\nz,y\n",
            "column 2 (b): the category \"q\" is to be dropped, but was not found",
        ),
        (
            r#"{"OneHotEncoder": {"categories": [["x"], ["y"]]}}"#,
            "x,y\nz,y\n",
            "column 1 (a): the column has \"z\", which is not among the given",
        ),
        (
            r#"{"OrdinalEncoder": {"handle_unknown": "use_encoded_value", "unknown_value": 0}}"#,
            "x,y\nz,y\n",
            "unknown_value 0 is the number of a category",
        ),
        (
            r#"{"SimpleImputer": {"strategy": "constant", "fill_value": 0.5}}"#,
            "1,2\n",
            "fill_value 0.5 cannot fill columns of integers",
        ),
        (r#"{"VarianceThreshold": {}}"#, "1,2\n1,2\n", "no feature has a variance above the threshold 0"),
        (r#"{"MinMaxScaler": {"feature_range": [1, 1]}}"#, "1,2\n", "feature_range of the MinMaxScaler is [1, 1]"),
        (
            r#"{"Pipeline": {"steps": [["a", {"OneHotEncoder": {}}], ["b", {"StandardScaler": {}}]]}}"#,
            "x,y\n",
            "StandardScaler cannot center",
        ),
        (r#"{"StandardScaler": {}}"#, "1,2,3\n", "expected rows of 2 columns (a, b), found 3 in all"),
    ];
    for (transformer, rows, expected) in cases {
        let message = message(&of_one(transformer), rows);
        assert!(message.contains(expected), "{transformer}: {message}");
    }
}

#[test]
fn a_wrong_specification_is_reported_with_its_path_and_the_allowed_values() {
    let cases = [
        (
            r#"{"StandardScaler": {"with_maen": true}}"#,
            "transformer.StandardScaler.with_maen: unknown field `with_maen`: did you mean `with_mean`? expected one \
             of `copy`, `with_mean`",
        ),
        (
            r#"{"StandardScaler": {"with_mean": "yes"}}"#,
            "transformer.StandardScaler.with_mean: expected true or false, found \"yes\"",
        ),
        (r#"{"StandardScalar": {}}"#, "did you mean StandardScaler? expected "),
        (
            r#"{"OneHotEncoder": {"min_frequency": 0}}"#,
            "transformer.OneHotEncoder.min_frequency: expected null, an integer of at least 1, or a share between 0 \
             and 1, found 0",
        ),
        (
            r#"{"OneHotEncoder": {"categories": "all"}}"#,
            "transformer.OneHotEncoder.categories: expected \"auto\", or a list with the categories of each feature, \
             found \"all\"",
        ),
        (
            r#"{"KBinsDiscretizer": {"n_bins": 1}}"#,
            "transformer.KBinsDiscretizer.n_bins: expected an integer of at least 2, or a list with one for each \
             feature",
        ),
        (
            r#"{"SimpleImputer": {"strategy": "mode"}}"#,
            "transformer.SimpleImputer.strategy: expected \"mean\", \"median\", \"most_frequent\" or \"constant\", \
             found \"mode\"",
        ),
        (
            r#"{"Pipeline": {"steps": [["a", {"Binarizer": {"threshold": null}}]]}}"#,
            "transformer.Pipeline.steps[0][1].Binarizer.threshold: expected a number, found null",
        ),
        (
            r#""StandardScaler""#,
            "transformer: expected an object, {\"StandardScaler\": {}}, found the text \"StandardScaler\"",
        ),
        (r#""passtrough""#, "transformer: expected an object whose one key is the class"),
        (
            r#"{"StandardScaler": {}, "MinMaxScaler": {}}"#,
            "transformer: expected an object with one key, the class, found two: StandardScaler and MinMaxScaler",
        ),
        ("{}", "transformer: expected an object whose one key is the class"),
        (
            r#"{"StandardScaler": null}"#,
            "transformer.StandardScaler: expected an object of the parameters of StandardScaler, found null",
        ),
        (r#"{"StandardScaler": []}"#, "expected an object of the parameters of StandardScaler, found a list"),
        (
            r#"{"Pipeline": {"steps": [["a", {"Binarizer": {}}], ["b", null]]}}"#,
            "transformer.Pipeline.steps[1][1]: expected an object whose one key is the class",
        ),
        (
            r#"{"Pipeline": {"steps": [["a", {"Binarizer": {}}, ["b"]]]}}"#,
            "transformer.Pipeline.steps[0]: expected a list of two, a name and a transformer, found a list of the \
             wrong length",
        ),
        (
            r#"{"ColumnTransformer": {"transformers": [["a", {"Binarizer": {}}]]}}"#,
            "transformer.ColumnTransformer.transformers[0]: expected a list of three, a name, a transformer and its \
             columns",
        ),
        (
            r#"{"MinMaxScaler": {"feature_range": [0, 1, 2]}}"#,
            "transformer.MinMaxScaler.feature_range: expected a list of two numbers, the lower and the upper, found \
             a list of the wrong length",
        ),
        (r#"{"SimpleImputer": {"strategy": 5}}"#, "\"most_frequent\" or \"constant\", found 5"),
        (
            r#"{"SimpleImputer": {"missing_values": NaN}}"#,
            "found NaN, which JSON does not have: expected it in quotes, \"NaN\"",
        ),
        (
            r#"{"ColumnTransformer": {"transformers": [["a", {"Binarizer": {}}, ["a", "b", "a"]]]}}"#,
            "transformer.ColumnTransformer.transformers[0][2]: expected different columns, found \"a\" twice",
        ),
        (
            r#"{"ColumnTransformer": {"transformers": [["a", {"Binarizer": {}}, [1, -1]]]}}"#,
            "transformer.ColumnTransformer.transformers[0][2]: expected different columns, found \"b\" twice",
        ),
        (r#"{"Pipeline": {"steps": [["a", "drop"]]}}"#, "transformer.Pipeline.steps[0]: a step cannot be \"drop\""),
        (r#"{"Pipeline": {"steps": [["a__b", "passthrough"]]}}"#, "expected a name without two underscores"),
        (
            r#"{"ColumnTransformer": {"transformers": [["a", {"Binarizer": {}}, ["c"]]]}}"#,
            "the columns of the transformer \"a\": expected a, b, found \"c\"",
        ),
        (r#"{"ColumnTransformer": {"transformers": [["a", {"Binarizer": {}}, [2]]]}}"#, "found 2"),
        (
            r#"{"ColumnTransformer": {"transformers": [["a", {"Binarizer": {}}, "b"]]}}"#,
            "expected a list of column names",
        ),
        (
            r#"{"ColumnTransformer": {"transformers": [["a", {"Binarizer": {}}, ["b"]]],
                "transformer_weights": {"x": 1}}}"#,
            "transformer_weights names \"x\"",
        ),
        (r#""passthrough""#, "expected a transformer, found a word"),
    ];
    for (transformer, expected) in cases {
        let message = message(&of_one(transformer), "1,2\n");
        assert!(message.contains(expected), "{transformer}: {message}");
    }
    for (specification, expected) in [
        (r#"{"version": 2, "transformer": {"Binarizer": {}}}"#, "version: expected the version 1, found 2"),
        (r#"{"version": 1}"#, "missing field `transformer`"),
        (
            r#"{"version": 1, "columns": ["a", "a"], "transformer": {"Binarizer": {}}}"#,
            "columns[1]: expected different names, found \"a\" twice",
        ),
        (
            r#"{"version": 1, "columns": ["a"], "label": "a", "transformer": {"Binarizer": {}}}"#,
            "the columns without the label",
        ),
        (
            r#"{"version": 1, "label": "first", "transformer": {"Binarizer": {}}}"#,
            "label: expected the label's name, found \"first\": say \"label_position\": \"first\" beside it",
        ),
        (
            r#"{"version": 1, "label": "none", "transformer": {"Binarizer": {}}}"#,
            "label: expected the label's name, found \"none\": say \"label\": null",
        ),
        (
            r#"{"version": 1, "label_position": "last", "transformer": {"Binarizer": {}}}"#,
            "label_position: expected a label too",
        ),
        ("[]", "expected an object such as {\"version\": 1, \"columns\": [\"a\", \"b\"], "),
        (
            "{bad",
            "line 1, column 2: this is not JSON (expected a name in quotes or }, found \"bad\"): expected an object \
             such as {",
        ),
        (r#"{"version": 1, "lable": "a", "transformer": {"Binarizer": {}}}"#, "unknown field `lable`"),
    ] {
        let message = Specification::parse(specification.as_bytes()).unwrap_err().to_string();
        assert!(message.contains(expected), "{specification}: {message}");
    }
}

#[test]
fn an_unfitted_specification_is_not_a_model() {
    let message = from_json(of_one(r#"{"StandardScaler": {}}"#).as_bytes()).unwrap_err().to_string();
    assert!(message.contains("a specification, which is not fitted: expected the fitted document"), "{message}");
}

#[test]
fn a_wrongly_edited_document_is_refused_with_the_mistake_and_its_own_position() {
    let (document, _) = fitted(WALK_THROUGH, HOUSES, 2).unwrap();
    let json = String::from_utf8(document.to_json()).unwrap();
    let edited = |from: &str, to: &str| {
        assert!(json.contains(from), "{from} is not in {json}");
        from_json(json.replacen(from, to, 1).as_bytes()).map(drop)
    };
    let mean = json.lines().find(|line| line.contains("\"mean_\"")).unwrap();
    let scaler = "transformer.ColumnTransformer.transformers_[0][1].Pipeline.steps[1][1].StandardScaler";
    for (from, to, expected) in [
        (mean, "", format!("{scaler}: missing field `mean_`")),
        (
            mean,
            "\"mean_\": [\"x\", 1],",
            format!("{scaler}.mean_[0]: expected a number, \"NaN\", \"Infinity\" or \"-Infinity\", found \"x\""),
        ),
        (
            mean,
            "\"mean_\": null,",
            "StandardScaler: expected mean_ to be a one-dimensional array of numbers, found null".to_owned(),
        ),
        (mean, "\"mean_\": [1.0],", "StandardScaler: expected mean_ to have 2 numbers, found 1".to_owned()),
        (
            r#"["n", "y"]"#,
            r#"["n", "n"]"#,
            "categories_[0][1]: expected different categories, found \"n\" twice".to_owned(),
        ),
        (
            "\"YEAR\"",
            "\"YEARS\"",
            "columns does not fit transformer: transformer \"numbers\" uses the column YEAR, \
             but the columns of a row are YEARS,"
                .to_owned(),
        ),
        ("\"columns\": [", "\"columns\": [\"YEAR\", ", "columns".to_owned()),
    ] {
        let error = edited(from, to).unwrap_err();
        assert_eq!(error.cause(), Cause::BadDocument, "{error}");
        assert!(error.message().contains(&expected), "{error}");
        assert!(error.place().is_none(), "{error}");
    }
    edited("\"verbose\": false", "\"verbose\": true").unwrap();
    from_json(format!("\u{feff}{json}").as_bytes()).unwrap();
}

#[test]
fn of_zero_and_minus_zero_the_first_is_the_category() {
    for (rows, expected) in [("-0.0,1\n0.0,2\n1.5,3\n", "[-0.0, 1.5]"), ("0.0,1\n-0.0,2\n1.5,3\n", "[0.0, 1.5]")] {
        let (document, _) = fitted(&of_one(r#"{"OrdinalEncoder": {}}"#), rows, 1).unwrap();
        let json = String::from_utf8(document.to_json()).unwrap();
        assert!(json.contains(&format!("\"categories_\": [{expected}")), "{json}");
    }
}

#[test]
fn a_column_without_a_name_may_be_given_twice() {
    let specification = r#"{"version": 1, "transformer": {"ColumnTransformer": {
        "transformers": [["a", {"MinMaxScaler": {}}, [0, 0]]]}}}"#;
    let (document, _) = fitted(specification, "1,2\n3,6\n", 1).unwrap();
    assert_eq!(served(&from_json(&document.to_json()).unwrap(), "2,0\n"), "0.5,0.5\n");
}

#[test]
fn columns_without_names_are_selected_by_position_without_the_label() {
    let specification = r#"{"version": 1, "label": "y", "label_position": "first", "transformer": {
        "ColumnTransformer": {"transformers": [["a", {"MinMaxScaler": {}}, [-1]]], "remainder": "passthrough"}}}"#;
    let (document, _) = fitted(specification, "9,1,2\n9,3,6\n", 1).unwrap();
    let preprocessor = from_json(&document.to_json()).unwrap();
    assert_eq!(served(&preprocessor, "5,4\n"), "0.5,5.0\n");
}
