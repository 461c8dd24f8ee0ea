//! Models as they will be served: float32 weights on raw rows.

use super::kernel::{add_scores, padded};
use super::rows::{Piece, Rows};
use super::scaler::Scaler;
use byoc_formats::error::{Error, Result};

/// Some models side by side. All that is measured of a model after its training is measured on these.
#[derive(Clone, Debug)]
pub(super) struct Folded {
    pub(super) models: usize,
    pub(super) outputs: usize,
    columns: usize,
    width: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

/// A model: weights as width × outputs, and a bias an output; all on raw rows and labels.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Feature after feature, for each its outputs.
    pub weights: Vec<f32>,
    /// One an output.
    pub bias: Vec<f32>,
}

impl Weights {
    /// Folds the scaler into the parameters of a model, (width + 1) × outputs with the bias last.
    pub(super) fn fold<T: Copy + Into<f64>>(scaler: &Scaler, parameters: &[T], outputs: usize) -> Weights {
        let width = scaler.means.len();
        let mut weights = vec![0.0; width * outputs];
        let mut bias = Vec::with_capacity(outputs);
        for output in 0..outputs {
            let mut own = parameters.iter().skip(output).step_by(outputs).map(|&parameter| parameter.into());
            let scaled: Vec<f64> = own.by_ref().take(width).collect();
            let (raw, raw_bias) = scaler.fold_back(scaled.into_iter(), own.next().unwrap_or(0.0));
            for (place, raw) in weights.iter_mut().skip(output).step_by(outputs).zip(raw) {
                *place = raw as f32;
            }
            bias.push(raw_bias as f32);
        }
        Weights { weights, bias }
    }
}

impl Folded {
    pub(super) fn new(models: &[Weights], outputs: usize) -> Folded {
        let columns = padded(models.len() * outputs);
        let width = models.first().map_or(0, |model| model.weights.len() / outputs.max(1));
        let mut weights = vec![0.0; width * columns];
        let mut bias = vec![0.0; columns];
        for (index, model) in models.iter().enumerate() {
            let place = index * outputs..(index + 1) * outputs;
            for (row, own) in weights.chunks_exact_mut(columns).zip(model.weights.chunks_exact(outputs)) {
                if let Some(place) = row.get_mut(place.clone()) {
                    place.copy_from_slice(own);
                }
            }
            if let Some(place) = bias.get_mut(place) {
                place.copy_from_slice(&model.bias);
            }
        }
        Folded { models: models.len(), outputs, columns, width, weights, bias }
    }

    /// Columns of scores, models × outputs and some that mean nothing.
    pub(super) fn columns(&self) -> usize {
        self.columns
    }

    /// Refuses rows of another width than the models'.
    pub(super) fn check(&self, block: &Rows) -> Result<()> {
        if block.width == self.width {
            return Ok(());
        }
        Err(Error::bad_payload(format!(
            "expected {} features in every record, as the train channel has, found {}",
            self.width, block.width
        )))
    }

    /// Hands over the labels and raw scores of a block, some rows at a time; scores are rows × columns.
    pub(super) fn score(&self, block: &Rows, mut then: impl FnMut(&[f32], &mut [f32])) {
        const PIECE: usize = 48;
        let mut scores = Vec::with_capacity(PIECE * self.columns);
        for from in (0..block.len()).step_by(PIECE) {
            let (labels, piece) = block.piece(from, from + PIECE);
            scores.clear();
            labels.iter().for_each(|_| scores.extend_from_slice(&self.bias));
            if let Piece::Dense(rows) = piece {
                add_scores(rows, self.width, &self.weights, self.columns, &mut scores);
            }
            for ((keys, values), scores) in piece.sparse_rows().zip(scores.chunks_exact_mut(self.columns)) {
                for (&key, value) in keys.iter().zip(values) {
                    let place = key as usize * self.columns..(key as usize + 1) * self.columns;
                    let weights = self.weights.get(place).unwrap_or_default();
                    scores.iter_mut().zip(weights).for_each(|(score, weight)| *score += value * weight);
                }
            }
            then(labels, &mut scores);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::rows::FeatureMatrix;

    #[test]
    fn dense_and_sparse_rows_get_equal_scores_for_every_model_and_output() {
        let models: Vec<Weights> = (0..3)
            .map(|model| Weights {
                weights: (0..6).map(|at| at as f32 + model as f32 * 10.0).collect(),
                bias: vec![0.5, model as f32],
            })
            .collect();
        let folded = Folded::new(&models, 2);
        let dense = Rows { width: 3, labels: vec![9.0], features: FeatureMatrix::Dense(vec![1.0, 0.0, 2.0]) };
        let sparse = FeatureMatrix::Sparse { ends: vec![3], keys: vec![0, 2, 2], values: vec![1.0, 0.5, 1.5] };
        for rows in [dense.clone(), Rows { features: sparse, ..dense }] {
            folded.score(&rows, |labels, scores| {
                assert_eq!(labels, [9.0]);
                for model in 0..3 {
                    for output in 0..2 {
                        let weight = |feature: usize| models[model].weights[feature * 2 + output];
                        let expected = weight(0) + 2.0 * weight(2) + models[model].bias[output];
                        assert_eq!(scores[model * 2 + output], expected);
                    }
                }
            });
        }
    }
}
