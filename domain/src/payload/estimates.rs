//! What an estimator of scikit-learn answers: for each row a score or several, a label, or both.

use super::features::{AROUND_A_ROW, AROUND_ALL, most_bytes_of};
use super::table::{Column, Table};
use super::{MediaType, answer};
use crate::error::Result;

/// Scores and labels, column by column, in the types that scikit-learn's own answer has.
///
/// JSON is the linear learner's shape, so that whoever reads one model's answers reads the other's: `score` is a number or
/// a list of them, `predicted_label` a class, as it was at fit. CSV is the array that scikit-learn answers: a line a row, a
/// score a cell, and the label only where there is no score.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimates<'a> {
    rows: usize,
    scores: Option<Scores<'a>>,
    labels: Option<Column<'a>>,
}

/// The scores of all rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Scores<'a> {
    /// A number for each row.
    One(Column<'a>),
    /// A list for each row, even if it is of one: a column for each place in it.
    Each(Vec<Column<'a>>),
}

impl<'a> Estimates<'a> {
    /// What estimates can be written as.
    pub const WRITABLE: &'static [MediaType] = &[MediaType::Json, MediaType::JsonLines, MediaType::Csv, MediaType::Npy];

    /// Scores alone.
    pub fn scores(rows: usize, scores: Scores<'a>) -> Estimates<'a> {
        Estimates { rows, scores: Some(scores), labels: None }
    }

    /// Labels alone.
    pub fn labels(rows: usize, labels: Column<'a>) -> Estimates<'a> {
        Estimates { rows, scores: None, labels: Some(labels) }
    }

    /// Scores, and the label that they speak for.
    pub fn scores_and_labels(rows: usize, scores: Scores<'a>, labels: Column<'a>) -> Estimates<'a> {
        Estimates { rows, scores: Some(scores), labels: Some(labels) }
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The scores, where they are answered.
    pub(super) fn score_columns(&self) -> Option<&Scores<'a>> {
        self.scores.as_ref()
    }

    /// The labels, where they are answered.
    pub(super) fn label_column(&self) -> Option<&Column<'a>> {
        self.labels.as_ref()
    }

    /// scikit-learn's own answer as a table.
    pub fn into_table(self) -> Table<'a> {
        let columns = match (self.scores, self.labels) {
            (Some(Scores::One(scores)), _) => vec![scores],
            (Some(Scores::Each(columns)), _) => columns,
            (None, labels) => labels.into_iter().collect(),
        };
        Table { rows: self.rows, columns }
    }

    /// Appends the answer's body.
    ///
    /// # Errors
    /// [`crate::error::Cause::NotAcceptable`] for classes that are text in a media type that holds numbers only.
    pub fn write(self, media_type: MediaType, out: &mut Vec<u8>) -> Result<()> {
        answer::whole(media_type, self.rows, out, |writer| writer.estimates(self))
    }

    /// The most bytes that the rows have when they are written.
    pub(super) fn most_bytes(&self, media_type: MediaType) -> usize {
        let scores = match &self.scores {
            None => &[],
            Some(Scores::One(column)) => std::slice::from_ref(column),
            Some(Scores::Each(columns)) => columns.as_slice(),
        };
        let cells: usize = scores.iter().chain(&self.labels).map(|column| most_bytes_of(column, media_type)).sum();
        cells.saturating_add(self.rows.saturating_mul(AROUND_A_ROW)).saturating_add(AROUND_ALL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Cause;
    use crate::payload::table::Cell;

    fn written(estimates: &Estimates<'_>, media_type: MediaType) -> String {
        let mut out = Vec::new();
        estimates.clone().write(media_type, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn json_has_the_linear_learners_shape_and_csv_is_scikit_learns_array() {
        let numbers = |numbers: [f64; 2]| Column::Float64(numbers.into());
        let labels = || Column::Object(vec![Cell::Text("lo\"w".into()), Cell::Text("a,b".into())]);
        let regressor = Estimates::scores(2, Scores::One(numbers([28.711286544799805, 1e-20])));
        let outputs = Estimates::scores(2, Scores::Each(vec![numbers([1.5, 2.5]), numbers([-0.0, 1e16])]));
        let classes = Estimates::labels(2, Column::Int64(vec![1, -1]));
        let probabilities = Scores::Each(vec![numbers([0.25, 0.75]), numbers([0.75, 0.25])]);
        let probabilities = Estimates::scores_and_labels(2, probabilities, labels());
        let cases = [
            (
                &regressor,
                r#"{"predictions": [{"score": 28.711286544799805}, {"score": 1e-20}]}"#,
                "{\"score\":28.711286544799805}\n{\"score\":1e-20}\n",
                "28.711286544799805\n1e-20\n",
            ),
            (
                &outputs,
                r#"{"predictions": [{"score": [1.5, -0.0]}, {"score": [2.5, 1e+16]}]}"#,
                "{\"score\":[1.5,-0.0]}\n{\"score\":[2.5,1e+16]}\n",
                "1.5,-0.0\n2.5,1e+16\n",
            ),
            (
                &classes,
                r#"{"predictions": [{"predicted_label": 1}, {"predicted_label": -1}]}"#,
                "{\"predicted_label\":1}\n{\"predicted_label\":-1}\n",
                "1\n-1\n",
            ),
            (
                &probabilities,
                r#"{"predictions": [{"score": [0.25, 0.75], "predicted_label": "lo\"w"}, {"score": [0.75, 0.25], "predicted_label": "a,b"}]}"#,
                "{\"predicted_label\":\"lo\\\"w\",\"score\":[0.25,0.75]}\n{\"predicted_label\":\"a,b\",\"score\":[0.75,0.25]}\n",
                "0.25,0.75\n0.75,0.25\n",
            ),
        ];
        for (estimates, json, json_lines, csv) in cases {
            assert_eq!(written(estimates, MediaType::Json), json);
            assert_eq!(written(estimates, MediaType::JsonLines), json_lines);
            assert_eq!(written(estimates, MediaType::Csv), csv);
        }
        let mut out = Vec::new();
        probabilities.clone().write(MediaType::Npy, &mut out).unwrap();
        assert!(out.starts_with(b"\x93NUMPY") && out.ends_with(&0.25f64.to_le_bytes()), "{out:?}");
        let error = Estimates::labels(2, labels()).write(MediaType::Npy, &mut out).unwrap_err();
        assert_eq!(error.cause(), Cause::NotAcceptable);
        assert_eq!(written(&Estimates::labels(2, labels()), MediaType::Csv), "\"lo\"\"w\"\n\"a,b\"\n");
    }
}
