use super::*;
use crate::error::Error;
use crate::media_types::MediaType;
use crate::media_types::answer::write_features;
use crate::media_types::read::read_frame_piece;
use crate::rows::batch::Row;
use crate::rows::reading::{ReadAs, Reading};
use crate::rows::table::{Cell, Column, Table};
use crate::testing::unbounded;
use proptest::prelude::*;

fn read_batch(body: &[u8], width: usize) -> Result<Batch<'static>> {
    super::read_batch(body, width, unbounded())
}

fn read_table<'a>(body: &'a [u8], schema: &dyn Schema) -> Result<Table<'a>> {
    super::read_table(body, schema, unbounded()).map(Frame::into_table)
}

/// The same of JSON Lines.
mod jsonlines {
    use super::*;

    pub(super) fn read_batch(body: &[u8], width: usize) -> Result<Batch<'static>> {
        crate::media_types::jsonlines::read_batch(body, width, unbounded())
    }

    pub(super) fn read_table<'a>(body: &'a [u8], schema: &dyn Schema) -> Result<Table<'a>> {
        crate::media_types::jsonlines::read_table(body, schema, unbounded()).map(Frame::into_table)
    }
}

#[test]
fn every_documented_form_of_an_instance_reads_as_the_same_row() {
    let dense = [1.5, 0.0, -2.0];
    for instance in [
        r#"{"features": [1.5, 0, -2]}"#,
        r#"{"label": 3, "features": [1.5, 0, -2], "more": {"deep": [1, {"x": null}]}}"#,
        r#"{"features": {"values": [1.5, 0, -2.0]}}"#,
        r#"{"data": {"features": [1.5, 0, -2]}}"#,
        r#"{"data": {"features": {"values": [1.5, 0.0, -2]}}, "configuration": {"a": 1}}"#,
        r#"{"data": {"label": 1, "features": {"shape": [3], "values": [1.5, 0, -20e-1]}}}"#,
        r#"{"data": {"features": {"keys": [], "values": [1.5, 0, -2]}}}"#,
    ] {
        let document = format!("{{\"x\": [1], \"instances\": [{instance}], \"y\": 2}}");
        assert_eq!(read_batch(document.as_bytes(), 3).unwrap().rows().collect::<Vec<_>>(), [Row::Dense(&dense)]);
        assert_eq!(
            jsonlines::read_batch(instance.as_bytes(), 3).unwrap().rows().collect::<Vec<_>>(),
            [Row::Dense(&dense)]
        );
    }
    for (instance, keys, values) in [
        (r#"{"data": {"features": {"keys": [2, 0], "shape": [3], "values": [-2, 1.5]}}}"#, vec![2, 0], vec![-2.0, 1.5]),
        (r#"{"data": {"features": {"values": [1.5], "keys": [0]}}}"#, vec![0], vec![1.5]),
        (r#"{"features": {"keys": [], "shape": [3], "values": []}}"#, vec![], vec![]),
        (r#"{"data": {"features": {"shape": [3]}}}"#, vec![], vec![]),
    ] {
        let batch = jsonlines::read_batch(instance.as_bytes(), 3).unwrap();
        assert_eq!(batch.rows().collect::<Vec<_>>(), [Row::Sparse { keys: &keys, values: &values }], "{instance}");
    }
}

#[test]
fn rows_may_be_bare_lists_as_numpy_arrays_become_json() {
    let expected = [Row::Dense(&[1.5, 0.0]), Row::Dense(&[2.0, -1.0])];
    for body in [
        r#"{"instances": [[1.5, 0], [2, -1]]}"#,
        r#"{"instances": [{"features": [1.5, 0]}, [2, -1]]}"#,
        "[[1.5, 0], [2, -1]]",
        r#"[{"features": [1.5, 0]}, {"data": {"features": {"values": [2, -1]}}}]"#,
        r#"[[1.5, 0], {"features": {"keys": [0, 1], "values": [2, -1], "shape": [2]}}]"#,
    ] {
        let batch = read_batch(body.as_bytes(), 2).unwrap();
        let dense: Vec<_> = batch
            .rows()
            .map(|row| match row {
                Row::Sparse { values, .. } => Row::Dense(values),
                dense => dense,
            })
            .collect();
        assert_eq!(dense, expected, "{body}");
    }
    assert_eq!(read_batch(b"[1.5, 0]", 2).unwrap().rows().collect::<Vec<_>>(), expected[..1]);
    let lines = jsonlines::read_batch(b"[1.5, 0]\n{\"features\": [2, -1]}\n", 2).unwrap();
    assert_eq!(lines.rows().collect::<Vec<_>>(), expected);
    let table = read_table(br#"[["a", 1], ["b", null]]"#, &|_: usize| Ok(())).unwrap();
    assert_eq!(table.columns[0], Column::Object(vec![Cell::Text("a".into()), Cell::Text("b".into())]));
    assert_eq!(read_table(br#"[true, "a", 1, 2.5, null]"#, &|_: usize| Ok(())).unwrap().columns.len(), 5);
}

/// Two features and a label, as a model may name them.
struct Named(&'static [&'static str], Option<usize>);

impl Schema for Named {
    fn check_width(&self, columns: usize) -> Result<()> {
        match columns {
            2 | 3 => Ok(()),
            found => Err(Error::bad_payload(format!("expected 2 or 3 columns, found {found}"))),
        }
    }

    fn names(&self) -> Vec<&str> {
        self.0.to_vec()
    }

    fn label(&self) -> Option<usize> {
        self.1
    }
}

const LABEL_LAST: Named = Named(&["wide", "color", "price"], Some(2));
const LABEL_FIRST: Named = Named(&["price", "wide", "color"], Some(0));

#[test]
fn objects_give_values_by_the_names_of_columns_in_any_order() {
    let text = |texts: &[&str]| Column::Object(texts.iter().map(|text| Cell::Text(text.to_string().into())).collect());
    let plain = vec![Column::Int64(vec![1, 2]), text(&["red", "blue"])];
    for body in [
        r#"{"instances": [{"wide": 1, "color": "red"}, {"color": "blue", "wide": 2}]}"#,
        r#"[{"wide": 1, "color": "red", "id": {"x": [1]}}, {"color": "blue", "more": 7, "wide": 2}]"#,
        r#"{"instances": [[1, "red"], {"color": "blue", "wide": 2}]}"#,
        r#"{"instances": [{"color": "red", "wide": 1}, {"features": [2, "blue"], "color": "green"}]}"#,
        r#"{"instances": [{"wide": 3, "features": [1, "red"]}, {"wide": 3, "color": "blue", "wide": 2}]}"#,
    ] {
        for schema in [&LABEL_LAST, &LABEL_FIRST] {
            let table = read_table(body.as_bytes(), schema).unwrap();
            assert_eq!(table, Table { rows: 2, columns: plain.clone() }, "{body}");
        }
    }
    let lines = "{\"wide\": 1, \"color\": \"red\"}\n{\"color\": \"blue\", \"wide\": 2}";
    assert_eq!(jsonlines::read_table(lines.as_bytes(), &LABEL_LAST).unwrap().columns, plain);

    let labelled = r#"[{"price": 9.5, "wide": 1, "color": "red"}, {"wide": 2, "color": "blue", "price": 7}]"#;
    let price = || Column::Float64(vec![9.5, 7.0]);
    assert_eq!(read_table(labelled.as_bytes(), &LABEL_LAST).unwrap().columns, [plain.clone(), vec![price()]].concat());
    assert_eq!(read_table(labelled.as_bytes(), &LABEL_FIRST).unwrap().columns, [vec![price()], plain].concat());
}

/// pandas.DataFrame([{"wide": 1, "color": "red"}, {"wide": 2}, {"color": None}]): a missing value is NaN, None is None.
#[test]
fn a_value_that_an_object_does_not_name_is_missing_as_in_pandas() {
    let table = read_table(br#"[{"wide": 1, "color": "red"}, {"wide": 2}, {"color": null}]"#, &LABEL_LAST).unwrap();
    assert_eq!(format!("{:?}", table.columns), "[Float64([1.0, 2.0, NaN]), Object([Text(\"red\"), Missing, None])]");
    let table = read_table(br#"[{"color": "red"}, {"wide": 2, "color": "red"}]"#, &LABEL_LAST).unwrap();
    assert_eq!(format!("{:?}", table.columns[0]), "Float64([NaN, 2.0])");
}

/// pandas.DataFrame([{"wide": 1, "color": "red", "price": 5}, {"wide": 2, "color": "red"}]): the label is a column like
/// any other.
#[test]
fn a_label_is_missing_in_objects_without_it_and_not_a_column_if_no_object_has_it() {
    let given = r#"{"wide": 1, "color": "red", "price": 5}"#;
    let left_out = r#"{"wide": 2, "color": "red"}"#;
    for (rows, price) in [
        (vec![given, left_out], Some("[5.0, NaN]")),
        (vec![left_out, given], Some("[NaN, 5.0]")),
        (vec![left_out, left_out, given, left_out], Some("[NaN, NaN, 5.0, NaN]")),
        (vec![left_out, left_out], None),
        (vec![r#"[1, "red"]"#, left_out], None),
    ] {
        for (schema, index) in [(&LABEL_LAST, 2), (&LABEL_FIRST, 0)] {
            let (list, lines) = (
                format!("[{}]", rows.join(",")),
                rows.join(
                    "
",
                ),
            );
            for table in [read_table(list.as_bytes(), schema), jsonlines::read_table(lines.as_bytes(), schema)] {
                let mut columns = table.unwrap().columns;
                let found = (columns.len() == 3).then(|| format!("{:?}", columns.remove(index)));
                assert_eq!(found, price.map(|price| format!("Float64({price})")), "{list}");
                assert_eq!(columns[0].dtype(), "int64", "{list}");
                assert_eq!(columns[1], Column::Object(vec![Cell::Text("red".into()); rows.len()]), "{list}");
            }
        }
    }
    let by_position_first = read_table(br#"[[1, "red", 5], {"wide": 2, "color": "red"}]"#, &LABEL_LAST).unwrap();
    assert_eq!(format!("{:?}", by_position_first.columns[2]), "Float64([5.0, NaN])");
}

#[test]
fn a_label_is_missing_in_a_piece_without_it_if_earlier_rows_had_it() {
    let json_lines = crate::media_types::ContentType::of(MediaType::JsonLines);
    let read = |columns, body: &'static str| {
        read_frame_piece(json_lines, body.as_bytes(), columns, &LABEL_FIRST, unbounded()).map(Frame::into_table)
    };
    let left_out = r#"{"wide": 2, "color": "red"}"#;
    assert_eq!(format!("{:?}", read(Some(3), left_out).unwrap().columns[0]), "Object([Missing])");
    assert_eq!(read(Some(2), left_out).unwrap().columns.len(), 2);
    let message = read(Some(2), r#"{"wide": 2, "color": "red", "price": 1}"#).unwrap_err().to_string();
    assert!(message.ends_with("expected 2 columns as in the rows before, found 3"), "{message}");
}

/// Columns of the given types: text, whole numbers, numbers, booleans.
struct TypedColumns;

impl Schema for TypedColumns {
    fn check_width(&self, _columns: usize) -> Result<()> {
        Ok(())
    }

    fn names(&self) -> Vec<&str> {
        vec!["zip", "rooms", "price", "new"]
    }

    fn reading(&self, column: usize, _width: usize) -> Reading {
        Reading { dtype: ReadAs::ALL.get([0, 2, 1, 3][column]).copied(), ..Reading::default() }
    }
}

#[test]
fn a_value_in_a_column_with_a_dtype_is_read_like_its_csv_cell() {
    let columns = |body: &str| match read_table(body.as_bytes(), &TypedColumns) {
        Ok(table) => format!("{:?}", table.columns),
        Err(error) => error.to_string(),
    };
    assert_eq!(
        columns(r#"[[10115, 1, 2, true], ["01234", 2.0, null, 0], [1.5, "3", "2.5", false], [null, 4, 1, 1]]"#),
        "[Object([Text(\"10115\"), Text(\"01234\"), Text(\"1.5\"), None]), Int64([1, 2, 3, 4]), \
         Float64([2.0, NaN, 2.5, 1.0]), Bool([true, false, false, true])]"
    );
    // The text of a value does not depend on the other values.
    let texts = columns(
        r#"[{"zip": 1, "rooms": 1, "price": 1, "new": true}, {"zip": 2.5, "rooms": 1, "price": 1, "new": true},
        {"zip": true, "rooms": 1, "price": 1, "new": true}, {"rooms": 1, "price": 1, "new": true},
        {"zip": 18446744073709551615, "rooms": 1, "price": 1, "new": true}]"#,
    );
    let zip = "[Object([Text(\"1\"), Text(\"2.5\"), Text(\"True\"), Missing, Text(\"18446744073709551615\")]), ";
    assert!(texts.starts_with(zip), "{texts}");
    for (body, expected) in [
        (
            r#"[["a", 1, 1, true], ["a", null, 1, true]]"#,
            "row 2, column 2 (rooms): expected a whole number, since the column is read as int64, found a missing \
             value; pandas says: Integer column has NA values in column 1",
        ),
        (
            r#"[["a", 1.5, 1, true]]"#,
            "row 1, column 2 (rooms): expected a whole number, since the column is read as int64, found 1.5; pandas \
             says: cannot safely convert passed user dtype of int64 for float64 dtyped data in column 1",
        ),
        (
            r#"[["a", 1, "x", true]]"#,
            "row 1, column 3 (price): expected a number, since the column is read as float64, found \"x\"; pandas \
             says: could not convert string to float: 'x'",
        ),
        (
            r#"[{"zip": "a", "rooms": 1, "price": 1, "new": true}, {"zip": "a", "rooms": 1, "price": 1}]"#,
            "row 2, column 4 (new): expected True or False, since the column is read as bool, found a missing value; \
             pandas says: Bool column has NA values in column 3",
        ),
    ] {
        assert_eq!(columns(body), expected, "{body}");
    }
}

/// A model that looks at one column only.
struct UsesColor;

impl Schema for UsesColor {
    fn check_width(&self, columns: usize) -> Result<()> {
        LABEL_LAST.check_width(columns)
    }

    fn names(&self) -> Vec<&str> {
        LABEL_LAST.names()
    }

    fn uses(&self, name: &str) -> bool {
        name == "color"
    }

    fn label(&self) -> Option<usize> {
        LABEL_LAST.label()
    }
}

#[test]
fn a_column_that_the_model_does_not_use_may_be_omitted() {
    let table = read_table(br#"[{"color": "red"}, {"color": null, "other": 1}]"#, &UsesColor).unwrap();
    assert_eq!(format!("{:?}", table.columns), "[Object([Missing, Missing]), Object([Text(\"red\"), None])]");
    let message = read_table(br#"[{"wide": 1}]"#, &UsesColor).unwrap_err().to_string();
    assert_eq!(message, "expected a value for each column in some row, found none for color");
}

#[test]
fn objects_that_do_not_fit_the_columns_are_refused_with_the_column() {
    for (body, expected) in [
        (r#"[{"wide": 1}, {"wide": 2}]"#, "expected a value for each column in some row, found none for color"),
        (
            r#"[{"wide": 1, "Color": "red", "size": 3}]"#,
            "expected a value for each column in some row, found none for color; \"Color\", \"size\" are not columns \
             of the model: did you mean color?",
        ),
        (r#"[{"wide": [1], "color": "red"}]"#, "row 1, column 1, byte 10: expected a value, found a list"),
        (
            r#"{"instances": [{"width": 1}]}"#,
            "row 1, byte 26: expected an instance such as {\"features\": [1.5, 16.0]} or {\"wide\": 1.5, ...}, found \
             an object without features and without a column of the model; \"width\" is not a column of the model",
        ),
        (
            r#"[[1, "red"], {"wide": 1, "color": "red", "price": 1}]"#,
            "row 2, byte 51: expected 2 features as in row 1, found 3",
        ),
        (r#"[{"wide": 1, "color": "red"}, [1, "red", 1]]"#, "row 2, byte 42: expected 2 features as in row 1, found 3"),
        (
            r#"[{"wide": 1, "color": "red", "price": 1}, [1, "red"]]"#,
            "row 2, byte 51: expected 3 features as in row 1, found 2",
        ),
    ] {
        assert_eq!(read_table(body.as_bytes(), &LABEL_LAST).unwrap_err().to_string(), expected, "{body}");
    }
    assert_eq!(
        read_table(br#"[{"wide": 1}]"#, &|_: usize| Ok(())).unwrap_err().to_string(),
        "row 1, byte 11: expected an instance such as {\"features\": [1.5, 16.0]}, found an object without features \
         (the model's columns have no names)"
    );
}

#[test]
fn a_document_without_instances_has_no_rows_and_a_body_without_a_document_is_an_error() {
    assert!(read_batch(b"{\"instances\": []}", 3).unwrap().is_empty());
    for body in ["", " \n"] {
        assert_eq!(
            read_batch(body.as_bytes(), 3).unwrap_err().to_string(),
            "expected {\"instances\": [...]}, found an empty body"
        );
        assert_eq!(
            jsonlines::read_batch(body.as_bytes(), 3).unwrap_err().to_string(),
            "expected a JSON object on each line, found an empty body"
        );
    }
}

#[test]
fn lines_may_have_either_line_end_and_blank_lines_do_not_count() {
    for body in ["{\"features\":[1]}\n{\"features\":[2]}", "\r\n{\"features\":[1]}\r\n \n{\"features\":[2]}\r\n\n"] {
        let batch = jsonlines::read_batch(body.as_bytes(), 1).unwrap();
        assert_eq!(batch.rows().collect::<Vec<_>>(), [Row::Dense(&[1.0]), Row::Dense(&[2.0])]);
    }
}

#[test]
fn an_error_names_the_instance_the_column_the_byte_and_what_was_expected() {
    for (body, expected) in [
        (
            r#"{"instances": [{"features": [1, 2]}, {"features": [1, "abc"]}]}"#,
            "row 2, column 2, byte 54: expected a number, found \"abc\"",
        ),
        ("{\"instances\":\n[{\"features\": [1,\n null]}]}", "row 1, column 2, byte 33: expected a number, found null"),
        (r#"{"instances": [{"features": [true, 1]}]}"#, "row 1, column 1, byte 29: expected a number, found true"),
        (r#"{"instances": [{"features": [[1], 1]}]}"#, "row 1, column 1, byte 29: expected a value, found a list"),
        (
            r#"{"instances": [{"features": [1, 1e39]}]}"#,
            "row 1, column 2, byte 32: expected a finite float32, found 1e39",
        ),
        (r#"{"instances": [{"features": [1]}]}"#, "row 1, byte 30: expected 2 features, found 1"),
        (r#"{"instances": [{"features": [1, 2, 3]}]}"#, "row 1, byte 36: expected 2 features, found 3"),
        (
            r#"{"instances": [{"features": {"keys": [2], "values": [1]}}]}"#,
            "row 1, byte 39: expected a key below the model's 2 features (keys count from 0), found 2",
        ),
        (
            r#"{"instances": [{"features": {"keys": [0, 1], "values": [1]}}]}"#,
            "row 1, byte 58: expected as many values as keys in a sparse row, found 2 keys and 1 value",
        ),
        (
            r#"{"instances": [{"features": {"keys": [0], "shape": [2000], "values": [1]}}]}"#,
            "row 1, byte 72: expected 2 features, found 2000",
        ),
        (
            r#"{"instances": [{"features": {"shape": [2], "values": [1]}}]}"#,
            "row 1, byte 56: expected as many values as the shape [2] says, found 1",
        ),
        (
            r#"{"instances": [{"label": 1}]}"#,
            "row 1, byte 26: expected an instance such as {\"features\": [1.5, 16.0]}, found an object without \
             features",
        ),
        (
            r#"{"instances": [1, 2]}"#,
            "row 1, byte 15: expected an instance such as {\"features\": [1.5, 16.0]} or [1.5, 16.0], found 1",
        ),
        (r#"{"instances": [[1, 2], [3]]}"#, "row 2, byte 25: expected 2 features, found 1"),
        (r#"[[1, 2], {"features": [1, "x"]}]"#, "row 2, column 2, byte 26: expected a number, found \"x\""),
        ("[1, 2, 3]", "row 1, byte 8: expected 2 features, found 3"),
        ("[1, null]", "row 1, column 2, byte 4: expected a number, found null"),
        ("[1, [2, 3]]", "row 1, byte 4: expected the values of one row, found an instance among them"),
        ("[[1, 2], 3]", "row 1, byte 9: expected instances, found a value among them"),
        ("[]", "byte 1: expected at least one row, found none"),
        (
            r#"{"instances": [{"features": [1, 2], "data": {"features": [1, 2]}}]}"#,
            "row 1, byte 64: expected features once in an instance, found them twice",
        ),
        (
            r#"{"rows": []}"#,
            "row 1, byte 11: found no \"instances\": expected an instance such as {\"features\": [1.5, 16.0]}, found \
             an object without features",
        ),
        (r#"{"instances": 5}"#, "byte 14: expected a list of instances, found 5"),
        (r#"{"instances": "abc"}"#, "byte 14: expected a list of instances, found \"abc\""),
        (r#"{"instances": {"a": 1}}"#, "byte 14: expected a list of instances, found an object"),
        ("null", "byte 0: expected an object {\"instances\": [...]}, found null"),
        (
            r#"{"instances": [{"features": 5}]}"#,
            "row 1, byte 29: expected an instance such as {\"features\": [1.5, 16.0]}, found an object without \
             features",
        ),
        (
            r#"{"instances": [{"data": 5}]}"#,
            "row 1, byte 25: expected an instance such as {\"features\": [1.5, 16.0]}, found an object without \
             features",
        ),
        (
            "\u{feff}{\"instances\": [[1, 2], [1, \"abc\"]]}",
            "row 2, column 2, byte 30: expected a number, found \"abc\"",
        ),
        (r#"{"instances": [], "instances": []}"#, "byte 18: duplicate field `instances`"),
        (
            "{\"instances\": [{\"features\": [1.0, ",
            "row 1, byte 33: expected a value, found the end of the text: this is not JSON",
        ),
        (
            r#"{"instances": [[1, 1e400]]}"#,
            "row 1, byte 19: found a number that float64 cannot hold: expected one below 1.8e308",
        ),
        ("1,2,3", "byte 0: expected an object {\"instances\": [...]}, found 1"),
        ("{\"instances\": []} x", "byte 18: expected the end of the text, found \"x\": this is not JSON"),
    ] {
        assert_eq!(read_batch(body.as_bytes(), 2).unwrap_err().to_string(), expected, "{body}");
    }
    assert_eq!(
        jsonlines::read_batch(b"{\"features\": [1, 2]}\n\n{\"features\": [1, x]}\n", 2).unwrap_err().to_string(),
        "row 2, byte 39: expected a value, found \"x\": this is not JSON"
    );
    assert_eq!(
        jsonlines::read_batch(b"{\"features\": [1, 2]} {\"features\": [1, 2]}\n", 2).unwrap_err().to_string(),
        "row 1, byte 21: expected the end of the text, found \"{\": this is not JSON"
    );
    assert_eq!(
        jsonlines::read_batch("\u{feff}[1, 2]\n[1, x]\n".as_bytes(), 2).unwrap_err().to_string(),
        "row 2, byte 14: expected a value, found \"x\": this is not JSON"
    );
}

#[test]
fn a_byte_order_mark_is_skipped() {
    let expected = [Row::Dense(&[1.5, 0.0])];
    for body in [r#"{"instances": [[1.5, 0]]}"#, "[[1.5, 0]]", "[1.5, 0]", r#"{"features": [1.5, 0]}"#] {
        let body = format!("\u{feff}{body}");
        assert_eq!(read_batch(body.as_bytes(), 2).unwrap().rows().collect::<Vec<_>>(), expected, "{body}");
    }
    let lines = jsonlines::read_batch("\u{feff}[1.5, 0]\n".as_bytes(), 2).unwrap();
    assert_eq!(lines.rows().collect::<Vec<_>>(), expected);
    let words = "\u{feff}{\"wide\": NaN, \"color\": \"N\"}";
    for table in [read_table(words.as_bytes(), &LABEL_LAST), jsonlines::read_table(words.as_bytes(), &LABEL_LAST)] {
        assert_eq!(format!("{:?}", table.unwrap().columns), "[Float64([NaN]), Object([Text(\"N\")])]");
    }
    assert!(read_batch("\u{feff}".as_bytes(), 2).unwrap_err().to_string().ends_with("found an empty body"));
    assert!(read_batch("\u{feff}\u{feff}[1, 2]".as_bytes(), 2).is_err());
}

#[test]
fn a_line_may_be_the_only_value_of_its_row() {
    let lines = jsonlines::read_batch(b"1.5\n-2\n[3]\n", 1).unwrap();
    assert_eq!(lines.rows().collect::<Vec<_>>(), [Row::Dense(&[1.5]), Row::Dense(&[-2.0]), Row::Dense(&[3.0])]);
    let table = jsonlines::read_table(b"\"high\"\nnull\n", &|_: usize| Ok(())).unwrap();
    assert_eq!(table.columns, [Column::Object(vec![Cell::Text("high".into()), Cell::None])]);
    let message = jsonlines::read_batch(b"[1, 2]\n7\n", 2).unwrap_err().to_string();
    assert_eq!(message, "row 2, byte 7: expected 2 features, found 1");
}

#[test]
fn a_deeply_nested_body_is_an_error_or_skipped_but_no_overflow() {
    let deep = "[".repeat(200_000);
    assert!(read_batch(format!("{{\"instances\": {deep}").as_bytes(), 2).is_err());
    assert!(read_batch(format!("{{\"x\": {deep}").as_bytes(), 2).is_err());
}

#[test]
fn columns_are_typed_as_pandas_types_python_values() {
    for (values, expected) in [
        ("1, 2", Column::Int64(vec![1, 2])),
        ("1, 2.5", Column::Float64(vec![1.0, 2.5])),
        ("2.5, 1", Column::Float64(vec![2.5, 1.0])),
        ("true, false", Column::Bool(vec![true, false])),
        ("true, 1", Column::Object(vec![Cell::Bool(true), Cell::Int(1)])),
        ("1, false", Column::Object(vec![Cell::Int(1), Cell::Bool(false)])),
        ("\"y\", \"\"", Column::Object(vec![Cell::Text("y".into()), Cell::Text("".into())])),
        ("1, \"n\"", Column::Object(vec![Cell::Int(1), Cell::Text("n".into())])),
        ("null, \"n\"", Column::Object(vec![Cell::None, Cell::Text("n".into())])),
        ("null, null", Column::Object(vec![Cell::None, Cell::None])),
        ("null, true", Column::Object(vec![Cell::None, Cell::Bool(true)])),
        ("18446744073709551615, 1", Column::UInt64(vec![u64::MAX, 1])),
        ("1, 18446744073709551615", Column::UInt64(vec![1, u64::MAX])),
        ("-1, 18446744073709551615", Column::Float64(vec![-1.0, 18446744073709551615.0])),
        ("18446744073709551615, 0.5", Column::Float64(vec![18446744073709551615.0, 0.5])),
        ("1.5, \"\\u00e9\\n\"", Column::Object(vec![Cell::Float(1.5), Cell::Text("é\n".into())])),
    ] {
        let [first, second] = values.split_once(", ").map(|(first, second)| [first, second]).unwrap();
        let body = format!("{{\"features\": [{first}]}}\n{{\"data\": {{\"features\": {{\"values\": [{second}]}}}}}}\n");
        assert_eq!(
            jsonlines::read_table(body.as_bytes(), &|_| Ok(())).unwrap(),
            Table { rows: 2, columns: vec![expected] },
            "{values}"
        );
    }
    // NaN is not equal to itself, so these are compared as text.
    for (values, expected) in [("1, null", "[1.0, NaN]"), ("null, 1", "[NaN, 1.0]"), ("null, 0.5", "[NaN, 0.5]")] {
        let [first, second] = values.split_once(", ").map(|(first, second)| [first, second]).unwrap();
        let body = format!("{{\"instances\":[{{\"features\":[{first}]}},{{\"features\":[{second}]}}]}}");
        let table = read_table(body.as_bytes(), &|_| Ok(())).unwrap();
        assert_eq!(format!("{:?}", table.columns), format!("[Float64({expected})]"), "{values}");
    }
    let table =
        read_table(br#"{"instances":[{"features":[null]},{"features":[1]},{"features":["x"]}]}"#, &|_| Ok(())).unwrap();
    assert_eq!(table.columns, [Column::Object(vec![Cell::None, Cell::Float(1.0), Cell::Text("x".into())])]);
}

#[test]
fn pythons_words_for_floats_that_json_does_not_have_are_read() {
    let body = r#"{"x": NaN, "instances": [[NaN, "N", -Infinity, "NaN", 1], [2, "é", Infinity, NaN, null]]}"#;
    let expected = "[Float64([NaN, 2.0]), Object([Text(\"N\"), Text(\"é\")]), Float64([-inf, inf]), \
                    Object([Text(\"NaN\"), Missing]), Float64([1.0, NaN])]";
    assert_eq!(format!("{:?}", read_table(body.as_bytes(), &|_| Ok(())).unwrap().columns), expected);
    // A single row without a list around it, and rows by lines.
    assert_eq!(format!("{:?}", read_table(b"[NaN, 2]", &|_| Ok(())).unwrap().columns), "[Float64([NaN]), Int64([2])]");
    let lines = b"[NaN, null]\n{\"features\": [\"x\", NaN]}\n[null, \"y\"]\n";
    let expected = "[Object([Missing, Text(\"x\"), None]), Object([None, Missing, Text(\"y\")])]";
    assert_eq!(format!("{:?}", jsonlines::read_table(lines, &|_| Ok(())).unwrap().columns), expected);
    // The linear learner says itself that it takes finite numbers only.
    let message = jsonlines::read_batch(b"[1, 2]\n[1, NaN]\n", 2).unwrap_err().to_string();
    assert!(message.starts_with("row 2, column 2, byte 11: expected a finite float32, found NaN"), "{message}");
    let message = read_batch(b"[[-Infinity, 2]]", 2).unwrap_err().to_string();
    assert!(
        message.contains("row 1, column 1") && message.ends_with("expected a finite float32, found -inf"),
        "{message}"
    );
    // Other words are not numbers, and a name is text.
    for body in ["[nan]", "[-NaN]", "[inf]", "[NaNs]", "{NaN: 1}", "{\"instances\": [[1]], Infinity: 1}"] {
        assert!(read_table(body.as_bytes(), &|_| Ok(())).is_err(), "{body}");
    }
}

#[test]
fn the_row_of_the_housing_walk_through_reads_as_eight_columns() {
    let table = read_table(br#"{"instances":[{"features":[1993,2728,6,3.0,0.7,1,"y","y"]}]}"#, &|_| Ok(())).unwrap();
    let dtypes: Vec<_> = table.columns.iter().map(Column::dtype).collect();
    assert_eq!(dtypes, ["int64", "int64", "int64", "float64", "float64", "int64", "object", "object"]);
    assert_eq!(table.rows, 1);
}

#[test]
fn tables_refuse_ragged_and_sparse_rows() {
    for (body, expected) in [
        ("{\"features\":[1,2]}\n{\"features\":[1]}", "row 2, byte 33: expected 2 features as in row 1, found 1"),
        ("{\"features\":[1,2]}\n{\"features\":[1,2,3]}", "row 2, byte 37: expected 2 features as in row 1, found 3"),
        (
            "{\"features\":{\"keys\":[1],\"values\":[2]}}",
            "row 1, byte 22: expected a value for each column, found a sparse row: only numeric models read those",
        ),
    ] {
        assert_eq!(jsonlines::read_table(body.as_bytes(), &|_| Ok(())).unwrap_err().to_string(), expected);
    }
}

fn written(media_type: MediaType, table: &Table<'_>) -> String {
    let mut out = Vec::new();
    let features = crate::rows::Features { label: None, table: table.clone(), sources: Vec::new() };
    write_features(features, media_type, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_table_is_written_as_json_dumps_writes_it() {
    let table = Table {
        rows: 2,
        columns: vec![
            Column::Int64(vec![-1, 2]),
            Column::UInt64(vec![u64::MAX, 0]),
            Column::Float64(vec![1e-5, f64::NAN]),
            Column::Float32(vec![0.1, f32::NEG_INFINITY]),
            Column::Bool(vec![true, false]),
            Column::Object(vec![Cell::Text("a\"\\\n\u{7f}é😀/".into()), Cell::None]),
            Column::Object(vec![Cell::Missing, Cell::Float(3.0)]),
        ],
    };
    // Python 3.11: json.dumps({"instances": [{"features": [-1, 18446744073709551615, 1e-05, 0.10000000149011612, True,
    // ...
    assert_eq!(
        written(MediaType::Json, &table),
        r#"{"instances": [{"features": [-1, 18446744073709551615, 1e-05, 0.10000000149011612, true, "a\"\\\n\u007f\u00e9\ud83d\ude00/", NaN]}, {"features": [2, 0, NaN, -Infinity, false, null, 3.0]}]}"#
    );
    assert_eq!(
        written(MediaType::JsonLines, &table),
        "{\"features\":[-1,18446744073709551615,1e-05,0.10000000149011612,true,\"a\\\"\\\\\\n\\u007f\\u00e9\\ud83d\\ude00/\",NaN]}\n\
         {\"features\":[2,0,NaN,-Infinity,false,null,3.0]}\n"
    );
    assert_eq!(written(MediaType::Json, &Table { rows: 0, columns: vec![] }), r#"{"instances": []}"#);
}

fn columns() -> impl Strategy<Value = Vec<Column<'static>>> {
    (0..6_usize).prop_flat_map(|rows| {
        let finite = any::<f64>().prop_filter("finite", |value| value.is_finite());
        let column = prop_oneof![
            proptest::collection::vec(any::<i64>(), rows).prop_map(Column::Int64),
            proptest::collection::vec(finite, rows).prop_map(Column::Float64),
            proptest::collection::vec(any::<bool>(), rows).prop_map(Column::Bool),
            proptest::collection::vec(any::<String>(), rows)
                .prop_map(|texts| Column::Object(texts.into_iter().map(|text| Cell::Text(text.into())).collect())),
        ];
        proptest::collection::vec(column, 1..5)
    })
}

proptest! {
    #[test]
    fn a_table_that_was_written_reads_back_the_same(columns in columns()) {
        let rows = columns[0].len();
        prop_assume!(rows > 0);
        let table = Table { rows, columns };
        let document = written(MediaType::Json, &table);
        prop_assert_eq!(&read_table(document.as_bytes(), &|_| Ok(())).unwrap(), &table);
        let lines = written(MediaType::JsonLines, &table);
        prop_assert_eq!(&jsonlines::read_table(lines.as_bytes(), &|_| Ok(())).unwrap(), &table);
    }

    /// The reference implementation reads a JSON tree.
    #[test]
    fn rows_read_as_a_json_tree_holds_them(
        cells in proptest::collection::vec(proptest::collection::vec(-1e6..1e6_f32, 3), 0..6),
    ) {
        let instances: Vec<_> = cells.iter().map(|row| serde_json::json!({"features": row})).collect();
        let body = serde_json::json!({"instances": instances}).to_string();
        let batch = read_batch(body.as_bytes(), 3).unwrap();
        let expected: Vec<_> = cells.iter().map(|row| Row::Dense(row)).collect();
        prop_assert_eq!(batch.rows().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn no_body_makes_a_reader_panic(
        body in "([{}\\[\\],:]|\"(instances|features|data|values|keys|shape|x)\"|[0-9]|null){0,40}",
    ) {
        let _ = read_batch(body.as_bytes(), 2);
        let _ = read_table(body.as_bytes(), &|_| Ok(()));
        let _ = jsonlines::read_batch(body.as_bytes(), 2);
    }
}
