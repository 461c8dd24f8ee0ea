//! `sklearn.preprocessing.RobustScaler`: subtracts the median, divides by the range of quantiles.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Built, Input};
use crate::transformers::Transformer;
use crate::transformers::center_and_scale::{CenterAndScale, ParameterRounding};
use byoc_formats::error::Result;

/// Reads `with_centering`, `with_scaling`, `center_` and `scale_`, in which `unit_variance` is contained since fit.
pub(crate) fn build<'t>(scaler: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
    let (with_centering, with_scaling) = (scaler.flag("with_centering")?, scaler.flag("with_scaling")?);
    let width = crate::transformers::width(scaler, &["center_", "scale_"])?;
    builder.accept(input, scaler, width)?;
    let scaler = CenterAndScale {
        center: with_centering.then(|| builder.numbers_of(scaler, "center_", width)).transpose()?,
        scale: with_scaling.then(|| builder.numbers_of(scaler, "scale_", width)).transpose()?,
        rounding: ParameterRounding::of(builder.version),
    };
    Ok(Built::array(Transformer::RobustScaler(scaler), width))
}
