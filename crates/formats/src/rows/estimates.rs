//! What an estimator of scikit-learn answers: for each row a score or several, a label, or both.

use crate::error::Result;
use crate::json_document::word;
use crate::media_types::{MediaType, answer};
use crate::rows::features::{AROUND_A_ROW, AROUND_ALL, most_bytes_of};
use crate::rows::table::{Column, Table};
use serde::{Deserialize, Deserializer};

/// Scores and labels, column by column, in the types that scikit-learn's own answer has.
///
/// CSV, npy and [`EstimatesForm::List`] are the array that scikit-learn answers: a score for each row, or a list of them, and
/// the label only where there is no score.
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

/// What estimates are in JSON and JSON Lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EstimatesForm {
    /// The list of predictions, which is what AWS's scikit-learn container answers where nobody brings a script: it encodes
    /// the array that `predict` gives (`default_output_fn` in github.com/aws/sagemaker-scikit-learn-container).
    #[default]
    List,
    /// The linear learner's document, so that whoever reads its answers reads these: `score` is a number or a list of them,
    /// `predicted_label` a class, as it was at fit.
    Predictions,
}

impl EstimatesForm {
    /// All of them.
    pub const ALL: [EstimatesForm; 2] = [EstimatesForm::List, EstimatesForm::Predictions];

    /// What it is called in settings.
    pub const fn name(self) -> &'static str {
        match self {
            EstimatesForm::List => "list",
            EstimatesForm::Predictions => "predictions",
        }
    }

    /// The form of a name.
    pub fn from_name(name: &str) -> Option<EstimatesForm> {
        EstimatesForm::ALL.into_iter().find(|form| form.name() == name)
    }
}

impl<'de> Deserialize<'de> for EstimatesForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<EstimatesForm, D::Error> {
        const WORDS: &[(&str, EstimatesForm)] = &[
            (EstimatesForm::List.name(), EstimatesForm::List),
            (EstimatesForm::Predictions.name(), EstimatesForm::Predictions),
        ];
        word(deserializer, WORDS)
    }
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
    pub(crate) fn score_columns(&self) -> Option<&Scores<'a>> {
        self.scores.as_ref()
    }

    /// The labels, where they are answered.
    pub(crate) fn label_column(&self) -> Option<&Column<'a>> {
        self.labels.as_ref()
    }

    /// Whether a row's answer is one value, and not a list of them: the array has one dimension then.
    pub(crate) fn is_flat(&self) -> bool {
        !matches!(self.scores, Some(Scores::Each(_)))
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
    /// [`crate::error::Cause::NotWritable`] for classes that are text in a media type that holds numbers only.
    pub fn write(self, media_type: MediaType, form: EstimatesForm, out: &mut Vec<u8>) -> Result<()> {
        answer::whole(media_type, self.rows, out, |writer| writer.estimates(self, form))
    }

    /// The most bytes that the rows have when they are written.
    pub(crate) fn most_bytes(&self, media_type: MediaType) -> usize {
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
    use crate::rows::table::Cell;

    fn written(estimates: &Estimates<'_>, media_type: MediaType, form: EstimatesForm) -> String {
        let mut out = Vec::new();
        estimates.clone().write(media_type, form, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn numbers(numbers: [f64; 2]) -> Column<'static> {
        Column::Float64(numbers.into())
    }

    fn labels() -> Column<'static> {
        Column::Object(vec![Cell::Text("lo\"w".into()), Cell::Text("a,b".into())])
    }

    fn probabilities() -> Estimates<'static> {
        let probabilities = Scores::Each(vec![numbers([0.25, 0.75]), numbers([0.75, 0.25])]);
        Estimates::scores_and_labels(2, probabilities, labels())
    }

    /// What each kind of answer is as a list, as lines of it, in the learner's form, as lines of that, and as CSV.
    #[test]
    fn json_is_a_list_or_has_the_linear_learners_shape_and_csv_is_scikit_learns_array() {
        let regressor = Estimates::scores(2, Scores::One(numbers([28.711286544799805, 1e-20])));
        let column = Estimates::scores(2, Scores::Each(vec![numbers([430000.0, f64::NAN])]));
        let outputs = Estimates::scores(2, Scores::Each(vec![numbers([1.5, 2.5]), numbers([-0.0, 1e16])]));
        let cases = [
            (
                regressor,
                "[28.711286544799805, 1e-20]",
                "28.711286544799805\n1e-20\n",
                r#"{"predictions": [{"score": 28.711286544799805}, {"score": 1e-20}]}"#,
                "{\"score\":28.711286544799805}\n{\"score\":1e-20}\n",
                "28.711286544799805\n1e-20\n",
            ),
            (
                column,
                "[[430000.0], [NaN]]",
                "[430000.0]\n[NaN]\n",
                r#"{"predictions": [{"score": 430000.0}, {"score": NaN}]}"#,
                "{\"score\":430000.0}\n{\"score\":NaN}\n",
                "430000.0\nnan\n",
            ),
            (
                outputs,
                "[[1.5, -0.0], [2.5, 1e+16]]",
                "[1.5,-0.0]\n[2.5,1e+16]\n",
                r#"{"predictions": [{"score": [1.5, -0.0]}, {"score": [2.5, 1e+16]}]}"#,
                "{\"score\":[1.5,-0.0]}\n{\"score\":[2.5,1e+16]}\n",
                "1.5,-0.0\n2.5,1e+16\n",
            ),
            (
                Estimates::labels(2, Column::Int64(vec![1, -1])),
                "[1, -1]",
                "1\n-1\n",
                r#"{"predictions": [{"predicted_label": 1}, {"predicted_label": -1}]}"#,
                "{\"predicted_label\":1}\n{\"predicted_label\":-1}\n",
                "1\n-1\n",
            ),
            (
                Estimates::labels(2, Column::Bool(vec![true, false])),
                "[true, false]",
                "true\nfalse\n",
                r#"{"predictions": [{"predicted_label": true}, {"predicted_label": false}]}"#,
                "{\"predicted_label\":true}\n{\"predicted_label\":false}\n",
                "True\nFalse\n",
            ),
            (
                Estimates::labels(2, labels()),
                r#"["lo\"w", "a,b"]"#,
                "\"lo\\\"w\"\n\"a,b\"\n",
                r#"{"predictions": [{"predicted_label": "lo\"w"}, {"predicted_label": "a,b"}]}"#,
                "{\"predicted_label\":\"lo\\\"w\"}\n{\"predicted_label\":\"a,b\"}\n",
                "\"lo\"\"w\"\n\"a,b\"\n",
            ),
            (
                probabilities(),
                "[[0.25, 0.75], [0.75, 0.25]]",
                "[0.25,0.75]\n[0.75,0.25]\n",
                r#"{"predictions": [{"score": [0.25, 0.75], "predicted_label": "lo\"w"}, {"score": [0.75, 0.25], "predicted_label": "a,b"}]}"#,
                "{\"predicted_label\":\"lo\\\"w\",\"score\":[0.25,0.75]}\n{\"predicted_label\":\"a,b\",\"score\":[0.75,0.25]}\n",
                "0.25,0.75\n0.75,0.25\n",
            ),
        ];
        for (estimates, list, list_lines, json, json_lines, csv) in cases {
            use EstimatesForm::{List, Predictions};
            assert_eq!(written(&estimates, MediaType::Json, List), list);
            assert_eq!(written(&estimates, MediaType::JsonLines, List), list_lines);
            assert_eq!(written(&estimates, MediaType::Json, Predictions), json);
            assert_eq!(written(&estimates, MediaType::JsonLines, Predictions), json_lines);
            for form in EstimatesForm::ALL {
                assert_eq!(written(&estimates, MediaType::Csv, form), csv);
            }
        }
    }

    #[test]
    fn an_array_has_one_dimension_where_a_row_has_one_value() {
        for (estimates, shape) in [
            (Estimates::scores(2, Scores::One(numbers([0.5, 0.25]))), "(2,)"),
            (Estimates::labels(2, Column::Int64(vec![1, -1])), "(2,)"),
            (Estimates::scores(2, Scores::Each(vec![numbers([0.5, 0.25])])), "(2, 1)"),
            (probabilities(), "(2, 2)"),
        ] {
            let array = |form| {
                let mut out = Vec::new();
                estimates.clone().write(MediaType::Npy, form, &mut out).unwrap();
                out
            };
            let list = array(EstimatesForm::List);
            assert_eq!(list, array(EstimatesForm::Predictions));
            let header = String::from_utf8_lossy(&list[10..128]);
            assert!(header.contains(&format!("'shape': {shape}, ")), "{header}");
        }
        let error = Estimates::labels(2, labels()).write(MediaType::Npy, EstimatesForm::List, &mut Vec::new());
        assert_eq!(error.unwrap_err().cause(), Cause::NotWritable);
    }
}
