//! The two matrix products of a mini-batch: rows × weights gives scores, rowsᵀ × slopes gives the gradient.
//!
//! A block of the result stays in registers while the sum runs over the inner dimension. Each sum runs in order, one
//! term after the other, whatever the block: a model's numbers depend neither on the other models nor on how many
//! threads share the work. Processors with fused multiply-add use it, so the last bits may differ from one
//! that has none.

use multiversion::multiversion;
use multiversion::target::target_cfg_f;

/// Columns of scores, slopes and weights come in multiples of this, so that no kernel has a tail.
pub(super) const LANES: usize = 8;

/// A float that the kernels compute with.
pub(super) trait Number: Copy + Default + std::ops::Add<Output = Self> + std::ops::Mul<Output = Self> {
    /// `self * by + plus`, rounded once.
    fn fused(self, by: Self, plus: Self) -> Self;
}

impl Number for f32 {
    #[inline(always)]
    fn fused(self, by: f32, plus: f32) -> f32 {
        self.mul_add(by, plus)
    }
}

impl Number for f64 {
    #[inline(always)]
    fn fused(self, by: f64, plus: f64) -> f64 {
        self.mul_add(by, plus)
    }
}

/// The smallest multiple of [`LANES`] that is at least `columns`.
pub(super) fn padded(columns: usize) -> usize {
    columns.next_multiple_of(LANES)
}

/// Adds rows × weights to scores: `rows` is rows × width, `weights` width × columns, `scores` rows × columns.
pub(super) fn add_scores(rows: &[f32], width: usize, weights: &[f32], columns: usize, scores: &mut [f32]) {
    if width > 0 && columns > 0 {
        add_scores_f32(rows, width, weights, columns, scores);
    }
}

/// Adds rowsᵀ × slopes to a gradient: `rows` is rows × width, `slopes` rows × columns, `gradient` width × columns.
pub(super) fn add_gradient(rows: &[f32], width: usize, slopes: &[f32], columns: usize, gradient: &mut [f32]) {
    if width > 0 && columns > 0 {
        add_gradient_f32(rows, width, slopes, columns, gradient);
    }
}

/// Like [`add_gradient`] in float64, for a square symmetric result: only blocks that touch the lower triangle are
/// computed.
pub(super) fn add_lower_product(rows: &[f64], width: usize, weighted: &[f64], columns: usize, product: &mut [f64]) {
    if width > 0 && columns > 0 {
        add_lower_product_f64(rows, width, weighted, columns, product);
    }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn add_scores_f32(rows: &[f32], width: usize, weights: &[f32], columns: usize, scores: &mut [f32]) {
    if cfg!(target_arch = "aarch64") || target_cfg_f!(target_feature = "fma") {
        scores_by_strip::<f32, true>(rows, width, weights, columns, scores);
    } else {
        scores_by_strip::<f32, false>(rows, width, weights, columns, scores);
    }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn add_gradient_f32(rows: &[f32], width: usize, slopes: &[f32], columns: usize, gradient: &mut [f32]) {
    if cfg!(target_arch = "aarch64") || target_cfg_f!(target_feature = "fma") {
        gradient_by_strip::<f32, 16, true, false>(rows, width, slopes, columns, gradient);
    } else {
        gradient_by_strip::<f32, 16, false, false>(rows, width, slopes, columns, gradient);
    }
}

#[multiversion(targets("x86_64+avx2+fma"))]
fn add_lower_product_f64(rows: &[f64], width: usize, weighted: &[f64], columns: usize, product: &mut [f64]) {
    if cfg!(target_arch = "aarch64") || target_cfg_f!(target_feature = "fma") {
        gradient_by_strip::<f64, 8, true, true>(rows, width, weighted, columns, product);
    } else {
        gradient_by_strip::<f64, 8, false, true>(rows, width, weighted, columns, product);
    }
}

/// Subtracts means from rows and multiplies by factors; both have one value for each column.
#[multiversion(targets("x86_64+avx2+fma"))]
pub(super) fn scale(rows: &[f32], means: &[f32], factors: &[f32], scaled: &mut [f32]) {
    let width = means.len().max(1);
    for (row, scaled) in rows.chunks_exact(width).zip(scaled.chunks_exact_mut(width)) {
        for ((scaled, value), (mean, factor)) in scaled.iter_mut().zip(row).zip(means.iter().zip(factors)) {
            *scaled = (value - mean) * factor;
        }
    }
}

/// `a * b + plus`; `FUSED` only in code that is compiled for a processor that has it, for elsewhere it is a call.
#[inline(always)]
pub(super) fn multiply_add<T: Number, const FUSED: bool>(a: T, b: T, plus: T) -> T {
    if FUSED { a.fused(b, plus) } else { a * b + plus }
}

/// The next `N` values from an index on.
#[inline(always)]
fn chunk<T: Number, const N: usize>(values: &[T], from: usize) -> Option<&[T; N]> {
    values.get(from..).and_then(|values| values.first_chunk())
}

/// The same as a copy. Callers have checked the length; the fallback keeps a mistake from being a panic.
#[inline(always)]
fn array<T: Number, const N: usize>(values: &[T], from: usize) -> [T; N] {
    chunk(values, from).copied().unwrap_or([T::default(); N])
}

#[inline(always)]
fn store<T: Number, const N: usize>(values: &mut [T], from: usize, block: &[T; N]) {
    if let Some(place) = values.get_mut(from..).and_then(|values| values.first_chunk_mut()) {
        *place = *block;
    }
}

#[inline(always)]
fn scores_by_strip<T: Number, const FUSED: bool>(
    rows: &[T],
    width: usize,
    weights: &[T],
    columns: usize,
    scores: &mut [T],
) {
    let mut from = 0;
    while from + 16 <= columns {
        scores_strip::<T, 6, 16, FUSED>(rows, width, weights, columns, from, scores);
        from += 16;
    }
    while from + LANES <= columns {
        scores_strip::<T, 8, LANES, FUSED>(rows, width, weights, columns, from, scores);
        from += LANES;
    }
}

#[inline(always)]
fn scores_strip<T: Number, const ROWS: usize, const STRIP: usize, const FUSED: bool>(
    rows: &[T],
    width: usize,
    weights: &[T],
    columns: usize,
    from: usize,
    scores: &mut [T],
) {
    let mut blocks = rows.chunks_exact(ROWS * width);
    let mut results = scores.chunks_exact_mut(ROWS * columns);
    for (rows, scores) in blocks.by_ref().zip(results.by_ref()) {
        scores_block::<T, ROWS, STRIP, FUSED>(rows, width, weights, columns, from, scores);
    }
    // A single row would wait for each sum before the next, so the rest is split into as few blocks as possible.
    let (rows, scores) = (blocks.remainder(), results.into_remainder());
    let fours = rows.len() / width / 4 * 4;
    let (four_rows, rows) = rows.split_at(fours * width);
    let (four_scores, scores) = scores.split_at_mut(fours * columns);
    for (rows, scores) in four_rows.chunks_exact(4 * width).zip(four_scores.chunks_exact_mut(4 * columns)) {
        scores_block::<T, 4, STRIP, FUSED>(rows, width, weights, columns, from, scores);
    }
    for (row, scores) in rows.chunks_exact(width).zip(scores.chunks_exact_mut(columns)) {
        scores_block::<T, 1, STRIP, FUSED>(row, width, weights, columns, from, scores);
    }
}

#[inline(always)]
fn scores_block<T: Number, const ROWS: usize, const STRIP: usize, const FUSED: bool>(
    rows: &[T],
    width: usize,
    weights: &[T],
    columns: usize,
    from: usize,
    scores: &mut [T],
) {
    let mut sums: [[T; STRIP]; ROWS] = std::array::from_fn(|row| array(scores, row * columns + from));
    let rows: [&[T]; ROWS] = std::array::from_fn(|row| &rows[row * width..][..width]);
    for (feature, weights) in weights.chunks_exact(columns).take(width).enumerate() {
        let weights: [T; STRIP] = array(weights, from);
        for (sums, row) in sums.iter_mut().zip(rows) {
            let value = row[feature];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum = multiply_add::<T, FUSED>(value, weight, *sum);
            }
        }
    }
    for (row, sums) in sums.iter().enumerate() {
        store(scores, row * columns + from, sums);
    }
}

/// `WIDE` columns at a time are as many as leave six rows of sums in sixteen vector registers: 16 of float32, 8 of
/// float64 (39 in place of 17 GFlop/s for 64 rows × 101 parameters).
#[inline(always)]
fn gradient_by_strip<T: Number, const WIDE: usize, const FUSED: bool, const LOWER: bool>(
    rows: &[T],
    width: usize,
    slopes: &[T],
    columns: usize,
    gradient: &mut [T],
) {
    let mut from = 0;
    while from + WIDE <= columns {
        gradient_strip::<T, 6, WIDE, FUSED, LOWER>(rows, width, slopes, columns, from, gradient);
        from += WIDE;
    }
    while from + LANES <= columns {
        gradient_strip::<T, 8, LANES, FUSED, LOWER>(rows, width, slopes, columns, from, gradient);
        from += LANES;
    }
}

#[inline(always)]
fn gradient_strip<T: Number, const FEATURES: usize, const STRIP: usize, const FUSED: bool, const LOWER: bool>(
    rows: &[T],
    width: usize,
    slopes: &[T],
    columns: usize,
    from: usize,
    gradient: &mut [T],
) {
    let mut feature = 0;
    while feature + FEATURES <= width {
        if !LOWER || feature + FEATURES > from {
            gradient_block::<T, FEATURES, STRIP, FUSED>(rows, width, feature, slopes, columns, from, gradient);
        }
        feature += FEATURES;
    }
    // As with single rows: a block of four waits less than four blocks of one.
    while feature + 4 <= width {
        gradient_block::<T, 4, STRIP, FUSED>(rows, width, feature, slopes, columns, from, gradient);
        feature += 4;
    }
    while feature < width {
        gradient_block::<T, 1, STRIP, FUSED>(rows, width, feature, slopes, columns, from, gradient);
        feature += 1;
    }
}

#[inline(always)]
fn gradient_block<T: Number, const FEATURES: usize, const STRIP: usize, const FUSED: bool>(
    rows: &[T],
    width: usize,
    feature: usize,
    slopes: &[T],
    columns: usize,
    from: usize,
    gradient: &mut [T],
) {
    let mut sums: [[T; STRIP]; FEATURES] = std::array::from_fn(|at| array(gradient, (feature + at) * columns + from));
    for (row, slopes) in rows.chunks_exact(width).zip(slopes.chunks_exact(columns)) {
        // Borrowed: copies of six values took registers that the sums need, and those went through memory (26 in place
        // of 94 GFlop/s on one core, 48 rows × 100 features × 16 models).
        let (Some(values), Some(slopes)) = (chunk::<T, FEATURES>(row, feature), chunk::<T, STRIP>(slopes, from)) else {
            return;
        };
        for (sums, &value) in sums.iter_mut().zip(values) {
            for (sum, &slope) in sums.iter_mut().zip(slopes) {
                *sum = multiply_add::<T, FUSED>(value, slope, *sum);
            }
        }
    }
    for (at, sums) in sums.iter().enumerate() {
        store(gradient, (feature + at) * columns + from, sums);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matrix(length: usize, seed: u32) -> Vec<f32> {
        let mut state = seed | 1;
        let mut next = move || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 8_388_608.0 - 1.0
        };
        (0..length).map(|_| next()).collect()
    }

    proptest! {
        #[test]
        fn the_products_equal_those_of_the_definition(
            rows in 0..40_usize, width in 1..40_usize, blocks in 1..6_usize, seed in any::<u32>(),
        ) {
            let columns = blocks * LANES;
            let x = matrix(rows * width, seed);
            let w = matrix(width * columns, seed ^ 1);
            let mut scores = matrix(rows * columns, seed ^ 2);
            let mut expected: Vec<f64> = scores.iter().map(|&z| f64::from(z)).collect();
            for row in 0..rows { for column in 0..columns { for k in 0..width {
                expected[row * columns + column] += f64::from(x[row * width + k]) * f64::from(w[k * columns + column]);
            }}}
            add_scores(&x, width, &w, columns, &mut scores);
            for (found, expected) in scores.iter().zip(&expected) {
                prop_assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} {expected}");
            }
            let mut gradient = matrix(width * columns, seed ^ 3);
            let mut expected: Vec<f64> = gradient.iter().map(|&g| f64::from(g)).collect();
            for row in 0..rows { for column in 0..columns { for k in 0..width {
                let (x, score) = (x[row * width + k], scores[row * columns + column]);
                expected[k * columns + column] += f64::from(x) * f64::from(score);
            }}}
            add_gradient(&x, width, &scores, columns, &mut gradient);
            for (found, expected) in gradient.iter().zip(&expected) {
                prop_assert!((f64::from(*found) - expected).abs() < 1e-3, "{found} {expected}");
            }
        }

        #[test]
        fn the_lower_product_is_right_on_and_below_the_diagonal(
            rows in 0..20_usize,
            width in 1..50_usize,
            seed in any::<u32>(),
        ) {
            let columns = padded(width);
            let x: Vec<f64> = matrix(rows * width, seed).into_iter().map(f64::from).collect();
            let mut y = vec![0.0; rows * columns];
            for (y, x) in y.chunks_exact_mut(columns).zip(x.chunks_exact(width)) {
                for (at, (y, x)) in y.iter_mut().zip(x).enumerate() {
                    *y = x * (1.0 + at as f64);
                }
            }
            let mut product = vec![0.0; width * columns];
            add_lower_product(&x, width, &y, columns, &mut product);
            for i in 0..width { for j in 0..=i {
                let expected: f64 = (0..rows).map(|row| x[row * width + i] * y[row * columns + j]).sum();
                prop_assert!((product[i * columns + j] - expected).abs() < 1e-9);
            }}
        }
    }

    #[test]
    fn a_models_scores_do_not_depend_on_the_other_models() {
        let (rows, width) = (13, 17);
        let x = matrix(rows * width, 5);
        let wide = matrix(width * 40, 6);
        let mut beside = vec![0.0; rows * 40];
        add_scores(&x, width, &wide, 40, &mut beside);
        for from in [0, 8, 16, 32] {
            let alone: Vec<f32> = wide.chunks_exact(40).flat_map(|row| row[from..from + 8].to_vec()).collect();
            let mut scores = vec![0.0; rows * 8];
            add_scores(&x, width, &alone, 8, &mut scores);
            for (row, scores) in scores.chunks_exact(8).enumerate() {
                assert_eq!(scores, &beside[row * 40 + from..row * 40 + from + 8]);
            }
        }
    }
}
