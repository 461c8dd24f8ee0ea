//! The models that are trained side by side: a candidate for each set of optimizer settings.

use super::hyperparameters::{Hyperparameters, PositiveWeight, PredictorType};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

/// The settings in which parallel models differ.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// The learning rate of the first update.
    pub learning_rate: f64,
    /// The weight of the squared weights in the objective (halved, as weight decay).
    pub wd: f64,
    /// The weight of the absolute weights in the objective.
    pub l1: f64,
    /// How the learning rate falls; `None` if it does not.
    pub schedule: Option<Schedule>,
    /// The weight of an example of label 1.
    pub positive_weight: PositiveWeight,
}

/// A learning rate that falls by a factor every few updates, down to a least one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule {
    /// The number of updates between two decreases.
    pub step: u64,
    /// The factor of a decrease.
    pub factor: f64,
    /// The least learning rate.
    pub minimum: f64,
}

impl Candidate {
    /// The learning rate of an update, counted from 1.
    pub(super) fn learning_rate_at(&self, update: u64) -> f64 {
        match self.schedule {
            None => self.learning_rate,
            Some(schedule) => {
                let decreases = (update.saturating_sub(1) / schedule.step.max(1)) as f64;
                (self.learning_rate * schedule.factor.powf(decreases)).max(schedule.minimum)
            }
        }
    }
}

/// The number of models that AWS trains at once: 32 in the logs of regressors and binary classifiers, 28 in those of
/// multiclass ones.
const MODELS: usize = 32;
const MULTICLASS_MODELS: usize = 28;

/// The candidates of a job. Given hyperparameters are the same in all; those left to `auto` make the grid.
pub fn candidates(hyperparameters: &Hyperparameters) -> Vec<Candidate> {
    let multiclass = matches!(hyperparameters.predictor_type, PredictorType::MulticlassClassifier { .. });
    let wanted = hyperparameters.num_models.unwrap_or(if multiclass { MULTICLASS_MODELS } else { MODELS });
    let mut random = ChaCha8Rng::seed_from_u64(GRID_SEED);
    (0..wanted)
        .map(|index| {
            let settings = match index {
                0 if multiclass => GridPoint::of_index(0),
                index if multiclass || index >= MODELS => GridPoint::random(&mut random),
                index => GridPoint::of_index(index),
            };
            settings.within(hyperparameters)
        })
        .collect()
}

/// AWS's list of multiclass settings is unknown, except that it looks random and is always the same.
const GRID_SEED: u64 = 0x6c69_6e65_6172;

/// The values of `auto` in one model.
struct GridPoint {
    learning_rate: f64,
    wd: f64,
    l1: f64,
    schedule: Schedule,
    balanced: bool,
}

impl GridPoint {
    /// AWS's 32 models, decoded from the per-model losses of a public training log: bit 0 of the index is the
    /// schedule's step, bit 1 its minimum, bit 2 the learning rate, bits 3 and 4 the weight decay.
    fn of_index(index: usize) -> GridPoint {
        let bit = |bit: usize| index >> bit & 1 == 1;
        GridPoint {
            learning_rate: if bit(2) { 0.1 } else { 0.005 },
            wd: match index >> 3 & 3 {
                0 => 1e-4,
                1 => 1e-2,
                2 => 1.0,
                _ => 100.0,
            },
            l1: 0.0,
            schedule: Schedule {
                step: if bit(0) { 100 } else { 10 },
                factor: 0.99,
                minimum: if bit(1) { 1e-4 } else { 1e-5 },
            },
            balanced: bit(1),
        }
    }

    /// A point within the ranges that AWS's guide recommends for tuning (ll-tuning: learning_rate, wd and l1), on
    /// logarithmic axes; every other model has no l1.
    fn random(random: &mut ChaCha8Rng) -> GridPoint {
        let mut between = |low: f64, high: f64| {
            let share = f64::from(random.next_u32()) / f64::from(u32::MAX);
            (low.ln() + share * (high / low).ln()).exp()
        };
        let (learning_rate, wd, l1) = (between(1e-3, 0.1), between(1e-7, 0.1), between(1e-7, 1e-2));
        let schedule =
            Schedule { step: between(10.0, 200.0) as u64, factor: between(0.98, 0.995), minimum: between(1e-5, 1e-4) };
        let [no_l1, balanced] = [random.next_u32(), random.next_u32()].map(|bits| bits & 1 == 1);
        GridPoint { learning_rate, wd, l1: if no_l1 { 0.0 } else { l1 }, schedule, balanced }
    }

    fn within(self, given: &Hyperparameters) -> Candidate {
        Candidate {
            learning_rate: given.learning_rate.unwrap_or(self.learning_rate),
            wd: given.wd.unwrap_or(self.wd),
            l1: given.l1.unwrap_or(self.l1),
            schedule: given.use_lr_scheduler.then(|| Schedule {
                step: given.lr_scheduler_step.unwrap_or(self.schedule.step),
                factor: given.lr_scheduler_factor.unwrap_or(self.schedule.factor),
                minimum: given.lr_scheduler_minimum_lr.unwrap_or(self.schedule.minimum),
            }),
            positive_weight: match given.positive_example_weight_mult {
                // AWS lets the algorithm choose; here the grid contains both choices.
                PositiveWeight::Auto if self.balanced => PositiveWeight::Balanced,
                PositiveWeight::Auto => PositiveWeight::Times(1.0),
                given => given,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::hyperparameters::tests::parsed;

    #[test]
    fn the_grid_is_that_of_a_public_training_log() {
        let grid = candidates(&parsed(&[("predictor_type", "regressor")]));
        assert_eq!(grid.len(), 32);
        let expected = |learning_rate, step, minimum, wd| Candidate {
            learning_rate,
            wd,
            l1: 0.0,
            schedule: Some(Schedule { step, factor: 0.99, minimum }),
            positive_weight: PositiveWeight::Times(1.0),
        };
        assert_eq!(grid[0], expected(0.005, 10, 1e-5, 1e-4));
        assert_eq!(grid[6], expected(0.1, 10, 1e-4, 1e-4));
        assert_eq!(grid[17], expected(0.005, 100, 1e-5, 1.0));
        assert_eq!(grid[31], expected(0.1, 100, 1e-4, 100.0));
    }

    #[test]
    fn given_settings_apply_to_every_model() {
        let given = [("predictor_type", "regressor"), ("learning_rate", "0.02"), ("wd", "0.5"), ("num_models", "40")];
        let grid = candidates(&parsed(&given));
        assert_eq!(grid.len(), 40);
        assert!(grid.iter().all(|candidate| candidate.learning_rate == 0.02 && candidate.wd == 0.5));
        assert!(grid[33] != grid[34]);
    }

    #[test]
    fn multiclass_has_28_models_that_are_always_the_same() {
        let given = parsed(&[("predictor_type", "multiclass_classifier"), ("num_classes", "3")]);
        let grid = candidates(&given);
        assert_eq!(grid.len(), 28);
        assert_eq!(grid, candidates(&given));
    }

    #[test]
    fn the_learning_rate_falls_in_steps_down_to_its_minimum() {
        let schedule = Some(Schedule { step: 10, factor: 0.5, minimum: 0.3 });
        let grid = candidates(&parsed(&[("predictor_type", "regressor")]));
        let candidate = Candidate { learning_rate: 1.0, schedule, ..grid[0] };
        let rates = [1, 10, 11, 20, 21, 1000].map(|update| candidate.learning_rate_at(update));
        assert_eq!(rates, [1.0, 1.0, 0.5, 0.5, 0.3, 0.3]);
        assert_eq!(Candidate { schedule: None, ..candidate }.learning_rate_at(1000), 1.0);
    }
}
