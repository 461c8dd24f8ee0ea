//! What a scorer answers: for each row a score or a list of scores, and a label if it is a classifier.

use crate::error::{Cause, Error, Result};
use crate::media_types::{MediaType, answer};
use crate::rows::features::{AROUND_A_ROW, AROUND_ALL, NUMBER};

/// Scores and labels, row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions {
    scores: Scores,
    width: Width,
    labels: Option<Vec<i64>>,
}

/// Scores of all rows one after another, in the precision the model computes in. Answers print a float32 as the double it
/// widens to, as Python does.
#[derive(Clone, Debug, PartialEq)]
pub enum Scores {
    /// The linear learner's.
    Float32(Vec<f32>),
    /// scikit-learn's.
    Float64(Vec<f64>),
}

/// How many scores a row has, which also decides how they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One, written as a number.
    One,
    /// So many, at least one, written as a list even if it is one.
    List(usize),
}

impl Width {
    /// How many.
    pub fn scores(self) -> usize {
        match self {
            Width::One => 1,
            Width::List(each) => each,
        }
    }
}

/// The prediction of one row.
pub(crate) struct RowPrediction<S> {
    pub(crate) score: Score<S>,
    pub(crate) label: Option<i64>,
}

/// The score of one row.
pub(crate) enum Score<S> {
    One(f64),
    List(S),
}

impl Scores {
    fn len(&self) -> usize {
        match self {
            Scores::Float32(scores) => scores.len(),
            Scores::Float64(scores) => scores.len(),
        }
    }

    fn get(&self, index: usize) -> f64 {
        match self {
            Scores::Float32(scores) => scores.get(index).copied().map_or(f64::NAN, f64::from),
            Scores::Float64(scores) => scores.get(index).copied().unwrap_or(f64::NAN),
        }
    }
}

impl Predictions {
    /// What `Predictions` can be written as; the first is what the linear learner's own container answers by default.
    pub const WRITABLE: &'static [MediaType] =
        &[MediaType::Json, MediaType::JsonLines, MediaType::RecordIoProtobuf, MediaType::Csv, MediaType::Npy];

    /// Predictions of a regressor (no labels) or a classifier.
    ///
    /// # Errors
    /// [`Cause::Internal`] when scores, width and labels do not tell of the same number of rows.
    pub fn new(scores: Scores, width: Width, labels: Option<Vec<i64>>) -> Result<Predictions> {
        let each = width.scores();
        let rows = scores.len().checked_div(each).unwrap_or(0);
        if rows * each != scores.len() || labels.as_ref().is_some_and(|labels| labels.len() != rows) {
            return Err(Error::new(
                Cause::Internal,
                format!(
                    "{} scores, {width:?} a row, do not go with {:?} labels",
                    scores.len(),
                    labels.map(|labels| labels.len())
                ),
            ));
        }
        Ok(Predictions { scores, width, labels })
    }

    /// The scores of all rows, one after another.
    pub fn scores(&self) -> &Scores {
        &self.scores
    }

    /// How many scores each row has.
    pub fn width(&self) -> Width {
        self.width
    }

    /// The label of each row; none for a regressor.
    pub fn labels(&self) -> Option<&[i64]> {
        self.labels.as_deref()
    }

    /// How many rows.
    pub fn len(&self) -> usize {
        self.scores.len().checked_div(self.width.scores()).unwrap_or(0)
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends the answer's body to `out`.
    ///
    /// # Errors
    /// None that predictions have.
    pub fn write(&self, media_type: MediaType, out: &mut Vec<u8>) -> Result<()> {
        answer::whole(media_type, self.len(), out, |writer| writer.predictions(self))
    }

    /// The most bytes that the rows have when they are written: as text a score has some twenty.
    pub(crate) fn most_bytes(&self) -> usize {
        let rows = self.len().saturating_mul(AROUND_A_ROW + NUMBER);
        self.scores.len().saturating_mul(NUMBER).saturating_add(rows).saturating_add(AROUND_ALL)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = RowPrediction<impl Iterator<Item = f64>>> {
        (0..self.len()).map(|row| RowPrediction {
            score: match self.width {
                Width::One => Score::One(self.scores.get(row)),
                Width::List(each) => Score::List((row * each..(row + 1) * each).map(|index| self.scores.get(index))),
            },
            label: self.labels.as_ref().and_then(|labels| labels.get(row)).copied(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(predictions: &Predictions, media_type: MediaType) -> String {
        let mut out = Vec::new();
        predictions.write(media_type, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// The examples of the developer guide and of public notebooks.
    #[test]
    fn each_kind_of_model_answers_in_each_media_type_as_its_container_does() {
        let regressor = Predictions::new(Scores::Float32(vec![28.711_287, -0.0, 1e-5]), Width::One, None).unwrap();
        let binary = Predictions::new(Scores::Float32(vec![0.989_977_36, 0.5]), Width::One, Some(vec![1, 0])).unwrap();
        let multiclass =
            Predictions::new(Scores::Float64(vec![0.25, 0.75, 1e-20, 1e16]), Width::List(2), Some(vec![1, 0])).unwrap();
        let none = Predictions::new(Scores::Float32(vec![]), Width::One, Some(vec![])).unwrap();
        for (predictions, media_type, expected) in [
            (
                &regressor,
                MediaType::Json,
                r#"{"predictions": [{"score": 28.711286544799805}, {"score": -0.0}, {"score": 9.999999747378752e-06}]}"#,
            ),
            (
                &regressor,
                MediaType::JsonLines,
                "{\"score\":28.711286544799805}\n{\"score\":-0.0}\n{\"score\":0.000009999999747}\n",
            ),
            (&regressor, MediaType::Csv, "28.711286544799805\n-0.0\n9.999999747378752e-06\n"),
            (
                &binary,
                MediaType::Json,
                r#"{"predictions": [{"score": 0.9899773597717285, "predicted_label": 1}, {"score": 0.5, "predicted_label": 0}]}"#,
            ),
            (
                &binary,
                MediaType::JsonLines,
                "{\"predicted_label\":1,\"score\":0.989977359771728}\n{\"predicted_label\":0,\"score\":0.5}\n",
            ),
            (&binary, MediaType::Csv, "0.9899773597717285,1\n0.5,0\n"),
            (
                &multiclass,
                MediaType::Json,
                r#"{"predictions": [{"score": [0.25, 0.75], "predicted_label": 1}, {"score": [1e-20, 1e+16], "predicted_label": 0}]}"#,
            ),
            (
                &multiclass,
                MediaType::JsonLines,
                "{\"predicted_label\":1,\"score\":[0.25,0.75]}\n{\"predicted_label\":0,\"score\":[1e-20,1e+16]}\n",
            ),
            (&multiclass, MediaType::Csv, "\"[0.25, 0.75]\",1\n\"[1e-20, 1e+16]\",0\n"),
            (&none, MediaType::Json, r#"{"predictions": []}"#),
            (&none, MediaType::JsonLines, ""),
            (&none, MediaType::Csv, ""),
        ] {
            assert_eq!(written(predictions, media_type), expected);
        }
    }

    #[test]
    fn parts_that_do_not_fit_together_are_refused() {
        for (scores, width, labels) in [
            (3, Width::List(2), None),
            (1, Width::List(0), None),
            (2, Width::One, Some(vec![1])),
            (2, Width::List(2), Some(vec![1, 2])),
        ] {
            let error = Predictions::new(Scores::Float64(vec![0.0; scores]), width, labels).unwrap_err();
            assert_eq!(error.cause(), Cause::Internal);
        }
    }
}
