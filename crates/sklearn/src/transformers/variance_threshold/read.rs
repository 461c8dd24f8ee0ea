//! Reads a VarianceThreshold from a pickled object.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::columns::feature::Refuses;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::transformers::class::PickledClass;
use crate::transformers::shared::feature_mask;
use crate::transformers::transformer::Built;
use crate::version::Version;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["VarianceThreshold"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.feature_selection._variance_threshold", "sklearn.feature_selection.variance_threshold"]
    }

    fn build<'t>(
        &self,
        selector: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let kept = mask(selector, builder)?;
        // From 0.22 on missing values and infinity pass (the tag allow_nan).
        let passes_all = builder.version >= Version::new(0, 22);
        let refuses = if passes_all { Refuses::Nothing } else { Refuses::InfinityAndMissing };
        feature_mask::build(selector, kept, refuses, input, builder)
    }

    fn feature_names_out(&self, selector: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        feature_mask::feature_names_out(selector, mask, given, bounds)
    }
}

/// Reads `variances_` and `threshold`.
fn mask<'t>(selector: Attributes<'t>, builder: &mut Builder<'t, '_>) -> Result<Box<[bool]>> {
    let threshold = selector.number("threshold")?;
    Ok(builder.numbers_in(selector, "variances_")?.iter().map(|variance| *variance > threshold).collect())
}
