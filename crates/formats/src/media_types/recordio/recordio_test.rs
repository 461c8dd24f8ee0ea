//! Compares the reader and the writer with prost, which uses the definition of the message.

use super::frame::{BodyFrames, MAGIC};
use super::*;
use crate::media_types::MediaType;
use crate::media_types::answer::{write_features, write_predictions};
use crate::rows::batch::Row;
use crate::rows::predictions::Scores;
use crate::rows::table::{Column, Table};
use crate::testing::unbounded;
use proptest::prelude::*;
use prost::Message;
use std::collections::HashMap;

fn read_batch(body: &[u8], width: usize) -> Result<Batch<'static>> {
    super::rows::read_batch(body, width, unbounded())
}

fn read_table(body: &[u8], schema: &dyn Schema) -> Result<Table<'static>> {
    super::rows::read_table(body, schema, unbounded())
}

/// `aialgs.data.Record` as its definition has it.
#[derive(Clone, PartialEq, Message)]
struct Twin {
    #[prost(map = "string, message", tag = "1")]
    features: HashMap<String, TwinValue>,
    #[prost(map = "string, message", tag = "2")]
    label: HashMap<String, TwinValue>,
    #[prost(string, optional, tag = "3")]
    uid: Option<String>,
    #[prost(string, optional, tag = "5")]
    configuration: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct TwinValue {
    #[prost(oneof = "TwinTensor", tags = "2, 3, 7")]
    tensor: Option<TwinTensor>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum TwinTensor {
    #[prost(message, tag = "2")]
    Float32(Float32Tensor),
    #[prost(message, tag = "3")]
    Float64(Float64Tensor),
    #[prost(message, tag = "7")]
    Int32(Int32Tensor),
}

macro_rules! tensor {
    ($name:ident, $kind:ident, $type:ty) => {
        #[derive(Clone, PartialEq, Message)]
        struct $name {
            #[prost($kind, repeated, tag = "1")]
            values: Vec<$type>,
            #[prost(uint64, repeated, tag = "2")]
            keys: Vec<u64>,
            #[prost(uint64, repeated, tag = "3")]
            shape: Vec<u64>,
        }
    };
}
tensor!(Float32Tensor, float, f32);
tensor!(Float64Tensor, double, f64);
tensor!(Int32Tensor, int32, i32);

/// Not packed, as an old writer may send it.
#[derive(Clone, PartialEq, Message)]
struct Unpacked {
    #[prost(float, repeated, packed = "false", tag = "1")]
    values: Vec<f32>,
    #[prost(uint64, repeated, packed = "false", tag = "2")]
    keys: Vec<u64>,
}

fn parts(value: Option<&TwinValue>) -> (Vec<f32>, Vec<u64>, Vec<u64>) {
    match value.and_then(|value| value.tensor.clone()) {
        None => Default::default(),
        Some(TwinTensor::Float32(tensor)) => (tensor.values, tensor.keys, tensor.shape),
        Some(TwinTensor::Float64(tensor)) => {
            (tensor.values.into_iter().map(|value| value as f32).collect(), tensor.keys, tensor.shape)
        }
        Some(TwinTensor::Int32(tensor)) => {
            (tensor.values.into_iter().map(|value| value as f32).collect(), tensor.keys, tensor.shape)
        }
    }
}

fn float64(value: Option<&TwinValue>) -> Vec<f64> {
    match value.and_then(|value| value.tensor.clone()) {
        None => Vec::new(),
        Some(TwinTensor::Float32(tensor)) => tensor.values.into_iter().map(f64::from).collect(),
        Some(TwinTensor::Float64(tensor)) => tensor.values,
        Some(TwinTensor::Int32(tensor)) => tensor.values.into_iter().map(f64::from).collect(),
    }
}

fn assert_same(record: &Record, twin: &Twin) {
    for (tensor, map) in [(&record.features, &twin.features), (&record.label, &twin.label)] {
        let (values, keys, shape) = parts(map.get("values"));
        assert_eq!((&tensor.values, &tensor.keys, &tensor.shape), (&values, &keys, &shape));
    }
}

fn value() -> impl Strategy<Value = TwinValue> {
    let places = || prop::collection::vec(any::<u64>(), 0..4);
    let float32 = (prop::collection::vec(-1e9..1e9_f32, 0..6), places(), places())
        .prop_map(|(values, keys, shape)| TwinTensor::Float32(Float32Tensor { values, keys, shape }));
    let float64 = (prop::collection::vec(-1e9..1e9_f64, 0..6), places(), places())
        .prop_map(|(values, keys, shape)| TwinTensor::Float64(Float64Tensor { values, keys, shape }));
    let int32 = (prop::collection::vec(any::<i32>(), 0..6), places(), places())
        .prop_map(|(values, keys, shape)| TwinTensor::Int32(Int32Tensor { values, keys, shape }));
    prop_oneof![float32, float64, int32].prop_map(|tensor| TwinValue { tensor: Some(tensor) })
}

fn twin() -> impl Strategy<Value = Twin> {
    let map = || prop::collection::hash_map(prop_oneof![Just("values".to_owned()), "[a-z]{0,3}"], value(), 0..3);
    (map(), map(), proptest::option::of("[a-z]{0,3}"), proptest::option::of("[a-z]{0,3}"))
        .prop_map(|(features, label, uid, configuration)| Twin { features, label, uid, configuration })
}

proptest! {
    #[test]
    fn records_read_as_prost_reads_them(twins in prop::collection::vec(twin(), 0..5)) {
        let mut bytes = Vec::new();
        twins.iter().for_each(|twin| write_frame(&mut bytes, &twin.encode_to_vec()));
        let mut frames = Frames::new(bytes.as_slice());
        let mut record: Record = Record::default();
        for twin in &twins {
            record.read(frames.next_frame().unwrap().unwrap()).unwrap();
            assert_same(&record, twin);
        }
        prop_assert!(frames.next_frame().unwrap().is_none());
        prop_assert_eq!(frames.offset(), bytes.len());
        let mut wide: Record<f64> = Record::default();
        let mut frames = BodyFrames::new(&bytes);
        for twin in &twins {
            wide.read(frames.next_frame().unwrap().unwrap()).unwrap();
            prop_assert_eq!(&wide.features.values, &float64(twin.features.get("values")));
        }
        prop_assert!(frames.next_frame().unwrap().is_none());
    }

    #[test]
    fn written_records_are_read_by_prost(
        values in prop::collection::vec(-1e9..1e9_f32, 0..6),
        keys in prop::collection::vec(any::<u64>(), 0..6),
        label in -1e9..1e9_f32,
    ) {
        let mut bytes = Vec::new();
        write_record(&mut bytes, &[("values", (&values, &keys, &[9]))], &[("score", (&[label], &[], &[]))]);
        prop_assert_eq!(bytes.len() % 4, 0);
        let mut frames = Frames::new(bytes.as_slice());
        let twin = Twin::decode(frames.next_frame().unwrap().unwrap()).unwrap();
        prop_assert_eq!(parts(twin.features.get("values")), (values, keys, vec![9]));
        prop_assert_eq!(parts(twin.label.get("score")).0, [label]);
    }

    #[test]
    fn no_body_makes_the_reader_panic_and_prost_reads_the_same(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Frames::new(bytes.as_slice()).next_frame();
        let _ = Record::<f32>::default().read(&bytes);
    }

    #[test]
    fn a_damaged_record_is_an_error_or_is_read_as_by_prost(
        twin in twin(),
        at in any::<prop::sample::Index>(),
        to in any::<u8>(),
    ) {
        let mut bytes = twin.encode_to_vec();
        prop_assume!(!bytes.is_empty());
        let index = at.index(bytes.len());
        bytes[index] = to;
        let mut record: Record = Record::default();
        if let (Ok(()), Ok(twin)) = (record.read(&bytes), Twin::decode(bytes.as_slice())) {
            // NaN is not equal to itself, so its bits are compared as text.
            let (values, keys, shape) = parts(twin.features.get("values"));
            prop_assert_eq!(format!("{:?}", record.features.values), format!("{values:?}"));
            prop_assert_eq!((&record.features.keys, &record.features.shape), (&keys, &shape));
        }
    }
}

#[test]
fn numbers_that_are_not_packed_are_read() {
    let message = Unpacked { values: vec![1.5, -2.0], keys: vec![3, 300] }.encode_to_vec();
    let mut value = vec![2 << 3 | 2, message.len() as u8];
    value.extend(message);
    let mut entry = vec![1 << 3 | 2, 6];
    entry.extend(b"values");
    entry.extend([2 << 3 | 2, value.len() as u8]);
    entry.extend(value);
    let mut bytes = vec![1 << 3 | 2, entry.len() as u8];
    bytes.extend(entry);
    let mut record: Record = Record::default();
    record.read(&bytes).unwrap();
    assert_eq!((record.features.values, record.features.keys), (vec![1.5, -2.0], vec![3, 300]));
    assert_eq!(record.label.element(), None);
}

#[test]
fn an_invalid_frame_is_refused_at_its_start() {
    let mut good = Vec::new();
    write_frame(&mut good, b"abc");
    assert_eq!(good.len(), 12);
    for (bytes, expected) in [
        (b"1,2,3\n4,5,6\n".to_vec(), "byte 12: expected the number 0xced7230a at the start of a RecordIO frame, found"),
        (vec![0; 3], "byte 12: expected 8 bytes at the start of a RecordIO frame, found 3 to the end"),
        (MAGIC.to_le_bytes().to_vec(), "byte 12: expected 8 bytes at the start of a RecordIO frame, found 4"),
        ([MAGIC.to_le_bytes(), [9, 0, 0, 0]].concat(), "byte 12: expected a record of 9 bytes, found 0 to the end"),
        ([MAGIC.to_le_bytes(), [0xff; 4]].concat(), "byte 12: expected a record in one piece"),
        (
            [MAGIC.to_le_bytes(), [4, 0, 0, 0x20], [0; 4]].concat(),
            "byte 12: expected a record in one piece, found one of several (continuation flag 1) or longer than \
             536870911 bytes",
        ),
    ] {
        let mut bytes = [good.clone(), bytes].concat();
        let mut frames = Frames::new(bytes.as_mut_slice() as &[u8]);
        assert_eq!(frames.next_frame().unwrap(), Some(&b"abc"[..]));
        let error = frames.next_frame().unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
        let mut frames = BodyFrames::new(&bytes);
        assert_eq!(frames.next_frame().unwrap(), Some(&b"abc"[..]));
        assert_eq!(frames.next_frame().unwrap_err().to_string(), error.to_string());
    }
}

/// A body of one feature tensor after another, each in a separate record.
fn body(tensors: impl IntoIterator<Item = TwinTensor>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for tensor in tensors {
        let features = HashMap::from([("values".to_owned(), TwinValue { tensor: Some(tensor) })]);
        write_frame(&mut bytes, &Twin { features, ..Twin::default() }.encode_to_vec());
    }
    bytes
}

fn float32(values: &[f32], keys: &[u64], shape: &[u64]) -> TwinTensor {
    TwinTensor::Float32(Float32Tensor { values: values.to_vec(), keys: keys.to_vec(), shape: shape.to_vec() })
}

fn doubles(values: &[f64]) -> TwinTensor {
    TwinTensor::Float64(Float64Tensor { values: values.to_vec(), ..Float64Tensor::default() })
}

fn integers(values: &[i32]) -> TwinTensor {
    TwinTensor::Int32(Int32Tensor { values: values.to_vec(), ..Int32Tensor::default() })
}

fn any_width(_: usize) -> Result<()> {
    Ok(())
}

#[test]
fn records_of_every_kind_make_rows_of_one_batch() {
    let bytes = body([
        float32(&[1.0, 2.0, 3.0], &[], &[]),
        float32(&[1.0, 2.0, 3.0], &[], &[3]),
        float32(&[1.0, 2.0, 3.0], &[], &[1, 3]),
        float32(&[9.0, 8.0], &[2, 0], &[3]),
        float32(&[], &[], &[3]),
        doubles(&[0.1, -2.5, 1e10]),
        integers(&[-1, 0, i32::MAX]),
    ]);
    let batch = read_batch(&bytes, 3).unwrap();
    let dense = Row::Dense(&[1.0, 2.0, 3.0]);
    assert_eq!(
        batch.rows().collect::<Vec<_>>(),
        [
            dense,
            dense,
            dense,
            Row::Sparse { keys: &[2, 0], values: &[9.0, 8.0] },
            Row::Sparse { keys: &[], values: &[] },
            Row::Dense(&[0.1, -2.5, 1e10]),
            Row::Dense(&[-1.0, 0.0, 2147483648.0]),
        ]
    );
}

#[test]
fn columns_have_the_types_that_numpy_gives_them() {
    let read = |tensors: Vec<TwinTensor>| read_table(&body(tensors), &any_width).unwrap();
    let table = read(vec![integers(&[1, i32::MIN]), integers(&[2, 3])]);
    assert_eq!(table.columns, [Column::Int64(vec![1, 2]), Column::Int64(vec![i32::MIN.into(), 3])]);
    let table = read(vec![integers(&[1]), doubles(&[0.1]), float32(&[0.5], &[], &[1])]);
    assert_eq!(table, Table { rows: 3, columns: vec![Column::Float64(vec![1.0, 0.1, 0.5])] });
    let table = read(vec![doubles(&[f64::NAN])]);
    assert!(
        matches!(&table.columns[0], Column::Float64(values) if values[0].is_nan()),
        "a preprocessor may fill it in"
    );
    for (tensors, expected) in [
        (vec![doubles(&[1.0, 2.0]), doubles(&[1.0])], "row 2, byte 40: expected 2 features as in row 1, found 1"),
        (
            vec![float32(&[1.0], &[0], &[2])],
            "row 1, byte 0: expected a value for each column, found a sparse row: only numeric models read those",
        ),
    ] {
        assert_eq!(read_table(&body(tensors), &any_width).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_bad_request_is_refused_with_row_byte_what_was_expected_and_found() {
    let good = || float32(&[1.0, 2.0], &[], &[]);
    let start = body([good()]).len();
    let broken = |payload: &[u8]| {
        let mut bytes = body([good()]);
        write_frame(&mut bytes, payload);
        bytes
    };
    let after = |tensor| body([good(), tensor]);
    // A value that holds bytes, and a record whose features have another name.
    let of_bytes = b"\x0a\x0e\x0a\x06values\x12\x04\x4a\x02\x0a\x00";
    let named = b"\x0a\x0b\x0a\x03abc\x12\x04\x12\x02\x0a\x00";
    for (bytes, expected) in [
        (Vec::new(), "expected at least one record of application/x-recordio-protobuf, found an empty body".to_owned()),
        (after(float32(&[1.0], &[], &[])), format!("row 2, byte {start}: expected 2 features, found 1")),
        (after(float32(&[1.0, 2.0, 3.0], &[], &[])), format!("row 2, byte {start}: expected 2 features, found 3")),
        (after(float32(&[1.0], &[0], &[2000])), format!("row 2, byte {start}: expected 2 features, found 2000")),
        (
            after(float32(&[1.0], &[2], &[2])),
            format!("row 2, byte {start}: expected a key below the model's 2 features (keys count from 0), found 2"),
        ),
        (
            after(float32(&[1.0], &[0], &[])),
            format!("row 2, byte {start}: expected the shape of sparse features, found keys without one"),
        ),
        (
            after(float32(&[1.0], &[0, 1], &[2])),
            format!(
                "row 2, byte {start}: expected as many values as keys in sparse features, found 2 keys and 1 value"
            ),
        ),
        (
            after(float32(&[1.0, 2.0], &[], &[3])),
            format!("row 2, byte {start}: expected as many values as the shape [3] says, found 2"),
        ),
        (
            after(float32(&[], &[], &[u64::MAX, 2])),
            format!("row 2, byte {start}: the shape [18446744073709551615, 2] is too large"),
        ),
        (
            after(float32(&[1.0, f32::NAN], &[], &[])),
            format!("row 2, column 2, byte {start}: expected a finite float32, found NaN"),
        ),
        (
            after(doubles(&[-1e39, 1.0])),
            format!("row 2, column 1, byte {start}: expected a finite float32, found -inf"),
        ),
        (
            after(float32(&[f32::INFINITY], &[1], &[2])),
            format!("row 2, column 2, byte {start}: expected a finite float32, found inf"),
        ),
        (broken(b""), format!("row 2, byte {start}: expected features named \"values\", found none")),
        (broken(named), format!("row 2, byte {start}: expected features named \"values\", found none")),
        (
            broken(of_bytes),
            format!(
                "row 2, byte {start}: cannot be read as a protobuf record: expected a tensor of numbers, found bytes"
            ),
        ),
        (
            broken(b"\x0a\x7f"),
            format!(
                "row 2, byte {start}: cannot be read as a protobuf record: expected a field of 127 bytes, found 0 to \
                 the end"
            ),
        ),
        (broken(b"1,2,3"), format!("row 2, byte {start}: cannot be read as a protobuf record: ")),
        ([body([good()]), vec![1, 2]].concat(), format!("row 2, byte {start}: expected 8 bytes at the start")),
        (b"1.5,2.5\n".to_vec(), "row 1, byte 0: expected the number 0xced7230a at the start".to_owned()),
    ] {
        let error = read_batch(&bytes, 2).unwrap_err();
        assert_eq!(error.cause(), Cause::BadPayload);
        assert!(error.to_string().starts_with(&expected), "expected {expected}\nfound    {error}");
    }
}

/// The reference implementation: one record at a time, with prost's writer.
fn twin_of(features: Option<Vec<f32>>, labels: &[(&str, Vec<f32>)]) -> Twin {
    let value =
        |values| TwinValue { tensor: Some(TwinTensor::Float32(Float32Tensor { values, ..Default::default() })) };
    Twin {
        features: features.map(|values| ("values".to_owned(), value(values))).into_iter().collect(),
        label: labels.iter().map(|(name, values)| ((*name).to_owned(), value(values.clone()))).collect(),
        ..Twin::default()
    }
}

fn twins_in(bytes: &[u8]) -> Vec<Twin> {
    let mut frames = BodyFrames::new(bytes);
    let mut twins = Vec::new();
    while let Some(payload) = frames.next_frame().unwrap() {
        twins.push(Twin::decode(payload).unwrap());
    }
    twins
}

proptest! {
    #[test]
    fn answers_are_read_by_prost(
        scores in prop::collection::vec(-1e9..1e9_f32, 0..40),
        each in 1_usize..9,
        labelled: bool,
        single: bool,
    ) {
        let each = if single { 1 } else { each };
        let rows: Vec<Vec<f32>> = scores.chunks_exact(each).map(<[f32]>::to_vec).collect();
        let labels = labelled.then(|| Column::Int64((0..rows.len() as i64).collect()));
        let column = |place: usize| Column::Float32(rows.iter().map(|row| row[place]).collect());
        let scores = if single { Scores::One(column(0)) } else { Scores::Each((0..each).map(column).collect()) };
        let predictions = Predictions::new(rows.len(), Some(scores), labels).unwrap();
        let mut out = Vec::new();
        write_predictions(predictions, PredictionStyle::LinearLearner, MediaType::RecordIoProtobuf, &mut out).unwrap();
        let expected: Vec<_> = rows.iter().enumerate().map(|(row, scores)| {
            let mut labels = vec![("score", scores.clone())];
            labels.extend(labelled.then(|| ("predicted_label", vec![row as f32])));
            twin_of(None, &labels)
        }).collect();
        prop_assert_eq!(twins_in(&out), expected);
        prop_assert_eq!(out.len() % 4, 0);
    }

    #[test]
    fn features_are_read_by_prost_and_read_back(
        columns in 1_usize..40,
        values in prop::collection::vec(-1e9..1e9_f64, 0..120),
        labelled: bool,
    ) {
        let rows = values.len() / columns;
        let column = |index: usize| values.iter().skip(index).step_by(columns).take(rows).copied().collect::<Vec<_>>();
        let features = Features {
            label: labelled.then(|| Column::Float64(column(0))),
            table: Table { rows, columns: (0..columns).map(|index| Column::Float64(column(index))).collect() },
            sources: vec![None; columns],
        };
        let mut out = Vec::new();
        write_features(features, MediaType::RecordIoProtobuf, &mut out).unwrap();
        let rounded = |row: usize| (0..columns).map(|index| column(index)[row] as f32).collect::<Vec<_>>();
        let expected: Vec<_> = (0..rows).map(|row| {
            let label = [("values", vec![rounded(row)[0]])];
            twin_of(Some(rounded(row)), if labelled { &label } else { &[] })
        }).collect();
        prop_assert_eq!(twins_in(&out), expected);
        if rows > 0 {
            let batch: Batch = read_batch(&out, columns).unwrap();
            for (index, row) in batch.rows().enumerate() {
                prop_assert_eq!(row, Row::Dense(&rounded(index)));
            }
        }
    }

    #[test]
    fn no_request_makes_the_reader_panic_or_take_more_than_a_few_times_its_size(
        twins in prop::collection::vec(twin(), 0..5),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
    ) {
        let mut bytes = Vec::new();
        twins.iter().for_each(|twin| write_frame(&mut bytes, &twin.encode_to_vec()));
        prop_assume!(!bytes.is_empty());
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        for bytes in [&bytes[..], &bytes[..length.index(bytes.len())]] {
            for width in [0, 1, 3, 1 << 40] {
                if let Ok(batch) = read_batch(bytes, width) {
                    prop_assert!(batch.capacity_in_bytes() <= 16 * bytes.len());
                }
            }
            if let Ok(table) = read_table(bytes, &any_width) {
                prop_assert!(table.columns.len() * table.rows <= bytes.len());
            }
        }
    }
}

#[test]
fn a_number_beyond_float32_is_not_written_as_infinity() {
    let features = Features {
        label: None,
        table: Table { rows: 2, columns: vec![Column::Float64(vec![f64::INFINITY, 1e39])] },
        sources: vec![Some("SQUARE_FEET")],
    };
    let error = write_features(features, MediaType::RecordIoProtobuf, &mut Vec::new()).unwrap_err();
    assert_eq!(error.cause(), Cause::NotWritable);
    let message = error.to_string();
    assert!(message.starts_with("row 2, column SQUARE_FEET: the answer has the number 1e39, which "), "{message}");
}
