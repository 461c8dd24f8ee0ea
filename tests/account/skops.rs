//! A skops model, as `skops.io.dump` writes it: a zip archive of a schema and arrays.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use tempfile::TempDir;

use super::folder;

/// Whether the files of the archive are compressed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kept {
    Stored,
    Deflated,
}

/// A zip archive.
fn archive(files: &[(&str, Vec<u8>)], kept: Kept) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, bytes) in files {
        let (method, packed) = match kept {
            Kept::Stored => (0_u16, bytes.clone()),
            Kept::Deflated => {
                let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(bytes).unwrap();
                (8, encoder.finish().unwrap())
            }
        };
        let sizes = [crc32fast::hash(bytes), packed.len() as u32, bytes.len() as u32];
        let mut shared = [20, 0, method, 0, 0].map(u16::to_le_bytes).concat();
        shared.extend(sizes.map(u32::to_le_bytes).concat());
        shared.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        let at = out.len() as u32;
        directory
            .extend([b"PK\x01\x02\x14\0", shared.as_slice(), &[0; 10], &at.to_le_bytes(), name.as_bytes()].concat());
        out.extend([b"PK\x03\x04", shared.as_slice(), name.as_bytes(), &packed].concat());
    }
    let (count, start) = (files.len() as u16, out.len() as u32);
    let end = [[0, 0, count, count].map(u16::to_le_bytes).concat(), (directory.len() as u32).to_le_bytes().to_vec()];
    out.extend([directory.as_slice(), b"PK\x05\x06", &end.concat(), &start.to_le_bytes(), &[0, 0]].concat());
    out
}

fn node(module: &str, class: &str, loader: &str, rest: &str) -> String {
    format!(
        r#"{{"__class__": "{class}", "__module__": "{module}", "__loader__": "{loader}", {rest},
            "__id__": 140539340593200}}"#
    )
}

fn json(value: &str) -> String {
    node("builtins", "str", "JsonNode", &format!(r#""content": "{}", "is_json": true"#, value.replace('"', "\\\"")))
}

fn sequence(class: &str, loader: &str, items: &[String]) -> String {
    node("builtins", class, loader, &format!(r#""content": [{}]"#, items.join(", ")))
}

/// A StandardScaler with `count` named columns.
pub fn scaler(count: usize, kept: Kept) -> TempDir {
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({count},), }}");
    let header = format!("{header:<117}\n");
    let numbers = (0..count).flat_map(|number| (number as f64 + 0.1).to_le_bytes());
    let array: Vec<u8> = [b"\x93NUMPY\x01\0".to_vec(), 118_u16.to_le_bytes().to_vec(), header.into_bytes()]
        .concat()
        .into_iter()
        .chain(numbers)
        .collect();
    let floats = |file: &str| node("numpy", "ndarray", "NdArrayNode", &format!(r#""type": "numpy", "file": "{file}""#));
    let names: Vec<String> = (0..count).map(|number| json(&format!("\"column {number}\""))).collect();
    let shape = sequence("tuple", "TupleNode", &[json(&count.to_string())]);
    let names = node(
        "numpy",
        "ndarray",
        "NdArrayNode",
        &format!(r#""type": "json", "content": [{}], "shape": {shape}"#, names.join(", ")),
    );
    let attributes = [
        ("with_mean", json("true")),
        ("with_std", json("true")),
        ("copy", json("true")),
        ("n_features_in_", json(&count.to_string())),
        ("feature_names_in_", names),
        ("mean_", floats("1.npy")),
        ("var_", floats("2.npy")),
        ("scale_", floats("3.npy")),
        ("_sklearn_version", json("\"1.6.1\"")),
    ];
    let types = vec![node("builtins", "str", "TypeNode", r#""content": null"#); attributes.len()];
    let entries: Vec<String> = attributes.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    let entries =
        format!(r#""content": {{{}}}, "key_types": {}"#, entries.join(", "), sequence("list", "ListNode", &types));
    let state = node("builtins", "dict", "DictNode", &entries);
    let object = format!(r#""content": {state}, "protocol": 2"#);
    let schema = node("sklearn.preprocessing._data", "StandardScaler", "ObjectNode", &object);
    let files =
        [("1.npy", array.clone()), ("2.npy", array.clone()), ("3.npy", array), ("schema.json", schema.into_bytes())];
    folder(&[("model.skops", &archive(&files, kept))])
}
