//! `sklearn.preprocessing.OrdinalEncoder`: the number of each category.

use crate::artifact::attributes::Attributes;
use crate::artifact::builder::{Builder, Built, Input};
use crate::artifact::work::Work;
use crate::columns::categories::Categories;
use crate::columns::check_array::CheckArray;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, refuse_missing};
use crate::transformers::Transformer;
use crate::transformers::encoder;
use crate::transformers::one_hot_encoder::{OneHotDtype, one_hot_dtype};
use crate::version::Version;
use byoc_formats::error::Result;
use byoc_formats::rows::table::Column;
use std::sync::Arc;

/// A number for each category of each feature.
#[derive(Debug)]
pub(crate) struct OrdinalEncoder {
    features: Box<[EncodedFeature]>,
    /// `None` when an unknown category is an error.
    unknown: Option<f64>,
    /// Until 0.24 a missing value is an error, also where an unknown category is none.
    refuses_missing: bool,
    dtype: OneHotDtype,
    /// In 0.20 the columns of a frame are one array first.
    one_array: Option<CheckArray>,
}

#[derive(Debug)]
struct EncodedFeature {
    categories: Arc<Categories>,
    /// The number of each category, when it is not its index.
    numbers: Option<Box<[f64]>>,
}

/// Reads `categories_`, `dtype`, `handle_unknown` and `unknown_value` (0.24), the number for missing values
/// (`_missing_indices` 1.0, `encoded_missing_value` 1.1) and the infrequent categories (1.3).
pub(crate) fn build<'t>(
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
    let features = categories.into_iter().zip(infrequent).zip(missing).map(|((categories, infrequent), missing)| {
        if infrequent.is_none() && missing.is_none() {
            return EncodedFeature { categories, numbers: None };
        }
        // A missing value keeps its own number, whatever group it would be in.
        let number = |index: usize| match &infrequent {
            _ if missing == Some(index) => missing_number,
            Some(infrequent) => infrequent.groups.get(index).map_or(f64::NAN, |group| *group as f64),
            None => index as f64,
        };
        let numbers = Some((0..categories.len()).map(number).collect());
        EncodedFeature { categories, numbers }
    });
    let features = features.collect();
    let dtype = one_hot_dtype(encoder)?;
    let refuses_missing = builder.version < Version::new(1, 0);
    let one_array = encoder::one_array(builder.version);
    let encoder = OrdinalEncoder { features, unknown, refuses_missing, dtype, one_array };
    Ok(Built::array(Transformer::OrdinalEncoder(encoder), width))
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

impl OrdinalEncoder {
    pub(crate) fn apply<'c, 'a>(&self, features: Vec<Feature<'c, 'a>>) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let features = &*encoder::columns(features, self.one_array);
        self.features.iter().zip(features).map(|(encoded, feature)| self.encode(encoded, feature)).collect()
    }

    fn encode<'c, 'a>(&self, encoded: &EncodedFeature, feature: &Feature<'_, 'a>) -> Result<Feature<'c, 'a>, Fault> {
        if self.refuses_missing {
            refuse_missing(feature)?;
        }
        let mut values = Vec::with_capacity(feature.data.len());
        encoded.categories.encode(feature, |row, category| {
            values.push(match (category, &encoded.numbers, self.unknown) {
                (Some(category), None, _) => f64::from(category),
                (Some(category), Some(numbers), _) => numbers.get(category as usize).copied().unwrap_or(f64::NAN),
                (None, _, Some(unknown)) => unknown,
                (None, _, None) => return Err(encoder::unknown(feature, row, &encoded.categories)),
            });
            Ok(())
        })?;
        let column = match self.dtype {
            OneHotDtype::Float64 => Column::Float64(values),
            OneHotDtype::Float32 => Column::Float32(values.into_iter().map(|value| value as f32).collect()),
            OneHotDtype::Int64 => Column::Int64(values.into_iter().map(|value| value as i64).collect()),
            OneHotDtype::Bool => Column::Bool(values.into_iter().map(|value| value != 0.0).collect()),
        };
        Ok(Feature::new(feature.origin, column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::testing::{column, message, texts};

    #[test]
    fn categories_become_their_numbers_and_unknown_ones_what_was_asked() {
        let categories = || Categories::of_texts(&[Some("n"), Some("y"), None], Version::new(1, 9));
        let encoder = |unknown, numbers, dtype| OrdinalEncoder {
            features: [EncodedFeature { categories: categories().into(), numbers }].into(),
            unknown,
            refuses_missing: false,
            dtype,
            one_array: None,
        };
        let values = || vec![texts(&[Some("y"), None, Some("q")])];
        let floats = encoder(Some(-1.0), Some([0.0, 1.0, -2.0].into()), OneHotDtype::Float64);
        assert_eq!(column(floats.apply(values())), Column::Float64(vec![1.0, -2.0, -1.0]));
        let integers = encoder(Some(9.0), None, OneHotDtype::Int64);
        assert_eq!(column(integers.apply(values())), Column::Int64(vec![1, 2, 9]));
        let strict = encoder(None, None, OneHotDtype::Float64);
        assert!(message(strict.apply(values())).starts_with("row 3, column 1: unknown category \"q\""));
        let of_0_24 = OrdinalEncoder { refuses_missing: true, ..encoder(Some(-1.0), None, OneHotDtype::Float64) };
        assert!(message(of_0_24.apply(values())).starts_with("row 2, column 1: expected a value, found a missing one"));
    }
}
