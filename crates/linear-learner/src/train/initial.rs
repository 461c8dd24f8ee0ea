//! The weights that training starts from.

use super::hyperparameters::Initial;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// AWS's seed is fixed too: three runs of one job logged the same numbers. Which seed it is is not known.
const SEED: u64 = 0x6279_6f63;

/// Weights of `count` models, each features × outputs.
pub(super) fn weights(initial: Initial, count: usize, features: usize, outputs: usize) -> Vec<Vec<f32>> {
    let mut random = ChaCha8Rng::seed_from_u64(SEED);
    let mut uniform = move || (f64::from(random.next_u32()) + 0.5) / (f64::from(u32::MAX) + 1.0);
    let mut draw = || match initial {
        Initial::Uniform { scale } => scale * (2.0 * uniform() - 1.0),
        // Box and Muller's transform; its second value is not used, for plainness.
        Initial::Normal { sigma } => sigma * (-2.0 * uniform().ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos(),
    };
    (0..count).map(|_| (0..features * outputs).map(|_| draw() as f32).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(values: &[f32]) -> (f64, f64) {
        let count = values.len() as f64;
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
        (mean, (values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count).sqrt())
    }

    #[test]
    fn both_methods_have_the_configured_spread() {
        for (initial, deviation) in
            [(Initial::Uniform { scale: 0.07 }, 0.07 / 3.0_f64.sqrt()), (Initial::Normal { sigma: 0.01 }, 0.01)]
        {
            let drawn = weights(initial, 3, 2000, 2);
            assert_eq!((drawn.len(), drawn[0].len()), (3, 4000));
            let (mean, found) = moments(&drawn.concat());
            assert!(mean.abs() < deviation / 20.0, "{mean}");
            assert!((found / deviation - 1.0).abs() < 0.05, "{found}");
            assert_ne!(drawn[0], drawn[1]);
            assert_eq!(drawn, weights(initial, 3, 2000, 2));
        }
    }
}
