//! Applies a fitted OneHotEncoder to columns.

use crate::columns::categories::Categories;
use crate::columns::check_array::CheckArray;
use crate::columns::dtype::Dtype;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;

use crate::columns::demand::{Demand, cost};
use crate::transformers::shared::encoder::{self, EncodedDtype, Infrequent};
use crate::transformers::transformer::Apply;
use byoc_formats::error::Result;
use byoc_formats::rows::table::Column;
use std::sync::Arc;

/// One-hot columns for each feature, in order.
#[derive(Debug)]
pub(super) struct OneHotEncoder {
    pub(super) features: Box<[EncodedFeature]>,
    pub(super) width: usize,
    pub(super) dtype: EncodedDtype,
    /// In 0.20 the columns of a frame are first converted to one array.
    pub(super) one_array: Option<CheckArray>,
}

#[derive(Debug)]
pub(super) struct EncodedFeature {
    pub(super) categories: Arc<Categories>,
    pub(super) width: u32,
    /// Which column each category sets, when it is not its own: `NO_COLUMN` for a dropped one.
    pub(super) columns: Option<Box<[u32]>>,
    pub(super) unknown: Unknown,
}

pub(super) const NO_COLUMN: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// `handle_unknown='error'`.
    Refused,
    /// All columns stay 0.
    Zeros,
    /// The column of the infrequent categories.
    Column(u32),
}

#[derive(Clone, Copy)]
pub(super) enum HandleUnknown {
    Error,
    Ignore,
    InfrequentIfExist,
}

impl EncodedFeature {
    pub(super) fn new(
        categories: impl Into<Arc<Categories>>,
        infrequent: Option<Infrequent>,
        drop: Option<usize>,
        handle_unknown: HandleUnknown,
    ) -> Option<EncodedFeature> {
        let categories = categories.into();
        let groups = infrequent.as_ref().map_or(categories.len(), |infrequent| infrequent.count);
        if drop.is_some_and(|drop| drop >= groups) {
            return None;
        }
        let width = u32::try_from(groups - usize::from(drop.is_some())).ok()?;
        let column = |group: usize| match drop {
            Some(drop) if group == drop => NO_COLUMN,
            Some(drop) if group > drop => group as u32 - 1,
            _ => group as u32,
        };
        let unknown = match (handle_unknown, &infrequent) {
            (HandleUnknown::Error, _) => Unknown::Refused,
            (HandleUnknown::InfrequentIfExist, Some(infrequent)) => match column(infrequent.infrequent) {
                NO_COLUMN => Unknown::Zeros,
                column => Unknown::Column(column),
            },
            (HandleUnknown::InfrequentIfExist | HandleUnknown::Ignore, _) => Unknown::Zeros,
        };
        let columns = match (&infrequent, drop) {
            (None, None) => None,
            (Some(infrequent), _) => Some(infrequent.groups.iter().map(|group| column(*group)).collect()),
            (None, Some(_)) => Some((0..categories.len()).map(column).collect()),
        };
        Some(EncodedFeature { categories, width, columns, unknown })
    }

    /// Sets a one in the column of each row's category.
    fn encode<T: Copy>(&self, feature: &Feature<'_, '_>, one: T, columns: &mut [Vec<T>]) -> Result<(), Fault> {
        self.categories.encode(feature, |row, category| {
            let column = match (category, &self.columns, self.unknown) {
                (Some(category), None, _) => category,
                (Some(category), Some(columns), _) => columns.get(category as usize).copied().unwrap_or(NO_COLUMN),
                (None, _, Unknown::Zeros) => NO_COLUMN,
                (None, _, Unknown::Column(column)) => column,
                (None, _, Unknown::Refused) => return Err(encoder::unknown(feature, row, &self.categories)),
            };
            if let Some(cell) = columns.get_mut(column as usize).and_then(|values| values.get_mut(row)) {
                *cell = one;
            }
            Ok(())
        })
    }
}

impl Apply for OneHotEncoder {
    fn dtype_of_no_columns(&self, _given: Dtype) -> Dtype {
        self.dtype()
    }

    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let features = &*encoder::columns(features, self.one_array);
        match self.dtype {
            EncodedDtype::Float64 => self.encode(features, rows, 1.0, 0.0, Column::Float64),
            EncodedDtype::Float32 => self.encode(features, rows, 1.0, 0.0, Column::Float32),
            EncodedDtype::Int64 => self.encode(features, rows, 1, 0, Column::Int64),
            EncodedDtype::Bool => self.encode(features, rows, true, false, Column::Bool),
        }
    }

    fn demand(&self, given: usize) -> Demand {
        Demand::of(given, 0, cost::SEARCH).then(Demand::of(0, self.width, cost::ARITHMETIC))
    }
}

impl OneHotEncoder {
    /// The type of its output.
    pub(crate) fn dtype(&self) -> Dtype {
        match self.dtype {
            EncodedDtype::Float64 => Dtype::Float64,
            EncodedDtype::Float32 => Dtype::Float32,
            EncodedDtype::Int64 => Dtype::Int64,
            EncodedDtype::Bool => Dtype::Bool,
        }
    }

    fn encode<'c, 'a, T: Copy>(
        &self,
        features: &[Feature<'_, '_>],
        rows: usize,
        one: T,
        zero: T,
        column: impl Fn(Vec<T>) -> Column<'a>,
    ) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let mut columns: Vec<Vec<T>> = (0..self.width).map(|_| vec![zero; rows]).collect();
        let mut rest = columns.as_mut_slice();
        for (encoded, feature) in self.features.iter().zip(features) {
            let (own, others) = rest.split_at_mut_checked(encoded.width as usize).unwrap_or_default();
            encoded.encode(feature, one, own)?;
            rest = others;
        }
        // A column of the output comes from the feature of its category.
        let origins = self.features.iter().zip(features);
        let origins = origins.flat_map(|(encoded, feature)| (0..encoded.width).map(|_| feature.origin));
        Ok(columns.into_iter().zip(origins).map(|(values, origin)| Feature::new(origin, column(values))).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::shared::testing::{columns_of, message, texts};
    use crate::version::Version;

    /// The columns of one feature with the categories a, b, c, d; x is unknown.
    fn encode(infrequent: Option<Infrequent>, drop: Option<usize>, unknown: HandleUnknown) -> Vec<Vec<f64>> {
        let categories = [Some("a"), Some("b"), Some("c"), Some("d")];
        let categories = Categories::of_texts(&categories, Version::new(1, 9));
        let feature = EncodedFeature::new(categories, infrequent, drop, unknown).unwrap();
        let encoder = OneHotEncoder {
            width: feature.width as usize,
            features: [feature].into(),
            dtype: EncodedDtype::Float64,
            one_array: None,
        };
        let values = texts(&[Some("a"), Some("b"), Some("c"), Some("d"), Some("x")]);
        let columns = columns_of(encoder.apply(vec![values], 5)).into_iter().map(|column| match column {
            Column::Float64(values) => values,
            other => panic!("{other:?}"),
        });
        columns.collect()
    }

    fn infrequent(groups: [usize; 4], infrequent: usize) -> Option<Infrequent> {
        Some(Infrequent { groups: groups.to_vec(), count: infrequent + 1, infrequent })
    }

    #[test]
    fn every_category_has_a_column_and_an_unknown_value_gives_zeros() {
        let columns = encode(None, None, HandleUnknown::Ignore);
        assert_eq!(columns.len(), 4);
        assert_eq!(columns[1], [0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(columns.concat().iter().sum::<f64>(), 4.0);
    }

    #[test]
    fn a_dropped_category_gives_zeros_like_an_unknown_one() {
        let columns = encode(None, Some(1), HandleUnknown::Ignore);
        let expected = [[1.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0]];
        assert_eq!(columns, expected);
    }

    #[test]
    fn infrequent_categories_share_a_column_which_takes_unknown_ones_only_if_asked() {
        let groups = || infrequent([1, 1, 0, 1], 1);
        let rare = [1.0, 1.0, 0.0, 1.0];
        assert_eq!(encode(groups(), None, HandleUnknown::InfrequentIfExist)[1], [&rare[..], &[1.0]].concat());
        assert_eq!(encode(groups(), None, HandleUnknown::Ignore)[1], [&rare[..], &[0.0]].concat());
        assert_eq!(encode(groups(), Some(0), HandleUnknown::InfrequentIfExist), [[&rare[..], &[1.0]].concat()]);
        let dropped = encode(groups(), Some(1), HandleUnknown::InfrequentIfExist);
        assert_eq!(dropped, [[0.0, 0.0, 1.0, 0.0, 0.0]]);
    }

    #[test]
    fn an_unknown_category_is_an_error_by_default_and_a_dropped_one_must_exist() {
        let categories = || Categories::of_texts(&[Some("a")], Version::new(1, 9));
        let feature = EncodedFeature::new(categories(), None, None, HandleUnknown::Error).unwrap();
        let encoder =
            OneHotEncoder { width: 1, features: [feature].into(), dtype: EncodedDtype::Int64, one_array: None };
        let error = message(encoder.apply(vec![texts(&[Some("a"), Some("x")])], 2));
        assert_eq!(error, "row 2, column 1: unknown category \"x\": expected one of \"a\"");
        assert!(EncodedFeature::new(categories(), None, Some(1), HandleUnknown::Error).is_none());
    }
}
