//! `sklearn.preprocessing.StandardScaler`: subtracts the mean, divides by the standard deviation.

use super::Transformer;
use super::center_and_scale::{CenterAndScale, ParameterRounding};
use crate::preprocessor::attributes::Attributes;
use crate::preprocessor::build::{Builder, Built, Input};
use byoc_formats::error::Result;

/// Reads `with_mean`, `with_std`, `mean_` and `scale_`; the other fitted attributes are not needed to transform.
pub(super) fn build<'t>(scaler: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
    let (with_mean, with_std) = (scaler.flag("with_mean")?, scaler.flag("with_std")?);
    let width = super::width(scaler, &["mean_", "scale_"])?;
    builder.accept(input, scaler, width)?;
    let scaler = CenterAndScale {
        center: with_mean.then(|| builder.numbers_of(scaler, "mean_", width)).transpose()?,
        scale: with_std.then(|| builder.numbers_of(scaler, "scale_", width)).transpose()?,
        rounding: ParameterRounding::of(builder.version),
    };
    Ok(Built::array(Transformer::StandardScaler(scaler), width))
}
