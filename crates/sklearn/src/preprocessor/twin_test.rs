//! Compares the housing model with a simple reference implementation: one cell at a time, with every rule of
//! scikit-learn's StandardScaler and OneHotEncoder written out.

use super::{ColumnsJson, Preprocessor};
use crate::allow_list::ScikitLearn;
use byoc_account::Allowance;
use byoc_formats::media_types::csv;
use byoc_formats::pickle::{self, Tree, Value};
use byoc_formats::rows::Features;
use byoc_formats::rows::table::{Cell, Column, Table};
use proptest::prelude::*;
use std::path::Path;

fn housing() -> (Preprocessor, Tree) {
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/sklearn/1.6.1/housing_short");
    let tree =
        pickle::read(std::fs::read(case.join("model.joblib")).unwrap(), &ScikitLearn, &Allowance::unbounded()).unwrap();
    let columns =
        ColumnsJson::parse(&std::fs::read(case.join("columns.json")).unwrap(), &Allowance::unbounded()).unwrap();
    (Preprocessor::from_pickle(&tree, Some(columns), &Allowance::unbounded()).unwrap(), tree)
}

/// The one step of the pipeline that a branch of the ColumnTransformer has.
fn step(tree: &Tree, branch: usize) -> Value<'_> {
    let transformers = tree.root().attribute("transformers_").unwrap();
    let [_, pipeline, _]: [Value<'_>; 3] = transformers.items().unwrap().nth(branch).unwrap().array_of().unwrap();
    let [_, step] = pipeline.attribute("steps").unwrap().items().unwrap().next().unwrap().array_of().unwrap();
    step
}

/// A cell as a number, if numpy can convert it.
fn slow_number(column: &Column<'_>, row: usize) -> Option<f64> {
    match column {
        Column::Int64(values) => Some(values[row] as f64),
        Column::UInt64(values) => Some(values[row] as f64),
        Column::Float64(values) => Some(values[row]),
        Column::Bool(values) => Some(if values[row] { 1.0 } else { 0.0 }),
        Column::Object(cells) => match &cells[row] {
            Cell::Missing => Some(f64::NAN),
            Cell::Bool(value) => Some(if *value { 1.0 } else { 0.0 }),
            Cell::Text(text) => text.trim().parse().ok(),
            other => panic!("no CSV gives {other:?}"),
        },
        Column::Float32(_) => panic!("no CSV gives float32"),
    }
}

/// The features of all rows, or `None` where scikit-learn raises.
fn slow_transform(tree: &Tree, table: &Table<'_>) -> Option<Vec<Vec<f64>>> {
    let (scaler, encoder) = (step(tree, 0), step(tree, 1));
    let numbers = |name| scaler.attribute(name).unwrap().as_array().unwrap().to_f64().unwrap();
    let (mean, scale) = (numbers("mean_"), numbers("scale_"));
    let mut rows = Vec::new();
    for row in 0..table.rows {
        let mut features = Vec::new();
        for column in 0..6 {
            let value = slow_number(&table.columns[column], row).filter(|value| !value.is_infinite())?;
            features.push((value - mean[column]) / scale[column]);
        }
        for (column, categories) in encoder.attribute("categories_").unwrap().items().unwrap().enumerate() {
            let Column::Object(cells) = &table.columns[6 + column] else { return None };
            for category in categories.as_array().unwrap().objects().unwrap() {
                let same = matches!(&cells[row], Cell::Text(text) if Some(&**text) == category.as_str());
                features.push(if same { 1.0 } else { 0.0 });
            }
        }
        rows.push(features);
    }
    Some(rows)
}

fn row() -> impl Strategy<Value = Vec<&'static str>> {
    let number = prop_oneof![
        20 => proptest::sample::select(&["1990", "2500.25", "-3", "1e3", " 7 ", "0.1"][..]),
        2 => proptest::sample::select(&["", "NA", "True"][..]),
        1 => proptest::sample::select(&["inf", "x", "1e400", "99999999999999999999"][..]),
    ];
    let category = prop_oneof![
        20 => proptest::sample::select(&["y", "n"][..]),
        4 => proptest::sample::select(&["", "maybe", " y", "Y", "1", "True"][..]),
    ];
    (proptest::collection::vec(number, 6), proptest::collection::vec(category, 2)).prop_map(|(a, b)| [a, b].concat())
}

#[test]
fn the_housing_model_agrees_with_the_reference_implementation_on_random_rows() {
    let (housing, tree) = housing();
    let mut answered = 0;
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(2000));
    let mut check = |rows: Vec<Vec<&str>>| {
        let body: String = rows.iter().map(|row| row.join(",") + "\n").collect();
        let table = csv::read(body.as_bytes(), &|_: usize| Ok(()), crate::testing::unbounded()).unwrap();
        let slow = slow_transform(&tree, &table);
        let fast = housing.transform(table).ok().map(Features::into_table);
        prop_assert_eq!(fast.is_some(), slow.is_some(), "{}", body);
        if let (Some(fast), Some(slow)) = (fast, slow) {
            answered += 1;
            for (index, column) in fast.columns.iter().enumerate() {
                let Column::Float64(values) = column else { panic!("{column:?}") };
                let bits = |value: &f64| if value.is_nan() { u64::MAX } else { value.to_bits() };
                let expected: Vec<u64> = slow.iter().map(|row| bits(&row[index])).collect();
                prop_assert_eq!(values.iter().map(bits).collect::<Vec<_>>(), expected, "{}", body);
            }
            prop_assert_eq!(fast.columns.len(), slow[0].len());
        }
        Ok(())
    };
    let cells = std::cell::RefCell::new(&mut check);
    runner.run(&proptest::collection::vec(row(), 1..6), |rows| (cells.borrow_mut())(rows)).unwrap();
    assert!(answered > 200, "only {answered} bodies had an answer");
}
