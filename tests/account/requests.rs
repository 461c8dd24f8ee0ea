//! Requests of any number of rows to a model of every class that can be read.

use super::models::{self, file};
use byoc::model::{Artifact, Model};
use byoc_account::Allowance;
use byoc_formats::media_types::MediaType;
use byoc_formats::media_types::answer::write_features;
use byoc_formats::rows::Features;
use byoc_formats::rows::table::{Column, Table};
use byoc_sklearn::preprocessor::Overrides;

/// A model of a class, and the number of its input columns.
pub fn model(class: &str) -> (Model, usize) {
    let count = match class {
        "FeatureUnion" => 8,
        _ => 40,
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("model.joblib"), file(&models::model(class, count).unwrap().piece())).unwrap();
    let model = Artifact::find(folder.path())
        .and_then(|found| found.load(&Overrides::default(), &Allowance::unbounded()))
        .unwrap();
    let width = match &model {
        Model::Preprocessor(preprocessor) => preprocessor.row_width(),
        Model::Scorer(scorer) => scorer.row_width(),
        Model::LinearLearner(learner) => Some(learner.feature_dim()),
    };
    (model, width.unwrap_or(10))
}

/// A value that every column of a class accepts.
fn value(class: &str) -> &'static str {
    match class {
        "LabelBinarizer" | "OneHotEncoder" | "OrdinalEncoder" | "TargetEncoder" => "category 00000001",
        _ => "0",
    }
}

/// A CSV body of `cells` cells.
pub fn csv(class: &str, width: usize, cells: usize) -> String {
    let row = vec![value(class); width].join(",");
    format!("{row}\n").repeat(cells / width)
}

/// A JSON body of `cells` cells.
pub fn json(class: &str, width: usize, cells: usize) -> String {
    let value = value(class);
    let value = if value == "0" { value.to_owned() } else { format!("{value:?}") };
    let row = vec![value; width].join(",");
    format!("[{}[{row}]]", format!("[{row}],").repeat(cells / width - 1))
}

/// Rows of ten numbers in any media type that can be read.
pub fn numbers(media_type: MediaType, rows: usize) -> Vec<u8> {
    let column = |index: usize| Column::Float64((0..rows).map(|row| (row * index) as f64 + 0.25).collect());
    let table = Table { rows, columns: (0..10).map(column).collect() };
    let mut body = Vec::new();
    write_features(Features { label: None, table, sources: vec![None; 10] }, media_type, &mut body).unwrap();
    body
}
