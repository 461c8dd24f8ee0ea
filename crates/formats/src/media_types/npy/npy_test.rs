//! Compares the reader with a simple writer of files, and the writer with files that numpy wrote.

use super::*;
use crate::error::Cause;
use crate::media_types::MediaType;
use crate::media_types::answer::{write_features, write_predictions};
use crate::rows::batch::Row;
use crate::rows::predictions::Scores;
use crate::rows::table::Cell;
use crate::testing::unbounded;
use proptest::prelude::*;

fn read_batch(body: &[u8], width: usize) -> Result<Batch<'static>> {
    super::read_batch(body, width, unbounded())
}

fn read_table(body: &[u8], schema: &dyn Schema) -> Result<Table<'static>> {
    super::read_table(body, schema, unbounded())
}

/// A file with a header of some text, in a version of the format.
fn file(version: u8, header: &str, items: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY".to_vec();
    file.extend([version, 0]);
    match version {
        1 => file.extend((header.len() as u16).to_le_bytes()),
        _ => file.extend((header.len() as u32).to_le_bytes()),
    }
    file.extend(header.as_bytes());
    file.extend(items);
    file
}

fn header(code: &str, fortran_order: bool, shape: &str) -> String {
    let fortran_order = if fortran_order { "True" } else { "False" };
    format!("{{'descr': '{code}', 'fortran_order': {fortran_order}, 'shape': {shape}, }}\n")
}

/// The bytes of a small integer as an item of a type, by the letter and size of its code; all types hold 0 to 1.
fn item(value: i64, code: &str) -> Vec<u8> {
    match &code[1..] {
        "b1" => vec![u8::from(value != 0)],
        "f8" => (value as f64).to_le_bytes().to_vec(),
        "f4" => (value as f32).to_le_bytes().to_vec(),
        // A float16 of a whole number from 0 to 1024 is made by hand: the sign, the exponent, the rest.
        "f2" => {
            let exponent = if value == 0 { 0 } else { 63 - value.abs().leading_zeros() as i64 };
            let fraction = if value == 0 { 0 } else { (value.abs() << 10 >> exponent) & 0x3ff };
            let exponent = if value == 0 { 0 } else { exponent + 15 };
            let sign = i64::from(value < 0) << 15;
            ((sign | exponent << 10 | fraction) as u16).to_le_bytes().to_vec()
        }
        size => value.to_le_bytes()[..size[1..].parse().unwrap()].to_vec(),
    }
}

/// A file of rows, item by item.
fn written(version: u8, code: &str, fortran_order: bool, rows: &[Vec<i64>], columns: usize) -> Vec<u8> {
    let mut items = Vec::new();
    let mut push = |value: i64| {
        let mut bytes = item(value, code);
        if code.starts_with('>') {
            bytes.reverse();
        }
        items.extend(bytes);
    };
    if fortran_order {
        (0..columns).for_each(|column| rows.iter().for_each(|row| push(row[column])));
    } else {
        rows.iter().flatten().for_each(|value| push(*value));
    }
    file(version, &header(code, fortran_order, &format!("({}, {columns})", rows.len())), &items)
}

/// All codes that are read, in both orders, with the smallest and largest whole number that is tried.
fn codes() -> Vec<(String, i64, i64)> {
    let mut codes = Vec::new();
    for (name, _) in dtype::Kind::CODES {
        let (least, most) = match name.as_bytes() {
            b"b1" => (0, 1),
            b"i1" => (-128, 127),
            [b'u', b'1'] => (0, 255),
            [b'u', b'2'] => (0, 65535),
            [b'u', ..] => (0, 1 << 31),
            b"f2" => (-1024, 1024),
            b"f4" => (-1 << 24, 1 << 24),
            b"i2" => (-32768, 32767),
            _ => (-1 << 31, (1 << 31) - 1),
        };
        let single = name.ends_with('1');
        codes.extend(
            if single { vec!["|"] } else { vec!["<", ">", "="] }
                .into_iter()
                .map(|order| (format!("{order}{name}"), least, most)),
        );
    }
    codes
}

fn any_width(_: usize) -> crate::error::Result<()> {
    Ok(())
}

fn column_as_f64(column: &Column<'_>) -> Vec<f64> {
    match column {
        Column::Int64(values) => values.iter().map(|value| *value as f64).collect(),
        Column::UInt64(values) => values.iter().map(|value| *value as f64).collect(),
        Column::Float64(values) => values.clone(),
        Column::Float32(values) => values.iter().map(|value| f64::from(*value)).collect(),
        Column::Bool(values) => values.iter().map(|value| f64::from(u8::from(*value))).collect(),
        Column::Object(_) => panic!("objects"),
    }
}

fn dense_rows(batch: &Batch) -> Vec<Vec<f32>> {
    batch
        .rows()
        .map(|row| match row {
            Row::Dense(values) => values.to_vec(),
            Row::Sparse { .. } => panic!("a sparse row"),
        })
        .collect()
}

proptest! {
    #[test]
    fn every_type_order_and_version_reads_as_the_values_that_were_written(
        (code, least, most) in prop::sample::select(codes()),
        version in 1_u8..=3,
        fortran_order: bool,
        columns in 1_usize..5,
        seeds in prop::collection::vec(any::<u64>(), 0..24),
    ) {
        let rows: Vec<Vec<i64>> = seeds
            .chunks_exact(columns)
            .map(|row| row.iter().map(|seed| least + (seed % (most - least + 1) as u64) as i64).collect())
            .collect();
        let body = written(version, &code, fortran_order, &rows, columns);
        match read_table(&body, &any_width) {
            Ok(table) => {
                prop_assert_eq!((table.rows, table.columns.len()), (rows.len(), columns));
                for (index, column) in table.columns.iter().enumerate() {
                    let expected: Vec<f64> = rows.iter().map(|row| row[index] as f64).collect();
                    prop_assert_eq!(column_as_f64(column), expected, "{}", code);
                }
            }
            Err(error) => prop_assert!(rows.is_empty(), "{}", error),
        }
        let batch = read_batch(&body, columns).unwrap();
        let expected: Vec<Vec<f32>> = rows.iter().map(|row| row.iter().map(|value| *value as f32).collect()).collect();
        prop_assert_eq!(dense_rows(&batch), expected);
    }

    #[test]
    fn floats_keep_all_their_bits(values in prop::collection::vec(any::<u64>(), 1..9)) {
        let items: Vec<u8> = values.iter().flat_map(|bits| bits.to_be_bytes()).collect();
        let body = file(2, &header(">f8", false, &format!("({}, 1)", values.len())), &items);
        let table = read_table(&body, &any_width).unwrap();
        let Column::Float64(read) = &table.columns[0] else { panic!() };
        prop_assert_eq!(read.iter().map(|value| value.to_bits()).collect::<Vec<_>>(), values);
    }

    #[test]
    fn what_is_written_reads_back_the_same(
        rows in 1_usize..5,
        columns in 1_usize..4,
        bits in prop::collection::vec(any::<u64>(), 20),
        kind in 0..5,
        labelled: bool,
    ) {
        let column = |index: usize| {
            let bits = || bits.iter().skip(index).take(rows).copied();
            match kind {
                0 => Column::Int64(bits().map(|bits| bits as i64).collect()),
                1 => Column::UInt64(bits().collect()),
                2 => Column::Float32(bits().map(|bits| bits as f32).collect()),
                3 => Column::Bool(bits().map(|bits| bits % 2 == 0).collect()),
                _ => Column::Float64(bits().map(|bits| bits as f64).collect()),
            }
        };
        let features = Features {
            label: labelled.then(|| column(9)),
            table: Table { rows, columns: (0..columns).map(column).collect() },
            sources: vec![None; columns],
        };
        let mut body = Vec::new();
        write_features(features.clone(), MediaType::Npy, &mut body).unwrap();
        prop_assert_eq!(read_table(&body, &any_width).unwrap(), features.into_table());
    }

    #[test]
    fn no_body_makes_the_reader_panic_or_take_more_memory_than_its_size(
        (code, ..) in prop::sample::select(codes()),
        version in 1_u8..=3,
        shape in "\\([0-9]{0,20},? ?[0-9]{0,20}\\)",
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        items in prop::collection::vec(any::<u8>(), 0..64),
        length in any::<prop::sample::Index>(),
    ) {
        let mut body = file(version, &header(&code, false, &shape), &items);
        for (index, byte) in changes {
            let index = index.index(body.len());
            body[index] = byte;
        }
        for body in [&body[..], &body[..length.index(body.len())]] {
            for width in [1, 2, 1 << 40] {
                if let Ok(batch) = read_batch(body, width) {
                    prop_assert!(batch.capacity_in_bytes() <= 8 * body.len());
                }
            }
            if let Ok(table) = read_table(body, &any_width) {
                prop_assert!(table.columns.len() * table.rows <= body.len());
                prop_assert!(table.columns.iter().all(|column| column.len() == table.rows));
            }
        }
    }
}

#[test]
fn every_float16_has_the_value_of_its_sign_exponent_and_fraction() {
    for (bits, value) in [
        (0x0000, 0.0),
        (0x3c00, 1.0),
        (0xc000, -2.0),
        (0x7bff, 65504.0),
        (0x0400, 6.103515625e-05),
        (0x0001, 5.960464477539063e-08),
        (0x3555, 0.333251953125),
        (0x7c00, f64::INFINITY),
        (0xfc00, f64::NEG_INFINITY),
    ] {
        assert_eq!(half_to_f64(bits), value, "{bits:#x}");
    }
    assert!(half_to_f64(0x7e00).is_nan());
    assert!(half_to_f64(0x8000).is_sign_negative());
}

#[test]
fn one_dimension_is_one_row_if_it_is_as_long_as_a_row() {
    let items: Vec<u8> = [1.5_f32, 2.5, 3.5].iter().flat_map(|value| value.to_le_bytes()).collect();
    let body = file(1, &header("<f4", false, "(3,)"), &items);
    assert_eq!(dense_rows(&read_batch(&body, 3).unwrap()), [[1.5, 2.5, 3.5]]);
    assert_eq!(read_table(&body, &any_width).unwrap().rows, 1);
    assert_eq!(
        read_batch(&body, 1).unwrap_err().to_string(),
        "row 1, byte 68: an array of one dimension is one row (several rows of one column: reshape(-1, 1)): expected 1 \
         features, found 3"
    );
}

#[test]
fn an_array_without_rows_allocates_no_columns() {
    for columns in [2, 100_000_000, 1_000_000_000_000_usize] {
        let body = file(1, &header("<f8", false, &format!("(0, {columns})")), &[]);
        assert!(read_batch(&body, columns).unwrap().is_empty());
        assert_eq!(read_table(&body, &any_width).unwrap_err().to_string(), "expected at least one row, found none");
    }
}

#[test]
fn headers_are_read_in_the_form_that_python_writes() {
    let items = [1, 0, 2, 0];
    for text in [
        "{'descr': '<i2', 'fortran_order': False, 'shape': (1, 2), }          \n",
        "{\"shape\":(1,2),\"fortran_order\":False,\"descr\":\"<i2\"}",
        " { 'fortran_order' : False ,\n 'shape' : ( 1L , 2L , ) , 'descr' : 'i2' , } ",
    ] {
        assert_eq!(dense_rows(&read_batch(&file(1, text, &items), 2).unwrap()), [[1.0, 2.0]], "{text}");
    }
}

#[test]
fn an_invalid_array_is_refused_with_the_byte_and_the_reason() {
    let good = header("<f4", false, "(2, 1)");
    let descr = |code: &str| file(1, &header(code, false, "(1, 1)"), &[0; 8]);
    let text = |text: &str| file(1, text, &[0; 8]);
    for (body, expected) in [
        (Vec::new(), "expected a file of numpy.save, found an empty body"),
        (b"1,2,3\n".to_vec(), "byte 0: expected \\x93NUMPY at the start of a file of numpy.save, found \"1,2,3\\n\""),
        (b"\x93NUMPY".to_vec(), "byte 6: the header of the array is cut short"),
        (b"\x93NUMPY\x02\x00\x01\x00".to_vec(), "byte 8: the header of the array is cut short"),
        (file(4, &good, &[0; 8]), "byte 6: expected version 1.0, 2.0 or 3.0 of numpy's file format, found 4.0"),
        (file(1, &good, &[0; 8])[..30].to_vec(), "byte 10: expected a header of 60 bytes, found 20 to the end"),
        (file(2, &" ".repeat(10_001), &[]), "byte 12: expected a header of at most 10000 bytes, found one of 10001"),
        (
            [&b"\x93NUMPY\x03\x00\xff\xff\xff\xff"[..], &[b' '; 20]].concat(),
            "byte 12: expected a header of at most 10000 bytes, found one of 4294967295",
        ),
        (
            file(1, &good, &[0; 7]),
            "byte 70: expected 8 bytes after the header, for an array of shape (2, 1) and 4 bytes an item, found 7",
        ),
        (file(1, &good, &[0; 9]), "byte 70: expected 8 bytes after the header"),
        (
            text("{'descr': '<f8', 'fortran_order': False, 'shape': (9999999999999, 9999999999999), }"),
            "byte 93: expected more bytes than there can be after the header",
        ),
        (
            text("{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999, 1), }"),
            "byte 81: the header of the array cannot be read: expected the length of a dimension, found \
             \"99999999999999999999\"",
        ),
        (text("{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 1), }"), "byte 63: the header"),
        (text("{'descr': '<f8', 'fortran_order': False, 'shape': (1), }"), "byte 63: the header"),
        (text("{'descr': '<f8', 'fortran_order': False, 'shape': (), }"), "expected an array of two dimensions"),
        (text("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1, 1), }"), "found (1, 1, 1)"),
        (
            text("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 0), }"),
            "expected columns, found an array of shape (1, 0)",
        ),
        (text("{'descr': '<f8', 'fortran_order': False, }"), "found one of them missing"),
        (text("{'descr': '<f8', 'descr': '<f8', }"), "once each: a dtype, a bool and a tuple; found \"descr\""),
        (
            text("{'descr': '<f8', 'fortran_order': 0, 'shape': (1, 1), }"),
            "expected a text, a bool or a tuple, found \"0\"",
        ),
        (text("{'descr': __import__('os'), }"), "expected a text, a bool or a tuple, found \"__import__\""),
        (
            text("{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1), } ()"),
            "expected nothing after the dictionary",
        ),
        (text("{'descr': '<f8"), "expected the end of a text in quotes"),
        (text("["), "expected a dictionary"),
        (
            text("{'descr': [('a', '<f8'), ('b', '<i4')], 'fortran_order': False, 'shape': (1,), }"),
            "expected an array of one number an item, found a structured one, of several fields",
        ),
        (descr("|O"), "found \"|O\": objects are pickled in the file, and a pickle could run code"),
        (descr("<U5"), "found \"<U5\": text goes as text/csv or application/json"),
        (descr("<c8"), "complex numbers are not supported"),
        (descr("<M8[ns]"), "dates and times are not numbers"),
        (descr("|V8"), "structured items"),
        (descr("<f16"), "it is not a numeric type"),
        (descr(""), "found nothing: it is not a numeric type"),
        (file(1, "{'descr': '\u{e9}'}", &[]), "expected an array of dtype bool, int8 to int64"),
    ] {
        for error in [read_batch(&body, 1).unwrap_err(), read_table(&body, &any_width).unwrap_err()] {
            assert_eq!(error.cause(), Cause::BadPayload, "{expected}");
            let message = error.to_string();
            assert!(message.contains(expected), "expected {expected}\nfound    {message}");
        }
    }
}

#[test]
fn a_value_that_a_linear_model_cannot_use_is_refused_with_its_row_column_and_byte() {
    let items = |values: [f64; 4]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    for (fortran_order, values, expected) in [
        (false, [1.0, 2.0, 3.0, f64::NAN], "row 2, column 2, byte 94: expected a finite float32, found NaN"),
        (true, [1.0, f64::INFINITY, 3.0, 4.0], "row 2, column 1, byte 77: expected a finite float32, found inf"),
        (false, [1.0, -1e39, 3.0, 4.0], "row 1, column 2, byte 78: expected a finite float32, found -1e39"),
    ] {
        let body = file(1, &header("<f8", fortran_order, "(2, 2)"), &items(values));
        assert_eq!(read_batch(&body, 2).unwrap_err().to_string(), expected);
    }
    let body = file(1, &header("<f8", false, "(2, 2)"), &items([0.0; 4]));
    assert_eq!(read_batch(&body, 3).unwrap_err().to_string(), "row 1, byte 70: expected 3 features, found 2");
}

/// What numpy 2.4.6 wrote: `numpy.save(file, array)`.
#[test]
fn files_equal_those_of_numpy_byte_for_byte() {
    let expected = |header: &str, items: &[u8]| {
        let mut file = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
        file.extend(format!("{header:<117}\n").as_bytes());
        file.extend(items);
        file
    };
    let regressor = Predictions::new(2, Some(Scores::One(Column::Float32(vec![1.5, -2.0]))), None).unwrap();
    let binary =
        Predictions::new(2, Some(Scores::One(Column::Float32(vec![0.75, 0.25]))), Some(Column::Int64(vec![1, 0])))
            .unwrap();
    let classes = Predictions::new(
        1,
        Some(Scores::Each(vec![Column::Float64(vec![0.25]), Column::Float64(vec![0.75])])),
        Some(Column::Int64(vec![1])),
    )
    .unwrap();
    let f32s = |values: &[f32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    let f64s = |values: &[f64]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<_>>();
    for (predictions, header, items) in [
        (regressor, "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", f32s(&[1.5, -2.0])),
        (binary, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }", f32s(&[0.75, 1.0, 0.25, 0.0])),
        (classes, "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 3), }", f64s(&[0.25, 0.75, 1.0])),
    ] {
        let mut out = Vec::new();
        write_predictions(predictions, PredictionStyle::LinearLearner, MediaType::Npy, &mut out).unwrap();
        assert_eq!(out, expected(header, &items), "{header}");
    }
}

fn features(columns: Vec<Column<'static>>, label: Option<Column<'static>>) -> Features<'static> {
    let sources = columns.iter().enumerate().map(|(index, _)| (index == 1).then_some("DECK")).collect();
    Features { label, table: Table { rows: columns[0].len(), columns }, sources }
}

#[test]
fn objects_are_written_if_they_are_numbers_and_otherwise_refused_with_their_column() {
    let numbers = vec![Cell::Int(3), Cell::Bool(true), Cell::Float(0.5), Cell::Missing, Cell::None];
    let mut out = Vec::new();
    write_features(features(vec![Column::Object(numbers)], None), MediaType::Npy, &mut out).unwrap();
    let table = read_table(&out, &any_width).unwrap();
    let Column::Float64(values) = &table.columns[0] else { panic!() };
    assert_eq!(values[..3], [3.0, 1.0, 0.5]);
    assert!(values[3].is_nan() && values[4].is_nan());

    let text = || Column::Object(vec![Cell::Int(1), Cell::Text("y".into())]);
    let why = "the answer has the text \"y\", which application/x-npy and application/x-recordio-protobuf cannot hold; \
               text/csv, application/json and application/jsonlines can";
    for media_type in [MediaType::Npy, MediaType::RecordIoProtobuf] {
        let numbers = || Column::Object(vec![Cell::Int(1), Cell::Int(2)]);
        for (features, place) in [
            (features(vec![text(), numbers()], None), "row 2, column 1"),
            (features(vec![numbers(), text()], None), "row 2, column DECK"),
            (features(vec![numbers()], Some(text())), "row 2, column of the label"),
        ] {
            let error = write_features(features, media_type, &mut Vec::new()).unwrap_err();
            assert_eq!(error.cause(), Cause::NotWritable);
            assert_eq!(error.to_string(), format!("{place}: {why}"));
        }
    }
}

#[test]
fn columns_of_several_types_become_float64() {
    let mut out = Vec::new();
    write_features(features(vec![Column::Int64(vec![1]), Column::Bool(vec![true])], None), MediaType::Npy, &mut out)
        .unwrap();
    assert_eq!(read_table(&out, &any_width).unwrap().columns, [Column::Float64(vec![1.0]), Column::Float64(vec![1.0])]);
}
