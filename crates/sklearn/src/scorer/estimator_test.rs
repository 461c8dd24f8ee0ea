//! Estimators with few attributes, for cases without fixtures: each is a pickle of protocol 0, written by hand, that
//! Python could read.

use crate::allow_list::ScikitLearn;
use crate::method::Method;
use crate::preprocessor::{ColumnsJson, Overrides};
use crate::scorer::Scorer;
use byoc_account::Allowance;
use byoc_formats::error::Result;
use byoc_formats::media_types::answer::write_predictions;
use byoc_formats::media_types::read::read_frame;
use byoc_formats::media_types::{ContentType, MediaType};
use byoc_formats::pickle;

/// `numpy.array([…])` as protocol 0 writes it; of two dimensions if `rows` is given.
fn array(values: &[f64], rows: Option<usize>) -> String {
    let shape = match rows {
        Some(rows) => format!("I{rows}\nI{}\n", values.len() / rows),
        None => format!("I{}\n", values.len()),
    };
    let bytes: String = values.iter().flat_map(|value| value.to_le_bytes()).map(escaped).collect();
    format!(
        "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntc_codecs\nencode\n(Vb\nVlatin1\ntRtR(I1\n({shape}t{}\
         I00\nc_codecs\nencode\n(V{bytes}\nVlatin1\ntRtb",
        dtype("f8")
    )
}

fn escaped(byte: u8) -> String {
    format!("\\u{byte:04x}")
}

fn dtype(code: &str) -> String {
    format!("cnumpy\ndtype\n(V{code}\nI00\nI01\ntR(I3\nV<\nNNNI-1\nI-1\nI0\ntb")
}

/// An object array of text.
fn texts(texts: &[&str]) -> String {
    let items: String = texts.iter().map(|text| format!("V{text}\na")).collect();
    format!(
        "cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntc_codecs\nencode\n(Vb\nVlatin1\ntRtR(I1\n(I{}\nt\
         cnumpy\ndtype\n(VO8\nI00\nI01\ntR(I3\nV|\nNNNI-1\nI-1\nI63\ntbI00\n(l{items}tb",
        texts.len()
    )
}

fn text(text: &str) -> String {
    format!("V{text}\n")
}

/// An object with attributes. NEWOBJ is not ASCII, so it is written as in protocol 0.
fn object(module: &str, class: &str, attributes: &[(&str, String)]) -> String {
    let state: String = attributes.iter().map(|(name, value)| format!("V{name}\n{value}s")).collect();
    format!("ccopy_reg\n_reconstructor\n(c{module}\n{class}\nc__builtin__\nobject\nNtR(d{state}b")
}

fn estimator(module: &str, class: &str, version: &str, attributes: &[(&str, String)]) -> String {
    let version = [("_sklearn_version", text(version))];
    object(&format!("sklearn.{module}"), class, &[attributes, &version].concat())
}

fn scorer(pickle: &str, method: Option<Method>) -> Result<Scorer> {
    let tree = pickle::read(format!("{pickle}.").into_bytes(), &ScikitLearn, &Allowance::unbounded())?;
    let columns = ColumnsJson::default().overridden(&Overrides { method, ..Overrides::default() });
    assert!(Scorer::is_in(&tree)?);
    Scorer::from_pickle(&tree, Some(columns), &Allowance::unbounded())
}

fn answer(scorer: &Scorer, body: &str, media_type: MediaType) -> Result<String> {
    let mut out = Vec::new();
    let rows =
        read_frame(ContentType::of(MediaType::Csv), body.as_bytes(), scorer, crate::testing::unbounded())?.into_table();
    write_predictions(scorer.score(rows.into())?, scorer.style(), media_type, &mut out)?;
    Ok(String::from_utf8(out).unwrap())
}

fn ridge(coefficients: String, intercept: String) -> String {
    estimator("linear_model._ridge", "Ridge", "1.6.1", &[("coef_", coefficients), ("intercept_", intercept)])
}

#[test]
fn an_estimator_alone_reads_rows_by_position_and_answers_one_number_per_row() {
    // Fitted on a target of one dimension, and on a table of one column.
    for (coefficients, intercept, json) in [
        (array(&[2.0, 0.5], None), "F1.0\n".to_owned(), "[4.0]"),
        (array(&[2.0, 0.5], Some(1)), array(&[1.0], None), "[[4.0]]"),
    ] {
        let ridge = scorer(&ridge(coefficients, intercept), None).unwrap();
        assert_eq!(answer(&ridge, "1,2\n3,4\n", MediaType::Csv).unwrap(), "4.0\n9.0\n");
        assert_eq!(answer(&ridge, "1,2\n", MediaType::Json).unwrap(), json);
        let wrong = answer(&ridge, "1,2,3\n", MediaType::Csv).unwrap_err().to_string();
        assert_eq!(wrong, "row 1, byte 0: expected rows of 2 columns, found 3");
    }
}

#[test]
fn text_goes_through_pythons_float_and_gaps_and_infinity_are_refused_with_their_place() {
    let ridge = scorer(&ridge(array(&[1.0, 1.0], None), "I0\n".into()), None).unwrap();
    assert_eq!(answer(&ridge, "1_0,2\n 3,x4\n".replace("x", "").as_str(), MediaType::Csv).unwrap(), "12.0\n7.0\n");
    for (body, expected) in [
        ("1,2\n,2\n", "row 2, column 1: expected a number, found a missing value"),
        ("1,inf\n", "row 1, column 2: expected a finite number, found infinity"),
        ("1,2\n3,high\n", "row 2, column 2: could not read \"high\" as a number"),
    ] {
        assert_eq!(answer(&ridge, body, MediaType::Csv).unwrap_err().to_string(), expected);
    }
}

/// A LogisticRegression of one feature with a coefficient for each output.
fn logistic(version: &str, coefficients: &[f64], settings: &[(&str, &str)]) -> String {
    let outputs = coefficients.len();
    let classes = if outputs == 1 { texts(&["n", "y"]) } else { texts(&["a", "b", "c"]) };
    let mut attributes = vec![
        ("coef_", array(coefficients, Some(outputs))),
        ("intercept_", array(&vec![0.0; outputs], None)),
        ("classes_", classes),
    ];
    attributes.extend(settings.iter().map(|(name, value)| (*name, text(value))));
    estimator("linear_model._logistic", "LogisticRegression", version, &attributes)
}

/// The probabilities of the row `1`.
fn probabilities(pickle: &str) -> Vec<f64> {
    let scorer = scorer(pickle, Some(Method::PredictProba)).unwrap();
    let answer = answer(&scorer, "1\n", MediaType::Csv).unwrap();
    answer.trim_end().split(',').map(|cell| cell.parse().unwrap()).collect()
}

#[test]
fn the_computation_of_probabilities_depends_on_multi_class_solver_and_version() {
    let sigmoid = |value: f64| 1.0 / (1.0 + (-value).exp());
    let near = |found: f64, expected: f64| (found - expected).abs() < 1e-15;
    let one_versus_rest = |values: [f64; 3]| sigmoid(values[2]) / values.map(sigmoid).iter().sum::<f64>();
    let softmax = |values: [f64; 3]| values[2].exp() / values.map(f64::exp).iter().sum::<f64>();
    let three = [-1.0, 0.5, 2.0];
    type Case = (&'static str, &'static [(&'static str, &'static str)], bool);
    let cases: &[Case] = &[
        ("0.20.4", &[("multi_class", "warn"), ("solver", "lbfgs")], true),
        ("0.20.4", &[("multi_class", "auto"), ("solver", "liblinear")], true),
        ("0.24.2", &[("multi_class", "auto"), ("solver", "lbfgs")], false),
        ("1.2.2", &[("multi_class", "ovr"), ("solver", "lbfgs")], true),
        ("1.6.1", &[("multi_class", "deprecated"), ("solver", "liblinear")], true),
        ("1.6.1", &[("multi_class", "deprecated"), ("solver", "saga")], false),
        ("1.7.2", &[("multi_class", "multinomial"), ("solver", "lbfgs")], false),
        ("1.8.0", &[("solver", "lbfgs")], false),
        ("1.9.1", &[], false),
    ];
    for (version, settings, each_alone) in cases {
        let found = probabilities(&logistic(version, &three, settings));
        let expected = if *each_alone { one_versus_rest(three) } else { softmax(three) };
        assert!(near(found[2], expected), "{version} {settings:?}: {found:?}, expected {expected}");
    }
    let two = |version, settings: &[_]| probabilities(&logistic(version, &[0.75], settings))[1];
    assert!(near(two("1.6.1", &[("multi_class", "multinomial"), ("solver", "lbfgs")]), sigmoid(1.5)));
    assert!(near(two("1.6.1", &[("multi_class", "auto"), ("solver", "lbfgs")]), sigmoid(0.75)));
    assert!(near(two("1.8.0", &[]), sigmoid(0.75)));
}

#[test]
fn a_search_is_read_as_its_best_estimator() {
    let best = ridge(array(&[2.0], None), "F0.5\n".into());
    let search = |attributes: &[(&str, String)]| {
        let pipeline = object("sklearn.pipeline", "Pipeline", &[("steps", format!("(l(Vridge\n{best}ta"))]);
        let found = [("best_estimator_", pipeline)];
        let attributes = [attributes, if attributes.is_empty() { &found } else { &[] }].concat();
        estimator("model_selection._search", "GridSearchCV", "1.6.1", &attributes)
    };
    let found = scorer(&search(&[]), None).unwrap();
    assert_eq!(answer(&found, "4\n", MediaType::Csv).unwrap(), "8.5\n");
    let tree = pickle::read(
        format!("{}.", search(&[("refit", "I00\n".into())])).into_bytes(),
        &ScikitLearn,
        &Allowance::unbounded(),
    )
    .unwrap();
    let message = Scorer::is_in(&tree).unwrap_err().to_string();
    assert!(
        message
            .ends_with("GridSearchCV: best_estimator_ is missing: expected a search that was fitted, with refit=True"),
        "{message}"
    );
}

#[test]
fn attributes_that_do_not_fit_each_other_are_refused() {
    let refused = |pickle: &str| scorer(pickle, None).map(drop).unwrap_err().to_string();
    let classifier = |coefficients: String, intercept: String, classes: String| {
        let attributes = [("coef_", coefficients), ("intercept_", intercept), ("classes_", classes)];
        refused(&estimator("svm._classes", "LinearSVC", "1.6.1", &attributes))
    };
    let one = || array(&[1.0], Some(1));
    let zero = || array(&[0.0], None);
    let cases = [
        (refused(&ridge("N".into(), zero())), "coef_ to be an array of floats"),
        (refused(&ridge(array(&[f64::NAN], None), zero())), "coef_ to be finite numbers"),
        (refused(&ridge(texts(&["1"]), zero())), "coef_ to be an array of floats"),
        (refused(&ridge(one(), "N".into())), "intercept_ to be a finite number"),
        (refused(&ridge(array(&[1.0; 6], Some(3)), array(&[0.0; 2], None))), "or 3 of them"),
        (
            refused(&estimator("linear_model._ridge", "Ridge", "1.6.1", &[])),
            "coef_ is missing: expected a fitted Ridge",
        ),
        (classifier(one(), zero(), texts(&["a", "b", "c"])), "expected 2 classes_ for a coef_ of 1 rows, found 3"),
        (classifier(array(&[1.0; 3], Some(3)), zero(), texts(&["a", "b"])), "expected 3 classes_"),
        (classifier(one(), zero(), "(lI1\na".into()), "classes_ to be a one-dimensional array"),
    ];
    for (message, expected) in cases {
        assert!(message.contains(expected), "{expected}: {message}");
    }
}
