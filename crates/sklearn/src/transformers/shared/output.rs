//! The width of a transformer's input at fit, and the columns that it passes on.

use crate::artifact::attributes::{Attributes, numeric};
use crate::artifact::builder::{Builder, Input, Shape};
use crate::columns::readings::Origins;
use byoc_formats::error::Result;

/// How many features an estimator was fitted on: `n_features_in_`, or before 0.23 the length of a fitted array.
pub(crate) fn width(estimator: Attributes<'_>, arrays: &[&str]) -> Result<usize> {
    if let Some(width) = estimator.n_features_in()? {
        return Ok(width);
    }
    let fitted = arrays.iter().find(|name| estimator.present(name).is_some());
    match fitted.or(arrays.first()) {
        Some(name) => {
            let value = estimator.required(name)?;
            let array = numeric(value);
            let array = array.ok_or_else(|| estimator.mismatch(name, "a one-dimensional array of numbers", value))?;
            Ok(array.len())
        }
        None => Ok(0),
    }
}

/// The output of a transformer without fitted attributes, which may not know the number of features.
pub(crate) fn unfitted_output<'t>(
    transformer: Attributes<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Input<'t>> {
    let shape = match transformer.n_features_in()? {
        Some(width) => {
            builder.accept(input, transformer, width)?;
            Shape::Fixed(width)
        }
        None => input.shape,
    };
    Ok(Input { names: None, shape, sparse: input.sparse, frame: false, origins: Origins::Changed })
}

/// The columns of the request that one of several parts passes on unchanged, and the number of its columns. The columns
/// of a part that passes the whole request through are not known here, and weighted columns are numbers.
pub(crate) fn given_on(output: &Input<'_>, is_weighted: bool) -> (Origins, usize) {
    match (output.shape, is_weighted) {
        (Shape::Fixed(width), false) => (output.origins.clone(), width),
        (Shape::Fixed(width), true) => (Origins::Changed, width),
        (Shape::Request { .. }, _) => (Origins::Changed, 0),
    }
}
