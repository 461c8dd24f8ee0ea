//! Applies a fitted Normalizer to columns.

use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};

use crate::columns::demand::{Demand, cost};
use crate::transformers::transformer::Apply;
use byoc_formats::error::Result;

/// Divides each row by its norm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Normalizer {
    pub(super) norm: Norm,
    /// From 1.0 on, a norm below ten times the precision counts as 0 (`_handle_zeros_in_scale`); before, only 0 does.
    pub(super) tiny_is_zero: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Norm {
    L1,
    L2,
    /// The largest magnitude.
    Max,
    /// The largest value, which `norm='max'` meant until 0.22.
    SignedMax,
}

impl Apply for Normalizer {
    /// Divides each row by its norm; a row of zeros stays. Missing values and infinity are refused.
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let norm = self.norm;
        let mut floats = Floats::from_features(features, Refuses::InfinityAndMissing)?;
        let rows = floats.columns.first().map_or(0, |column| column.values.len());
        // Column by column, so that sums grow from left to right as in numpy's einsum.
        let mut norms = vec![if norm == Norm::SignedMax { f64::NEG_INFINITY } else { 0.0 }; rows];
        for column in &floats.columns {
            for (row_norm, value) in norms.iter_mut().zip(&column.values) {
                match norm {
                    Norm::L1 => *row_norm += value.abs(),
                    Norm::L2 => *row_norm += value * value,
                    Norm::Max => *row_norm = row_norm.max(value.abs()),
                    Norm::SignedMax => *row_norm = row_norm.max(*value),
                }
            }
        }
        let precision = if floats.single() { f64::from(f32::EPSILON) } else { f64::EPSILON };
        let tiny = if self.tiny_is_zero { 10.0 * precision } else { f64::NEG_INFINITY };
        for row_norm in &mut norms {
            if norm == Norm::L2 {
                *row_norm = row_norm.sqrt();
            }
            if *row_norm == 0.0 || *row_norm < tiny {
                *row_norm = 1.0;
            }
        }
        for column in &mut floats.columns {
            for (value, row_norm) in column.values.iter_mut().zip(&norms) {
                *value /= row_norm;
            }
        }
        Ok(floats.into_features())
    }

    fn demand(&self, given: usize) -> Demand {
        Demand::of(given, given, cost::ARITHMETIC + cost::TEXT_TO_NUMBER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::shared::testing::apply_floats;

    #[test]
    fn rows_are_scaled_by_their_norm_and_a_row_of_zeros_stays() {
        let columns = || vec![vec![3.0, 0.0, -4.0], vec![4.0, 0.0, -2.0]];
        let cases = [
            (Norm::L1, [[3.0 / 7.0, 0.0, -4.0 / 6.0], [4.0 / 7.0, 0.0, -2.0 / 6.0]]),
            (Norm::L2, [[0.6, 0.0, -4.0 / 20f64.sqrt()], [0.8, 0.0, -2.0 / 20f64.sqrt()]]),
            (Norm::Max, [[0.75, 0.0, -1.0], [1.0, 0.0, -0.5]]),
            (Norm::SignedMax, [[0.75, 0.0, 2.0], [1.0, 0.0, 1.0]]),
        ];
        for (norm, expected) in cases {
            let normalizer = Normalizer { norm, tiny_is_zero: false };
            assert_eq!(apply_floats(|features| normalizer.apply(features, 1), columns()), expected, "{norm:?}");
        }
    }

    #[test]
    fn a_tiny_norm_is_divided_by_only_until_0_24() {
        for (tiny_is_zero, expected) in [(true, 1e-16), (false, 1.0)] {
            let normalizer = Normalizer { norm: Norm::L1, tiny_is_zero };
            assert_eq!(apply_floats(|features| normalizer.apply(features, 1), vec![vec![1e-16]]), [[expected]]);
        }
    }
}
