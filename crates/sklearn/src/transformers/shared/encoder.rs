//! The common attributes of encoders: `categories_`, and the grouping of infrequent categories.

use crate::artifact::attributes::{Attributes, integers};
use crate::artifact::builder::{Builder, Input};
use crate::artifact::work::Work;
use crate::columns::categories::Categories;
use crate::columns::check_array::CheckArray;
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, describe};
use crate::version::Version;
use byoc_formats::error::Result;
use byoc_formats::pickle::{DType, ItemKind, Value};
use byoc_formats::rows::table::{Cell, Column};
use std::sync::Arc;

/// Reads `categories_`, one array a feature.
pub(crate) fn categories<'t>(
    encoder: Attributes<'t>,
    input: &Input<'t>,
    builder: &mut Builder<'t, '_>,
) -> Result<Vec<Arc<Categories>>> {
    let value = encoder.required("categories_")?;
    let count = value.items().map_or(0, |arrays| arrays.len());
    builder.accept(input, encoder, count)?;
    builder.work.charge_items::<Value<'_>>(count)?;
    let mut categories = Vec::with_capacity(count);
    for (column, array) in encoder.items("categories_")?.into_iter().enumerate() {
        let own = builder.categories(array)?.ok_or_else(|| {
            encoder.mismatch("categories_", "a list of one-dimensional arrays of numbers, text or plain objects", array)
        })?;
        builder.note_categories(input, column, &own)?;
        categories.push(own);
    }
    Ok(categories)
}

/// Until 0.20 the columns of a frame are converted to one array of one type before they are encoded; since 0.21 each
/// keeps its type.
pub(crate) fn one_array(version: Version) -> Option<CheckArray> {
    (version < Version::new(0, 21)).then(|| CheckArray::of(version))
}

/// The columns that are encoded.
pub(crate) fn columns<'c, 'a>(features: Vec<Feature<'c, 'a>>, one_array: Option<CheckArray>) -> Vec<Feature<'c, 'a>> {
    match one_array {
        None => features,
        Some(check) => check.any(features),
    }
}

/// The dtype of an encoder's output, as far as answers distinguish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EncodedDtype {
    Float64,
    Float32,
    Int64,
    Bool,
}

/// Reads the class or numpy dtype of an encoder's answer.
pub(crate) fn encoded_dtype(encoder: Attributes<'_>) -> Result<EncodedDtype> {
    let value = encoder.required("dtype")?;
    let (symbol, dtype) = (value.symbol(), value.as_dtype());
    let found = match (symbol.map(|(_, name)| name), dtype) {
        (Some("float64" | "float" | "float_" | "double"), _) => Some(EncodedDtype::Float64),
        (Some("float32" | "single"), _) => Some(EncodedDtype::Float32),
        (Some("int64" | "int32" | "int16" | "int8" | "int" | "int_"), _) => Some(EncodedDtype::Int64),
        (Some("uint64" | "uint32" | "uint16" | "uint8"), _) => Some(EncodedDtype::Int64),
        (Some("bool" | "bool_"), _) => Some(EncodedDtype::Bool),
        (None, Some(DType { kind: ItemKind::Float, item_size: 8, .. })) => Some(EncodedDtype::Float64),
        (None, Some(DType { kind: ItemKind::Float, item_size: 4, .. })) => Some(EncodedDtype::Float32),
        (None, Some(DType { kind: ItemKind::Int | ItemKind::UInt, .. })) => Some(EncodedDtype::Int64),
        (None, Some(DType { kind: ItemKind::Bool, .. })) => Some(EncodedDtype::Bool),
        _ => None,
    };
    found.ok_or_else(|| encoder.mismatch("dtype", "float64, float32, an integer type or bool", value))
}

/// The infrequent categories of one feature, which share a number.
pub(crate) struct Infrequent {
    /// The group of each category: numbers without a gap, the infrequent ones the highest.
    pub(crate) groups: Vec<usize>,
    /// How many groups.
    pub(crate) count: usize,
    /// The group of the infrequent ones.
    pub(crate) infrequent: usize,
}

/// Reads `_infrequent_indices` and `_default_to_infrequent_mappings` (from 1.1 on, and only if enabled): for each
/// feature its groups, or `None` if it has no infrequent category. `grouped` says how many categories of each feature
/// are in a group.
pub(crate) fn infrequent(
    encoder: Attributes<'_>,
    grouped: &[usize],
    work: &Work<'_>,
) -> Result<Vec<Option<Infrequent>>> {
    if !encoder.flag_or("_infrequent_enabled", false)? {
        return Ok(grouped.iter().map(|_| None).collect());
    }
    work.charge_items::<Option<Infrequent>>(grouped.len())?;
    let indices = encoder.items_of("_infrequent_indices", grouped.len())?;
    let mappings = encoder.items_of("_default_to_infrequent_mappings", grouped.len())?;
    let read = |((indices, mapping), grouped): ((Value<'_>, Value<'_>), &usize)| {
        if indices.is_none() || mapping.is_none() {
            return Ok(None);
        }
        let length = |value: Value<'_>| value.as_array().map_or(0, |array| array.len());
        work.charge_items::<u64>(length(indices).saturating_add(length(mapping)).saturating_mul(2))?;
        let group = |value: &i64| usize::try_from(*value).ok().filter(|group| group < grouped);
        let groups: Option<Vec<usize>> = integers(mapping).and_then(|mapping| mapping.iter().map(group).collect());
        let first = integers(indices).and_then(|indices| indices.first().and_then(group));
        let groups = groups.filter(|groups| groups.len() == *grouped);
        let infrequent = groups.as_ref().and_then(|groups| groups.get(first?).copied());
        match (groups, infrequent) {
            (Some(groups), Some(infrequent)) => {
                let count = groups.iter().max().map_or(0, |highest| highest + 1);
                Ok(Some(Infrequent { groups, count, infrequent }))
            }
            _ => Err(encoder.mismatch("_default_to_infrequent_mappings", "a group for each category", mapping)),
        }
    };
    indices.into_iter().zip(mappings).zip(grouped).map(read).collect()
}

/// The fault of a category that was not seen at fit.
pub(crate) fn unknown(feature: &Feature<'_, '_>, row: usize, categories: &Categories) -> Fault {
    let found = match &*feature.data {
        Column::Object(cells) => cells.get(row).map(describe),
        Column::Int64(values) => values.get(row).map(i64::to_string),
        Column::UInt64(values) => values.get(row).map(u64::to_string),
        Column::Float64(values) => values.get(row).map(f64::to_string),
        Column::Float32(values) => values.get(row).map(f32::to_string),
        Column::Bool(values) => values.get(row).map(|value| describe(&Cell::Bool(*value))),
    };
    let is_missing = match &*feature.data {
        Column::Object(cells) => matches!(cells.get(row), Some(Cell::Missing | Cell::None)),
        Column::Float64(values) => values.get(row).is_some_and(|value| value.is_nan()),
        Column::Float32(values) => values.get(row).is_some_and(|value| value.is_nan()),
        _ => false,
    };
    let what = match found {
        _ if is_missing => "expected a category, found a missing value, which was not seen at fit".to_owned(),
        found => format!("unknown category {}", found.unwrap_or_default()),
    };
    let message = format!("{what}: expected one of {}", categories.some());
    Fault::of_value(feature.origin, row, message)
}
