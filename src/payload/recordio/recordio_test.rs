//! The reader and the writer against prost, which has the message from its definition.

use super::*;
use proptest::prelude::*;
use prost::Message;
use std::collections::HashMap;

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
        let mut record = Record::default();
        for twin in &twins {
            record.read(frames.next_frame().unwrap().unwrap()).unwrap();
            assert_same(&record, twin);
        }
        prop_assert!(frames.next_frame().unwrap().is_none());
        prop_assert_eq!(frames.offset(), bytes.len());
    }

    #[test]
    fn what_is_written_is_what_prost_reads(
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
    fn no_bytes_make_it_panic_and_prost_reads_what_it_reads(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
        let _ = Frames::new(bytes.as_slice()).next_frame();
        let _ = Record::default().read(&bytes);
    }

    #[test]
    fn a_spoiled_record_is_an_error_or_reads_as_prost_reads_it(twin in twin(), at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = twin.encode_to_vec();
        prop_assume!(!bytes.is_empty());
        let index = at.index(bytes.len());
        bytes[index] = to;
        let mut record = Record::default();
        if let (Ok(()), Ok(twin)) = (record.read(&bytes), Twin::decode(bytes.as_slice())) {
            // Not-a-number is no equal of itself; its bits are looked at as text.
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
    let mut record = Record::default();
    record.read(&bytes).unwrap();
    assert_eq!((record.features.values, record.features.keys), (vec![1.5, -2.0], vec![3, 300]));
    assert!(!record.label.is_given());
}

#[test]
fn a_frame_that_is_none_is_refused_where_it_begins() {
    let mut good = Vec::new();
    write_frame(&mut good, b"abc");
    assert_eq!(good.len(), 12);
    for (bytes, expected) in [
        (b"1,2,3\n4,5,6\n".to_vec(), "byte 12: expected the number 0xced7230a at the start of a RecordIO frame, found"),
        (MAGIC.to_le_bytes().to_vec(), "byte 12: expected 8 bytes at the start of a RecordIO frame, found 4"),
        ([MAGIC.to_le_bytes(), [9, 0, 0, 0]].concat(), "byte 12: expected a record of 9 bytes, found 0 to the end"),
        ([MAGIC.to_le_bytes(), [0, 0, 0, 0x20]].concat(), "byte 12: expected a record in one piece"),
    ] {
        let mut bytes = [good.clone(), bytes].concat();
        let mut frames = Frames::new(bytes.as_mut_slice() as &[u8]);
        assert_eq!(frames.next_frame().unwrap(), Some(&b"abc"[..]));
        let error = frames.next_frame().unwrap_err();
        assert!(error.to_string().starts_with(expected), "{error}");
    }
}
