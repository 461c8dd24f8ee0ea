//! Losses with corners, smoothed by a barrier.
//!
//! A corner is that of a ramp, `height` · max(0, u), which is the largest of a·u for a from 0 to `height`. The barrier
//! adds μ·(ln a + ln(height - a)) to what is maximised: the result is smooth, its slope is the best a, and minimising
//! it instead of the ramp costs at most 2μ a ramp. Tightening μ is the path of an interior-point method on the dual.

use crate::train::loss::Loss;

/// Value, slope and curvature.
pub(super) type Local = (f64, f64, f64);

/// Whether a loss needs smoothing.
pub(super) fn has_corners(loss: Loss) -> bool {
    matches!(loss, Loss::Absolute | Loss::Quantile(_) | Loss::InsensitiveAbsolute(_) | Loss::Hinge(_))
}

/// A loss at a score, smoothed if it has corners.
pub(super) fn at(loss: Loss, score: f64, label: f64, barrier: f64) -> Local {
    let two_sided = |above: f64, below: f64, beyond: f64| {
        let up = ramp(score - label - beyond, above, barrier);
        let down = ramp(label - score - beyond, below, barrier);
        (up.0 + down.0, up.1 - down.1, up.2 + down.2)
    };
    match loss {
        Loss::Absolute => two_sided(1.0, 1.0, 0.0),
        Loss::Quantile(quantile) => two_sided(1.0 - f64::from(quantile), f64::from(quantile), 0.0),
        Loss::InsensitiveAbsolute(beyond) => two_sided(1.0, 1.0, f64::from(beyond)),
        Loss::Hinge(margin) => {
            let side = 2.0 * label - 1.0;
            let (value, slope, curvature) = ramp(f64::from(margin) - side * score, 1.0, barrier);
            (value, -side * slope, curvature)
        }
        smooth => smooth.at(score, label),
    }
}

/// The absolute value times `height`, smoothed.
pub(super) fn absolute(value: f64, height: f64, barrier: f64) -> Local {
    let (up, down) = (ramp(value, height, barrier), ramp(-value, height, barrier));
    (up.0 + down.0, up.1 - down.1, up.2 + down.2)
}

/// `height` · max(0, u), smoothed.
///
/// With a = height·s, the best s solves 1/s - 1/(1-s) + height·u/μ = 0, a quadratic equation.
fn ramp(u: f64, height: f64, barrier: f64) -> Local {
    let pull = height * u / barrier;
    let root = (pull * pull + 4.0).sqrt();
    // `root - |pull|`, without cancellation.
    let rest = 4.0 / (root + pull.abs());
    let (near, far) = (2.0 / (rest + 2.0), 2.0 / (root + pull.abs() + 2.0));
    // s and 1 - s, each from the numerically stable form.
    let (share, other) = if pull >= 0.0 { (near, far) } else { (far, near) };
    let value = height * share * u + barrier * (share.ln() + other.ln());
    let curvature = height * height / barrier / (1.0 / (share * share) + 1.0 / (other * other));
    (value, height * share, curvature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn slope_and_curvature_are_those_of_the_value(u in -3.0..3.0_f64, height in 0.1..2.0_f64, power in -3..0_i32) {
            let barrier = 10.0_f64.powi(power);
            let step = 1e-4 * barrier;
            let (below, above) = (ramp(u - step, height, barrier), ramp(u + step, height, barrier));
            let (_, slope, curvature) = ramp(u, height, barrier);
            prop_assert!((slope - (above.0 - below.0) / (2.0 * step)).abs() < 1e-5);
            prop_assert!((curvature - (above.1 - below.1) / (2.0 * step)).abs() < 1e-4 * curvature.max(1.0));
        }

        #[test]
        fn with_a_tight_barrier_the_smoothed_loss_equals_the_loss(score in -3.0..3.0_f64, label in -3.0..3.0_f64) {
            for loss in [Loss::Absolute, Loss::Quantile(0.2), Loss::InsensitiveAbsolute(0.3), Loss::Hinge(1.0)] {
                let label = if matches!(loss, Loss::Hinge(_)) { f64::from(u8::from(label > 0.0)) } else { label };
                let (value, _, curvature) = at(loss, score, label, 1e-9);
                prop_assert!((value - loss.at(score, label).0).abs() < 1e-6, "{loss:?}");
                prop_assert!(curvature >= 0.0);
            }
        }
    }

    #[test]
    fn nothing_overflows_far_from_the_corner() {
        for u in [-1e6, 1e6] {
            let (value, slope, curvature) = ramp(u, 1.0, 1e-9);
            assert!(value.is_finite() && curvature >= 0.0 && (0.0..=1.0).contains(&slope), "{u}");
        }
    }
}
