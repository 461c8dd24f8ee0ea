//! The scorer: a linear estimator of scikit-learn, with the transformers before it.
//!
//! One artifact then holds the whole pipeline: rows as they arrive in, scores or classes out.

mod describe;
#[cfg(test)]
mod estimator_test;
#[cfg(test)]
mod fixtures_test;

pub use describe::{LinearDescription, ScorerDescription};

use crate::artifact::attributes::Attributes;
use crate::columns::demand::Demand;
use crate::estimators::estimator::Estimator;
use crate::estimators::registry;
use crate::preprocessor::{ColumnsJson, Preprocessor};
use crate::transformers::steps::Steps;
use byoc_account::Allowance;
use byoc_formats::error::Result;
use byoc_formats::media_types::prediction_style::{JsonForm, PredictionStyle};
use byoc_formats::media_types::{AnswerWriter, MediaType};
use byoc_formats::pickle::Tree;
use byoc_formats::rows::reading::Reading;
use byoc_formats::rows::schema::{End, Schema};
use byoc_formats::rows::{Block, Frame, Predictions};

/// A fitted estimator, and the transformers before it. Immutable: all threads may share one.
#[derive(Debug)]
pub struct Scorer {
    preprocessor: Preprocessor,
    estimator: Estimator,
    form: JsonForm,
}

impl Scorer {
    /// The media types of answers.
    pub const WRITABLE: &'static [MediaType] = &[MediaType::Json, MediaType::JsonLines, MediaType::Csv, MediaType::Npy];

    /// Whether an artifact is an estimator: a linear one, steps that end in one, or a search that found either.
    ///
    /// # Errors
    /// [`Cause::BadArtifact`](byoc_formats::error::Cause::BadArtifact) for steps or a search that are incomplete.
    pub fn is_in(tree: &Tree) -> Result<bool> {
        let last = Steps::of(tree)?.last;
        Ok(Attributes::of(last.value).is_some_and(|last| registry::find(last.class()).is_some()))
    }

    /// Builds a scorer from a pickle of scikit-learn 0.20 to 1.9. The method that answers is
    /// [`ColumnsJson::method`], by default `predict`, in the form that is [`ColumnsJson::json`].
    ///
    /// # Errors
    /// [`Cause::BadArtifact`](byoc_formats::error::Cause::BadArtifact) as [`Preprocessor::from_pickle`], and for a
    /// method that the estimator does not have.
    pub fn from_pickle(tree: &Tree, columns: Option<ColumnsJson>, allowance: &Allowance) -> Result<Scorer> {
        let Steps { first, last } = Steps::of(tree)?;
        let method = columns.as_ref().and_then(|columns| columns.method);
        let form = columns.as_ref().and_then(|columns| columns.json).unwrap_or_default();
        let (preprocessor, estimator) =
            Preprocessor::before(tree, columns.as_ref(), first, allowance, |input, builder| {
                Estimator::build(last.value, method, input, builder).map_err(|error| last.error(error))
            })?;
        Ok(Scorer { preprocessor, estimator, form })
    }

    /// Why every request will be refused, if `columns.json` and the model do not fit each other.
    pub fn refusal(&self) -> Option<&str> {
        self.preprocessor.refusal()
    }

    /// Scores rows, or predicts their classes. A label in the rows is ignored.
    ///
    /// # Errors
    /// [`Cause::BadPayload`](byoc_formats::error::Cause::BadPayload) as [`Preprocessor::transform`], and for missing
    /// values and infinity among the features.
    pub fn score<'a>(&'a self, block: Block<'a>) -> Result<Predictions<'a>> {
        let rows = block.table.rows;
        let (scores, labels) =
            self.preprocessor.transform_then(block, |features, rows| self.estimator.apply(features, rows))?;
        Predictions::new(rows, scores, labels)
    }

    /// How its predictions are written.
    pub fn style(&self) -> PredictionStyle {
        PredictionStyle::ScikitLearn(self.form)
    }

    /// The memory and time that a row of this many columns takes.
    pub fn demand(&self, columns: usize) -> Demand {
        let features = self.preprocessor.demand(columns);
        features.then(self.estimator.demand(features.width))
    }

    /// The transformers before the estimator.
    pub fn preprocessor(&self) -> &Preprocessor {
        &self.preprocessor
    }

    /// How many columns a row has, if the model determines it.
    pub fn row_width(&self) -> Option<usize> {
        self.preprocessor.row_width()
    }

    /// Writes the answers to a body's rows, block by block.
    ///
    /// # Errors
    /// As [`Scorer::score`]; and if there is not enough memory or time to answer.
    pub fn answer(&self, frame: Frame<'_>, writer: &mut AnswerWriter<'_>, allowance: &Allowance) -> Result<()> {
        let demand = self.demand(frame.width());
        demand.each_block(frame, allowance, |block| writer.predictions(self.score(block)?, self.style()))
    }

    /// How many bytes it takes in memory, heap and own size.
    pub fn bytes(&self) -> u64 {
        // The memory of the estimator was counted with that of the transformers before it.
        self.preprocessor.bytes() + size_of::<Estimator>() as u64
    }
}

impl Schema for Scorer {
    fn check_width(&self, columns: usize) -> Result<()> {
        self.preprocessor.check_width(columns)
    }

    fn names(&self) -> Vec<&str> {
        self.preprocessor.names()
    }

    fn uses(&self, name: &str) -> bool {
        self.preprocessor.uses(name)
    }

    fn label(&self) -> Option<usize> {
        self.preprocessor.label()
    }

    fn reading(&self, column: usize, width: usize) -> Reading {
        self.preprocessor.reading(column, width)
    }

    fn unnamed_label(&self) -> Option<End> {
        self.preprocessor.unnamed_label()
    }
}

impl std::fmt::Display for Scorer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}; {}", self.estimator, self.preprocessor)
    }
}
