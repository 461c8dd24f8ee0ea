//! The reader on whole files: artifacts of eleven scikit-learn versions, each protocol and compression, and hostile and
//! broken files.

use byoc_account::Allowance;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;
use crate::testing::SCIKIT_LEARN;

fn fixtures(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures").join(folder)
}

fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(fixtures(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn model(case: &str) -> Vec<u8> {
    fixture(&format!("sklearn/{case}/model.joblib"))
}

/// Every honest artifact, as (path, bytes).
fn honest() -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for version in std::fs::read_dir(fixtures("sklearn")).unwrap() {
        let Ok(cases) = std::fs::read_dir(version.unwrap().path()) else { continue };
        for case in cases {
            let path = case.unwrap().path().join("model.joblib");
            if let Ok(bytes) = std::fs::read(&path) {
                found.push((path, bytes));
            }
        }
    }
    found
}

/// A value with everything in it as text, in the form that `tests/fixtures/pickle/make.py` writes too.
fn text(value: Value<'_>) -> String {
    let mut out = String::new();
    write_text(&mut out, value);
    out
}

fn write_text(out: &mut String, value: Value<'_>) {
    if let Some(number) = value.as_i64() {
        write!(out, "{number}").unwrap();
    } else if let Some(number) = value.as_float() {
        write!(out, "f{:016x}", number.to_bits()).unwrap();
    } else if let Some(text) = value.as_str() {
        out.push('t');
        write_hex(out, text.as_bytes());
    } else if let Some(bytes) = value.as_bytes() {
        out.push('b');
        write_hex(out, bytes);
    } else if let Some(entries) = value.entries() {
        out.push_str("dict(");
        for (index, (key, item)) in entries.enumerate() {
            out.push_str(if index > 0 { " " } else { "" });
            write_text(out, key);
            out.push('=');
            write_text(out, item);
        }
        out.push(')');
    } else if let Some(items) = value.items() {
        out.push_str(value.describe().trim_start_matches("a ").split(' ').next().unwrap());
        write_items(out, items);
    } else if let Some((module, name)) = value.class() {
        if name == "slice" {
            out.push_str("slice");
            return write_items(out, value.arguments().unwrap().items().unwrap());
        }
        write!(out, "{module}.{name}").unwrap();
        write_text(out, value.arguments().unwrap());
        value.state().into_iter().for_each(|state| write_text(out, state));
    } else if let Some((_, name)) = value.symbol() {
        write!(out, "class:{name}").unwrap();
    } else if let Some(array) = value.as_array() {
        write!(out, "array({:?} {:?} ", array.shape(), array.dtype()).unwrap();
        match array.objects() {
            Some(items) => write_items(out, items),
            None => write!(out, "{:?} {:?}", array.to_f64().ok(), array.to_text().ok()).unwrap(),
        }
        out.push(')');
    } else {
        out.push_str(&value.describe().replace("a large integer", "big"));
    }
}

fn write_items<'t>(out: &mut String, items: impl Iterator<Item = Value<'t>>) {
    out.push('(');
    for (index, item) in items.enumerate() {
        out.push_str(if index > 0 { " " } else { "" });
        write_text(out, item);
    }
    out.push(')');
}

fn write_hex(out: &mut String, bytes: &[u8]) {
    bytes.iter().for_each(|byte| write!(out, "{byte:02x}").unwrap());
}

#[test]
fn every_valid_artifact_is_read_as_a_scikit_learn_object() {
    let honest = honest();
    assert!(honest.len() > 450, "{} artifacts", honest.len());
    for (path, bytes) in honest {
        let tree = read(bytes, SCIKIT_LEARN, &Allowance::unbounded())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let (module, _) = tree.root().class().unwrap_or_else(|| panic!("{}: {:?}", path.display(), tree.root()));
        assert!(module.starts_with("sklearn."), "{}: {module}", path.display());
        assert!(tree.root().attribute("_sklearn_version").is_some_and(|version| version.as_str().is_some()));
        assert!(text(tree.root()).len() > 200, "{}", path.display());
    }
}

#[track_caller]
fn assert_are_the_values(bytes: Vec<u8>, which: &str) {
    let expected = String::from_utf8(fixture("pickle/values.txt")).unwrap();
    let tree = read(bytes, SCIKIT_LEARN, &Allowance::unbounded()).unwrap_or_else(|error| panic!("{which}: {error}"));
    let values: Vec<String> = tree.root().items().unwrap().map(text).collect();
    assert_eq!(values.len(), expected.lines().count());
    for (index, (value, expected)) in values.iter().zip(expected.lines()).enumerate() {
        assert_eq!(value, expected, "{which}, value {index}");
    }
}

#[test]
fn plain_values_of_each_protocol_are_what_python_reads_back() {
    for protocol in 0..=5 {
        assert_are_the_values(fixture(&format!("pickle/values_{protocol}.pickle")), &format!("protocol {protocol}"));
    }
}

#[test]
fn plain_values_in_each_compression_are_what_python_reads_back() {
    for format in ["zlib", "gz", "bz2", "lzma", "lzma9", "xz", "xz9"] {
        assert_are_the_values(fixture(&format!("pickle/values_4.pickle.{format}")), format);
    }
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    std::io::Write::write_all(&mut lz4, &fixture("pickle/values_4.pickle")).unwrap();
    assert_are_the_values(lz4.finish().unwrap(), "lz4");
}

#[test]
fn a_model_reads_the_same_in_each_protocol() {
    let expected =
        text(read(model("1.9.1/housing_plain_pickle"), SCIKIT_LEARN, &Allowance::unbounded()).unwrap().root());
    for protocol in 0..=5 {
        let tree =
            read(fixture(&format!("pickle/model_{protocol}.pickle")), SCIKIT_LEARN, &Allowance::unbounded()).unwrap();
        assert_eq!(text(tree.root()), expected, "protocol {protocol}");
    }
}

const COMPRESSED: &[&str] =
    &["housing_zlib", "housing_gzip", "housing_bz2", "housing_lzma", "housing_xz", "housing_lz4"];

#[test]
fn a_file_cut_off_at_any_byte_is_refused() {
    for case in ["housing", "housing_proto2", "housing_plain_pickle"].iter().chain(COMPRESSED) {
        let whole = model(&format!("1.9.1/{case}"));
        for length in 0..whole.len() {
            let error = read(whole[..length].to_vec(), SCIKIT_LEARN, &Allowance::unbounded())
                .map(|_| ())
                .expect_err(&format!("{case} cut to {length}"));
            assert_eq!(error.cause(), crate::error::Cause::BadArtifact);
        }
    }
}

#[test]
fn a_compressed_file_with_a_wrong_checksum_is_refused() {
    // The checksum comes last in zlib, bzip2 (some bits of padding follow) and LZ4; in gzip the length follows it.
    // The footer of an xz stream covers its index; lzma has no checksum.
    for (case, from_end) in [
        ("housing_zlib", 1),
        ("housing_zlib", 4),
        ("housing_gzip", 1),
        ("housing_gzip", 8),
        ("housing_bz2", 3),
        ("housing_xz", 1),
        ("housing_xz", 12),
    ] {
        let mut bytes = model(&format!("1.9.1/{case}"));
        let place = bytes.len() - from_end;
        bytes[place] ^= 0x10;
        assert!(read(bytes, SCIKIT_LEARN, &Allowance::unbounded()).is_err(), "{case}: byte {from_end} from the end");
    }
}

#[test]
fn bytes_after_the_pickle_and_after_the_compressed_stream_are_ignored() {
    for case in ["housing", "housing_zlib", "housing_gzip", "housing_bz2", "housing_xz", "housing_lz4"] {
        let mut bytes = model(&format!("1.9.1/{case}"));
        let expected = text(read(bytes.clone(), SCIKIT_LEARN, &Allowance::unbounded()).unwrap().root());
        bytes.extend_from_slice(b"\0\0more");
        let tree = read(bytes, SCIKIT_LEARN, &Allowance::unbounded()).unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(text(tree.root()), expected, "{case}");
    }
}

#[test]
fn the_last_value_of_an_attribute_that_is_set_twice_counts() {
    let tree = read(fixture("sklearn/bad/odd_duplicate_key.joblib"), SCIKIT_LEARN, &Allowance::unbounded()).unwrap();
    let norms = tree.root().state().unwrap().entries().unwrap().filter(|(key, _)| key.as_str() == Some("norm"));
    let norms: Vec<&str> = norms.map(|(_, value)| value.as_str().unwrap()).collect();
    assert!(norms.len() == 2 && norms[0] != norms[1], "{norms:?}");
    assert_eq!(tree.root().attribute("norm").unwrap().as_str(), Some(norms[1]));
}

#[test]
fn every_bad_file_is_refused_in_under_a_second_and_the_message_says_where() {
    let index: serde_json::Value = serde_json::from_slice(&fixture("sklearn/bad/index.json")).unwrap();
    let mut refused = 0;
    for case in index.as_array().unwrap() {
        let file = case["file"].as_str().unwrap();
        let bytes = fixture(&format!("sklearn/bad/{file}"));
        let started = Instant::now();
        let outcome = read(bytes, SCIKIT_LEARN, &Allowance::unbounded());
        assert!(started.elapsed() < Duration::from_secs(1), "{file} took {:?}", started.elapsed());
        if case["layer"] == "reader" {
            let error = outcome.map(|_| ()).expect_err(file);
            assert!(error.message().len() > 10 && error.message().len() < 800, "{file}: {error}");
            refused += 1;
        }
    }
    assert!(refused > 100, "{refused} refused");
}

#[test]
fn a_refused_class_is_named_with_its_byte() {
    for (file, class) in [
        ("exec_reduce", "os.system"),
        ("exec_dotted_name", "numpy.f2py.os.system"),
        ("exec_inside_object_array", "os.system"),
        ("exec_joblib_load", "joblib.numpy_pickle.load"),
        ("model_forest", "sklearn.ensemble._forest.RandomForestRegressor"),
        ("model_main_class", "__main__.Prep"),
        ("model_function_os", "posix.getcwd"),
    ] {
        let error = read(fixture(&format!("sklearn/bad/{file}.joblib")), SCIKIT_LEARN, &Allowance::unbounded())
            .map(|_| ())
            .expect_err(file);
        assert!(error.message().contains(class), "{file}: {error}");
        assert!(error.place().is_some_and(|place| place.byte.is_some()), "{file}: {error}");
    }
}

/// Refusing takes little memory. Measured in a separate process, because a process's peak never falls.
#[cfg(target_os = "linux")]
#[test]
fn all_bad_files_together_are_refused_within_64_mib() {
    const NAME: &str = "pickle::pickle_test::all_bad_files_together_are_refused_within_64_mib";
    if !std::env::args().any(|argument| argument == "--exact") {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stdout);
        assert!(child.status.success() && said.contains("1 passed"), "{said}");
        return;
    }
    for entry in std::fs::read_dir(fixtures("sklearn/bad")).unwrap() {
        drop(read(std::fs::read(entry.unwrap().path()).unwrap(), SCIKIT_LEARN, &Allowance::unbounded()));
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: usize = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(kib < 64 << 10, "peak of {kib} KiB");
}

/// A damaged file gives a tree that can be walked or an error, without a panic and within a second.
fn read_and_walk(bytes: Vec<u8>) {
    let started = Instant::now();
    match read(bytes, SCIKIT_LEARN, &Allowance::unbounded()) {
        Ok(tree) => drop(text(tree.root())),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    assert!(started.elapsed() < Duration::from_secs(2), "{:?}", started.elapsed());
}

/// Small honest files of each kind.
fn seeds() -> Vec<Vec<u8>> {
    let cases = [
        "1.9.1/housing",
        "1.9.1/kbins",
        "0.20.4/by_index",
        "1.4.2/ohe_infrequent",
        "1.9.1/housing_zlib",
        "1.9.1/housing_lz4",
        "1.9.1/housing_xz",
        "1.9.1/housing_lzma",
        "1.9.1/housing_bz2",
    ];
    let pickles = (0..=5).map(|protocol| fixture(&format!("pickle/model_{protocol}.pickle")));
    cases.iter().map(|case| model(case)).chain(pickles).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_files_never_panic(
        seed in 0..15usize,
        flips in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = seeds().swap_remove(seed);
        for (place, value) in flips {
            let place = place.index(bytes.len());
            bytes[place] = value;
        }
        read_and_walk(bytes);
    }

    #[test]
    fn spliced_files_never_panic(
        first in 0..15usize, second in 0..15usize,
        cut in any::<proptest::sample::Index>(), from in any::<proptest::sample::Index>(), length in 0..400usize,
    ) {
        let mut seeds = seeds();
        let donor = seeds[second].clone();
        let mut bytes = seeds.swap_remove(first);
        let cut = cut.index(bytes.len());
        let from = from.index(donor.len());
        let piece = donor[from..donor.len().min(from + length)].to_vec();
        bytes.splice(cut..cut, piece);
        read_and_walk(bytes);
    }

    /// Random opcodes, which bring the machine into states that no writer makes.
    #[test]
    fn programs_of_random_opcodes_never_panic(
        program in proptest::collection::vec(proptest::sample::select(OPCODES), 0..60),
    ) {
        let mut bytes = program.concat();
        bytes.push(b'.');
        read_and_walk(bytes);
    }
}

/// Pieces of programs: each opcode with a meaningful operand.
const OPCODES: &[&[u8]] = &[
    b"(",
    b".",
    b"N",
    b"\x88",
    b"K\x01",
    b"J\xff\xff\xff\xff",
    b"G@\x08\0\0\0\0\0\0",
    b"\x8c\x01C",
    b"\x8c\x02f8",
    b"\x8c\x02U1",
    b"X\x02\0\0\0O8",
    b"C\x08\0\0\0\0\0\0\0\0",
    b"C\x01b",
    b"]",
    b"l",
    b"a",
    b"e",
    b")",
    b"t",
    b"\x85",
    b"\x86",
    b"\x87",
    b"}",
    b"d",
    b"s",
    b"u",
    b"\x8f",
    b"\x90",
    b"\x91",
    b"h\0",
    b"h\x01",
    b"h\x02",
    b"q\0",
    b"q\x01",
    b"\x94",
    b"R",
    b"R",
    b"\x81",
    b"b",
    b"b",
    b"cnumpy\ndtype\n",
    b"cnumpy\nndarray\n",
    b"cnumpy.core.multiarray\n_reconstruct\n",
    b"cnumpy.core.multiarray\nscalar\n",
    b"cnumpy._core.numeric\n_frombuffer\n",
    b"cbuiltins\nset\n",
    b"cbuiltins\nslice\n",
    b"c_codecs\nencode\n",
    b"X\x06\0\0\0latin1",
    b"ccopyreg\n_reconstructor\n",
    b"cbuiltins\nobject\n",
    b"csklearn.pipeline\nPipeline\n",
    b"cjoblib.numpy_pickle\nNumpyArrayWrapper\n",
    b"cnumpy\ndtype\n(\x8c\x02f8tR",
    b"cnumpy\ndtype\n(\x8c\x02O8tR",
    b"(K\x01t",
    b"(K\x03\x8c\x01>NNNK\0K\0K\0tb",
    b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\0C\x01btR",
];
