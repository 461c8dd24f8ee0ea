//! `sklearn.preprocessing.MinMaxScaler`: maps the range seen at fit to `feature_range`.

use std::sync::Arc;

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Built, Input};
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};
use crate::transformers::Transformer;
use crate::transformers::center_and_scale::ParameterRounding;
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;

/// `x * scale + min`, kept within a range if asked.
#[derive(Debug)]
pub(crate) struct MinMaxScaler {
    scale: Arc<[f64]>,
    min: Arc<[f64]>,
    /// `feature_range`, when `clip` is on.
    clip: Option<(f64, f64)>,
    rounding: ParameterRounding,
}

/// Reads `scale_`, `min_`, `feature_range` and `clip` (from 0.24 on).
pub(crate) fn build<'t>(scaler: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
    let scale = builder.numbers_in(scaler, "scale_")?;
    let width = scale.len();
    builder.accept(input, scaler, width)?;
    let clip = if scaler.flag_or("clip", false)? {
        let value = scaler.required("feature_range")?;
        let bounds = value.array_of().map(|bounds: [Value<'_>; 2]| bounds.map(Value::as_number));
        let Some([Some(low), Some(high)]) = bounds else {
            return Err(scaler.mismatch("feature_range", "two numbers", value));
        };
        Some((low, high))
    } else {
        None
    };
    let min = builder.numbers_of(scaler, "min_", width)?;
    let rounding = ParameterRounding::of(builder.version);
    builder.keep(size_of::<MinMaxScaler>())?;
    let scaler = MinMaxScaler { scale, min, clip, rounding };
    Ok(Built::array(Transformer::MinMaxScaler(Box::new(scaler)), width))
}

impl MinMaxScaler {
    pub(crate) fn apply<'c, 'a>(&self, features: Vec<Feature<'c, 'a>>) -> Result<Vec<Feature<'c, 'a>>, Fault> {
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
}

/// `numpy.clip`: NaN stays, and of two crossed bounds the upper one counts.
pub(crate) fn clip(value: f64, low: f64, high: f64) -> f64 {
    let value = if value < low { low } else { value };
    if value > high { high } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::testing::apply_floats;
    use crate::version::Version;

    #[test]
    fn values_are_mapped_and_clipped_and_missing_ones_stay() {
        let rounding = ParameterRounding::of(Version::new(1, 6));
        let scaler = MinMaxScaler { scale: [0.5].into(), min: [-1.0].into(), clip: Some((-1.0, 2.0)), rounding };
        let values = apply_floats(|features| scaler.apply(features), vec![vec![1.0, -8.0, 100.0, f64::NAN]]);
        assert_eq!(values[0][..3], [-0.5, -1.0, 2.0]);
        assert!(values[0][3].is_nan());
    }
}
