//! Means and deviations of features and label, and the way back from weights on scaled rows to weights on raw ones.
//!
//! AWS reads whole mini-batches while the count so far is at most `num_point_for_scaler`, and divides by n: a deviation
//! printed in a public training log fits 10,200 records for 10,000 points and batches of 200, and no other number.

use super::kernel::scale;
use super::rows::{Pass, Piece, Rows};
use byoc_formats::counted::counted;
use byoc_formats::error::{Cause, Error, Result};
use std::sync::Arc;

/// What is scaled, as the hyperparameters `normalize_data`, `unbias_data`, `normalize_label` and `unbias_label` say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scaling {
    /// Divide features by their deviation.
    pub normalize_data: bool,
    /// Subtract the features' means.
    pub unbias_data: bool,
    /// Divide the label by its deviation.
    pub normalize_label: bool,
    /// Subtract the label's mean.
    pub unbias_label: bool,
}

/// Means and inverse deviations. What is not scaled has mean 0 and deviation 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Scaler {
    /// The number of records that they are computed from.
    pub records: usize,
    /// One a feature.
    pub means: Vec<f32>,
    /// One a feature: 1 / deviation.
    pub inverses: Vec<f32>,
    /// The label's mean.
    pub label_mean: f32,
    /// The label's deviation.
    pub label_deviation: f32,
}

/// The first rows of a channel: those that the scaler is computed from.
///
/// # Errors
/// [`Cause::BadPayload`] when the channel has not one whole mini-batch.
pub(super) fn sample(pass: Pass<'_>, batch: usize, points: usize) -> Result<Vec<Arc<Rows>>> {
    let wanted = (points / batch + 1).saturating_mul(batch);
    let mut blocks = Vec::new();
    let mut count = 0;
    for block in pass {
        let block = block?;
        count += block.len();
        blocks.push(block);
        if count >= wanted {
            break;
        }
    }
    if count < batch {
        return Err(Error::new(
            Cause::BadPayload,
            format!(
                "the train channel has {}: expected at least one mini-batch (mini_batch_size is {batch}): lower \
                 mini_batch_size, or train on more records",
                counted(count, "record")
            ),
        ));
    }
    Ok(blocks)
}

impl Scaler {
    /// Takes means and deviations over the whole mini-batches of the rows, `points` and the rest of a mini-batch at
    /// most.
    pub(super) fn measure(blocks: &[Arc<Rows>], batch: usize, points: usize, scaling: Scaling) -> Scaler {
        let width = blocks.first().map_or(0, |block| block.width);
        let available: usize = blocks.iter().map(|block| block.len()).sum();
        let records = (available / batch).min(points / batch + 1) * batch;
        let count = records.max(1) as f64;
        let mut means = vec![0.0_f64; width];
        let mut label_mean = 0.0;
        for_pieces(blocks, records, |labels, piece| {
            label_mean += labels.iter().map(|&label| f64::from(label)).sum::<f64>();
            for_values(piece, width, |feature, value| {
                if let Some(mean) = means.get_mut(feature) {
                    *mean += value;
                }
            });
        });
        means.iter_mut().for_each(|mean| *mean /= count);
        label_mean /= count;

        let mut squares = vec![0.0_f64; width];
        let mut zeros = vec![0_usize; width];
        let mut label_square = 0.0;
        for_pieces(blocks, records, |labels, piece| {
            label_square += labels.iter().map(|&label| (f64::from(label) - label_mean).powi(2)).sum::<f64>();
            if let Piece::Sparse { ends, .. } = piece {
                zeros.iter_mut().for_each(|zeros| *zeros += ends.len());
            }
            let sparse = matches!(piece, Piece::Sparse { .. });
            for_values(piece, width, |feature, value| {
                if let (Some(square), Some(mean), Some(zeros)) =
                    (squares.get_mut(feature), means.get(feature), zeros.get_mut(feature))
                {
                    *square += (value - mean).powi(2);
                    *zeros -= usize::from(sparse && *zeros > 0);
                }
            });
        });
        let inverses = squares.iter().zip(&zeros).zip(&means).map(|((square, &zeros), mean)| {
            let deviation = ((square + zeros as f64 * mean.powi(2)) / count).sqrt();
            inverse(deviation, scaling.normalize_data)
        });
        let inverses: Vec<f32> = inverses.collect();
        let label_deviation = (label_square / count).sqrt();
        Scaler {
            records,
            inverses,
            means: means.iter().map(|&mean| if scaling.unbias_data { mean as f32 } else { 0.0 }).collect(),
            label_mean: if scaling.unbias_label { label_mean as f32 } else { 0.0 },
            label_deviation: if scaling.normalize_label && label_deviation as f32 > 0.0 {
                label_deviation as f32
            } else {
                1.0
            },
        }
    }

    /// Scales dense rows into `scaled`.
    pub(super) fn scale(&self, rows: &[f32], scaled: &mut Vec<f32>) {
        scaled.resize(rows.len(), 0.0);
        scale(rows, &self.means, &self.inverses, scaled);
    }

    /// Scales labels into `scaled`.
    pub(super) fn scale_labels(&self, labels: &[f32], scaled: &mut Vec<f32>) {
        scaled.clear();
        scaled.extend(labels.iter().map(|label| (label - self.label_mean) / self.label_deviation));
    }

    /// The weights and bias on raw rows and labels that score as those given do on scaled ones. Computed in float64.
    pub(super) fn fold_back(&self, weights: impl Iterator<Item = f64>, bias: f64) -> (Vec<f64>, f64) {
        let deviation = f64::from(self.label_deviation);
        let raw: Vec<f64> =
            weights.zip(&self.inverses).map(|(weight, &inverse)| weight * deviation * f64::from(inverse)).collect();
        let moved: f64 = raw.iter().zip(&self.means).map(|(weight, &mean)| weight * f64::from(mean)).sum();
        (raw, bias * deviation + f64::from(self.label_mean) - moved)
    }
}

/// The inverse of the deviation. A feature that does not vary, or whose deviation is beyond `float32`, is not scaled.
fn inverse(deviation: f64, wanted: bool) -> f32 {
    let inverse = (1.0 / deviation) as f32;
    if wanted && inverse.is_finite() && inverse > 0.0 { inverse } else { 1.0 }
}

fn for_pieces(blocks: &[Arc<Rows>], records: usize, mut then: impl FnMut(&[f32], Piece<'_>)) {
    let mut left = records;
    for block in blocks {
        let (labels, piece) = block.piece(0, left);
        then(labels, piece);
        left -= labels.len();
    }
}

fn for_values(piece: Piece<'_>, width: usize, mut then: impl FnMut(usize, f64)) {
    if let Piece::Dense(values) = piece {
        for row in values.chunks_exact(width.max(1)) {
            row.iter().enumerate().for_each(|(feature, &value)| then(feature, f64::from(value)));
        }
    }
    for (keys, values) in piece.sparse_rows() {
        keys.iter().zip(values).for_each(|(&key, &value)| then(key as usize, f64::from(value)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::rows::{FeatureMatrix, Source};

    const ALL: Scaling = Scaling { normalize_data: true, unbias_data: true, normalize_label: true, unbias_label: true };

    fn dense(count: usize) -> Vec<Arc<Rows>> {
        let values = (0..count).flat_map(|row| [row as f32, 7.0, (row % 3) as f32 - 1.0]).collect();
        vec![Arc::new(Rows {
            width: 3,
            labels: (0..count).map(|row| row as f32 * 2.0).collect(),
            features: FeatureMatrix::Dense(values),
        })]
    }

    #[test]
    fn the_scaler_is_computed_from_whole_mini_batches_up_to_the_configured_points() {
        for (count, batch, points, records) in
            [(10_300, 200, 10_000, 10_200), (6_548, 100, 10_000, 6_500), (227, 200, 10_000, 200), (50, 10, 5, 10)]
        {
            let scaler = Scaler::measure(&dense(count), batch, points, ALL);
            assert_eq!(scaler.records, records);
            assert_eq!(scaler.means[0], (records as f32 - 1.0) / 2.0);
        }
    }

    #[test]
    fn a_feature_that_never_varies_keeps_its_scale() {
        let scaler = Scaler::measure(&dense(100), 10, 100, ALL);
        assert_eq!((scaler.means[1], scaler.inverses[1]), (7.0, 1.0));
        assert_eq!(scaler.label_mean, 99.0);
        assert!((scaler.label_deviation - (2.0 * (9999.0_f32 / 12.0).sqrt())).abs() < 1e-4);
    }

    #[test]
    fn values_that_are_not_to_be_scaled_stay_unchanged() {
        let none = Scaling { normalize_data: false, unbias_data: false, normalize_label: false, unbias_label: false };
        let scaler = Scaler::measure(&dense(100), 10, 100, none);
        assert_eq!(scaler.means, [0.0; 3]);
        assert_eq!(scaler.inverses, [1.0; 3]);
        assert_eq!((scaler.label_mean, scaler.label_deviation), (0.0, 1.0));
    }

    #[test]
    fn sparse_rows_give_the_same_scaler_as_dense_rows() {
        let rows = dense(100);
        let FeatureMatrix::Dense(values) = &rows[0].features else { panic!("dense rows") };
        let (mut ends, mut keys, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for row in values.chunks_exact(3) {
            for (key, &value) in row.iter().enumerate().filter(|(_, value)| **value != 0.0) {
                keys.push(key as u32);
                kept.push(value);
            }
            ends.push(keys.len());
        }
        let features = FeatureMatrix::Sparse { ends, keys, values: kept };
        let sparse = vec![Arc::new(Rows { width: 3, labels: rows[0].labels.clone(), features })];
        assert_eq!(Scaler::measure(&sparse, 10, 100, ALL), Scaler::measure(&rows, 10, 100, ALL));
    }

    #[test]
    fn folded_weights_give_raw_rows_the_scores_of_scaled_rows() {
        let rows = dense(100);
        let scaler = Scaler::measure(&rows, 10, 100, ALL);
        let (weights, bias) = ([0.5, -0.25, 0.125], 0.3);
        let (raw, raw_bias) = scaler.fold_back(weights.into_iter(), bias);
        let (_, Piece::Dense(values)) = rows[0].piece(40, 41) else { panic!("dense rows") };
        let mut scaled = Vec::new();
        scaler.scale(values, &mut scaled);
        let inner: f64 = scaled.iter().zip(weights).map(|(&x, w)| f64::from(x) * w).sum::<f64>() + bias;
        let outer: f64 = values.iter().zip(&raw).map(|(&x, w)| f64::from(x) * w).sum::<f64>() + raw_bias;
        let expected = inner * f64::from(scaler.label_deviation) + f64::from(scaler.label_mean);
        assert!((outer - expected).abs() < 1e-3, "{outer} {expected}");
    }

    #[test]
    fn fewer_rows_than_a_mini_batch_are_refused() {
        let mut rows = dense(5);
        let error = sample(rows.pass().unwrap(), 10, 100).unwrap_err();
        assert!(error.message().contains("5 records: expected at least one mini-batch (mini_batch_size is 10)"));
    }
}
