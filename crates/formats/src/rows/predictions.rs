//! The answer of a model that predicts: for each row one score or several, a label, or both.

use crate::error::{Cause, Error, Result};
use crate::rows::table::{Column, Table};

/// Scores and labels, column by column, in the dtypes of the model.
#[derive(Clone, Debug, PartialEq)]
pub struct Predictions<'a> {
    rows: usize,
    scores: Option<Scores<'a>>,
    labels: Option<Column<'a>>,
}

/// The scores of all rows.
#[derive(Clone, Debug, PartialEq)]
pub enum Scores<'a> {
    /// A number for each row.
    One(Column<'a>),
    /// A list for each row, even if it has one element: a column for each place in the list.
    Each(Vec<Column<'a>>),
}

impl<'a> Scores<'a> {
    /// The columns: one, or one for each place in the lists.
    pub fn columns(&self) -> &[Column<'a>] {
        match self {
            Scores::One(column) => std::slice::from_ref(column),
            Scores::Each(columns) => columns,
        }
    }

    fn into_columns(self) -> Vec<Column<'a>> {
        match self {
            Scores::One(column) => vec![column],
            Scores::Each(columns) => columns,
        }
    }
}

impl<'a> Predictions<'a> {
    /// The predictions for `rows` rows: scores, labels, or both.
    ///
    /// # Errors
    /// [`Cause::Internal`] if there are neither, or if a column has a different number of rows.
    pub fn new(rows: usize, scores: Option<Scores<'a>>, labels: Option<Column<'a>>) -> Result<Predictions<'a>> {
        let predictions = Predictions { rows, scores, labels };
        let fits = predictions.columns().all(|column| column.len() == rows);
        if fits && predictions.columns().next().is_some() {
            return Ok(predictions);
        }
        let found: Vec<usize> = predictions.columns().map(Column::len).collect();
        let message = format!("the columns of the predictions for {rows} rows have {found:?} rows");
        Err(Error::new(Cause::Internal, message))
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The scores, if the model returns scores.
    pub fn scores(&self) -> Option<&Scores<'a>> {
        self.scores.as_ref()
    }

    /// The labels, if the model returns labels.
    pub fn labels(&self) -> Option<&Column<'a>> {
        self.labels.as_ref()
    }

    /// The columns of the scores, then the labels.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column<'a>> {
        self.scores.iter().flat_map(Scores::columns).chain(&self.labels)
    }

    /// The columns of the scores, and the labels.
    pub(crate) fn into_parts(self) -> (Vec<Column<'a>>, Option<Column<'a>>) {
        (self.scores.map(Scores::into_columns).unwrap_or_default(), self.labels)
    }

    /// The array that scikit-learn returns: the scores, or the labels if there are no scores.
    pub fn into_table(self) -> Table<'a> {
        let columns = match self.scores {
            Some(scores) => scores.into_columns(),
            None => self.labels.into_iter().collect(),
        };
        Table { rows: self.rows, columns }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_that_do_not_fit_together_are_refused() {
        let scores = |rows| Column::Float32(vec![0.0; rows]);
        let labels = |rows| Column::Int64(vec![0; rows]);
        for (scores, labels) in [
            (Some(Scores::Each(vec![scores(2), scores(1)])), None),
            (Some(Scores::Each(vec![])), None),
            (Some(Scores::One(scores(2))), Some(labels(1))),
            (Some(Scores::One(scores(1))), Some(labels(2))),
            (None, Some(labels(3))),
            (None, None),
        ] {
            let error = Predictions::new(2, scores, labels).unwrap_err();
            assert_eq!(error.cause(), Cause::Internal);
        }
    }
}
