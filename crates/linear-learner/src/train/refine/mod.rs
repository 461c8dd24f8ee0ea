//! Solves the best candidate's objective to convergence, as one more candidate. AWS's algorithm does not do this.
//!
//! All objectives here are convex. Newton's method reads all data for each step. For a smooth loss with l1, if the
//! curvature fits a matrix, its steps minimise the quadratic with the exact absolute weights (`proximal`), which takes
//! no more passes than without l1. Losses with corners (absolute, quantile, hinge, the
//! insensitive one), and l1 beside them or beside too many parameters, are smoothed by a barrier that is tightened step
//! by step, as in an interior-point method: the result is then within a known distance of the true minimum.

mod direction;
mod pass;
mod proximal;
mod smoothing;
mod totals;

use self::direction::Curvature;
pub(super) use self::direction::MAX_MATRIX_PARAMETERS;
use self::pass::Pass;
pub(super) use self::pass::{PARTS, PIECE};
use self::totals::Totals;
use super::loss::Loss;
use super::rows::Source;
use super::run::{Event, Run};
use super::scaler::Scaler;
use byoc_formats::error::Result;

/// What is minimised over scaled rows: the mean weighted loss of all records, plus `wd`/2 times the squared weights,
/// plus `l1` times the absolute weights.
#[derive(Clone, Debug)]
pub(super) struct Objective {
    pub(super) loss: Loss,
    pub(super) outputs: usize,
    pub(super) wd: f64,
    pub(super) l1: f64,
    pub(super) use_bias: bool,
    /// For the bias, what `wd` is for the weights.
    pub(super) bias_wd: f64,
    pub(super) positive_weight: f64,
    pub(super) class_weights: Option<Vec<f32>>,
}

/// The barrier's first and last strength, in units of the loss. The last bounds the distance to the minimum by about as
/// much.
const FIRST_BARRIER: f64 = 0.1;
const LAST_BARRIER: f64 = 1e-9;
const TIGHTEN: f64 = 0.1;
/// The maximum number of passes over the data. Well-posed problems take 5 (smooth losses) to 60 (losses with corners).
const MAX_PASSES: usize = 300;
const MAX_HALVINGS: usize = 30;
/// The relative residual for conjugate gradients: an exact direction is not worth the passes over the data.
const ROUGHLY: f64 = 0.1;

/// Solves, starting from a trained model's parameters, (width + 1) × outputs with the bias last.
///
/// `None` if the run was stopped or nothing was gained.
pub(super) fn solve(
    objective: &Objective,
    scaler: &Scaler,
    start: &[f32],
    train: &mut dyn Source,
    run: &mut Run<'_>,
) -> Result<Option<Vec<f64>>> {
    let mut point: Vec<f64> = start.iter().map(|&parameter| f64::from(parameter)).collect();
    let has_matrix = Curvature::for_parameters(point.len()) == Curvature::Matrix;
    // For losses that are smooth everywhere.
    let bends = matches!(objective.loss, Loss::Squared | Loss::Logistic | Loss::Softmax);
    if objective.l1 > 0.0 && has_matrix && bends {
        let smooth = Objective { l1: 0.0, ..objective.clone() };
        let mut solver = Solver { objective: &smooth, scaler, train, run, passes: 0 };
        let outcome = solver.minimise_with_l1(&mut point, objective.l1)?;
        let is_solution = !matches!(outcome, Outcome::Stopped) && point.iter().all(|parameter| parameter.is_finite());
        return Ok(is_solution.then_some(point));
    }
    let mut solver = Solver { objective, scaler, train, run, passes: 0 };
    let cornered = smoothing::has_corners(objective.loss) || objective.l1 > 0.0;
    let mut barrier = if cornered { FIRST_BARRIER } else { LAST_BARRIER };
    loop {
        // A rough solution is enough for intermediate barriers, but not for the last one.
        let last = barrier <= LAST_BARRIER;
        let enough = if last { 1e-3 } else { 0.1 } * barrier;
        match solver.minimise(&mut point, barrier, enough)? {
            Outcome::Stopped => return Ok(None),
            Outcome::Exhausted => break,
            Outcome::Converged if last => break,
            Outcome::Converged => barrier = (barrier * TIGHTEN).max(LAST_BARRIER),
        }
    }
    if objective.l1 > 0.0 {
        // Weights that the barrier keeps slightly away from zero.
        let weights = scaler.means.len() * objective.outputs;
        point.iter_mut().take(weights).filter(|weight| weight.abs() < 1e-6).for_each(|weight| *weight = 0.0);
    }
    Ok(point.iter().all(|parameter| parameter.is_finite()).then_some(point))
}

enum Outcome {
    Converged,
    /// No more passes are allowed, or no step helps any more.
    Exhausted,
    Stopped,
}

struct Solver<'a, 'run> {
    objective: &'a Objective,
    scaler: &'a Scaler,
    train: &'a mut dyn Source,
    run: &'a mut Run<'run>,
    passes: usize,
}

impl Solver<'_, '_> {
    /// Newton's method with a line search, until half the squared Newton decrement is at most `enough`.
    fn minimise(&mut self, point: &mut Vec<f64>, barrier: f64, enough: f64) -> Result<Outcome> {
        let wanted = Curvature::for_parameters(point.len());
        let Some(mut here) = self.totals_at(point, barrier, wanted)? else { return Ok(Outcome::Stopped) };
        loop {
            (self.run.tell)(Event::Refined { passes: self.passes, objective: here.objective });
            let step = match wanted {
                Curvature::Matrix => direction::by_cholesky(&here),
                Curvature::Diagonal => direction::by_conjugate_gradients(&here, ROUGHLY, |direction| {
                    if self.passes >= MAX_PASSES {
                        return Ok(None);
                    }
                    self.product(point, barrier, direction)
                })?,
            };
            let Some(step) = step else { return Ok(self.interrupted()) };
            let decrement: f64 = -here.gradient.iter().zip(&step).map(|(slope, step)| slope * step).sum::<f64>();
            // NaN ends the loop too.
            if decrement.is_nan() || decrement <= 2.0 * enough.max(1e-15 * here.value.abs()) {
                return Ok(Outcome::Converged);
            }
            let mut length = 1.0;
            let mut halvings = 0;
            here = loop {
                if self.passes >= MAX_PASSES || halvings > MAX_HALVINGS {
                    return Ok(self.interrupted());
                }
                let there: Vec<f64> = point.iter().zip(&step).map(|(at, step)| at + length * step).collect();
                let Some(totals) = self.totals_at(&there, barrier, wanted)? else { return Ok(Outcome::Stopped) };
                if totals.value <= here.value - 1e-4 * length * decrement {
                    *point = there;
                    break totals;
                }
                // The remaining decrement is within the rounding error of the objective.
                if length * decrement < 1e-13 * here.value.abs() {
                    return Ok(Outcome::Converged);
                }
                length *= 0.5;
                halvings += 1;
            };
        }
    }

    /// The same for a smooth objective with an l1 penalty. The promised gain of a step bounds the remaining gain.
    fn minimise_with_l1(&mut self, point: &mut Vec<f64>, l1: f64) -> Result<Outcome> {
        let weights = self.scaler.means.len() * self.objective.outputs;
        let absolutes = |point: &[f64]| l1 * point.iter().take(weights).map(|weight| weight.abs()).sum::<f64>();
        let Some(mut here) = self.totals_at(point, LAST_BARRIER, Curvature::Matrix)? else {
            return Ok(Outcome::Stopped);
        };
        loop {
            let value = here.value + absolutes(point);
            (self.run.tell)(Event::Refined { passes: self.passes, objective: value });
            let step = proximal::step(&here, point, weights, l1);
            let whole: Vec<f64> = point.iter().zip(&step).map(|(at, step)| at + step).collect();
            let slope: f64 = here.gradient.iter().zip(&step).map(|(slope, step)| slope * step).sum();
            let promised = absolutes(point) - absolutes(&whole) - slope;
            // NaN ends the loop too.
            if promised.is_nan() || promised <= 2e-3 * LAST_BARRIER.max(1e-12 * value.abs()) {
                return Ok(Outcome::Converged);
            }
            let mut length = 1.0;
            here = loop {
                if self.passes >= MAX_PASSES || length < 1e-9 {
                    return Ok(self.interrupted());
                }
                // Take the whole step unscaled, because its zeros are exact.
                let there: Vec<f64> = match length {
                    1.0 => whole.clone(),
                    _ => point.iter().zip(&step).map(|(at, step)| at + length * step).collect(),
                };
                let Some(totals) = self.totals_at(&there, LAST_BARRIER, Curvature::Matrix)? else {
                    return Ok(Outcome::Stopped);
                };
                if totals.value + absolutes(&there) <= value - 1e-4 * length * promised {
                    *point = there;
                    break totals;
                }
                if length * promised < 1e-13 * value.abs() {
                    return Ok(Outcome::Converged);
                }
                length *= 0.5;
            };
        }
    }

    fn interrupted(&self) -> Outcome {
        if (self.run.stop)() { Outcome::Stopped } else { Outcome::Exhausted }
    }

    /// Value, gradient and curvature of the objective at a point.
    fn totals_at(&mut self, point: &[f64], barrier: f64, curvature: Curvature) -> Result<Option<Totals>> {
        self.passes += 1;
        let pass = Pass::new(self.objective, self.scaler, point, barrier, self.run.threads);
        pass.totals(self.train, curvature, self.run.stop)
    }

    /// The curvature at a point times a direction.
    fn product(&mut self, point: &[f64], barrier: f64, direction: &[f64]) -> Result<Option<Vec<f64>>> {
        self.passes += 1;
        let pass = Pass::new(self.objective, self.scaler, point, barrier, self.run.threads);
        pass.product(self.train, direction, self.run.stop)
    }
}

#[cfg(test)]
#[path = "refine_test.rs"]
mod refine_test;
