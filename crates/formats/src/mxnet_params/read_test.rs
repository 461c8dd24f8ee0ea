use super::*;
use crate::error::Cause;
use byoc_account::Allowance;
use proptest::prelude::*;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/linear-learner/params_formats")
}

fn file(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(name)).unwrap()
}

fn dtype(data_type: DataType) -> String {
    format!("{data_type:?}").to_lowercase()
}

fn assert_array(array: &Array<'_>, expected: &Value, place: &str) {
    let stype = match array.layout() {
        Layout::Dense => "default",
        Layout::RowSparse => "row_sparse",
        Layout::Csr => "csr",
    };
    assert_eq!(stype, expected["stype"], "{place}");
    assert_eq!(dtype(array.data_type()), expected["dtype"].as_str().unwrap(), "{place}");
    let shape: Vec<u64> = expected["shape"].as_array().unwrap().iter().map(|length| length.as_u64().unwrap()).collect();
    assert_eq!(array.shape(), shape, "{place}");
    let values: Vec<f64> = expected["values"].as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect();
    assert_eq!(array.to_f64().unwrap(), values, "{place}");
    let rounded: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    assert_eq!(array.to_f32().unwrap(), rounded, "{place}");
}

#[test]
fn files_of_six_releases_have_the_values_that_mxnet_wrote() {
    let mut files = 0;
    for entry in std::fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let table: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        for (name, expected) in table.as_object().unwrap() {
            files += 1;
            let bytes = file(name);
            let params = Params::parse(&bytes).unwrap();
            let length = bytes.len() as u64;
            match &expected["arrays"] {
                Value::Object(arrays) => {
                    assert_eq!(params.arrays.len(), arrays.len(), "{name}");
                    for (array, expected) in arrays {
                        let found = params.get(array).unwrap();
                        assert_array(found, expected, &format!("{name} {array}"));
                        let places = Places::find(bytes.as_slice(), length, &[array]).unwrap();
                        let place = places.of[0].unwrap();
                        let allowance = Allowance::unbounded();
                        let check = |streamed: &Array<'_>| {
                            assert_eq!(streamed.shape(), found.shape(), "{name} {array}");
                            assert_array(streamed, expected, &format!("{name} {array} streamed"));
                            Ok(())
                        };
                        Params::with_array(bytes.as_slice(), length, place, &allowance, check).unwrap();
                    }
                }
                list => {
                    let list = list.as_array().unwrap();
                    assert_eq!((params.names.len(), params.arrays.len()), (0, list.len()), "{name}");
                    for (array, expected) in params.arrays.iter().zip(list) {
                        assert_array(array, expected, name);
                    }
                    let places = Places::find(bytes.as_slice(), length, &["x"]).unwrap();
                    assert_eq!(places, Places { of: vec![None], first_names: Vec::new() }, "{name}");
                }
            }
        }
    }
    assert_eq!(files, 55);
}

/// A V2 file of one array, whose parts a test may damage.
fn one_array(
    storage: i32,
    stored: &[i64],
    shape: &[i64],
    data_type: i32,
    auxiliary: &[&[i64]],
    data: &[u8],
) -> Vec<u8> {
    let dimensions = |shape: &[i64]| {
        let mut out = i32::to_le_bytes(shape.len() as i32).to_vec();
        out.extend(shape.iter().flat_map(|length| length.to_le_bytes()));
        out
    };
    let mut out = Vec::new();
    out.extend([0x112_u64, 0, 1].iter().flat_map(|number| number.to_le_bytes()));
    out.extend(0xF993_FAC9_u32.to_le_bytes());
    out.extend(storage.to_le_bytes());
    if storage > 0 {
        out.extend(dimensions(stored));
    }
    out.extend(dimensions(shape));
    out.extend([1, 0, data_type].iter().flat_map(|number: &i32| number.to_le_bytes()));
    for indices in auxiliary {
        out.extend(6_i32.to_le_bytes());
        out.extend(dimensions(&[indices.len() as i64]));
    }
    out.extend(data);
    out.extend(auxiliary.iter().flat_map(|indices| indices.iter()).flat_map(|index| index.to_le_bytes()));
    out.extend([1_u64, 1].iter().flat_map(|number| number.to_le_bytes()));
    out.push(b'x');
    out
}

#[test]
fn a_row_sparse_array_whose_storage_shape_is_zero_is_read_by_its_row_numbers() {
    for stored in [&[0_i64, 2][..], &[], &[2, 2]] {
        let data: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0].iter().flat_map(|value| value.to_le_bytes()).collect();
        let bytes = one_array(1, stored, &[3, 2], 0, &[&[0, 2]], &data);
        let params = Params::parse(&bytes).unwrap();
        assert_eq!(params.get("x").unwrap().to_f32().unwrap(), [1.0, 2.0, 0.0, 0.0, 3.0, 4.0]);
    }
}

#[test]
fn invalid_files_are_refused_with_the_byte_and_the_expectation() {
    let good = one_array(0, &[], &[2], 3, &[], &[7, 8]);
    assert_eq!(Params::parse(&good).unwrap().get("x").unwrap().to_f32().unwrap(), [7.0, 8.0]);
    let float = |values: usize| vec![0; 4 * values];
    for (bytes, expected) in [
        (b"PK\x03\x04 a zip, not params".to_vec(), "not an MXNet .params file: expected the number 0x112"),
        (good[..20].to_vec(), "byte 16: expected 8 more bytes, found 4 to the end of the file"),
        (one_array(0, &[], &[1 << 40], 0, &[], &[]), "expected 4398046511104 more bytes, found 17"),
        (
            one_array(0, &[], &[1 << 40, 1 << 40], 0, &[], &[]),
            "the size of the shape [1099511627776, 1099511627776] overflows",
        ),
        (one_array(0, &[], &[-2], 0, &[], &[]), "expected 18446744073709551615 more bytes"),
        (one_array(0, &[], &[0; 33], 0, &[], &[]), "expected at most 32 dimensions, found 33"),
        (one_array(0, &[], &[1], 13, &[], &[0]), "expected a data type from 0 to 12, found 13"),
        (one_array(3, &[], &[1], 0, &[], &float(1)), "expected a storage type from -1 to 2, found 3"),
        (one_array(1, &[3, 2], &[3, 2], 0, &[&[0]], &float(2)), "expected 2 stored values by the row numbers, found 6"),
    ] {
        let error = Params::parse(&bytes).unwrap_err();
        assert_eq!(error.cause(), Cause::BadArtifact);
        assert!(error.to_string().contains(expected), "{error}");
        assert!(Places::find(bytes.as_slice(), bytes.len() as u64, &["x"]).is_err(), "{expected}");
    }
    for (bytes, expected) in [
        (one_array(1, &[1, 2], &[3, 2], 0, &[&[3]], &float(2)), "has the index 3, which is outside of it"),
        (one_array(1, &[1, 1], &[1 << 30, 1], 0, &[&[3]], &float(1)), "is too large"),
        (one_array(2, &[1], &[2, 2], 0, &[&[0, 1], &[0]], &float(1)), "has 2 row starts: expected 3"),
        (one_array(2, &[1], &[1, 2], 0, &[&[0, 1], &[2]], &float(1)), "has the index 2"),
        (one_array(2, &[1], &[1, 2], 0, &[&[0, 5], &[0]], &float(1)), "has the index 5"),
        (one_array(2, &[1], &[1, 2], 0, &[&[-1, 1], &[0]], &float(1)), "outside of it"),
        (one_array(2, &[1], &[2], 0, &[&[0, 1], &[0]], &float(1)), "a csr array has the shape [2]: expected two"),
    ] {
        let error = Params::parse(&bytes).unwrap().get("x").unwrap().to_f32().unwrap_err();
        assert_eq!(error.cause(), Cause::BadArtifact);
        assert!(error.to_string().contains(expected), "{error}");
    }
    let mut count = good;
    count[16..24].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(Params::parse(&count).unwrap_err().to_string().contains("found a count of 18446744073709551615"));
}

proptest! {
    #[test]
    fn a_damaged_file_is_an_error_or_other_numbers_but_never_a_panic(
        name in proptest::sample::select(vec![
            "mx1.9.1_csr.params",
            "mx1.9.1_row_sparse.params",
            "mx1.9.1_np_shape.params",
            "mx0.11.0_dict.params",
            "mx0.9.5-2_dict.params",
        ]),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        length in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = file(name);
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if cut {
            bytes.truncate(length.index(bytes.len()));
        }
        let places = Places::find(bytes.as_slice(), bytes.len() as u64, &["x"]);
        match Params::parse(&bytes) {
            Ok(params) => {
                prop_assert!(places.is_ok());
                for array in &params.arrays {
                    if array.shape().iter().fold(1_u64, |items, length| items.saturating_mul(*length)) < 1 << 20 {
                        let _ = array.to_f32();
                    }
                }
            }
            Err(error) => prop_assert_eq!(error.cause(), Cause::BadArtifact),
        }
    }
}
