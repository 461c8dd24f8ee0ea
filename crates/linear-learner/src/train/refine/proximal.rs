//! Newton's direction for a smooth objective with l1: the minimum of the quadratic with the exact absolute weights.
//!
//! Coordinates are moved one after the other until little is gained, which finds the weights that are zero; then the
//! others are solved for exactly, as far as none of them changes its sign. The two alternate, since each
//! may help the other.

use super::direction::{by_cholesky, dot};
use super::totals::Totals;

/// The maximum number of rounds, and of sweeps over all coordinates in each.
const MAX_TURNS: usize = 6;
const MAX_SWEEPS: usize = 40;
/// A sweep that gains less than this fraction of the best sweep's gain is the last.
const LITTLE: f64 = 1e-6;

/// The step from a point. `totals` are of the smooth part; the first `weights` parameters have the penalty `l1`.
pub(super) fn step(totals: &Totals, point: &[f64], weights: usize, l1: f64) -> Vec<f64> {
    let mut model = Model::new(totals, point, weights, l1);
    let mut most = 0.0_f64;
    for _ in 0..MAX_TURNS {
        let mut sweeps = 0;
        loop {
            let gained = model.sweep();
            sweeps += 1;
            most = most.max(gained);
            if gained <= LITTLE * most || sweeps == MAX_SWEEPS {
                break;
            }
        }
        if (sweeps == 1 && model.is_solved) || !model.solve_others() {
            break;
        }
    }
    model.at.iter().zip(point).map(|(at, from)| at - from).collect()
}

struct Model {
    /// The whole curvature, count × count, with a tiny ridge term.
    matrix: Vec<f64>,
    count: usize,
    weights: usize,
    l1: f64,
    at: Vec<f64>,
    /// The slopes of the quadratic at `at`.
    slopes: Vec<f64>,
    /// Whether the last solve was completed.
    is_solved: bool,
}

impl Model {
    fn new(totals: &Totals, point: &[f64], weights: usize, l1: f64) -> Model {
        let count = point.len();
        let entry = |row: usize, column: usize| totals.matrix.get(row * count + column).copied().unwrap_or(0.0);
        let largest = (0..count).map(|at| entry(at, at)).fold(0.0, f64::max);
        let mut matrix = Vec::with_capacity(count * count);
        for row in 0..count {
            matrix.extend((0..count).map(|column| entry(row.max(column), row.min(column))));
            if let Some(diagonal) = matrix.get_mut(row * count + row) {
                *diagonal += (1e-13 * largest).max(f64::MIN_POSITIVE);
            }
        }
        Model { matrix, count, weights, l1, at: point.to_vec(), slopes: totals.gradient.clone(), is_solved: false }
    }

    fn row(&self, index: usize) -> &[f64] {
        self.matrix.get(index * self.count..(index + 1) * self.count).unwrap_or_default()
    }

    /// Moves each coordinate to its own optimum, one after the other. Returns the approximate gain.
    fn sweep(&mut self) -> f64 {
        let mut gained = 0.0;
        for index in 0..self.count {
            let row = self.matrix.get(index * self.count..(index + 1) * self.count).unwrap_or_default();
            let (Some(&bend), Some(at), Some(&slope)) =
                (row.get(index), self.at.get_mut(index), self.slopes.get(index))
            else {
                continue;
            };
            let best = *at - slope / bend;
            let threshold = if index < self.weights { self.l1 / bend } else { 0.0 };
            let new = if best.abs() <= threshold { 0.0 } else { best - threshold.copysign(best) };
            let moved = new - *at;
            if moved != 0.0 {
                *at = new;
                gained += bend * moved * moved;
                self.slopes.iter_mut().zip(row).for_each(|(slope, bend)| *slope += bend * moved);
            }
        }
        gained
    }

    /// Solves for the nonzero coordinates, up to the point where the first becomes zero. Returns false if that fails.
    fn solve_others(&mut self) -> bool {
        let is_weight = |index: usize| index < self.weights;
        let others: Vec<usize> =
            (0..self.count).filter(|&index| !is_weight(index) || self.at.get(index) != Some(&0.0)).collect();
        let value = |values: &[f64], index: usize| values.get(index).copied().unwrap_or(0.0);
        let gradient = others.iter().map(|&index| {
            let side = if is_weight(index) { self.l1.copysign(value(&self.at, index)) } else { 0.0 };
            value(&self.slopes, index) + side
        });
        let gradient: Vec<f64> = gradient.collect();
        let matrix = others.iter().flat_map(|&row| others.iter().map(move |&column| (row, column)));
        let matrix = matrix.map(|(row, column)| value(self.row(row), column)).collect();
        let totals = Totals { value: 0.0, objective: 0.0, gradient, matrix, diagonal: Vec::new() };
        let Some(step) = by_cholesky(&totals) else { return false };
        // The fraction of the step to the first zero, and the coordinate that becomes zero there.
        let crossings = others.iter().zip(&step).filter_map(|(&index, &step)| {
            let at = value(&self.at, index);
            (is_weight(index) && at * (at + step) < 0.0).then(|| (-at / step, index))
        });
        let first = crossings.min_by(|a, b| a.0.total_cmp(&b.0));
        let part = first.map_or(1.0, |(part, _)| part);
        let mut moves = vec![0.0; self.count];
        for (&index, step) in others.iter().zip(&step) {
            if let (Some(at), Some(place)) = (self.at.get_mut(index), moves.get_mut(index)) {
                let new = if first.is_some_and(|(_, zero)| zero == index) { 0.0 } else { *at + part * step };
                *place = new - *at;
                *at = new;
            }
        }
        let changes: Vec<f64> = (0..self.count).map(|index| dot(self.row(index), &moves)).collect();
        self.slopes.iter_mut().zip(changes).for_each(|(slope, change)| *slope += change);
        self.is_solved = first.is_none();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_end_every_slope_is_within_the_penalty_of_its_coordinate() {
        for (count, l1) in [(1, 0.5), (7, 0.3), (24, 2.0), (24, 1e-4), (24, 1e3)] {
            let root: Vec<f64> = (0..count * count).map(|at| ((at * 37 + 11) % 101) as f64 / 50.0 - 1.0).collect();
            let mut matrix = vec![0.0; count * count];
            for i in 0..count {
                for j in 0..=i {
                    let product: f64 = (0..count).map(|k| root[i * count + k] * root[j * count + k]).sum();
                    matrix[i * count + j] = product + if i == j { 0.5 } else { 0.0 };
                }
            }
            let gradient: Vec<f64> = (0..count).map(|at| ((at * 13) % 7) as f64 - 3.0).collect();
            let point: Vec<f64> = (0..count).map(|at| if at % 3 == 0 { 0.0 } else { (at % 5) as f64 - 2.0 }).collect();
            let weights = count - 1;
            let totals = Totals { value: 0.0, objective: 0.0, gradient, matrix, diagonal: Vec::new() };
            let step = step(&totals, &point, weights, l1);
            let entry = |i: usize, j: usize| totals.matrix[i.max(j) * count + i.min(j)];
            for index in 0..count {
                let slope = totals.gradient[index] + (0..count).map(|j| entry(index, j) * step[j]).sum::<f64>();
                let at = point[index] + step[index];
                let holds = match index < weights {
                    false => slope.abs() < 1e-6,
                    true if at.abs() < 1e-12 => slope.abs() <= l1 + 1e-6,
                    true => (slope + l1.copysign(at)).abs() < 1e-6,
                };
                assert!(holds, "{count} {l1}: {index} at {at} has slope {slope}");
            }
        }
    }
}
