//! Documents that are one instance, or a frame as pandas writes one.

use super::*;
use crate::error::Error;
use crate::rows::batch::Row;
use crate::rows::reading::{ReadAs, Reading};
use crate::rows::table::{Cell, Column, Table};
use crate::testing::unbounded;
use byoc_account::{Allowance, Purpose};

/// Named columns, of which the last is the label.
struct Names(&'static [&'static str]);

impl Schema for Names {
    fn check_width(&self, columns: usize) -> Result<()> {
        match self.0.len() {
            names if columns == names || columns + 1 == names => Ok(()),
            names => Err(Error::bad_payload(format!("expected {names} columns, found {columns}"))),
        }
    }

    fn names(&self) -> Vec<&str> {
        self.0.to_vec()
    }

    fn uses(&self, name: &str) -> bool {
        !name.starts_with("unused")
    }

    fn label(&self) -> Option<usize> {
        self.0.len().checked_sub(1)
    }
}

const HOUSES: Names = Names(&["wide", "color", "price"]);

fn read(body: &str, schema: &dyn Schema) -> Result<Table<'static>> {
    let frame = read_table(body.as_bytes(), schema, unbounded())?;
    Ok(frame.into_owned(unbounded())?.into_table())
}

fn said(body: &str) -> String {
    read(body, &HOUSES).map(|table| format!("{:?}", table.columns)).unwrap_or_else(|error| error.to_string())
}

const ONE: &str = "[Int64([1]), Object([Text(\"red\")])]";
const TWO: &str = "[Int64([1, 2]), Object([Text(\"red\"), Text(\"blue\")])]";
const LABELLED: &str = "[Int64([1, 2]), Object([Text(\"red\"), Text(\"blue\")]), Float64([9.5, 7.0])]";

#[test]
fn an_object_with_column_names_is_one_instance() {
    for body in [
        r#"{"wide": 1, "color": "red"}"#,
        r#" { "color": "red", "id": {"x": [1]}, "wide": 1, "columns": 5, "data": null, "instances_of": [1] } "#,
        r#"{"features": [1, "red"]}"#,
        r#"{"data": {"features": {"values": [1, "red"]}}, "wide": 7}"#,
        r#"{"wide": 7, "features": [1, "red"], "color": "green"}"#,
    ] {
        assert_eq!(said(body), ONE, "{body}");
    }
    assert_eq!(
        said(r#"{"price": 2.5, "wide": 1, "color": "red"}"#),
        "[Int64([1]), Object([Text(\"red\")]), Float64([2.5])]"
    );
    assert_eq!(said(r#"{"wide": NaN, "color": null}"#), "[Float64([NaN]), Object([None])]");
    for (body, expected) in [
        (r#"{"wide": 1}"#, "expected a value for each column in some row, found none for color"),
        (
            r#"{"width": 1, "colour": "red"}"#,
            "row 1, byte 28: found no \"instances\": expected an instance such as {\"features\": [1.5, 16.0]} or \
             {\"wide\": 1.5, ...}, found an object without features and without a column of the model; \"width\", \
             \"colour\" are not columns of the model: did you mean color?",
        ),
        (
            r#"{"wide": 1, "color": "red""#,
            "byte 25: expected a comma or }, found the end of the text: this is not JSON",
        ),
        (r#"{"wide": 1, "color": "red"} x"#, "byte 28: expected the end of the text, found \"x\": this is not JSON"),
    ] {
        assert_eq!(said(body), expected, "{body}");
    }
}

#[test]
fn instances_are_recognised_after_any_other_members() {
    for body in [
        r#"{"instances": [{"wide": 1, "color": "red"}]}"#,
        r#"{"wide": 3, "instances": [{"wide": 1, "color": "red"}], "color": [1]}"#,
        r#"{"columns": ["color", "wide"], "data": [["blue", 5]], "instances": [[1, "red"]]}"#,
        r#"{"configuration": {"a": 1}, "instances": [[1, "red"]]}"#,
    ] {
        assert_eq!(said(body), ONE, "{body}");
    }
    // Unknown names in other members are not part of the row's error.
    let message = said(r#"{"configuration": {"a": 1}, "instances": [{"wide": 1}]}"#);
    assert_eq!(message, "expected a value for each column in some row, found none for color");
}

/// pandas 2.2 writes the same frame in each of these forms.
#[test]
fn a_frame_of_pandas_is_rows_by_name_in_every_orientation() {
    for body in [
        // to_json(orient="split"), json.dumps(to_dict("split")), without an index, and in any order.
        r#"{"columns":["wide","color"],"index":[0,1],"data":[[1,"red"],[2,"blue"]]}"#,
        r#"{"index": [0, 1], "columns": ["wide", "color"], "data": [[1, "red"], [2, "blue"]]}"#,
        r#"{"columns": ["color", "wide"], "data": [["red", 1], ["blue", 2]]}"#,
        r#"{"data": [["red", 1], ["blue", 2]], "columns": ["color", "wide"]}"#,
        r#"{"data": [[null, "red", 1], [5, "blue", 2]], "columns": ["id", "color", "wide"]}"#,
        // MLflow's names of the same.
        r#"{"dataframe_split": {"columns": ["color", "wide"], "data": [["red", 1], ["blue", 2]]}, "params": {}}"#,
        r#"{"dataframe_records": [{"wide": 1, "color": "red"}, {"wide": 2, "color": "blue"}]}"#,
        // to_json(orient="records") and "table".
        r#"[{"wide":1,"color":"red"},{"wide":2,"color":"blue"}]"#,
        r#"{"schema":{"fields":[{"name":"index","type":"integer"}]},
            "data":[{"index":0,"wide":1,"color":"red"},{"index":1,"wide":2,"color":"blue"}]}"#,
        // to_json(), and json.dumps(to_dict("list")).
        r#"{"wide":{"0":1,"1":2},"color":{"0":"red","1":"blue"}}"#,
        r#"{"id": {"a": 5, "b": 6}, "color": {"a": "red", "b": "blue"}, "wide": {"a": 1, "b": 2}}"#,
        r#"{"wide": [1, 2], "color": ["red", "blue"]}"#,
        r#"{"color": ["red", "blue"], "id": 7, "wide": [1, 2]}"#,
        // Columns without names come by position.
        r#"{"columns":[0,1],"index":[0,1],"data":[[1,"red"],[2,"blue"]]}"#,
        r#"{"data": [[1, "red"], [2, "blue"]]}"#,
    ] {
        assert_eq!(said(body), TWO, "{body}");
    }
    for body in [
        r#"{"columns":["price","wide","color"],"data":[[9.5,1,"red"],[7,2,"blue"]]}"#,
        r#"{"price": [9.5, 7], "wide": [1, 2], "color": ["red", "blue"]}"#,
        r#"{"price": {"0": 9.5, "1": 7}, "wide": {"0": 1, "1": 2}, "color": {"0": "red", "1": "blue"}}"#,
    ] {
        assert_eq!(said(body), LABELLED, "{body}");
    }
    let gaps = r#"{"wide": [null, 2, NaN], "color": ["a", null, "c"]}"#;
    assert_eq!(said(gaps), "[Float64([NaN, 2.0, NaN]), Object([Text(\"a\"), None, Text(\"c\")])]");
}

#[test]
fn a_column_may_have_the_name_of_a_form_if_its_value_is_a_scalar() {
    let named = Names(&["features", "data", "columns", "index", "instances", "price"]);
    let row = "[Int64([1]), Int64([2]), Int64([3]), Int64([4]), Int64([5])]";
    for body in [
        r#"{"features": 1, "data": 2, "columns": 3, "index": 4, "instances": 5}"#,
        r#"{"instances": 5, "index": 4, "columns": 3, "data": 2, "features": 1}"#,
        r#"[{"features": 1, "data": 2, "columns": 3, "index": 4, "instances": 5}]"#,
        r#"{"instances": [{"features": 1, "data": 2, "columns": 3, "index": 4, "instances": 5}]}"#,
        r#"{"index": [0], "columns": ["index", "instances", "columns", "data", "features"],
            "data": [[4, 5, 3, 2, 1]]}"#,
    ] {
        assert_eq!(format!("{:?}", read(body, &named).unwrap().columns), row, "{body}");
    }
    let columns = Names(&["columns", "index", "price"]);
    let table = read(r#"{"columns": [1, 2], "index": [3, 4]}"#, &columns).unwrap();
    assert_eq!(table.columns, [Column::Int64(vec![1, 2]), Column::Int64(vec![3, 4])]);
    let features = Names(&["features", "data", "price"]);
    let table = read(r#"[{"features": 1, "data": 2}, {"features": [3, 4]}]"#, &features).unwrap();
    assert_eq!(table.columns, [Column::Int64(vec![1, 3]), Column::Int64(vec![2, 4])]);
}

#[test]
fn a_frame_that_does_not_fit_is_refused_with_its_place() {
    let cases = [
        (
            r#"{"columns": ["wide", "color"], "data": [[1, "red"], [2]]}"#,
            "row 2, byte 54: expected 2 values, one for each of \"columns\", found 1",
        ),
        (
            r#"{"columns": ["wide", "color"], "data": [[1, "red", 3]]}"#,
            "row 1, byte 52: expected 2 values, one for each of \"columns\", found 3",
        ),
        (
            r#"{"columns": ["wide", "Color"], "data": [[1, "red"]]}"#,
            "expected a value for each column in some row, found none for color; \"Color\" is not a column of the \
             model: did you mean color?",
        ),
        (
            r#"{"columns": ["Wide", "Color"], "data": [[1, "red"]]}"#,
            "columns: expected columns of the model such as \"wide\", found none of them; \"Wide\", \"Color\" are not \
             columns of the model: did you mean wide?",
        ),
        (
            r#"{"columns": ["wide", "color"], "data": [[1, ["red"]]]}"#,
            "row 1, column 2, byte 44: expected a value, found a list",
        ),
        (
            r#"{"columns": ["wide", "color"], "data": [{"wide": 1}]}"#,
            "row 1, byte 40: expected a row: a list of a value for each of \"columns\", found an object",
        ),
        (r#"{"dataframe_split": {"columns": ["wide"]}}"#, "byte 40: missing field `data`"),
        (r#"{"wide": [1, 2], "color": ["red"]}"#, "byte 33: expected 2 values as in the first column, found 1"),
        (
            r#"{"wide": [1, 2], "color": "red"}"#,
            "byte 26: expected the values of all rows, as another column has them, found one value",
        ),
        (
            r#"{"wide": [1, 2], "color": {"0": "red", "1": "blue"}}"#,
            "byte 26: expected all columns to be lists or all to be objects, found both",
        ),
        (
            r#"{"wide": {"0": 1, "1": 2}, "color": {"1": "red", "0": "blue"}}"#,
            "byte 37: expected the rows of the first column in their order, found another",
        ),
        (r#"{"wide": [1, [2]]}"#, "row 2, column 1, byte 13: expected a value, found a list"),
        (r#"{"wide": [1], "wide": [2]}"#, "byte 14: expected each column once, found one twice"),
        (r#"{"wide": [1, 2]}"#, "expected a value for each column in some row, found none for color"),
    ];
    let found = cases.map(|(body, _)| (body, said(body)));
    assert_eq!(found, cases.map(|(body, expected)| (body, expected.to_owned())));
    let empty = read(r#"{"wide": [], "color": []}"#, &HOUSES).unwrap();
    assert_eq!(empty.rows, 0);
}

#[test]
fn columns_that_no_transformer_uses_may_be_omitted_from_a_frame() {
    let schema = Names(&["wide", "unused", "price"]);
    for body in [r#"{"wide": [1, 2]}"#, r#"{"columns": ["wide"], "data": [[1], [2]]}"#] {
        let table = read(body, &schema).unwrap();
        assert_eq!(table.columns, [Column::Int64(vec![1, 2]), Column::Object(vec![Cell::Missing, Cell::Missing])]);
    }
}

#[test]
fn a_model_without_names_takes_a_frame_by_position() {
    for body in [
        r#"{"columns":["a","b"],"index":[0,1],"data":[[1.5,0],[2,-1]]}"#,
        r#"{"columns":[0,1],"index":[0,1],"data":[[1.5,0],[2,-1]]}"#,
        r#"{"dataframe_split": {"data": [[1.5, 0], [2, -1]]}}"#,
    ] {
        let batch = read_batch(body.as_bytes(), 2, unbounded()).unwrap();
        let expected = [Row::Dense(&[1.5, 0.0]), Row::Dense(&[2.0, -1.0])];
        assert_eq!(batch.rows().collect::<Vec<_>>(), expected, "{body}");
        assert_eq!(read(body, &|_: usize| Ok(())).unwrap().rows, 2);
    }
    let one = read_batch(br#"{"features": {"keys": [1], "shape": [2], "values": [3]}}"#, 2, unbounded()).unwrap();
    assert_eq!(one.rows().collect::<Vec<_>>(), [Row::Sparse { keys: &[1], values: &[3.0] }]);
    let message = read(r#"{"a": [1, 2]}"#, &|_: usize| Ok(())).unwrap_err().to_string();
    assert!(message.ends_with("found an object without features (the model's columns have no names)"), "{message}");
}

/// The first of two columns is text, whatever it looks like.
struct Zip;

impl Schema for Zip {
    fn check_width(&self, columns: usize) -> Result<()> {
        ZIP.check_width(columns)
    }

    fn names(&self) -> Vec<&str> {
        ZIP.names()
    }

    fn label(&self) -> Option<usize> {
        ZIP.label()
    }

    fn reading(&self, column: usize, _width: usize) -> Reading {
        Reading { dtype: (column == 0).then_some(ReadAs::Str), ..Reading::default() }
    }
}

const ZIP: Names = Names(&["zip", "rooms", "price"]);

#[test]
fn a_dtype_of_a_column_applies_in_every_form() {
    let expected = "[Object([Text(\"10115\"), Text(\"2.5\"), None]), Int64([1, 2, 3])]";
    for body in [
        r#"[{"zip": 10115, "rooms": 1}, {"zip": 2.5, "rooms": 2}, {"zip": null, "rooms": 3}]"#,
        r#"{"columns": ["rooms", "zip"], "data": [[1, 10115], [2, 2.5], [3, null]]}"#,
        r#"{"zip": [10115, 2.5, null], "rooms": [1, 2, 3]}"#,
        r#"{"rooms": {"0": 1, "1": 2, "2": 3}, "zip": {"0": 10115, "1": 2.5, "2": null}}"#,
    ] {
        assert_eq!(format!("{:?}", read(body, &Zip).unwrap().columns), expected, "{body}");
    }
    let one = read(r#"{"rooms": 1, "zip": 10115}"#, &Zip).unwrap();
    assert_eq!(one.columns, [Column::Object(vec![Cell::Text("10115".into())]), Column::Int64(vec![1])]);
}

#[test]
fn the_memory_of_names_is_given_back() {
    let names: Vec<String> = (0..5000).map(|column| format!("\"c{column}\"")).collect();
    let body = format!("{{\"data\": [], \"columns\": [{}, \"wide\"]}}", names.join(","));
    let allowance = Allowance::of_bytes(1 << 20, Purpose::Answer);
    let frame = read_table(body.as_bytes(), &HOUSES, &allowance).unwrap();
    assert_eq!(frame.rows(), 0);
    assert!(allowance.max_taken() >= 5000 * size_of::<Option<u32>>() as u64, "{}", allowance.max_taken());
    assert!(allowance.taken() < 1000, "{}", allowance.taken());
}
