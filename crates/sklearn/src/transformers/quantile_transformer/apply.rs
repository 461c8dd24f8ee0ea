//! Applies a fitted QuantileTransformer to columns.

use std::sync::Arc;

use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, FloatColumn, Floats, Refuses};

use crate::statistics::normal_quantile::normal_quantile;
use byoc_formats::error::Result;

use crate::columns::demand::{Demand, cost};
use crate::transformers::transformer::Apply;

/// The quantiles of each feature at fit.
#[derive(Debug)]
pub(super) struct QuantileTransformer {
    /// The fractions, ascending from 0 to 1.
    pub(super) references: Arc<[f64]>,
    /// Feature by feature, one for each reference, ascending.
    pub(super) quantiles: Box<[f64]>,
    pub(super) output: Output,
    pub(super) sparse: Option<Sparse>,
}

/// A sparse matrix: scikit-learn transforms its nonzero values, and zeros stay 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sparse {
    /// Unless zeros were ignored at fit.
    pub(super) refuses_negative: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Output {
    Uniform,
    /// As until 0.20: slightly away from 0 and 1, like normal output from its bounds.
    UniformWithoutEnds,
    Normal,
}

/// How near the ends counts as an end for normal output (`BOUNDS_THRESHOLD` of `sklearn.preprocessing._data`).
pub(super) const BOUNDS_THRESHOLD: f64 = 1e-7;

impl Apply for QuantileTransformer {
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut floats = Floats::from_features(features, Refuses::Infinity)?;
        if let Some(Sparse { refuses_negative: true }) = self.sparse {
            for FloatColumn { origin, values } in &floats.columns {
                if let Some(row) = values.iter().position(|value| *value < 0.0) {
                    let message = "expected no number below 0, as QuantileTransformer takes none in a sparse matrix";
                    return Err(Fault::of_value(*origin, row, message));
                }
            }
        }
        for (column, quantiles) in self.quantiles.chunks(self.references.len().max(1)).enumerate() {
            floats.map_column(column, |value| match self.sparse {
                Some(_) if value == 0.0 => value,
                _ => self.map(value, quantiles),
            });
        }
        Ok(floats.into_features())
    }

    fn demand(&self, given: usize) -> Demand {
        Demand::of(given, given, cost::QUANTILE + cost::TEXT_TO_NUMBER)
    }
}

impl QuantileTransformer {
    fn map(&self, value: f64, quantiles: &[f64]) -> f64 {
        let (Some(lowest), Some(highest)) = (quantiles.first(), quantiles.last()) else { return value };
        if value.is_nan() {
            return value;
        }
        let (low_end, high_end) = match self.output {
            Output::Uniform => (value == *lowest, value == *highest),
            Output::Normal | Output::UniformWithoutEnds => {
                (value - BOUNDS_THRESHOLD < *lowest, value + BOUNDS_THRESHOLD > *highest)
            }
        };
        let share = match (low_end, high_end) {
            (true, _) => 0.0,
            (false, true) => 1.0,
            // For repeated quantiles, the middle of their fractions.
            (false, false) => 0.5 * (self.interpolate(value, quantiles) - self.interpolate_mirrored(value, quantiles)),
        };
        let end = BOUNDS_THRESHOLD - f64::EPSILON;
        match self.output {
            Output::Uniform => share,
            Output::UniformWithoutEnds => share.clamp(end, 1.0 - end),
            Output::Normal => normal_quantile(share).clamp(normal_quantile(end), normal_quantile(1.0 - end)),
        }
    }

    /// `numpy.interp(value, quantiles, references)`.
    fn interpolate(&self, value: f64, quantiles: &[f64]) -> f64 {
        let last = quantiles.len() - 1;
        let above = quantiles.partition_point(|quantile| *quantile <= value);
        interpolate(value, above, last, |index| (at(quantiles, index), at(&self.references, index)))
    }

    /// `numpy.interp(-value, -quantiles, -references)`, both reversed.
    fn interpolate_mirrored(&self, value: f64, quantiles: &[f64]) -> f64 {
        let last = quantiles.len() - 1;
        let above = quantiles.len() - quantiles.partition_point(|quantile| *quantile < value);
        interpolate(-value, above, last, |index| (-at(quantiles, last - index), -at(&self.references, last - index)))
    }
}

pub(super) fn at(values: &[f64], index: usize) -> f64 {
    values.get(index).copied().unwrap_or(f64::NAN)
}

/// `numpy.interp` between knots; the knot `above` is the first above `x`.
pub(super) fn interpolate(x: f64, above: usize, last: usize, knot: impl Fn(usize) -> (f64, f64)) -> f64 {
    let Some(below) = above.checked_sub(1) else { return knot(0).1 };
    let (x0, y0) = knot(below);
    if below >= last || x0 == x {
        return y0;
    }
    let (x1, y1) = knot(below + 1);
    (y1 - y0) / (x1 - x0) * (x - x0) + y0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::origin::Origin;
    use crate::transformers::shared::testing::{apply_floats, message};
    use byoc_formats::rows::table::Column;

    fn transformer(output: Output, sparse: Option<Sparse>) -> QuantileTransformer {
        QuantileTransformer {
            references: [0.0, 0.25, 0.5, 0.75, 1.0].into(),
            quantiles: [1.0, 2.0, 2.0, 4.0, 8.0].into(),
            output,
            sparse,
        }
    }

    fn transform(output: Output, values: Vec<f64>) -> Vec<f64> {
        let transformer = transformer(output, None);
        apply_floats(|features| transformer.apply(features, 1), vec![values]).remove(0)
    }

    #[test]
    fn of_a_sparse_matrix_zeros_stay_and_numbers_below_are_refused() {
        let sparse = transformer(Output::Normal, Some(Sparse { refuses_negative: true }));
        let values = apply_floats(|features| sparse.apply(features, 1), vec![vec![0.0, 3.0]]).remove(0);
        assert!(values[0] == 0.0 && values[1] > 0.3, "{values:?}");
        let negative = Feature::new(Origin::column(0), Column::Float64(vec![1.0, -1.0]));
        assert!(message(sparse.apply(vec![negative], 1)).starts_with("row 2, column 1: expected no number below 0"));
    }

    #[test]
    fn quantiles_are_interpolated_and_a_repeated_one_maps_to_the_middle_of_its_range() {
        assert_eq!(transform(Output::Uniform, vec![1.0, 1.5, 2.0, 3.0, 8.0]), [0.0, 0.125, 0.375, 0.625, 1.0]);
        assert_eq!(transform(Output::Uniform, vec![-5.0, 99.0]), [0.0, 1.0]);
        assert!(transform(Output::Uniform, vec![f64::NAN])[0].is_nan());
    }

    #[test]
    fn normal_output_has_the_bounds_of_scikit_learn() {
        let values = transform(Output::Normal, vec![1.0, 8.0, 3.0]);
        assert!((values[0] + 5.199337582605575).abs() < 1e-12, "{values:?}");
        assert!((values[1] - 5.19933758270342).abs() < 1e-12, "{values:?}");
        assert!((values[2] - 0.31863936396437515).abs() < 1e-15, "{values:?}");
    }
}
