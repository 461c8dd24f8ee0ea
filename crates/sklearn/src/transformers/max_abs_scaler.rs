//! `sklearn.preprocessing.MaxAbsScaler`: divides by the largest magnitude seen at fit.

use std::sync::Arc;

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Built, Input};
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};
use crate::transformers::Transformer;
use crate::transformers::center_and_scale::ParameterRounding;
use crate::transformers::min_max_scaler::clip;
use byoc_formats::error::Result;

/// `x / scale`, kept within -1 and 1 if asked.
#[derive(Debug)]
pub(crate) struct MaxAbsScaler {
    scale: Arc<[f64]>,
    clip: bool,
    rounding: ParameterRounding,
}

/// Reads `scale_` and `clip` (from 1.8 on).
pub(crate) fn build<'t>(scaler: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
    let scale = builder.numbers_in(scaler, "scale_")?;
    let width = scale.len();
    builder.accept(input, scaler, width)?;
    let clip = scaler.flag_or("clip", false)?;
    let rounding = ParameterRounding::of(builder.version);
    Ok(Built::array(Transformer::MaxAbsScaler(MaxAbsScaler { scale, clip, rounding }), width))
}

impl MaxAbsScaler {
    pub(crate) fn apply<'c, 'a>(&self, features: Vec<Feature<'c, 'a>>) -> Result<Vec<Feature<'c, 'a>>, Fault> {
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::testing::apply_floats;
    use crate::version::Version;

    #[test]
    fn values_are_divided_and_clipped_only_if_asked() {
        let mut scaler =
            MaxAbsScaler { scale: [4.0].into(), clip: false, rounding: ParameterRounding::of(Version::new(1, 8)) };
        assert_eq!(apply_floats(|features| scaler.apply(features), vec![vec![2.0, -8.0]]), [[0.5, -2.0]]);
        scaler.clip = true;
        assert_eq!(apply_floats(|features| scaler.apply(features), vec![vec![2.0, -8.0]]), [[0.5, -1.0]]);
    }
}
