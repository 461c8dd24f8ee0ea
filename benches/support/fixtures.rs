//! The models and requests of the benches: the preprocessor of the housing example, and a linear learner of ten
//! features.

use std::fs::File;
use std::path::PathBuf;

use byoc::model::{Answer, Artifact, Invocation, Model};
use byoc_account::Allowance;
use byoc_formats::media_types::recordio;
use byoc_formats::targz;
use byoc_sklearn::preprocessor::Overrides;
use tempfile::TempDir;

use super::fixtures_folder;

/// A model and a request to it.
pub struct Case {
    pub model: Model,
    /// The folder that the model was loaded from.
    pub folder: PathBuf,
    pub body: Vec<u8>,
    pub content_type: &'static str,
    pub accept: &'static str,
    _unpacked: Option<TempDir>,
}

impl Case {
    /// The model's answer to the request, computed as in a worker.
    pub fn answer(&self) -> byoc::error::Result<Answer> {
        let invocation = Invocation {
            content_type: Some(self.content_type),
            accept: Some(self.accept),
            default_accept: None,
            body: &self.body,
        };
        self.model.invoke(invocation, &Allowance::unbounded())
    }
}

/// The housing preprocessor: eight columns in, ten features out, CSV to CSV.
pub fn preprocessor(rows: usize) -> Case {
    let unpacked = TempDir::new().expect("a temporary folder");
    let case = fixtures_folder().join("sklearn/1.4.2/housing");
    for name in ["model.joblib", "columns.json"] {
        std::fs::copy(case.join(name), unpacked.path().join(name)).expect("the fixture is there");
    }
    let folder = unpacked.path().to_owned();
    let input = std::fs::read_to_string(case.join("input.csv")).expect("the fixture is there");
    Case {
        model: open(&folder),
        body: repeat(&input, rows),
        folder,
        content_type: "text/csv",
        accept: "text/csv",
        _unpacked: Some(unpacked),
    }
}

/// A linear learner: ten features in, a score out, CSV to JSON.
pub fn learner(rows: usize) -> Case {
    let unpacked = TempDir::new().expect("a temporary folder");
    let case = fixtures_folder().join("linear-learner/regressor_housing");
    let folder = unpacked.path().join("model");
    let archive = File::open(case.join("model.tar.gz")).expect("the fixture is there");
    targz::unpack(archive, &folder, &targz::Limits::default()).expect("it unpacks");
    let input = std::fs::read_to_string(case.join("requests/dense.csv")).expect("the fixture is there");
    Case {
        model: open(&folder),
        body: repeat(&input, rows),
        folder,
        content_type: "text/csv",
        accept: "application/json",
        _unpacked: Some(unpacked),
    }
}

/// The model of a folder, with a CSV body.
pub fn of_folder(folder: PathBuf, body: Vec<u8>, accept: &'static str) -> Case {
    Case { model: open(&folder), body, folder, content_type: "text/csv", accept, _unpacked: None }
}

/// The same learner and rows, recordio-protobuf to recordio-protobuf.
pub fn learner_of_records(rows: usize) -> Case {
    let case = learner(rows);
    let mut body = Vec::new();
    for row in float32_rows(&case.body) {
        recordio::write_record(&mut body, &[("values", (&row, &[], &[]))], &[]);
    }
    let media_type = "application/x-recordio-protobuf";
    Case { body, content_type: media_type, accept: media_type, ..case }
}

/// The same learner and rows, npy to npy.
pub fn learner_of_arrays(rows: usize) -> Case {
    let case = learner(rows);
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, 10), }}");
    let mut body = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
    body.extend(format!("{header:<117}\n").bytes());
    float32_rows(&case.body).for_each(|row| body.extend(row.iter().flat_map(|value| value.to_le_bytes())));
    let media_type = "application/x-npy";
    Case { body, content_type: media_type, accept: media_type, ..case }
}

fn float32_rows(csv: &[u8]) -> impl Iterator<Item = Vec<f32>> {
    let text = std::str::from_utf8(csv).expect("the fixture is text");
    text.lines().map(|line| line.split(',').map(|cell| cell.parse().expect("the fixture has numbers")).collect())
}

fn open(folder: &std::path::Path) -> Model {
    Artifact::find(folder)
        .and_then(|artifact| artifact.load(&Overrides::default(), &Allowance::unbounded()))
        .expect("the fixture loads")
}

fn repeat(input: &str, rows: usize) -> Vec<u8> {
    let mut body = String::new();
    for line in input.lines().cycle().take(rows) {
        body.push_str(line);
        body.push('\n');
    }
    body.into_bytes()
}
