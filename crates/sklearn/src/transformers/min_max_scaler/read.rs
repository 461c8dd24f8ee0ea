//! Reads a MinMaxScaler from a pickled object.

use super::apply::MinMaxScaler;
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::transformers::class::PickledClass;
use crate::transformers::shared::center_and_scale::ParameterRounding;
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;
use byoc_formats::pickle::Value;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["MinMaxScaler"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._data", "sklearn.preprocessing.data"]
    }

    /// Reads `scale_`, `min_`, `feature_range` and `clip` (from 0.24 on).
    fn build<'t>(&self, scaler: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
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
        let scaler = MinMaxScaler { scale, min, clip, rounding };
        Built::array(scaler, width, builder)
    }

    fn feature_names_out(&self, object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        names::names_in(object, given, bounds)
    }
}
