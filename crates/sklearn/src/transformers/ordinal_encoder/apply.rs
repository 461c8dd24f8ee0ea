//! Applies a fitted OrdinalEncoder to columns.

use crate::columns::categories::Categories;
use crate::columns::check_array::CheckArray;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, refuse_missing};

use crate::transformers::shared::encoder::{self, EncodedDtype};

use crate::columns::demand::{Demand, cost};
use crate::transformers::transformer::Apply;
use byoc_formats::error::Result;
use byoc_formats::rows::table::Column;
use std::sync::Arc;

/// A number for each category of each feature.
#[derive(Debug)]
pub(super) struct OrdinalEncoder {
    pub(super) features: Box<[EncodedFeature]>,
    /// `None` if an unknown category is an error.
    pub(super) unknown: Option<f64>,
    /// Until 0.24 a missing value is an error, even if an unknown category is not.
    pub(super) refuses_missing: bool,
    pub(super) dtype: EncodedDtype,
    /// In 0.20 the columns of a frame are first converted to one array.
    pub(super) one_array: Option<CheckArray>,
}

#[derive(Debug)]
pub(super) struct EncodedFeature {
    pub(super) categories: Arc<Categories>,
    /// The number of each category, if it differs from its index.
    pub(super) numbers: Option<Box<[f64]>>,
}

impl Apply for OrdinalEncoder {
    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let features = &*encoder::columns(features, self.one_array);
        self.features.iter().zip(features).map(|(encoded, feature)| self.encode(encoded, feature)).collect()
    }

    fn demand(&self, given: usize) -> Demand {
        Demand::of(given, given, cost::SEARCH)
    }
}

impl OrdinalEncoder {
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
            EncodedDtype::Float64 => Column::Float64(values),
            EncodedDtype::Float32 => Column::Float32(values.into_iter().map(|value| value as f32).collect()),
            EncodedDtype::Int64 => Column::Int64(values.into_iter().map(|value| value as i64).collect()),
            EncodedDtype::Bool => Column::Bool(values.into_iter().map(|value| value != 0.0).collect()),
        };
        Ok(Feature::new(feature.origin, column))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::shared::testing::{column, message, texts};
    use crate::version::Version;

    #[test]
    fn categories_become_numbers_and_unknown_ones_the_configured_value() {
        let categories = || Categories::of_texts(&[Some("n"), Some("y"), None], Version::new(1, 9));
        let encoder = |unknown, numbers, dtype| OrdinalEncoder {
            features: [EncodedFeature { categories: categories().into(), numbers }].into(),
            unknown,
            refuses_missing: false,
            dtype,
            one_array: None,
        };
        let values = || vec![texts(&[Some("y"), None, Some("q")])];
        let floats = encoder(Some(-1.0), Some([0.0, 1.0, -2.0].into()), EncodedDtype::Float64);
        assert_eq!(column(floats.apply(values(), 1)), Column::Float64(vec![1.0, -2.0, -1.0]));
        let integers = encoder(Some(9.0), None, EncodedDtype::Int64);
        assert_eq!(column(integers.apply(values(), 1)), Column::Int64(vec![1, 2, 9]));
        let strict = encoder(None, None, EncodedDtype::Float64);
        assert!(message(strict.apply(values(), 1)).starts_with("row 3, column 1: unknown category \"q\""));
        let of_0_24 = OrdinalEncoder { refuses_missing: true, ..encoder(Some(-1.0), None, EncodedDtype::Float64) };
        assert!(
            message(of_0_24.apply(values(), 1)).starts_with("row 2, column 1: expected a value, found a missing one")
        );
    }
}
