//! Reads a StandardScaler from a pickled object.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::transformers::class::PickledClass;
use crate::transformers::shared::center_and_scale::{CenterAndScale, ParameterRounding};
use crate::transformers::shared::output;
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["StandardScaler"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._data", "sklearn.preprocessing.data"]
    }

    /// Reads `with_mean`, `with_std`, `mean_` and `scale_`; the other fitted attributes are not needed to transform.
    fn build<'t>(&self, scaler: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
        let (with_mean, with_std) = (scaler.flag("with_mean")?, scaler.flag("with_std")?);
        let width = output::width(scaler, &["mean_", "scale_"])?;
        builder.accept(input, scaler, width)?;
        let scaler = CenterAndScale {
            center: with_mean.then(|| builder.numbers_of(scaler, "mean_", width)).transpose()?,
            scale: with_std.then(|| builder.numbers_of(scaler, "scale_", width)).transpose()?,
            rounding: ParameterRounding::of(builder.version),
        };
        Built::array(scaler, width, builder)
    }

    fn feature_names_out(&self, object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        names::names_in(object, given, bounds)
    }
}
