//! What tests share.

use byoc_account::Allowance;
use byoc_formats::rows::Predictions;
use byoc_formats::rows::predictions::Scores;
use byoc_formats::rows::table::Column;

/// An allowance without bounds, valid until the end of the process.
pub(crate) fn unbounded() -> &'static Allowance {
    Box::leak(Box::new(Allowance::unbounded()))
}

/// The scores of all rows, row after row.
pub(crate) fn scores(predictions: &Predictions<'_>) -> Vec<f32> {
    let columns = predictions.scores().map(Scores::columns).unwrap_or_default();
    let score = |column: &Column<'_>, row: usize| match column {
        Column::Float32(values) => values[row],
        other => panic!("scores of {}", other.dtype()),
    };
    (0..predictions.rows()).flat_map(|row| columns.iter().map(move |column| score(column, row))).collect()
}

/// The label of each row.
pub(crate) fn labels(predictions: &Predictions<'_>) -> Option<Vec<i64>> {
    predictions.labels().map(|labels| match labels {
        Column::Int64(labels) => labels.clone(),
        other => panic!("labels of {}", other.dtype()),
    })
}
