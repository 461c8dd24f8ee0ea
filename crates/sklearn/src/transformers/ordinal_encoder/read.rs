//! Reads an OrdinalEncoder from a pickled object.

use super::apply::{EncodedFeature, OrdinalEncoder};
use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Input};
use crate::artifact::work::Work;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::transformers::shared::encoder::{self};

use crate::transformers::class::PickledClass;
use crate::transformers::transformer::Built;
use crate::version::Version;
use byoc_formats::error::Result;

/// The class as pickles have it.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["OrdinalEncoder"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.preprocessing._encoders"]
    }

    /// Reads `categories_`, `dtype`, `handle_unknown` and `unknown_value` (0.24), the number for missing values
    /// (`_missing_indices` 1.0, `encoded_missing_value` 1.1) and the infrequent categories (1.3).
    fn build<'t>(
        &self,
        encoder: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let categories = encoder::categories(encoder, input, builder)?;
        let width = categories.len();
        let missing = missing_indices(encoder, width, &builder.work)?;
        // The missing value, which comes last, is in no group.
        let grouped = categories.iter().zip(&missing).map(|(categories, missing)| missing.unwrap_or(categories.len()));
        let infrequent = encoder::infrequent(encoder, &grouped.collect::<Vec<_>>(), &builder.work)?;
        let uses_encoded_value = encoder.get("handle_unknown").is_some()
            && encoder.choice("handle_unknown", &[("error", false), ("use_encoded_value", true)])?;
        let unknown = uses_encoded_value.then(|| encoder.number("unknown_value")).transpose()?;
        let missing_number = match encoder.get("encoded_missing_value") {
            Some(_) => encoder.number("encoded_missing_value")?,
            None => f64::NAN,
        };
        builder.keep_items::<EncodedFeature>(width)?;
        for ((categories, infrequent), missing) in categories.iter().zip(&infrequent).zip(&missing) {
            if infrequent.is_some() || missing.is_some() {
                builder.work.charge_items::<f64>(categories.len())?;
                builder.keep_items::<f64>(categories.len())?;
            }
        }
        let features =
            categories.into_iter().zip(infrequent).zip(missing).map(|((categories, infrequent), missing)| {
                if infrequent.is_none() && missing.is_none() {
                    return EncodedFeature { categories, numbers: None };
                }
                // A missing value keeps its own number and is not grouped.
                let number = |index: usize| match &infrequent {
                    _ if missing == Some(index) => missing_number,
                    Some(infrequent) => infrequent.groups.get(index).map_or(f64::NAN, |group| *group as f64),
                    None => index as f64,
                };
                let numbers = Some((0..categories.len()).map(number).collect());
                EncodedFeature { categories, numbers }
            });
        let features = features.collect();
        let dtype = encoder::encoded_dtype(encoder)?;
        let refuses_missing = builder.version < Version::new(1, 0);
        let one_array = encoder::one_array(builder.version);
        let encoder = OrdinalEncoder { features, unknown, refuses_missing, dtype, one_array };
        Built::array(encoder, width, builder)
    }

    fn feature_names_out(&self, object: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        names::names_in(object, given, bounds)
    }
}

/// The index of the missing value among the categories of each feature: `_missing_indices` is a dict of those that have
/// one.
fn missing_indices(encoder: Attributes<'_>, features: usize, work: &Work<'_>) -> Result<Vec<Option<usize>>> {
    work.charge_items::<Option<usize>>(features)?;
    let mut missing = vec![None; features];
    let Some(indices) = encoder.present("_missing_indices") else { return Ok(missing) };
    let entries =
        indices.entries().ok_or_else(|| encoder.mismatch("_missing_indices", "a dict of indices", indices))?;
    work.charge_items::<(usize, usize)>(entries.len())?;
    let index = |value: i64| usize::try_from(value).ok();
    for (key, value) in entries {
        let Some(place) = key.as_i64().and_then(index).and_then(|feature| missing.get_mut(feature)) else { continue };
        let value = value.as_i64().and_then(index);
        let value = value.ok_or_else(|| encoder.mismatch("_missing_indices", "a dict of indices", indices))?;
        place.get_or_insert(value);
    }
    Ok(missing)
}
