//! Reads a MaxAbsScaler from a pickled object.

use super::apply::MaxAbsScaler;
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::transformers::shared::center_and_scale::ParameterRounding;

use crate::transformers::class::PickledClass;
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["MaxAbsScaler"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._data", "sklearn.preprocessing.data"]
    }

    /// Reads `scale_` and `clip` (from 1.8 on).
    fn build<'t>(&self, scaler: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
        let scale = builder.numbers_in(scaler, "scale_")?;
        let width = scale.len();
        builder.accept(input, scaler, width)?;
        let clip = scaler.flag_or("clip", false)?;
        let rounding = ParameterRounding::of(builder.version);
        Built::array(MaxAbsScaler { scale, clip, rounding }, width, builder)
    }

    fn feature_names_out(&self, object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        names::names_in(object, given, bounds)
    }
}
