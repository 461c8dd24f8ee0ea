//! Reads a Normalizer from a pickled object.

use super::apply::{Norm, Normalizer};
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::transformers::class::PickledClass;
use crate::transformers::shared::output;
use crate::transformers::transformer::Built;
use crate::version::Version;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["Normalizer"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._data", "sklearn.preprocessing.data"]
    }

    /// Reads `norm`. Nothing is fitted.
    fn build<'t>(
        &self,
        normalizer: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let max = if builder.version < Version::new(0, 23) { Norm::SignedMax } else { Norm::Max };
        let norm = normalizer.choice("norm", &[("l1", Norm::L1), ("l2", Norm::L2), ("max", max)])?;
        let output = output::unfitted_output(normalizer, input, builder)?;
        let normalizer = Normalizer { norm, tiny_is_zero: builder.version >= Version::new(1, 0) };
        Built::new(normalizer, output, builder)
    }

    fn feature_names_out(&self, object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        names::names_in(object, given, bounds)
    }
}
