//! SageMaker's linear learner: a linear model in float32, as MXNet computes it.
//!
//! Its container's requests and answers: docs.aws.amazon.com/sagemaker/latest/dg/linear-learner.html. [`archive`] reads
//! the artifact, [`train`] trains a model; [`byoc_formats::media_types`] knows the media types of requests and answers.

pub mod archive;
mod describe;
mod graph;
mod load;
mod parameters;
mod predict;
pub mod train;
mod write;

use byoc_account::Allowance;
pub use describe::{LinearLearnerDescription, OutputDescription};
pub use write::write;

use byoc_formats::error::{Cause, Result};
use byoc_formats::media_types::read::read_batch;
use byoc_formats::media_types::{ContentType, MediaType};
use byoc_formats::rows::Batch;

/// A loaded linear model. Immutable, so all threads share one.
#[derive(Debug, PartialEq)]
pub struct LinearLearner {
    predictor_type: PredictorType,
    activation: Activation,
    feature_dim: usize,
    /// The weights of the first output, then of the second, and so on: `feature_dim` each.
    weights: Box<[f32]>,
    /// One for each output.
    bias: Box<[f32]>,
}

/// The hyperparameter `predictor_type`, with what only that type has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PredictorType {
    /// A number, no label.
    Regressor,
    /// A score, and the label 1 if it is not below the threshold, else 0.
    BinaryClassifier {
        /// Calibrated in training; a float32 in real artifacts.
        threshold: f64,
    },
    /// A score for each class, and the class of the highest.
    MulticlassClassifier,
}

impl PredictorType {
    /// The value of the hyperparameter.
    pub const fn name(self) -> &'static str {
        match self {
            PredictorType::Regressor => "regressor",
            PredictorType::BinaryClassifier { .. } => "binary_classifier",
            PredictorType::MulticlassClassifier => "multiclass_classifier",
        }
    }
}

/// The function that turns the linear value into a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Activation {
    /// The value itself.
    Identity,
    /// The probability of one class.
    Sigmoid,
    /// Probabilities of all classes.
    Softmax,
}

impl LinearLearner {
    /// The media types that requests may have.
    pub const READABLE: &'static [MediaType] = MediaType::ALL;

    /// The media types of answers; the first is the default of the algorithm's own container.
    pub const WRITABLE: &'static [MediaType] =
        &[MediaType::Json, MediaType::JsonLines, MediaType::RecordIoProtobuf, MediaType::Csv, MediaType::Npy];

    /// What the model predicts.
    pub fn predictor_type(&self) -> PredictorType {
        self.predictor_type
    }

    /// The function that turns the linear value into a score.
    pub fn activation(&self) -> Activation {
        self.activation
    }

    /// The number of features of a row.
    pub fn feature_dim(&self) -> usize {
        self.feature_dim
    }

    /// The number of scores of a row: 1, or the number of classes.
    pub fn outputs(&self) -> usize {
        self.bias.len()
    }

    /// The weights of each output, `feature_dim` at a time.
    pub fn weights(&self) -> impl Iterator<Item = &[f32]> {
        self.weights.chunks_exact(self.feature_dim)
    }

    /// The bias of each output.
    pub fn bias(&self) -> &[f32] {
        &self.bias
    }

    /// The memory of the model in bytes, itself and on the heap.
    pub fn bytes(&self) -> u64 {
        size_in_memory(self.weights.len() as u64, self.bias.len() as u64)
    }

    /// Reads a request's rows.
    ///
    /// # Errors
    /// [`byoc_formats::error::Cause::BadPayload`]. The message starts with what the algorithm's own container answers
    /// to any request that it cannot score (github.com/aws/sagemaker-python-sdk issue 1881), and then says what is
    /// wrong.
    pub fn read<'w>(&self, content_type: ContentType, body: &[u8], allowance: &'w Allowance) -> Result<Batch<'w>> {
        read_batch(content_type, body, self.feature_dim, allowance).map_err(|error| match error.cause() {
            Cause::BadPayload => error.context("unable to evaluate payload provided"),
            _ => error,
        })
    }
}

fn size_in_memory(weights: u64, outputs: u64) -> u64 {
    let numbers = weights.saturating_add(outputs).saturating_mul(size_of::<f32>() as u64);
    numbers.saturating_add(size_of::<LinearLearner>() as u64)
}

#[cfg(test)]
mod fixtures_test;
#[cfg(test)]
mod testing;
