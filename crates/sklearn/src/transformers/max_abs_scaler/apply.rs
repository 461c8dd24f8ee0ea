//! Applies a fitted MaxAbsScaler to columns.

use std::sync::Arc;

use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};

use crate::transformers::shared::center_and_scale::ParameterRounding;
use crate::transformers::shared::clip::clip;

use crate::columns::demand::{Demand, cost};
use crate::transformers::transformer::Apply;
use byoc_formats::error::Result;

/// `x / scale`, clipped to -1 and 1 if `clip` is set.
#[derive(Debug)]
pub(super) struct MaxAbsScaler {
    pub(super) scale: Arc<[f64]>,
    pub(super) clip: bool,
    pub(super) rounding: ParameterRounding,
}

impl Apply for MaxAbsScaler {
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut floats = Floats::from_features(features, Refuses::Infinity)?;
        for (column, scale) in self.scale.iter().enumerate() {
            let scale = self.rounding.apply(*scale, &floats);
            floats.map_column(column, |value| value / scale);
            if self.clip {
                floats.map_column(column, |value| clip(value, -1.0, 1.0));
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
    fn values_are_divided_and_clipped_only_if_clip_is_set() {
        let mut scaler =
            MaxAbsScaler { scale: [4.0].into(), clip: false, rounding: ParameterRounding::of(Version::new(1, 8)) };
        assert_eq!(apply_floats(|features| scaler.apply(features, 1), vec![vec![2.0, -8.0]]), [[0.5, -2.0]]);
        scaler.clip = true;
        assert_eq!(apply_floats(|features| scaler.apply(features, 1), vec![vec![2.0, -8.0]]), [[0.5, -1.0]]);
    }
}
