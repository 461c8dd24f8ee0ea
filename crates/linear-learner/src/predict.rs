//! Rows to scores and labels.
//!
//! Inputs, weights and scores are float32 as in MXNet. The products are exact in float64 and are summed there, in an
//! order that is fixed here, so that a score depends neither on the CPU nor on whether its row came dense or sparse; it
//! is rounded to float32 once. MXNet sums in float32 in the order of its BLAS, with a relative error of about 1e-6.

use super::{Activation, LinearLearner, PredictorType};
use byoc_account::Allowance;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::media_types::AnswerWriter;
use byoc_formats::media_types::prediction_style::PredictionStyle;
use byoc_formats::rows::Predictions;
use byoc_formats::rows::batch::{Batch, Row};
use byoc_formats::rows::predictions::Scores;
use byoc_formats::rows::table::Column;

/// Scores of a block of rows: they stay in the cache.
const BLOCK_SCORES: usize = 32 << 10;

/// Partial sums that the compiler can keep in vector registers. Feature `i` goes to sum `i % LANES`.
const LANES: usize = 8;

impl LinearLearner {
    /// Scores and labels for each row.
    ///
    /// # Errors
    /// [`Cause::Internal`] when the batch was not read for this model.
    pub fn predict(&self, batch: &Batch<'_>) -> Result<Predictions<'static>> {
        self.check(batch)?;
        self.predict_rows(&mut batch.rows(), batch.len())
    }

    /// Writes the answers to a body's rows, block by block.
    ///
    /// # Errors
    /// [`Cause::Internal`] when the batch was not read for this model; and when the memory or the time runs out.
    pub fn answer(&self, batch: &Batch<'_>, writer: &mut AnswerWriter<'_>, allowance: &Allowance) -> Result<()> {
        self.check(batch)?;
        let mut rows = batch.rows();
        let most = (BLOCK_SCORES / self.outputs().max(1)).max(1);
        let mut left = batch.len();
        // A body without rows also has an answer.
        loop {
            let count = left.min(most);
            let bytes = count.saturating_mul(self.outputs() * size_of::<f32>() + size_of::<i64>());
            allowance.take(bytes)?;
            writer.predictions(self.predict_rows(&mut rows, count)?, PredictionStyle::LinearLearner)?;
            allowance.give_back(bytes);
            left -= count;
            if left == 0 {
                return Ok(());
            }
        }
    }

    fn check(&self, batch: &Batch<'_>) -> Result<()> {
        if batch.width() == self.feature_dim {
            return Ok(());
        }
        let message = format!("a batch of {} features for a model of {}", batch.width(), self.feature_dim);
        Err(Error::new(Cause::Internal, message))
    }

    fn predict_rows<'r>(&self, rows: &mut impl Iterator<Item = Row<'r>>, count: usize) -> Result<Predictions<'static>> {
        let outputs = self.outputs();
        let mut scores = vec![Vec::with_capacity(count); outputs];
        let mut row_scores = Vec::with_capacity(outputs);
        let mut labels = match self.predictor_type {
            PredictorType::Regressor => None,
            _ => Some(Vec::with_capacity(count)),
        };
        for row in rows.take(count) {
            row_scores.clear();
            row_scores.extend(self.weights().zip(self.bias()).map(|(weights, &bias)| linear(weights, bias, row)));
            activate(self.activation, &mut row_scores);
            if let Some(labels) = &mut labels {
                labels.push(self.label(&row_scores));
            }
            scores.iter_mut().zip(&row_scores).for_each(|(column, score)| column.push(*score));
        }
        let rows = scores.first().map_or(0, Vec::len);
        let mut columns: Vec<_> = scores.into_iter().map(Column::Float32).collect();
        let scores = match self.predictor_type {
            PredictorType::MulticlassClassifier => Scores::Each(columns),
            _ => Scores::One(columns.swap_remove(0)),
        };
        Predictions::new(rows, Some(scores), labels.map(Column::Int64))
    }

    fn label(&self, scores: &[f32]) -> i64 {
        match self.predictor_type {
            PredictorType::BinaryClassifier { threshold } => {
                scores.iter().map(|&score| i64::from(f64::from(score) >= threshold)).sum()
            }
            // The first of equal scores, as numpy's argmax.
            _ => {
                let mut best = (0, f32::NEG_INFINITY);
                for (class, &score) in (0..).zip(scores) {
                    if score > best.1 {
                        best = (class, score);
                    }
                }
                best.0
            }
        }
    }
}

fn linear(weights: &[f32], bias: f32, row: Row<'_>) -> f32 {
    let mut lanes = [0.0_f64; LANES];
    match row {
        Row::Dense(values) => {
            let (weight_blocks, last_weights) = weights.as_chunks::<LANES>();
            let (value_blocks, last_values) = values.as_chunks::<LANES>();
            for (weights, values) in weight_blocks.iter().zip(value_blocks) {
                for ((lane, &weight), &value) in lanes.iter_mut().zip(weights).zip(values) {
                    *lane += f64::from(weight) * f64::from(value);
                }
            }
            for ((lane, &weight), &value) in lanes.iter_mut().zip(last_weights).zip(last_values) {
                *lane += f64::from(weight) * f64::from(value);
            }
        }
        Row::Sparse { keys, values } => {
            for (&key, &value) in keys.iter().zip(values) {
                let key = key as usize;
                if let (Some(lane), Some(&weight)) = (lanes.get_mut(key % LANES), weights.get(key)) {
                    *lane += f64::from(weight) * f64::from(value);
                }
            }
        }
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    let sum = ((a + e) + (c + g)) + ((b + f) + (d + h));
    (sum + f64::from(bias)) as f32
}

fn activate(activation: Activation, scores: &mut [f32]) {
    match activation {
        Activation::Identity => {}
        Activation::Sigmoid => {
            for score in scores {
                *score = 1.0 / (1.0 + exp(-*score));
            }
        }
        Activation::Softmax => {
            let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sum = 0.0_f32;
            for score in scores.iter_mut() {
                *score = exp(*score - largest);
                sum += *score;
            }
            for score in scores {
                *score /= sum;
            }
        }
    }
}

/// The float32 exponential, by way of float64: the same on every CPU, and infinite or 0 where float32 is.
fn exp(value: f32) -> f32 {
    f64::from(value).exp() as f32
}

#[cfg(test)]
#[path = "predict_test.rs"]
mod predict_test;
