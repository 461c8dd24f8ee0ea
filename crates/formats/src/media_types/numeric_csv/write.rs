//! A linear model's answers as `text/csv`.

use crate::media_types::number::{write_i64, write_json_f64};
use crate::rows::Predictions;
use crate::rows::predictions::Score;

/// One line a row: the score, then the predicted label where there is one. A list of scores is one quoted cell. The linear
/// learner has no CSV answers of its own; this is the form of the open-source XGBoost container
/// (github.com/aws/sagemaker-xgboost-container, `algorithm_mode/serve_utils.py`).
pub(crate) fn write_predictions(predictions: &Predictions, out: &mut Vec<u8>) {
    for row in predictions.rows() {
        match row.score {
            Score::One(score) => write_json_f64(out, score),
            Score::List(scores) => {
                out.extend_from_slice(b"\"[");
                for (index, score) in scores.enumerate() {
                    if index > 0 {
                        out.extend_from_slice(b", ");
                    }
                    write_json_f64(out, score);
                }
                out.extend_from_slice(b"]\"");
            }
        }
        if let Some(label) = row.label {
            out.push(b',');
            write_i64(out, label);
        }
        out.push(b'\n');
    }
}
