use super::*;
use crate::train::kernel::padded;
use proptest::prelude::*;

const COLUMN_LOSSES: [Loss; 8] = [
    Loss::Squared,
    Loss::Absolute,
    Loss::Quantile(0.3),
    Loss::InsensitiveAbsolute(0.25),
    Loss::InsensitiveSquared(0.25),
    Loss::Huber(0.75),
    Loss::Logistic,
    Loss::Hinge(1.0),
];

/// Where the slope of a loss jumps, a finite difference says nothing.
fn near_a_corner(loss: Loss, score: f64, label: f64) -> bool {
    let error = (score - label).abs();
    let distance = match loss {
        Loss::Absolute | Loss::Quantile(_) => error,
        Loss::InsensitiveAbsolute(beyond) | Loss::InsensitiveSquared(beyond) => (error - f64::from(beyond)).abs(),
        Loss::Huber(delta) => (error - f64::from(delta)).abs(),
        Loss::Hinge(margin) => (f64::from(margin) - (2.0 * label - 1.0) * score).abs(),
        _ => 1.0,
    };
    distance < 1e-3
}

proptest! {
    #[test]
    fn slopes_and_curvatures_match_finite_differences(
        which in 0..COLUMN_LOSSES.len(), score in -4.0..4.0_f64, label in -3.0..3.0_f64,
    ) {
        let loss = COLUMN_LOSSES[which];
        let is_binary = matches!(loss, Loss::Logistic | Loss::Hinge(_));
        let label = if is_binary { f64::from(u8::from(label > 0.0)) } else { label };
        prop_assume!(!near_a_corner(loss, score, label));
        let step = 1e-5;
        let [(below, slope_below, _), (above, slope_above, _)] =
            [score - step, score + step].map(|z| loss.at(z, label));
        let (_, slope, curvature) = loss.at(score, label);
        prop_assert!((slope - (above - below) / (2.0 * step)).abs() < 1e-6);
        prop_assert!((curvature - (slope_above - slope_below) / (2.0 * step)).abs() < 1e-6);
    }

    #[test]
    fn the_vectorized_slopes_match_the_reference_implementation(
        which in 0..COLUMN_LOSSES.len(),
        examples in prop::collection::vec((-6.0..6.0_f32, -3.0..3.0_f32), 1..20),
        positive in 0.1..5.0_f32,
    ) {
        let loss = COLUMN_LOSSES[which];
        let binary = matches!(loss, Loss::Logistic | Loss::Hinge(_));
        let columns = padded(1);
        let labels: Vec<f32> =
            examples.iter().map(|&(_, label)| if binary { f32::from(u8::from(label > 0.0)) } else { label }).collect();
        let mut scores: Vec<f32> = examples.iter().flat_map(|&(score, _)| vec![score; columns]).collect();
        let mut sums = vec![0.0; columns];
        let weights = ExampleWeights::Positive(vec![positive; columns]);
        slopes(loss, &mut scores, 1, &labels, &weights, &mut sums);
        let mut expected = 0.0;
        for ((&(score, _), &label), found) in examples.iter().zip(&labels).zip(scores.chunks_exact(columns)) {
            let weight = if label == 1.0 { f64::from(positive) } else { 1.0 };
            let (value, slope, _) = loss.at(f64::from(score), f64::from(label));
            expected += weight * value;
            prop_assert!(found.iter().all(|&found| (f64::from(found) - weight * slope).abs() < 1e-5), "{loss:?}");
        }
        prop_assert!(sums.iter().all(|&sum| (f64::from(sum) - expected).abs() < 1e-4 * expected.max(1.0)), "{loss:?}");
    }

    #[test]
    fn softmax_slopes_match_finite_differences(
        scores in prop::collection::vec(-5.0..5.0_f64, 8), class in 0..4_usize, weight in 0.1..3.0_f32,
    ) {
        let value = |scores: &[f64]| {
            let total: f64 = scores.iter().map(|z| z.exp()).sum();
            f64::from(weight) * (total.ln() - scores[class])
        };
        let mut found: Vec<f32> = scores.iter().map(|&z| z as f32).collect();
        let mut sums = vec![0.0; 8];
        let mut weights = vec![1.0; 4];
        weights[class] = weight;
        slopes(Loss::Softmax, &mut found, 4, &[class as f32], &ExampleWeights::Classes(weights), &mut sums);
        for (model, scores) in scores.chunks_exact(4).enumerate() {
            prop_assert!((f64::from(sums[model * 4]) - value(scores)).abs() < 1e-5 * value(scores).max(1.0));
            for at in 0..4 {
                let shifted = |by: f64| {
                    let mut scores = scores.to_vec();
                    scores[at] += by;
                    value(&scores)
                };
                let expected = (shifted(1e-5) - shifted(-1e-5)) / 2e-5;
                prop_assert!((f64::from(found[model * 4 + at]) - expected).abs() < 2e-5);
            }
        }
    }
}

#[test]
fn a_loss_in_units_of_the_deviation_ranks_models_like_that_on_raw_labels() {
    for loss in COLUMN_LOSSES.into_iter().filter(|loss| !matches!(loss, Loss::Logistic | Loss::Hinge(_))) {
        let raw = loss.on_raw_labels(10.0);
        let power = if matches!(loss, Loss::Squared | Loss::InsensitiveSquared(_) | Loss::Huber(_)) { 2 } else { 1 };
        for (score, label) in [(0.1, 0.2), (3.0, -1.0), (-0.4, 0.5)] {
            let (value, expected) = (loss.at(score, label).0, raw.at(score * 10.0, label * 10.0).0);
            assert!((value * 10.0_f64.powi(power) - expected).abs() < 1e-5, "{loss:?}");
        }
    }
}

#[test]
fn the_loss_of_a_nan_score_is_never_zero() {
    for loss in COLUMN_LOSSES {
        let columns = padded(1);
        let mut sums = vec![0.0; columns];
        let weights = ExampleWeights::Positive(vec![1.0; columns]);
        slopes(loss, &mut vec![f32::NAN; columns], 1, &[1.0], &weights, &mut sums);
        assert!(sums.iter().all(|sum| sum.is_nan()), "{loss:?}");
    }
}
