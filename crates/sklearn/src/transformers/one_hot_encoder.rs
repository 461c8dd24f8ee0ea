//! `sklearn.preprocessing.OneHotEncoder`: a column of 0 and 1 for each category.
//!
//! `sparse_output` does not matter here: answers are dense, with the numbers that the sparse matrix stands for.

use crate::artifact::attributes::{Attributes, one_dimensional};
use crate::artifact::builder::{Builder, Built, Input};
use crate::artifact::work::Work;
use crate::columns::categories::Categories;
use crate::columns::check_array::CheckArray;
use crate::columns::dtype::Dtype;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::names::{self, Name, Names, NoNames};
use crate::feature_names::values::texts;
use crate::transformers::Transformer;
use crate::transformers::encoder::{self, Infrequent};
use byoc_formats::error::Result;
use byoc_formats::pickle::{DType, ItemKind, Value};
use byoc_formats::rows::table::Column;
use std::sync::Arc;

/// One-hot columns for each feature, in order.
#[derive(Debug)]
pub(crate) struct OneHotEncoder {
    features: Box<[EncodedFeature]>,
    width: usize,
    dtype: OneHotDtype,
    /// In 0.20 the columns of a frame are one array first.
    one_array: Option<CheckArray>,
}

#[derive(Debug)]
struct EncodedFeature {
    categories: Arc<Categories>,
    width: u32,
    /// Which column each category sets, when it is not its own: `NO_COLUMN` for a dropped one.
    columns: Option<Box<[u32]>>,
    unknown: Unknown,
}

const NO_COLUMN: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknown {
    /// `handle_unknown='error'`.
    Refused,
    /// All columns stay 0.
    Zeros,
    /// The column of the infrequent categories.
    Column(u32),
}

/// The type of the 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OneHotDtype {
    Float64,
    Float32,
    Int64,
    Bool,
}

#[derive(Clone, Copy)]
enum HandleUnknown {
    Error,
    Ignore,
    InfrequentIfExist,
}

/// Reads `categories_`, `handle_unknown`, `dtype`, the dropped categories and (from 1.1 on) the infrequent ones.
pub(crate) fn build<'t>(
    encoder: Attributes<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Built<'t>> {
    if encoder.flag_or("_legacy_mode", false)? {
        return Err(
            encoder.error("it was fitted in the mode of scikit-learn before 0.20; fit it with categories='auto'")
        );
    }
    let categories = encoder::categories(encoder, input, builder)?;
    let counts: Vec<usize> = categories.iter().map(|categories| categories.len()).collect();
    let infrequent = encoder::infrequent(encoder, &counts, &builder.work)?;
    let handle_unknown = encoder.choice(
        "handle_unknown",
        &[
            ("error", HandleUnknown::Error),
            ("ignore", HandleUnknown::Ignore),
            ("infrequent_if_exist", HandleUnknown::InfrequentIfExist),
            ("warn", HandleUnknown::InfrequentIfExist),
        ],
    )?;
    let dtype = one_hot_dtype(encoder)?;
    let drops = drops(encoder, categories.len(), &builder.work)?;
    builder.keep_items::<EncodedFeature>(categories.len())?;
    for ((count, infrequent), drop) in counts.iter().zip(&infrequent).zip(&drops) {
        if infrequent.is_some() || drop.is_some() {
            builder.work.charge_items::<u32>(*count)?;
            builder.keep_items::<u32>(*count)?;
        }
    }
    let features = categories
        .into_iter()
        .zip(infrequent)
        .zip(drops)
        .map(|((categories, infrequent), drop)| {
            EncodedFeature::new(categories, infrequent, drop, handle_unknown).ok_or_else(|| {
                encoder.error("expected the index of a dropped category to be below the count of categories")
            })
        })
        .collect::<Result<Box<[_]>>>()?;
    let width = features.iter().map(|feature| feature.width as usize).sum();
    let one_array = encoder::one_array(builder.version);
    Ok(Built::array(Transformer::OneHotEncoder(OneHotEncoder { features, width, dtype, one_array }), width))
}

/// Reads the class or numpy dtype of an encoder's answer.
pub(crate) fn one_hot_dtype(encoder: Attributes<'_>) -> Result<OneHotDtype> {
    let value = encoder.required("dtype")?;
    let (symbol, dtype) = (value.symbol(), value.as_dtype());
    let found = match (symbol.map(|(_, name)| name), dtype) {
        (Some("float64" | "float" | "float_" | "double"), _) => Some(OneHotDtype::Float64),
        (Some("float32" | "single"), _) => Some(OneHotDtype::Float32),
        (Some("int64" | "int32" | "int16" | "int8" | "int" | "int_"), _) => Some(OneHotDtype::Int64),
        (Some("uint64" | "uint32" | "uint16" | "uint8"), _) => Some(OneHotDtype::Int64),
        (Some("bool" | "bool_"), _) => Some(OneHotDtype::Bool),
        (None, Some(DType { kind: ItemKind::Float, item_size: 8, .. })) => Some(OneHotDtype::Float64),
        (None, Some(DType { kind: ItemKind::Float, item_size: 4, .. })) => Some(OneHotDtype::Float32),
        (None, Some(DType { kind: ItemKind::Int | ItemKind::UInt, .. })) => Some(OneHotDtype::Int64),
        (None, Some(DType { kind: ItemKind::Bool, .. })) => Some(OneHotDtype::Bool),
        _ => None,
    };
    found.ok_or_else(|| encoder.mismatch("dtype", "float64, float32, an integer type or bool", value))
}

/// The group of each feature that is dropped. From 1.2.2 on `drop_idx_` counts categories before their grouping, and
/// `_drop_idx_after_grouping` is what is needed; where there is none, from 1.1 to 1.2.1, `drop_idx_` is that. Until 0.22 it is
/// an array of integers.
fn drops(encoder: Attributes<'_>, features: usize, work: &Work<'_>) -> Result<Vec<Option<usize>>> {
    const AFTER_GROUPING: &str = "_drop_idx_after_grouping";
    work.charge_items::<Option<usize>>(features)?;
    let name = if encoder.get(AFTER_GROUPING).is_some() { AFTER_GROUPING } else { "drop_idx_" };
    let Some(value) = encoder.present(name) else { return Ok(vec![None; features]) };
    let index = |value: i64| usize::try_from(value).ok();
    let read = || {
        let array = one_dimensional(value)?;
        let drops: Option<Vec<Option<usize>>> = match array.objects() {
            Some(objects) => {
                let drop = |object: Value<'_>| {
                    if object.is_none() { Some(None) } else { Some(Some(index(object.as_i64()?)?)) }
                };
                objects.map(drop).collect()
            }
            None => array.to_i64().ok()?.into_iter().map(|value| Some(Some(index(value)?))).collect(),
        };
        drops.filter(|drops| drops.len() == features)
    };
    read().ok_or_else(|| encoder.mismatch(name, "an index or None for each feature", value))
}

impl EncodedFeature {
    fn new(
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

impl OneHotEncoder {
    /// The type of its answer.
    pub(crate) fn dtype(&self) -> Dtype {
        match self.dtype {
            OneHotDtype::Float64 => Dtype::Float64,
            OneHotDtype::Float32 => Dtype::Float32,
            OneHotDtype::Int64 => Dtype::Int64,
            OneHotDtype::Bool => Dtype::Bool,
        }
    }

    pub(crate) fn apply<'c, 'a>(
        &self,
        features: Vec<Feature<'c, 'a>>,
        rows: usize,
    ) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let features = &*encoder::columns(features, self.one_array);
        match self.dtype {
            OneHotDtype::Float64 => self.encode(features, rows, 1.0, 0.0, Column::Float64),
            OneHotDtype::Float32 => self.encode(features, rows, 1.0, 0.0, Column::Float32),
            OneHotDtype::Int64 => self.encode(features, rows, 1, 0, Column::Int64),
            OneHotDtype::Bool => self.encode(features, rows, true, false, Column::Bool),
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
        // A column of the answer comes from the feature that it is a category of.
        let origins = self.features.iter().zip(features);
        let origins = origins.flat_map(|(encoded, feature)| (0..encoded.width).map(|_| feature.origin));
        Ok(columns.into_iter().zip(origins).map(|(values, origin)| Feature::new(origin, column(values))).collect())
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }
}

/// The name of the feature and that of the category, for each column that is left.
pub(crate) fn feature_names_out(encoder: Attributes<'_>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
    let given = names::names_in(encoder, given, bounds)?;
    if let Some(combiner) = encoder.get("feature_name_combiner").filter(|value| value.as_str() != Some("concat")) {
        return Err(NoNames::raised(format!("feature_name_combiner is {}, and is not called", combiner.describe())));
    }
    let categories: Option<Vec<_>> = encoder.items("categories_")?.into_iter().map(one_dimensional).collect();
    let categories = categories.ok_or_else(|| encoder.error("expected categories_ to be one-dimensional arrays"))?;
    let counts: Vec<usize> = categories.iter().map(|categories| categories.len()).collect();
    let infrequent = encoder::infrequent(encoder, &counts, &bounds.work)?;
    let drops = drops(encoder, counts.len(), &bounds.work)?;
    let mut columns = Vec::new();
    for (((name, categories), infrequent), drop) in given.iter().zip(categories).zip(infrequent).zip(drops) {
        let mut left = texts(categories, infrequent.is_some(), bounds)?;
        if let Some(infrequent) = infrequent {
            let mut groups = infrequent.groups.into_iter();
            left.retain(|_| groups.next().is_some_and(|group| group + 1 < infrequent.count));
            left.push("infrequent_sklearn".into());
        }
        if let Some(drop) = drop.filter(|drop| *drop < left.len()) {
            left.remove(drop);
        }
        columns.extend(left.into_iter().map(|category| (name, category)));
    }
    bounds.collect(columns.into_iter().map(|(name, category)| format!("{name}_{category}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::testing::{columns_of, message, texts};
    use crate::version::Version;

    /// The columns of one feature with the categories a, b, c, d; x is unknown.
    fn encode(infrequent: Option<Infrequent>, drop: Option<usize>, unknown: HandleUnknown) -> Vec<Vec<f64>> {
        let categories = [Some("a"), Some("b"), Some("c"), Some("d")];
        let categories = Categories::of_texts(&categories, Version::new(1, 9));
        let feature = EncodedFeature::new(categories, infrequent, drop, unknown).unwrap();
        let encoder = OneHotEncoder {
            width: feature.width as usize,
            features: [feature].into(),
            dtype: OneHotDtype::Float64,
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
    fn every_category_has_a_column_and_an_unknown_one_none() {
        let columns = encode(None, None, HandleUnknown::Ignore);
        assert_eq!(columns.len(), 4);
        assert_eq!(columns[1], [0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(columns.concat().iter().sum::<f64>(), 4.0);
    }

    #[test]
    fn a_dropped_category_looks_like_an_unknown_one() {
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
            OneHotEncoder { width: 1, features: [feature].into(), dtype: OneHotDtype::Int64, one_array: None };
        let error = message(encoder.apply(vec![texts(&[Some("a"), Some("x")])], 2));
        assert_eq!(error, "row 2, column 1: unknown category \"x\": expected one of \"a\"");
        assert!(EncodedFeature::new(categories(), None, Some(1), HandleUnknown::Error).is_none());
    }
}
