//! `sklearn.preprocessing.Normalizer`: scales each row to norm 1.

use super::super::attributes::Attributes;
use super::super::build::{Builder, Built, Input};
use super::super::fault::Fault;
use super::super::feature::{Feature, Floats, Refuses};
use super::super::version::Version;
use super::Transformer;
use crate::error::Result;

/// The norm of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::preprocessor) enum Norm {
    L1,
    L2,
    /// The largest magnitude.
    Max,
    /// The largest value, as `norm='max'` was until 0.22.
    SignedMax,
}

/// Reads `norm`. Nothing is fitted.
pub(super) fn build<'t>(normalizer: Attributes<'t>, input: &Input<'t>, builder: &mut Builder) -> Result<Built<'t>> {
    let max = if builder.version < Version::new(0, 23) { Norm::SignedMax } else { Norm::Max };
    let norm = normalizer.choice("norm", &[("l1", Norm::L1), ("l2", Norm::L2), ("max", max)])?;
    let output = super::unfitted_output(normalizer, input, builder)?;
    Ok(Built { transformer: Transformer::Normalizer(norm), output })
}

/// Divides each row by its norm; a row of zeros stays. Missing values and infinity are refused.
pub(in crate::preprocessor) fn apply<'c, 'a>(
    norm: Norm,
    features: Vec<Feature<'c, 'a>>,
) -> Result<Vec<Feature<'c, 'a>>, Fault> {
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
    for row_norm in &mut norms {
        if norm == Norm::L2 {
            *row_norm = row_norm.sqrt();
        }
        if *row_norm == 0.0 {
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

#[cfg(test)]
mod tests {
    use super::super::testing::apply_floats;
    use super::*;

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
            assert_eq!(apply_floats(|features| apply(norm, features), columns()), expected, "{norm:?}");
        }
    }
}
