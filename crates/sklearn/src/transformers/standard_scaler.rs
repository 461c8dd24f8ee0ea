//! `sklearn.preprocessing.StandardScaler`: subtracts the mean, divides by the standard deviation.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Built, Input};
use crate::transformers::Transformer;
use crate::transformers::center_and_scale::{CenterAndScale, ParameterRounding};
use byoc_formats::error::Result;

/// Reads `with_mean`, `with_std`, `mean_` and `scale_`; the other fitted attributes are not needed to transform.
pub(crate) fn build<'t>(scaler: Attributes<'t>, input: &Input<'t>, builder: &mut Builder<'t, '_>) -> Result<Built<'t>> {
    let (with_mean, with_std) = (scaler.flag("with_mean")?, scaler.flag("with_std")?);
    let width = crate::transformers::width(scaler, &["mean_", "scale_"])?;
    builder.accept(input, scaler, width)?;
    let scaler = CenterAndScale {
        center: with_mean.then(|| builder.numbers_of(scaler, "mean_", width)).transpose()?,
        scale: with_std.then(|| builder.numbers_of(scaler, "scale_", width)).transpose()?,
        rounding: ParameterRounding::of(builder.version),
    };
    Ok(Built::array(Transformer::StandardScaler(scaler), width))
}
