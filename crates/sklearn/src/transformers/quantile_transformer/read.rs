//! Reads a QuantileTransformer from a pickled object.

use super::apply::{Output, QuantileTransformer, Sparse};
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::transformers::class::PickledClass;
use crate::transformers::transformer::Built;
use crate::version::Version;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["QuantileTransformer"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._data", "sklearn.preprocessing.data"]
    }

    /// Reads `quantiles_`, `references_` and `output_distribution`.
    fn build<'t>(
        &self,
        transformer: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let references = builder.numbers_in(transformer, "references_")?;
        let value = transformer.required("quantiles_")?;
        let expected = format!("an array of numbers of {} rows", references.len());
        let mismatch = || transformer.mismatch("quantiles_", &expected, value);
        let array = value.as_array().ok_or_else(mismatch)?;
        let [rows, width] = *array.shape() else { return Err(mismatch()) };
        if rows != references.len() || rows == 0 {
            return Err(mismatch());
        }
        builder.accept(input, transformer, width)?;
        builder.work.charge_items::<f64>(array.len())?;
        builder.keep_items::<f64>(array.len())?;
        let _held = builder.allowance().hold(array.len().saturating_mul(size_of::<f64>()))?;
        let by_row = array.to_f64().map_err(|_| mismatch())?;
        let mut quantiles = Vec::with_capacity(by_row.len());
        quantiles.extend((0..width).flat_map(|feature| by_row.iter().skip(feature).step_by(width.max(1)).copied()));
        let quantiles = quantiles.into_boxed_slice();
        let uniform = if builder.version < Version::new(0, 21) { Output::UniformWithoutEnds } else { Output::Uniform };
        let output = transformer.choice("output_distribution", &[("uniform", uniform), ("normal", Output::Normal)])?;
        let ignores_zeros = transformer.flag_or("ignore_implicit_zeros", false)?;
        let sparse = input.sparse.then_some(Sparse { refuses_negative: !ignores_zeros });
        let transformer = QuantileTransformer { references, quantiles, output, sparse };
        Built::array(transformer, width, builder)
    }

    fn feature_names_out(&self, object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        names::names_in(object, given, bounds)
    }
}
