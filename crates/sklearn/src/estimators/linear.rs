//! `X @ coef_.T + intercept_`: what every linear model of scikit-learn computes first.
//!
//! Products are added feature by feature, from the first to the last, so that an answer depends neither on the CPU nor
//! on how many rows a request has. numpy's BLAS adds in a different order; the results differ by some units in the last
//! place.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::Builder;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses};
use byoc_formats::error::Result;
use byoc_formats::pickle::{ArrayView, ItemKind};
use byoc_formats::rows::table::Column;

/// How many rows are processed at a time: their sums stay in the cache for all features.
const BLOCK: usize = 2048;

/// Coefficients and intercepts.
#[derive(Debug)]
pub(crate) struct Linear {
    /// Those of the first output, then of the second, and so on.
    coefficients: Box<[f64]>,
    /// One for each output.
    intercepts: Box<[f64]>,
    features: usize,
    /// Whether the coefficients have one dimension: then a row's value is a number, otherwise a list.
    flat: bool,
    /// Whether the coefficients are `float32`: then products with `float32` values are `float32`.
    single: bool,
    /// Whether the intercepts are an array of `float64`, which makes the sums `float64`.
    wide_intercepts: bool,
    refuses: Refuses,
}

/// The values of a linear function, output by output.
#[derive(Debug)]
pub(crate) struct Values {
    pub(crate) outputs: Vec<Vec<f64>>,
    single: bool,
}

impl Linear {
    /// Reads `coef_`, of one dimension or two, and `intercept_`, a number or an array. `refuses` are the values that
    /// features must not have.
    pub(crate) fn read<'t>(object: Attributes<'t>, refuses: Refuses, builder: &mut Builder<'t, '_>) -> Result<Linear> {
        let value = object.required("coef_")?;
        let expected = "an array of floats of one or two dimensions";
        let array = value.as_array().filter(|array| matches!(array.shape().len(), 1 | 2) && !array.is_empty());
        let array = array.filter(|array| array.dtype().kind == ItemKind::Float);
        let array = array.ok_or_else(|| object.mismatch("coef_", expected, value))?;
        builder.keep_items::<f64>(array.len())?;
        let coefficients = finite(array).ok_or_else(|| object.mismatch("coef_", "finite numbers", value))?;
        let (outputs, features, flat) = match array.shape() {
            [outputs, features] => (*outputs, *features, false),
            _ => (1, coefficients.len(), true),
        };
        builder.keep_items::<f64>(outputs)?;
        let intercepts = intercepts(object, outputs)?;
        let single = array.dtype().item_size == 4;
        let intercept = object.required("intercept_")?.as_array();
        let wide_intercepts = intercept.is_some_and(|array| array.dtype().item_size == 8);
        Ok(Linear { coefficients: coefficients.into(), intercepts, features, flat, single, wide_intercepts, refuses })
    }

    /// The coefficients and the intercept of each output.
    pub(crate) fn functions(&self) -> impl Iterator<Item = (&[f64], f64)> {
        self.coefficients.chunks_exact(self.features.max(1)).zip(self.intercepts.iter().copied())
    }

    /// How many features a row has.
    pub(crate) fn features(&self) -> usize {
        self.features
    }

    /// Whether numpy's product is a number for each row, not a list.
    pub(crate) fn is_flat(&self) -> bool {
        self.flat
    }

    /// The number of values for each row.
    pub(crate) fn outputs(&self) -> usize {
        self.intercepts.len()
    }

    /// The values for each row.
    pub(crate) fn apply(&self, features: Vec<Feature<'_, '_>>, rows: usize) -> Result<Values, Fault> {
        let floats = Floats::from_features(features, self.refuses)?;
        let single_products = self.single && floats.single();
        let single = single_products && !self.wide_intercepts;
        let outputs = self.coefficients.chunks_exact(self.features.max(1)).zip(&self.intercepts);
        let outputs = outputs.map(|(coefficients, intercept)| {
            let mut sums = vec![0.0; rows];
            for (block, sums) in sums.chunks_mut(BLOCK).enumerate() {
                for (coefficient, column) in coefficients.iter().zip(&floats.columns) {
                    let values = column.values.get(block * BLOCK..).unwrap_or_default();
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum += coefficient * value;
                    }
                }
                if single_products {
                    sums.iter_mut().for_each(|sum| *sum = f64::from(*sum as f32));
                }
                sums.iter_mut().for_each(|sum| *sum += intercept);
            }
            sums
        });
        Ok(Values { outputs: outputs.collect(), single })
    }
}

/// One intercept for each output; a single number (0 without `fit_intercept`) applies to all.
fn intercepts(object: Attributes<'_>, outputs: usize) -> Result<Box<[f64]>> {
    let value = object.required("intercept_")?;
    let numbers = match value.as_array() {
        // One for each output, or one for all: more are refused before they are copied.
        Some(array) if array.len() > outputs.max(1) => None,
        Some(array) => finite(array),
        None => value.as_number().filter(|number| number.is_finite()).map(|number| vec![number]),
    };
    let numbers = match numbers.as_deref() {
        Some([number]) => Some(vec![*number; outputs]),
        _ => numbers.filter(|numbers| numbers.len() == outputs),
    };
    let numbers = numbers
        .ok_or_else(|| object.mismatch("intercept_", format_args!("a finite number, or {outputs} of them"), value))?;
    Ok(numbers.into())
}

fn finite(array: ArrayView<'_>) -> Option<Vec<f64>> {
    array.to_f64().ok().filter(|numbers| numbers.iter().all(|number| number.is_finite()))
}

impl Values {
    /// The values as columns of the type they have.
    pub(crate) fn into_columns<'a>(self) -> Vec<Column<'a>> {
        let single = self.single;
        let column = |values: Vec<f64>| match single {
            true => Column::Float32(values.into_iter().map(|value| value as f32).collect()),
            false => Column::Float64(values),
        };
        self.outputs.into_iter().map(column).collect()
    }

    /// The same values with others in their place.
    pub(crate) fn with(&self, outputs: Vec<Vec<f64>>) -> Values {
        Values { outputs, single: self.single }
    }
}

#[cfg(test)]
impl Values {
    pub(crate) fn of(outputs: Vec<Vec<f64>>) -> Values {
        Values { outputs, single: false }
    }
}
