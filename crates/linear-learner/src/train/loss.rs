//! The losses: the loss of each example, and its derivative by the score.

use super::elementary::{exp_of_negative, ln_of_one_plus, sigmoid_and_softplus};
use multiversion::multiversion;
use multiversion::target::target_cfg_f;

/// A loss with its parameters (docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html, `loss`).
///
/// Labels are values for a regressor, 0 or 1 for a binary classifier, the number of the class for a multiclass one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Half the square of the error.
    Squared,
    /// The absolute error.
    Absolute,
    /// `quantile` × error where the label is above the prediction, `1 - quantile` × error where it is below.
    Quantile(f32),
    /// The absolute error beyond `loss_insensitivity`.
    InsensitiveAbsolute(f32),
    /// Half the square of the error beyond `loss_insensitivity`.
    InsensitiveSquared(f32),
    /// Half the square of an error up to `huber_delta`, and linear beyond it.
    Huber(f32),
    /// Cross entropy of the logistic function of the score.
    Logistic,
    /// How far the score is short of `margin` on the correct side of 0.
    Hinge(f32),
    /// Cross entropy of the softmax over one score for each class.
    Softmax,
}

/// The weight of an example in the loss, by its label.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ExampleWeights {
    /// A weight of label 1 for each column of scores; all other labels weigh 1.
    Positive(Vec<f32>),
    /// A weight for each class.
    Classes(Vec<f32>),
}

impl Loss {
    /// The hyperparameter `loss` that names it.
    pub fn name(self) -> &'static str {
        match self {
            Loss::Squared => "squared_loss",
            Loss::Absolute => "absolute_loss",
            Loss::Quantile(_) => "quantile_loss",
            Loss::InsensitiveAbsolute(_) => "eps_insensitive_absolute_loss",
            Loss::InsensitiveSquared(_) => "eps_insensitive_squared_loss",
            Loss::Huber(_) => "huber_loss",
            Loss::Logistic => "logistic",
            Loss::Hinge(_) => "hinge_loss",
            Loss::Softmax => "softmax_loss",
        }
    }

    /// The objective's name in log lines. The first three were seen in public logs; the others follow the regular
    /// expression of AWS's metric definitions, `\S+_objective`.
    pub fn objective(self) -> &'static str {
        match self {
            Loss::Squared => "mse_objective",
            Loss::Logistic => "binary_classification_cross_entropy_objective",
            Loss::Softmax => "multiclass_cross_entropy_objective",
            Loss::Absolute => "absolute_loss_objective",
            Loss::Quantile(_) => "quantile_loss_objective",
            Loss::InsensitiveAbsolute(_) => "eps_insensitive_absolute_loss_objective",
            Loss::InsensitiveSquared(_) => "eps_insensitive_squared_loss_objective",
            Loss::Huber(_) => "huber_loss_objective",
            Loss::Hinge(_) => "hinge_loss_objective",
        }
    }

    /// Squared losses are trained with half their gradient but logged in full.
    pub(super) fn as_logged(self, value: f64) -> f64 {
        match self {
            Loss::Squared | Loss::InsensitiveSquared(_) => 2.0 * value,
            _ => value,
        }
    }

    /// The loss on raw labels that orders models as this one does on labels divided by `deviation`: its parameters are
    /// lengths on the label's axis.
    pub(super) fn on_raw_labels(self, deviation: f32) -> Loss {
        match self {
            Loss::InsensitiveAbsolute(beyond) => Loss::InsensitiveAbsolute(beyond * deviation),
            Loss::InsensitiveSquared(beyond) => Loss::InsensitiveSquared(beyond * deviation),
            Loss::Huber(delta) => Loss::Huber(delta * deviation),
            other => other,
        }
    }

    /// Value, slope and curvature at a score, in float64. Where the slope jumps it is 0 or one side's, and the
    /// curvature 0.
    ///
    /// Not for [`Loss::Softmax`], which depends on all scores of a row.
    pub(super) fn at(self, score: f64, label: f64) -> (f64, f64, f64) {
        let error = score - label;
        match self {
            Loss::Squared => (0.5 * error * error, error, 1.0),
            Loss::Absolute => (error.abs(), sign(error), 0.0),
            Loss::Quantile(quantile) => {
                let slope = if error > 0.0 { 1.0 - f64::from(quantile) } else { -f64::from(quantile) };
                (slope * error, if error == 0.0 { 0.0 } else { slope }, 0.0)
            }
            Loss::InsensitiveAbsolute(beyond) => {
                let left = error.abs() - f64::from(beyond);
                if left > 0.0 { (left, sign(error), 0.0) } else { (0.0, 0.0, 0.0) }
            }
            Loss::InsensitiveSquared(beyond) => {
                let left = error.abs() - f64::from(beyond);
                if left > 0.0 { (0.5 * left * left, left * sign(error), 1.0) } else { (0.0, 0.0, 0.0) }
            }
            Loss::Huber(delta) => {
                let delta = f64::from(delta);
                if error.abs() <= delta {
                    (0.5 * error * error, error, 1.0)
                } else {
                    (delta * (error.abs() - 0.5 * delta), delta * sign(error), 0.0)
                }
            }
            Loss::Logistic => {
                let small = (-score.abs()).exp();
                let sigmoid = if score < 0.0 { small } else { 1.0 } / (1.0 + small);
                (score.max(0.0) + small.ln_1p() - label * score, sigmoid - label, sigmoid * (1.0 - sigmoid))
            }
            Loss::Hinge(margin) => {
                let side = 2.0 * label - 1.0;
                let lack = f64::from(margin) - side * score;
                if lack > 0.0 { (lack, -side, 0.0) } else { (0.0, 0.0, 0.0) }
            }
            Loss::Softmax => (0.0, 0.0, 0.0),
        }
    }
}

fn sign(value: f64) -> f64 {
    if value == 0.0 { 0.0 } else { value.signum() }
}

/// Replaces scores by slopes, both rows × `columns`, and adds each column's values to `sums`.
///
/// For [`Loss::Softmax`] the columns are models × `classes`, each model's classes side by side, and the values of a
/// model are added at its first column. For all others `classes` is 1.
pub(super) fn slopes(
    loss: Loss,
    scores: &mut [f32],
    classes: usize,
    labels: &[f32],
    weights: &ExampleWeights,
    sums: &mut [f32],
) {
    match (loss, weights) {
        (Loss::Softmax, weights) => softmax_slopes(scores, classes, labels, weights, sums),
        (_, ExampleWeights::Positive(positive)) => column_slopes(loss, scores, labels, positive, sums),
        // Class weights exist only for softmax: the hyperparameters allow no other combination.
        (_, ExampleWeights::Classes(_)) => column_slopes(loss, scores, labels, &vec![1.0; sums.len()], sums),
    }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn column_slopes(loss: Loss, scores: &mut [f32], labels: &[f32], positive: &[f32], sums: &mut [f32]) {
    if cfg!(target_arch = "aarch64") || target_cfg_f!(target_feature = "fma") {
        slopes_of_columns::<true>(loss, scores, labels, positive, sums);
    } else {
        slopes_of_columns::<false>(loss, scores, labels, positive, sums);
    }
}

#[inline(always)]
fn slopes_of_columns<const FUSED: bool>(
    loss: Loss,
    scores: &mut [f32],
    labels: &[f32],
    positive: &[f32],
    sums: &mut [f32],
) {
    match loss {
        Loss::Squared => each(scores, labels, positive, sums, |z, t| {
            let error = z - t;
            (0.5 * error * error, error)
        }),
        Loss::Absolute => each(scores, labels, positive, sums, |z, t| {
            let error = z - t;
            (error.abs(), sign_f32(error))
        }),
        Loss::Quantile(quantile) => each(scores, labels, positive, sums, |z, t| {
            let error = z - t;
            let slope = if error > 0.0 { 1.0 - quantile } else { -quantile };
            (slope * error, if error == 0.0 { 0.0 } else { slope })
        }),
        Loss::InsensitiveAbsolute(beyond) => each(scores, labels, positive, sums, |z, t| {
            let error = z - t;
            let left = error.abs() - beyond;
            (beyond_zero(left), if left > 0.0 { sign_f32(error) } else { 0.0 })
        }),
        Loss::InsensitiveSquared(beyond) => each(scores, labels, positive, sums, |z, t| {
            let error = z - t;
            let left = beyond_zero(error.abs() - beyond);
            (0.5 * left * left, left * sign_f32(error))
        }),
        Loss::Huber(delta) => each(scores, labels, positive, sums, |z, t| {
            let error = z - t;
            let near = error.clamp(-delta, delta);
            (near * (error - 0.5 * near), near)
        }),
        Loss::Logistic => each(scores, labels, positive, sums, |z, t| {
            let (sigmoid, softplus) = sigmoid_and_softplus::<FUSED>(z);
            (softplus - t * z, sigmoid - t)
        }),
        Loss::Hinge(margin) => each(scores, labels, positive, sums, |z, t| {
            let side = 2.0 * t - 1.0;
            let lack = margin - side * z;
            (beyond_zero(lack), if lack > 0.0 { -side } else { 0.0 })
        }),
        Loss::Softmax => {}
    }
}

#[inline(always)]
fn each(scores: &mut [f32], labels: &[f32], positive: &[f32], sums: &mut [f32], at: impl Fn(f32, f32) -> (f32, f32)) {
    let columns = sums.len().max(1);
    for (scores, &label) in scores.chunks_exact_mut(columns).zip(labels) {
        for ((score, sum), &positive) in scores.iter_mut().zip(sums.iter_mut()).zip(positive) {
            let weight = if label == 1.0 { positive } else { 1.0 };
            let (value, slope) = at(*score, label);
            *sum += weight * value;
            *score = weight * slope;
        }
    }
}

/// Like `max(0.0)`, but NaN stays NaN: a model that has diverged must not look perfect.
#[inline(always)]
fn beyond_zero(value: f32) -> f32 {
    if value < 0.0 { 0.0 } else { value }
}

#[inline(always)]
fn sign_f32(value: f32) -> f32 {
    if value == 0.0 { 0.0 } else { 1.0_f32.copysign(value) }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn softmax_slopes(scores: &mut [f32], classes: usize, labels: &[f32], weights: &ExampleWeights, sums: &mut [f32]) {
    if cfg!(target_arch = "aarch64") || target_cfg_f!(target_feature = "fma") {
        slopes_of_classes::<true>(scores, classes, labels, weights, sums);
    } else {
        slopes_of_classes::<false>(scores, classes, labels, weights, sums);
    }
}

#[inline(always)]
fn slopes_of_classes<const FUSED: bool>(
    scores: &mut [f32],
    classes: usize,
    labels: &[f32],
    weights: &ExampleWeights,
    sums: &mut [f32],
) {
    let columns = sums.len().max(1);
    for (scores, &label) in scores.chunks_exact_mut(columns).zip(labels) {
        let class = label as usize;
        let weight = match weights {
            ExampleWeights::Classes(weights) => weights.get(class).copied().unwrap_or(1.0),
            ExampleWeights::Positive(_) => 1.0,
        };
        for (scores, sums) in scores.chunks_exact_mut(classes).zip(sums.chunks_exact_mut(classes)) {
            let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let own = scores.get(class).map_or(0.0, |score| score - highest);
            let mut total = 0.0;
            for score in scores.iter_mut() {
                *score = exp_of_negative::<FUSED>(*score - highest);
                total += *score;
            }
            let factor = weight / total;
            scores.iter_mut().for_each(|score| *score *= factor);
            if let Some(score) = scores.get_mut(class) {
                *score -= weight;
            }
            if let Some(sum) = sums.first_mut() {
                *sum += weight * (ln_of_total::<FUSED>(total) - own);
            }
        }
    }
}

/// The logarithm of a sum of at least 1. The sum is usually near 1, where a plain logarithm would lose precision.
#[inline(always)]
fn ln_of_total<const FUSED: bool>(total: f32) -> f32 {
    if total <= 2.0 { ln_of_one_plus::<FUSED>(total - 1.0) } else { total.ln() }
}

#[cfg(test)]
#[path = "loss_test.rs"]
mod loss_test;
