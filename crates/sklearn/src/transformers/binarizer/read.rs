//! Reads a Binarizer from a pickled object.

use super::apply::Binarizer;
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::columns::check_array::CheckArray;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::transformers::class::PickledClass;
use crate::transformers::shared::output;
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["Binarizer"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._data", "sklearn.preprocessing.data"]
    }

    /// Reads `threshold`. Nothing is fitted.
    fn build<'t>(
        &self,
        binarizer: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let threshold = binarizer.number("threshold")?;
        let output = output::unfitted_output(binarizer, input, builder)?;
        let binarizer = Binarizer { threshold, check: CheckArray::of(builder.version) };
        Built::new(binarizer, output, builder)
    }

    fn feature_names_out(&self, object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        names::names_in(object, given, bounds)
    }
}
