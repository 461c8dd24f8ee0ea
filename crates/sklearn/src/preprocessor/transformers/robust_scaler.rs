//! `sklearn.preprocessing.RobustScaler`: subtracts the median, divides by the range of quantiles.

use super::Transformer;
use super::center_and_scale::{CenterAndScale, ParameterRounding};
use crate::preprocessor::attributes::Attributes;
use crate::preprocessor::build::{Builder, Built, Input};
use byoc_formats::error::Result;

/// Reads `with_centering`, `with_scaling`, `center_` and `scale_`, in which `unit_variance` is contained since fit.
pub(super) fn build<'t>(scaler: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
    let (with_centering, with_scaling) = (scaler.flag("with_centering")?, scaler.flag("with_scaling")?);
    let width = super::width(scaler, &["center_", "scale_"])?;
    builder.accept(input, scaler, width)?;
    let scaler = CenterAndScale {
        center: with_centering.then(|| builder.numbers_of(scaler, "center_", width)).transpose()?,
        scale: with_scaling.then(|| builder.numbers_of(scaler, "scale_", width)).transpose()?,
        rounding: ParameterRounding::of(builder.version),
    };
    Ok(Built::array(Transformer::RobustScaler(scaler), width))
}
