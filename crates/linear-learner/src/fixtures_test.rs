//! Compares every request of every case of `tests/fixtures/linear-learner`, in every media type, with MXNet's scores.

use super::*;
use byoc_account::Allowance;
use byoc_formats::error::Cause;
use byoc_formats::media_types::answer::write_predictions;
use byoc_formats::media_types::prediction_style::PredictionStyle;
use proptest::prelude::*;
use serde::Deserialize;
use std::io::Read;
use std::path::{Path, PathBuf};

/// MXNet sums in float32, in a different order.
const TOLERANCE: f64 = 2e-6;

#[derive(Deserialize)]
struct Expected {
    scores: Vec<Vec<f64>>,
    predicted_labels: Option<Vec<i64>>,
}

struct Case {
    folder: PathBuf,
    learner: LinearLearner,
    expected: Expected,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/linear-learner")
}

fn cases() -> Vec<Case> {
    let folders = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path());
    let mut cases: Vec<_> = folders.filter(|folder| folder.join("model.tar.gz").is_file()).map(case).collect();
    cases.sort_by(|one, other| one.folder.cmp(&other.folder));
    assert_eq!(cases.len(), 8);
    cases
}

/// The folder that a container would find the model in.
fn unpacked(folder: &Path) -> tempfile::TempDir {
    let model = tempfile::tempdir().unwrap();
    let file = std::fs::File::open(folder.join("model.tar.gz")).unwrap();
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(file));
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let name = entry.path().unwrap().file_name().unwrap().to_owned();
        std::fs::write(model.path().join(name), bytes).unwrap();
    }
    model
}

fn case(folder: PathBuf) -> Case {
    let model = unpacked(&folder);
    let allowance = Allowance::unbounded();
    let learner = LinearLearner::open(model.path(), &allowance).unwrap();
    assert_eq!(allowance.taken() + size_of::<LinearLearner>() as u64, learner.bytes(), "{folder:?}");
    let expected = serde_json::from_slice(&std::fs::read(folder.join("expected/scores.json")).unwrap()).unwrap();
    Case { folder, learner, expected }
}

/// The requests of a case, with whether they are good.
fn requests(case: &Case) -> impl Iterator<Item = (PathBuf, ContentType, bool)> {
    std::fs::read_dir(case.folder.join("requests")).unwrap().filter_map(|entry| {
        let path = entry.unwrap().path();
        let media_type = match path.extension()?.to_str()? {
            "csv" => MediaType::Csv,
            "json" => MediaType::Json,
            "jsonl" => MediaType::JsonLines,
            "recordio" => MediaType::RecordIoProtobuf,
            _ => return None,
        };
        let good = !path.file_name()?.to_str()?.starts_with("bad");
        Some((path, ContentType::of(media_type), good))
    })
}

fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= expected.abs() * TOLERANCE
}

#[test]
fn every_request_gets_the_scores_of_mxnet() {
    let mut compared = 0;
    for case in cases() {
        for (path, content_type, _) in requests(&case).filter(|(.., good)| *good) {
            let batch =
                case.learner.read(content_type, &std::fs::read(&path).unwrap(), crate::testing::unbounded()).unwrap();
            let predictions = case.learner.predict(&batch).unwrap();
            let rows = if path.ends_with("single.csv") { 1 } else { case.expected.scores.len() };
            assert_eq!(predictions.rows(), rows, "{path:?}");
            let scores = crate::testing::scores(&predictions);
            let expected: Vec<f64> = case.expected.scores[..rows].concat();
            assert_eq!(scores.len(), expected.len(), "{path:?}");
            for (&found, expected) in scores.iter().zip(expected) {
                assert!(close(f64::from(found), expected), "{path:?}: {found} for {expected}");
            }
            let labels = case.expected.predicted_labels.as_ref().map(|labels| &labels[..rows]);
            assert_eq!(crate::testing::labels(&predictions).as_deref(), labels, "{path:?}");
            compared += 1;
        }
    }
    assert_eq!(compared, 78);
}

/// The numbers of `dense.csv` as numpy would save them.
fn npy(csv: &str, code: &str, fortran_order: bool) -> Vec<u8> {
    let rows: Vec<Vec<f64>> =
        csv.lines().map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
    let (height, width) = (rows.len(), rows[0].len());
    let order = if fortran_order { "True" } else { "False" };
    let header = format!("{{'descr': '{code}', 'fortran_order': {order}, 'shape': ({height}, {width}), }}\n");
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((header.len() as u16).to_le_bytes());
    file.extend(header.as_bytes());
    for index in 0..height * width {
        let (row, column) =
            if fortran_order { (index % height, index / height) } else { (index / width, index % width) };
        let value = rows[row][column];
        match code {
            "<f4" => file.extend((value as f32).to_le_bytes()),
            ">f8" => file.extend(value.to_be_bytes()),
            other => panic!("no rule for {other}"),
        }
    }
    file
}

#[test]
fn numpy_arrays_and_text_get_identical_scores() {
    for case in cases() {
        let csv = std::fs::read_to_string(case.folder.join("requests/dense.csv")).unwrap();
        let predict = |media_type, body: &[u8]| {
            let batch = case.learner.read(ContentType::of(media_type), body, crate::testing::unbounded()).unwrap();
            case.learner.predict(&batch).unwrap()
        };
        let expected = predict(MediaType::Csv, csv.as_bytes());
        for (code, fortran_order) in [("<f4", false), ("<f4", true), (">f8", false), (">f8", true)] {
            let body = npy(&csv, code, fortran_order);
            assert_eq!(predict(MediaType::Npy, &body), expected, "{:?} {code} {fortran_order}", case.folder);
        }
    }
}

/// The float32 numbers of an answer's labels, by name, record by record.
fn records(answer: &[u8]) -> Vec<Vec<(String, Vec<f32>)>> {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Record {
        #[prost(btree_map = "string, message", tag = "2")]
        label: std::collections::BTreeMap<String, Value>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    struct Value {
        #[prost(message, optional, tag = "2")]
        float32_tensor: Option<Tensor>,
    }
    #[derive(Clone, PartialEq, prost::Message)]
    struct Tensor {
        #[prost(float, repeated, tag = "1")]
        values: Vec<f32>,
    }
    let mut frames = byoc_formats::media_types::recordio::Frames::new(answer);
    let mut records = Vec::new();
    while let Some(payload) = frames.next_frame().unwrap() {
        let record: Record = prost::Message::decode(payload).unwrap();
        let numbers = |(name, value): (String, Value)| (name, value.float32_tensor.unwrap().values);
        records.push(record.label.into_iter().map(numbers).collect());
    }
    records
}

#[test]
fn the_records_of_answers_equal_those_of_the_algorithms_container() {
    let mut compared = 0;
    for case in cases() {
        let content_type = ContentType::of(MediaType::RecordIoProtobuf);
        let request = std::fs::read(case.folder.join("requests/dense.recordio")).unwrap();
        let mut answer = Vec::new();
        let predictions = case
            .learner
            .predict(&case.learner.read(content_type, &request, crate::testing::unbounded()).unwrap())
            .unwrap();
        write_predictions(predictions, PredictionStyle::LinearLearner, MediaType::RecordIoProtobuf, &mut answer)
            .unwrap();
        let expected = std::fs::read(case.folder.join("expected/response.recordio")).unwrap();
        assert_eq!(answer.len(), expected.len(), "{:?}", case.folder);
        let (found, expected) = (records(&answer), records(&expected));
        assert_eq!(found.len(), expected.len(), "{:?}", case.folder);
        for ((name, found), (expected_name, expected)) in found.iter().flatten().zip(expected.iter().flatten()) {
            assert_eq!((name, found.len()), (expected_name, expected.len()), "{:?}", case.folder);
            for (&found, &expected) in found.iter().zip(expected) {
                assert!(close(found.into(), expected.into()), "{:?} {name}: {found} for {expected}", case.folder);
                compared += 1;
            }
        }
    }
    assert!(compared > 150, "{compared}");
}

/// The numbers in a text, and the text between them.
fn numbers(text: &str) -> (Vec<f64>, Vec<&str>) {
    let is_part = |character: char| character.is_ascii_digit() || "+-.e".contains(character);
    let mut found = Vec::new();
    let mut between = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|character: char| character.is_ascii_digit() || character == '-') {
        let length = rest[start..].find(|character| !is_part(character)).unwrap_or(rest.len() - start);
        between.push(&rest[..start]);
        found.push(rest[start..start + length].parse().unwrap());
        rest = &rest[start + length..];
    }
    between.push(rest);
    (found, between)
}

#[test]
fn answers_have_the_format_of_the_algorithms_container() {
    let mut compared = 0;
    for case in cases() {
        let content_type = ContentType::of(MediaType::Csv);
        let batch = case.learner.read(
            content_type,
            &std::fs::read(case.folder.join("requests/dense.csv")).unwrap(),
            crate::testing::unbounded(),
        );
        let predictions = case.learner.predict(&batch.unwrap()).unwrap();
        for (media_type, file) in [(MediaType::Json, "response.json"), (MediaType::JsonLines, "response.jsonl")] {
            let mut answer = Vec::new();
            write_predictions(predictions.clone(), PredictionStyle::LinearLearner, media_type, &mut answer).unwrap();
            let answer = String::from_utf8(answer).unwrap();
            let expected = std::fs::read_to_string(case.folder.join("expected").join(file)).unwrap();
            let ((found, between), (expected, expected_between)) = (numbers(&answer), numbers(&expected));
            assert_eq!(between, expected_between, "{:?} {file}", case.folder);
            for (&found, &expected) in found.iter().zip(&expected) {
                // JSON Lines cuts scores at 15 decimals.
                let last_decimal = if media_type == MediaType::JsonLines { 1.1e-15 } else { 0.0 };
                assert!(
                    close(found, expected) || (found - expected).abs() <= last_decimal,
                    "{:?} {file}: {found} for {expected}",
                    case.folder
                );
            }
            compared += found.len();
        }
    }
    assert!(compared > 300, "{compared}");
}

#[test]
fn every_bad_request_is_refused_with_what_was_expected_and_found() {
    let mut refused = 0;
    for case in cases() {
        for (path, content_type, _) in requests(&case).filter(|(.., good)| !*good) {
            let error = case
                .learner
                .read(content_type, &std::fs::read(&path).unwrap(), crate::testing::unbounded())
                .unwrap_err();
            assert_eq!(error.cause(), Cause::BadPayload, "{path:?}");
            let message = error.message();
            assert!(message.starts_with("unable to evaluate payload provided: expected "), "{message}");
            assert!(message.contains("found "), "{message}");
            let place = error.place().unwrap();
            assert_eq!(place.row, Some(1), "{path:?}");
            match path.file_name().unwrap().to_str().unwrap() {
                "bad_text.csv" => {
                    assert_eq!(place.column, Some(1));
                    assert!(message.contains("expected a number, found \"abc\""), "{message}");
                }
                "bad_one_short.csv" => {
                    let dim = case.learner.feature_dim();
                    assert!(message.ends_with(&format!("expected {dim} features, found {}", dim - 1)), "{message}");
                }
                "bad.json" => assert_eq!(place.byte, Some(33)),
                other => panic!("no rule for {other}"),
            }
            refused += 1;
        }
    }
    assert_eq!(refused, 15);
}

proptest! {
    #[test]
    fn a_damaged_archive_is_an_error_or_a_model_but_never_a_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in prop_oneof![Just(None), any::<prop::sample::Index>().prop_map(Some)],
    ) {
        let model = unpacked(&root().join("binary_at_threshold"));
        let path = model.path().join("model_algo-1");
        let mut bytes = std::fs::read(&path).unwrap();
        for (index, byte) in changes {
            let index = index.index(bytes.len());
            bytes[index] = byte;
        }
        if let Some(length) = length {
            bytes.truncate(length.index(bytes.len()));
        }
        std::fs::write(&path, bytes).unwrap();
        if let Err(error) = LinearLearner::open(model.path(), &Allowance::unbounded()) {
            prop_assert_eq!(error.cause(), Cause::BadArtifact);
        }
    }
}
