//! Applies a fitted MinMaxScaler to columns.

use std::sync::Arc;

use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};

use crate::columns::demand::{Demand, cost};
use crate::transformers::shared::center_and_scale::ParameterRounding;
use crate::transformers::shared::clip::clip;
use crate::transformers::transformer::Apply;
use byoc_formats::error::Result;

/// `x * scale + min`, clipped to a range if `clip` is set.
#[derive(Debug)]
pub(super) struct MinMaxScaler {
    pub(super) scale: Arc<[f64]>,
    pub(super) min: Arc<[f64]>,
    /// `feature_range`, when `clip` is on.
    pub(super) clip: Option<(f64, f64)>,
    pub(super) rounding: ParameterRounding,
}

impl Apply for MinMaxScaler {
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut floats = Floats::from_features(features, Refuses::Infinity)?;
        for (column, (scale, min)) in self.scale.iter().zip(self.min.iter()).enumerate() {
            let scale = self.rounding.apply(*scale, &floats);
            floats.map_column(column, |value| value * scale);
            let min = self.rounding.apply(*min, &floats);
            floats.map_column(column, |value| value + min);
            if let Some((low, high)) = self.clip {
                floats.map_column(column, |value| clip(value, low, high));
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
    use crate::version::Version;

    #[test]
    fn values_are_mapped_and_clipped_and_missing_ones_stay() {
        let rounding = ParameterRounding::of(Version::new(1, 6));
        let scaler = MinMaxScaler { scale: [0.5].into(), min: [-1.0].into(), clip: Some((-1.0, 2.0)), rounding };
        let values = apply_floats(|features| scaler.apply(features, 1), vec![vec![1.0, -8.0, 100.0, f64::NAN]]);
        assert_eq!(values[0][..3], [-0.5, -1.0, 2.0]);
        assert!(values[0][3].is_nan());
    }
}
