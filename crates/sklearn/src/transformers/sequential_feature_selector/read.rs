//! Reads a SequentialFeatureSelector from a pickled object.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::columns::feature::Refuses;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::transformers::class::PickledClass;
use crate::transformers::shared::feature_mask;
use crate::transformers::transformer::Built;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["SequentialFeatureSelector"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.feature_selection._sequential"]
    }

    fn build<'t>(
        &self,
        selector: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let kept = feature_mask::support(selector, builder)?;
        feature_mask::build(selector, kept, Refuses::InfinityAndMissing, input, builder)
    }

    fn feature_names_out(&self, selector: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        feature_mask::feature_names_out(selector, feature_mask::support, given, bounds)
    }
}
