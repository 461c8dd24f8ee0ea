//! The linear learner's predictions as `text/csv`.

use crate::media_types::json::write::{write_cell, write_list};
use crate::rows::Predictions;
use crate::rows::predictions::Scores;

/// Appends a line for each row: the score, then the predicted label if there is one, as JSON spells them. A list of
/// scores is one quoted cell. The linear learner itself has no CSV answers; this is the form of the open-source
/// XGBoost container (github.com/aws/sagemaker-xgboost-container, `algorithm_mode/serve_utils.py`).
pub(in crate::media_types::csv) fn write_predictions(predictions: &Predictions<'_>, out: &mut Vec<u8>) {
    for row in 0..predictions.rows() {
        match predictions.scores() {
            None => {}
            Some(Scores::One(column)) => write_cell(column, row, out),
            Some(Scores::Each(columns)) => {
                out.push(b'"');
                write_list(columns, row, b", ", write_cell, out);
                out.push(b'"');
            }
        }
        if let Some(labels) = predictions.labels() {
            out.push(b',');
            write_cell(labels, row, out);
        }
        out.push(b'\n');
    }
}
