//! Hand-made skops models: the value of each node, and hostile archives.

use std::io::{Cursor, Write as _};

use byoc_account::{Allowance, Purpose};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::error::{Cause, Error};
use crate::pickle::{ItemKind, Outline, Tree, Value, read};
use crate::testing::SCIKIT_LEARN;

/// `numpy.save` of an array.
fn npy(code: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let header = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': {shape}, }}");
    let header = format!("{header:<117}\n");
    [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), data].concat()
}

fn zipped(method: CompressionMethod, files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A model of skops with a schema and arrays.
fn model(schema: &str, arrays: &[(&str, &[u8])]) -> Vec<u8> {
    zipped(CompressionMethod::Stored, &[arrays, &[("schema.json", schema.as_bytes())]].concat())
}

fn node(module: &str, class: &str, loader: &str, rest: &str) -> String {
    let comma = if rest.is_empty() { "" } else { ", " };
    format!(
        r#"{{"__class__": "{class}", "__module__": "{module}", "__loader__": "{loader}"{comma}{rest}, "__id__": 7}}"#
    )
    .replace(", , ", ", ")
}

fn json(value: &str) -> String {
    node(
        "builtins",
        "str",
        "JsonNode",
        &format!(r#""content": {}, "is_json": true"#, serde_json::to_string(value).unwrap()),
    )
}

fn collection(class: &str, loader: &str, items: &[String]) -> String {
    node("builtins", class, loader, &format!(r#""content": [{}]"#, items.join(", ")))
}

fn list(items: &[String]) -> String {
    collection("list", "ListNode", items)
}

fn dict(entries: &[(&str, &str, String)]) -> String {
    let types: Vec<String> = entries.iter().map(|(_, class, _)| node("builtins", class, "TypeNode", "")).collect();
    let content: Vec<String> =
        entries.iter().map(|(key, _, value)| format!("{}: {value}", serde_json::to_string(key).unwrap())).collect();
    let rest = format!(r#""content": {{{}}}, "key_types": {}"#, content.join(", "), list(&types));
    node("builtins", "dict", "DictNode", &rest)
}

fn array(class: &str, file: &str) -> String {
    node("numpy", class, "NdArrayNode", &format!(r#""type": "numpy", "file": "{file}""#))
}

fn tree(schema: &str, arrays: &[(&str, &[u8])]) -> Tree {
    read(model(schema, arrays), SCIKIT_LEARN, &Allowance::unbounded())
        .unwrap_or_else(|error| panic!("{schema}: {error}"))
}

fn refusal_of(bytes: Vec<u8>) -> Error {
    read(bytes, SCIKIT_LEARN, &Allowance::unbounded()).map(drop).unwrap_err()
}

fn refusal(schema: &str, arrays: &[(&str, &[u8])]) -> String {
    refusal_of(model(schema, arrays)).to_string()
}

#[test]
fn each_node_becomes_its_value() {
    type Check = fn(Value<'_>) -> bool;
    let random = r#""content": {"anything": 1}"#;
    let shape = |lengths: &[&str]| {
        let lengths: Vec<String> = lengths.iter().map(|length| json(length)).collect();
        collection("tuple", "TupleNode", &lengths)
    };
    let objects = |content: &str, lengths: &[&str]| {
        let rest = format!(r#""type": "json", "content": [{content}], "shape": {}"#, shape(lengths));
        node("numpy", "ndarray", "NdArrayNode", &rest)
    };
    let pair = list(&[json("1"), json("\"b\"")]);
    let cases: Vec<(String, Check)> = vec![
        (json("null"), |value| value.is_none()),
        (json("true"), |value| value.as_bool() == Some(true)),
        (json("false"), |value| value.as_bool() == Some(false)),
        (json("-7"), |value| value.as_i64() == Some(-7)),
        (json("123456789012345678901234567890"), |value| value.describe() == "a large integer"),
        (json("-1.5e-05"), |value| value.as_float() == Some(-1.5e-5)),
        (json("NaN"), |value| value.as_float().is_some_and(f64::is_nan)),
        (json("-Infinity"), |value| value.as_float() == Some(f64::NEG_INFINITY)),
        (json(r#""ü \"q\" \\ \u00e9""#), |value| value.as_str() == Some("ü \"q\" \\ é")),
        (list(&[json("1"), json("2")]), |value| value.items().is_some_and(|items| items.len() == 2)),
        (list(&[]), |value| value.items().is_some_and(|items| items.len() == 0)),
        (collection("tuple", "TupleNode", &[json("1")]), |value| value.describe() == "a tuple of 1 item"),
        (collection("set", "SetNode", &[json("1")]), |value| value.describe() == "a set of 1 item"),
        (dict(&[("a \"b\"", "str", json("1"))]), |value| value.get("a \"b\"").and_then(Value::as_i64) == Some(1)),
        (dict(&[("-3", "int", json("1"))]), |value| {
            value.entries().unwrap().next().is_some_and(|(key, _)| key.as_i64() == Some(-3))
        }),
        (dict(&[("0.5", "float", json("1"))]), |value| {
            value.entries().unwrap().next().is_some_and(|(key, _)| key.as_float() == Some(0.5))
        }),
        (node("builtins", "slice", "SliceNode", r#""content": {"start": null, "stop": 3, "step": "x"}"#), |value| {
            let [start, stop, step] = value.arguments().unwrap().array_of().unwrap();
            start.is_none() && stop.as_i64() == Some(3) && step.as_str() == Some("x")
        }),
        (node("numpy", "float64", "TypeNode", ""), |value| value.symbol() == Some(("numpy", "float64"))),
        (node("numpy", "log1p", "FunctionNode", ""), |value| value.symbol() == Some(("numpy", "log1p"))),
        (
            node("numpy", "ufunc", "FunctionNode", r#""content": {"module_path": "numpy", "function": "sqrt"}"#),
            |value| value.symbol() == Some(("numpy", "sqrt")),
        ),
        (array("ndarray", "f.npy"), |value| value.as_array().unwrap().to_f64().unwrap() == [1.5, 2.5]),
        (list(&[array("ndarray", "f.npy"), array("ndarray", "f.npy")]), |value| {
            value.items().unwrap().all(|array| array.as_array().unwrap().to_f64().unwrap() == [1.5, 2.5])
        }),
        (array("ndarray", "text.npy"), |value| value.as_array().unwrap().to_text().unwrap() == ["ab"]),
        (array("float64", "one.npy"), |value| value.as_float() == Some(0.5)),
        (objects(&[json("1"), json("\"b\"")].join(","), &["2"]), |value| {
            value.as_array().unwrap().objects().unwrap().nth(1).unwrap().as_str() == Some("b")
        }),
        (objects(&[pair.clone(), pair].join(","), &["2", "2"]), |value| {
            let array = value.as_array().unwrap();
            array.shape() == [2, 2] && array.objects().unwrap().nth(3).unwrap().as_str() == Some("b")
        }),
        (node("numpy", "dtype", "DTypeNode", &format!(r#""content": {}"#, array("ndarray", "f.npy"))), |value| {
            value.as_dtype().is_some_and(|dtype| dtype.kind == ItemKind::Float)
        }),
        (node("numpy", "dtype", "DTypeNode", &format!(r#""content": {}"#, objects("", &["0"]))), |value| {
            value.as_dtype().is_some_and(|dtype| dtype.kind == ItemKind::Object)
        }),
        (node("builtins", "bytes", "BytesNode", r#""file": "x.bin""#), |value| value.as_bytes() == Some(b"xyz")),
        (node("numpy.random.mtrand", "RandomState", "RandomStateNode", random), |value| value.class().is_some()),
        (node("_loss", "CyHuberLoss", "LossNode", random), |value| value.class() == Some(("_loss", "CyHuberLoss"))),
        (
            node(
                "sklearn.preprocessing._data",
                "Normalizer",
                "ObjectNode",
                &format!(r#""content": {}"#, dict(&[("norm", "str", json("\"l2\""))])),
            ),
            |value| value.attribute("norm").and_then(Value::as_str) == Some("l2") && value.byte().is_none(),
        ),
        (node("sklearn.preprocessing._data", "Normalizer", "ObjectNode", ""), |value| value.state().is_none()),
        (node("pandas._libs.missing", "NAType", "ObjectNode", ""), |value| {
            value.symbol() == Some(("pandas._libs.missing", "NA"))
        }),
    ];
    let floats = [1.5f64, 2.5].map(f64::to_le_bytes).concat();
    let text: Vec<u8> = "ab".chars().flat_map(|letter| (letter as u32).to_le_bytes()).collect();
    let arrays = [
        ("f.npy", npy("<f8", "(2,)", &floats)),
        ("text.npy", npy("<U2", "(1,)", &text)),
        ("one.npy", npy("<f8", "()", &0.5f64.to_le_bytes())),
        ("x.bin", b"xyz".to_vec()),
    ];
    let arrays: Vec<(&str, &[u8])> = arrays.iter().map(|(name, bytes)| (*name, bytes.as_slice())).collect();
    for (schema, is_right) in cases {
        let tree = tree(&schema, &arrays);
        assert!(is_right(tree.root()), "{schema}: {:?}", tree.root());
    }
}

#[test]
fn names_outside_the_list_are_refused_by_their_name_and_kept_in_an_outline() {
    let state = format!(r#""content": {}"#, dict(&[("a", "str", json("1"))]));
    for (schema, expected) in [
        (node("os", "system", "FunctionNode", ""), "os.system"),
        (node("builtins", "eval", "TypeNode", ""), "builtins.eval"),
        (
            node("sklearn.neighbors._classification", "KNeighborsClassifier", "ObjectNode", &state),
            "KNeighborsClassifier",
        ),
        (node("functools", "partial", "PartialNode", &state), "functools.partial"),
        (node("operator", "attrgetter", "OperatorFuncNode", ""), "operator.attrgetter"),
        (node("sklearn.tree._tree", "Tree", "TreeNode", ""), "sklearn.tree._tree.Tree"),
        (node("scipy.sparse._csr", "csr_matrix", "SparseMatrixNode", r#""type": "scipy", "file": "x""#), "csr_matrix"),
        (node("subprocess", "Popen", "ConstructorFromReduceNode", &format!(r#""content": {}"#, list(&[]))), "Popen"),
        (node("sklearn.utils._bunch", "Bunch", "DictNode", &state), "Bunch"),
        (node("my.code", "Names", "TupleNode", r#""content": []"#), "my.code.Names"),
        (node("numpy", "load", "FunctionNode", ""), "numpy.load"),
    ] {
        let error = refusal_of(model(&schema, &[]));
        assert_eq!(error.cause(), Cause::Unsupported, "{schema}: {error}");
        assert!(error.message().contains(expected) && error.place().is_none(), "{schema}: {error}");
        if !schema.contains("ConstructorFromReduceNode") {
            let outline = Outline::read(model(&schema, &[]), SCIKIT_LEARN, &Allowance::unbounded());
            assert!(outline.is_ok(), "{schema}: {:?}", outline.err());
        }
    }
    let index = node("pandas.core.indexes.base", "Index", "ObjectNode", &state);
    assert!(
        refusal(&index, &[]).contains("pandas.core.indexes.base.Index, which skops wrote as ObjectNode, is not read")
    );
    let method = node("sklearn.pipeline", "Pipeline", "MethodNode", "");
    assert!(refusal(&method, &[]).contains("sklearn.pipeline.Pipeline, which skops wrote as MethodNode, is not read"));
}

#[test]
fn a_refusal_names_the_step() {
    let part = node("sklearn.decomposition._pca", "PCA", "ObjectNode", "");
    let steps = list(&[collection("tuple", "TupleNode", &[json("\"reduce\""), part])]);
    let state = dict(&[("steps", "str", steps)]);
    let pipeline = node("sklearn.pipeline", "Pipeline", "ObjectNode", &format!(r#""content": {state}"#));
    let error = refusal(&pipeline, &[]);
    assert!(error.contains("step \"reduce\"") && error.contains("PCA"), "{error}");
}

#[test]
fn broken_models_are_refused_with_the_reason() {
    let cached = node("builtins", "str", "CachedNode", "");
    let of_array = |file: &[u8]| refusal(&array("ndarray", "a"), &[("a", file)]);
    let floats = npy("<f8", "(2,)", &[0; 16]);
    for (found, expected) in [
        (refusal("", &[]), "schema.json: expected more JSON"),
        (refusal("[1", &[]), "expected more JSON"),
        (refusal("[1 2]", &[]), "a comma"),
        (refusal("{\"a\" 1}", &[]), "a colon"),
        (refusal("{\"a\": 1]", &[]), "the end of what was opened last"),
        (refusal("[]]", &[]), "nothing behind"),
        (refusal("\"abc", &[]), "a value"),
        (refusal("[]", &[]), "an object of skops with __module__"),
        (refusal(r#"{"protocol": 3}"#, &[]), "protocol 3 of skops"),
        (refusal(&json("[1]"), &[]), "null, true, false, a number or a text"),
        (refusal(&json("inf"), &[]), "null, true, false, a number or a text"),
        (refusal(&node("builtins", "str", "JsonNode", r#""content": "\ud800""#), &[]), "a text of Unicode"),
        (refusal(&cached, &[]), "which skops wrote as CachedNode, is not read"),
        (refusal(&array("ndarray", "none"), &[]), "no file \"none\""),
        (of_array(b"x"), "an array as numpy.save writes it"),
        (of_array(&npy("<c16", "(0,)", b"")), "dtype \"<c16\""),
        (of_array(&npy("<f8", "(3,)", &[0; 16])), "has 16 bytes; expected 24"),
        (of_array(&npy("<f8", "(99999999999, 99999999999)", &[0; 16])), "too large"),
        (of_array(&npy("<f8", "(-2,)", &[0; 16])), "-2"),
        (of_array(&npy("<f8", &format!("({})", "1, ".repeat(40)), &[0; 8])), "the header of an array"),
        (of_array(b"\x93NUMPY\x01\0\xff\xff{'descr'"), "an array as numpy.save writes it"),
        (refusal(&array("float64", "a"), &[("a", &floats)]), "a single number"),
        (refusal(&dict(&[("a", "tuple", json("1"))]), &[]), "builtins.tuple, which skops wrote as TypeNode"),
        (refusal(&dict(&[("a", "int", json("1"))]), &[]), "a key that is a number"),
    ] {
        assert!(found.contains(expected), "{found}\nexpected {expected}");
    }
}

#[test]
fn depth_is_bounded_in_json_and_in_nodes() {
    let deep = |levels: usize| (0..levels).fold(json("1"), |inner, _| list(&[inner]));
    assert!(read(model(&deep(127), &[]), SCIKIT_LEARN, &Allowance::unbounded()).is_ok());
    assert!(refusal(&deep(128), &[]).contains("nested deeper"));
    assert!(refusal(&deep(400), &[]).contains("nested deeper"));
    assert!(refusal(&"[".repeat(1 << 20), &[]).contains("nested at most 1024 deep"));
    let objects =
        (0..40).fold("[]".to_owned(), |inner, _| node("x", "y", "ListNode", &format!(r#""content": [{inner}]"#)));
    assert!(refusal(&objects, &[]).contains("x.y"));
}

#[test]
fn archives_with_false_sizes_are_refused() {
    let schema = list(&[array("ndarray", "a")]);
    let data = npy("<f8", "(2,)", &[0; 16]);
    let honest = model(&schema, &[("a", &data)]);
    assert!(read(honest.clone(), SCIKIT_LEARN, &Allowance::unbounded()).is_ok());
    let place = |bytes: &[u8], what: &[u8]| memchr::memmem::rfind(bytes, what).unwrap();
    let with = |at: usize, new: &[u8]| {
        let mut bytes = honest.clone();
        bytes[at..at + new.len()].copy_from_slice(new);
        refusal_of(bytes).to_string()
    };
    let end = place(&honest, b"PK\x05\x06");
    let entry = memchr::memmem::find(&honest, b"PK\x01\x02").unwrap();
    for (found, expected) in [
        (with(place(&honest, &[0; 16]), b"\x01"), "length or checksum differs"),
        (with(end + 10, &[0xff, 0xff]), "announces 65535 files"),
        (with(end + 10, &[3, 0]), "announces 3 files"),
        (with(end + 12, &[90]), "cut off or damaged"),
        (with(end + 16, &[0, 0]), "cut off or damaged"),
        (with(entry + 10, &[12, 0]), "neither stored nor deflated"),
        (with(entry + 8, &[1]), "neither stored nor deflated"),
        (with(entry + 20, &[0xff, 0xff, 0, 0, 0xff, 0xff, 0, 0]), "is cut off"),
        (with(entry + 24, &[17]), "neither stored nor deflated"),
        (with(entry + 42, &[9]), "is cut off, or has another name"),
        (with(30, b"b"), "is cut off, or has another name"),
        (with(entry + 46, b"b"), "is cut off, or has another name"),
    ] {
        assert!(found.contains(expected) || found.contains("no file \"a\""), "{found}\nexpected {expected}");
    }
    let twice = model(&schema, &[("a", &data), ("b", &data)]);
    let mut twice = twice;
    let second = memchr::memmem::rfind(&twice, b"\0\0b").unwrap();
    twice[second + 2] = b'a';
    let message = refusal_of(twice).to_string();
    assert!(message.contains("two files named \"a\""), "{message}");
    for length in 0..honest.len() {
        assert!(read(honest[..length].to_vec(), SCIKIT_LEARN, &Allowance::unbounded()).is_err(), "{length}");
    }
}

#[test]
fn bombs_are_refused_before_they_are_unpacked_and_files_are_written_once() {
    let zeros = npy("<f8", "(8000000,)", &vec![0; 64_000_000]);
    let schema = list(&[array("ndarray", "a")]);
    let bomb = zipped(CompressionMethod::Deflated, &[("a", &zeros), ("schema.json", schema.as_bytes())]);
    assert!(bomb.len() < 100_000);
    let message = refusal_of(bomb).to_string();
    assert!(message.contains("unpack to more than an honest model"), "{message}");

    // A megabyte that is referred to ten thousand times is written once.
    let data = npy("<f8", "(125000,)", &[0; 1_000_000]);
    let schema = list(&vec![array("ndarray", "a"); 10_000]);
    let named = model(&schema, &[("a", &data)]);
    let length = named.len();
    let tree = read(named, SCIKIT_LEARN, &Allowance::unbounded()).unwrap();
    assert!(tree.plain_bytes() < 2 * length, "{} of {length}", tree.plain_bytes());
    let bytes = node("builtins", "bytes", "BytesNode", r#""file": "a""#);
    let message = refusal(&list(&vec![bytes; 10_000]), &[("a", &data)]);
    assert!(message.contains("unpack to more than an honest model"), "{message}");
}

#[test]
fn memory_is_leased_before_it_is_used_and_given_back_with_the_tree() {
    let data = npy("<f8", "(125000,)", &[0; 1_000_000]);
    let schema = list(&[array("ndarray", "a"), json("\"text\"")]);
    for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
        let bytes = zipped(method, &[("a", &data), ("schema.json", schema.as_bytes())]);
        let length = bytes.len();
        let allowance = Allowance::of_bytes(16 << 20, Purpose::Load);
        allowance.take(length).unwrap();
        let tree = read(bytes.clone(), SCIKIT_LEARN, &allowance).unwrap();
        assert!(allowance.taken() >= 1_000_000);
        tree.give_back_to(&allowance);
        assert_eq!(allowance.taken(), 0, "{method}");
        let few = Allowance::of_bytes(length as u64 + 1000, Purpose::Load);
        few.take(length).unwrap();
        let error = read(bytes, SCIKIT_LEARN, &few).map(drop).unwrap_err();
        assert_eq!(error.cause(), Cause::InsufficientMemory, "{method}: {error}");
    }
}
