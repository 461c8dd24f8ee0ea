//! Newton's direction: the step that would reach the minimum if the curvature were constant.

use super::totals::Totals;
use byoc_formats::error::Result;

/// The part of the curvature that is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Curvature {
    /// All of it: parameters × parameters.
    Matrix,
    /// Its diagonal; each product with the whole needs a pass over the data.
    Diagonal,
}

/// With more parameters, filling and factoring the matrix takes longer than several passes over the data.
pub(in crate::train) const MAX_MATRIX_PARAMETERS: usize = 700;
/// The maximum number of conjugate gradient steps for one direction.
const MAX_STEPS: usize = 50;

impl Curvature {
    pub(super) fn for_parameters(parameters: usize) -> Curvature {
        if parameters <= MAX_MATRIX_PARAMETERS { Curvature::Matrix } else { Curvature::Diagonal }
    }
}

/// Solves with the whole matrix. Directions without effect (a constant feature, two identical ones)
/// make it singular; a tiny ridge term then leaves them unchanged.
pub(super) fn by_cholesky(totals: &Totals) -> Option<Vec<f64>> {
    let count = totals.gradient.len();
    let largest = (0..count).filter_map(|at| totals.matrix.get(at * count + at)).copied().fold(0.0, f64::max);
    let mut ridge = 1e-14 * largest;
    for _ in 0..8 {
        if let Some(factor) = cholesky(&totals.matrix, count, ridge) {
            return Some(solve(&factor, &totals.gradient, count).into_iter().map(|step| -step).collect());
        }
        ridge = (ridge * 100.0).max(f64::MIN_POSITIVE);
    }
    None
}

/// The lower triangular factor of a positive definite matrix, whose lower triangle is read.
fn cholesky(matrix: &[f64], count: usize, ridge: f64) -> Option<Vec<f64>> {
    let mut factor = matrix.to_vec();
    for at in 0..count {
        let (above, rest) = factor.split_at_mut(at * count);
        let (row, _) = rest.split_at_mut(count);
        for column in 0..at {
            let other = above.get(column * count..column * count + column + 1)?;
            let known: f64 = dot(row.get(..column)?, other.get(..column)?);
            let value = (row.get(column)? - known) / other.get(column)?;
            *row.get_mut(column)? = value;
        }
        let known = dot(row.get(..at)?, row.get(..at)?);
        let diagonal = row.get_mut(at)?;
        let square = *diagonal + ridge - known;
        // A diagonal this small consists of rounding errors.
        if !(square > 1e-15 * *diagonal && square > 0.0) {
            return None;
        }
        *diagonal = square.sqrt();
    }
    Some(factor)
}

fn solve(factor: &[f64], right: &[f64], count: usize) -> Vec<f64> {
    let mut solution = right.to_vec();
    for at in 0..count {
        let row = &factor[at * count..at * count + at + 1];
        let known = dot(&row[..at], &solution[..at]);
        solution[at] = (solution[at] - known) / row[at];
    }
    for at in (0..count).rev() {
        let row = &factor[at * count..at * count + at + 1];
        let value = solution[at] / row[at];
        solution[at] = value;
        solution[..at].iter_mut().zip(row).for_each(|(sum, entry)| *sum -= entry * value);
    }
    solution
}

/// A dot product in eight running sums, which the compiler can keep in vector registers.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; 8];
    let (a_blocks, b_blocks) = (a.chunks_exact(8), b.chunks_exact(8));
    let rest: f64 = a_blocks.remainder().iter().zip(b_blocks.remainder()).map(|(a, b)| a * b).sum();
    for (a, b) in a_blocks.zip(b_blocks) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// Solves with products alone, down to `accuracy` of the gradient, with the diagonal as preconditioner. The last
/// iterate is a descent direction too, if the products run out; `None` only if there is no direction at all.
pub(super) fn by_conjugate_gradients(
    totals: &Totals,
    accuracy: f64,
    mut product: impl FnMut(&[f64]) -> Result<Option<Vec<f64>>>,
) -> Result<Option<Vec<f64>>> {
    let scaled = |residual: &[f64]| -> Vec<f64> {
        residual.iter().zip(&totals.diagonal).map(|(value, &by)| if by > 0.0 { value / by } else { *value }).collect()
    };
    let mut solution = vec![0.0; totals.gradient.len()];
    let mut residual: Vec<f64> = totals.gradient.iter().map(|slope| -slope).collect();
    let mut preconditioned = scaled(&residual);
    let mut direction = preconditioned.clone();
    let mut size = dot(&residual, &preconditioned);
    let first = size;
    for step in 0..MAX_STEPS {
        if size <= accuracy * accuracy * first {
            break;
        }
        let Some(image) = product(&direction)? else { return Ok((step > 0).then_some(solution)) };
        let bend = dot(&direction, &image);
        if bend <= 0.0 {
            return Ok(Some(if step == 0 { direction } else { solution }));
        }
        let length = size / bend;
        solution.iter_mut().zip(&direction).for_each(|(at, step)| *at += length * step);
        residual.iter_mut().zip(&image).for_each(|(at, step)| *at -= length * step);
        preconditioned = scaled(&residual);
        let next = dot(&residual, &preconditioned);
        let keep = next / size;
        size = next;
        direction.iter_mut().zip(&preconditioned).for_each(|(at, new)| *at = new + keep * *at);
    }
    Ok(Some(solution))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A matrix that is positive definite by construction, and a right side.
    fn system(count: usize) -> Totals {
        let root: Vec<f64> = (0..count * count).map(|at| ((at * 37 + 11) % 101) as f64 / 50.0 - 1.0).collect();
        let mut matrix = vec![0.0; count * count];
        for i in 0..count {
            for j in 0..count {
                matrix[i * count + j] = (0..count).map(|k| root[i * count + k] * root[j * count + k]).sum::<f64>()
                    + if i == j { 0.5 } else { 0.0 };
            }
        }
        let diagonal = (0..count).map(|at| matrix[at * count + at]).collect();
        Totals {
            value: 0.0,
            objective: 0.0,
            gradient: (0..count).map(|at| at as f64 - 3.0).collect(),
            matrix,
            diagonal,
        }
    }

    fn image(matrix: &[f64], vector: &[f64]) -> Vec<f64> {
        matrix.chunks_exact(vector.len()).map(|row| row.iter().zip(vector).map(|(a, b)| a * b).sum()).collect()
    }

    #[test]
    fn both_methods_solve_the_same_system() {
        for count in [1, 2, 9, 23] {
            let totals = system(count);
            let exact = by_cholesky(&totals).unwrap();
            for (found, slope) in image(&totals.matrix, &exact).iter().zip(&totals.gradient) {
                assert!((found + slope).abs() < 1e-9, "{count}");
            }
            let near = by_conjugate_gradients(&totals, 1e-10, |direction| Ok(Some(image(&totals.matrix, direction))));
            for (found, exact) in near.unwrap().unwrap().iter().zip(&exact) {
                assert!((found - exact).abs() < 1e-6 * exact.abs().max(1.0), "{count}");
            }
        }
    }

    #[test]
    fn a_direction_without_effect_stays_unchanged() {
        // Two parameters that always occur together, and one that never occurs.
        let matrix = vec![1.0, 1.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0];
        let totals =
            Totals { value: 0.0, objective: 0.0, gradient: vec![1.0, 1.0, 0.0], matrix, diagonal: vec![1.0, 1.0, 0.0] };
        let step = by_cholesky(&totals).unwrap();
        assert!((step[0] + step[1] + 1.0).abs() < 1e-6, "{step:?}");
        assert_eq!(step[2], 0.0);
    }
}
