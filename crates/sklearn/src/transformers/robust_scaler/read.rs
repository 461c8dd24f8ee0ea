//! Reads a RobustScaler from a pickled object.

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
        &["RobustScaler"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._data", "sklearn.preprocessing.data"]
    }

    /// Reads `with_centering`, `with_scaling`, `center_` and `scale_`, in which `unit_variance` is contained since fit.
    fn build<'t>(&self, scaler: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
        let (with_centering, with_scaling) = (scaler.flag("with_centering")?, scaler.flag("with_scaling")?);
        let width = output::width(scaler, &["center_", "scale_"])?;
        builder.accept(input, scaler, width)?;
        let scaler = CenterAndScale {
            center: with_centering.then(|| builder.numbers_of(scaler, "center_", width)).transpose()?,
            scale: with_scaling.then(|| builder.numbers_of(scaler, "scale_", width)).transpose()?,
            rounding: ParameterRounding::of(builder.version),
        };
        Built::array(scaler, width, builder)
    }

    fn feature_names_out(&self, object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        names::names_in(object, given, bounds)
    }
}
