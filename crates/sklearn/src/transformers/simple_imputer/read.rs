//! Reads a SimpleImputer from a pickled object.

use super::apply::{Fill, FillType, InputType, Missing, SimpleImputer};
use crate::artifact::attributes::{Attributes, integers, one_dimensional};
use crate::artifact::builder::{Builder, Input};
use crate::artifact::class_list::ClassNames;
use crate::artifact::work::Work;
use crate::columns::check_array::CheckArray;
use crate::columns::readings::Origins;
use crate::feature_names::bounds::Bounds;
use crate::feature_names::name::{Name, Names};
use crate::feature_names::names;
use crate::transformers::class::PickledClass;
use crate::transformers::transformer::Built;
use crate::version::Version;
use byoc_formats::error::Result;
use byoc_formats::pickle::Usage;
use byoc_formats::pickle::{ArrayView, ItemKind, Value};

/// The class in pickles.
pub(in crate::transformers) struct Class;

impl PickledClass for Class {
    fn names(&self) -> &'static [&'static str] {
        &["SimpleImputer"]
    }

    fn modules(&self) -> &'static [&'static str] {
        &["sklearn.impute._base", "sklearn.impute"]
    }

    fn companions(&self) -> &'static [ClassNames] {
        &[ClassNames {
            modules: &["sklearn.impute._base", "sklearn.impute"],
            names: &["MissingIndicator"],
            usage: Usage::Object,
        }]
    }

    /// Reads `strategy`, `statistics_`, `missing_values`, and attributes of newer versions: `indicator_` (0.21),
    /// `_fit_dtype` (1.1), `keep_empty_features` (1.2), `_fill_dtype` (1.8).
    fn build<'t>(
        &self,
        imputer: Attributes<'t>,
        input: &Input<'t>,
        builder: &mut Builder<'t, '_>,
    ) -> Result<Built<'t>> {
        let version = builder.version;
        let strategies = [
            ("mean", Strategy::Mean),
            ("median", Strategy::Mean),
            ("most_frequent", Strategy::MostFrequent),
            ("constant", Strategy::Constant),
        ];
        let strategy = imputer.choice("strategy", &strategies)?;
        let value = imputer.required("statistics_")?;
        let expected = "a one-dimensional array of numbers, text or plain objects";
        let array = one_dimensional(value).ok_or_else(|| imputer.mismatch("statistics_", expected, value))?;
        let fills = fills(array, builder)?.ok_or_else(|| imputer.mismatch("statistics_", expected, value))?;
        // From 1.8 on they are cast to the dtype of the fit when they are used.
        let fill_dtype = kind(imputer, "_fill_dtype");
        let fills: Box<[Fill]> = fills.into_iter().map(|fill| fill.cast(fill_dtype)).collect();
        let width = fills.len();
        builder.accept(input, imputer, width)?;
        if strategy == Strategy::Mean
            && let Some(fill) =
                fills.iter().find(|fill| !matches!(fill, Fill::Number(_) | Fill::Integer(_) | Fill::Missing))
        {
            return Err(
                imputer.error(format_args!("expected statistics_ to be numbers for a mean or median, found {fill:?}"))
            );
        }
        let input_type = match strategy {
            Strategy::Mean => InputType::Floats,
            Strategy::MostFrequent | Strategy::Constant => InputType::AsIs {
                objects: kind(imputer, "_fit_dtype") == Some(ItemKind::Object),
                constant: (strategy == Strategy::Constant && version >= Version::new(1, 4))
                    .then(|| fill_type(imputer, array, version)),
                check: CheckArray::of(version),
            },
        };
        let keeps_all = imputer.flag_or("keep_empty_features", false)?
            || (strategy == Strategy::Constant && version < Version::new(1, 8));
        let kept: Box<[bool]> = fills.iter().map(|fill| keeps_all || *fill != Fill::Missing).collect();
        builder.keep_items::<bool>(width)?;
        let indicator = indicator(imputer, width, &builder.work)?;
        builder.keep_items::<u32>(indicator.len())?;
        let missing = missing(imputer)?;
        if let Missing::Text(text) = &missing {
            builder.keep(text.len())?;
        }
        let marks = Marks { strategy, fills: &fills, missing: &missing };
        let origins = note(&marks, &kept, indicator.len(), input, builder)?;
        let output_width = kept.iter().filter(|kept| **kept).count() + indicator.len();
        let imputer = SimpleImputer { fills, input: input_type, missing, kept, indicator };
        let output = Input { origins, ..Input::array(output_width) };
        Built::new(imputer, output, builder)
    }

    /// The features with a fill, followed by `missingindicator_…` for those with an indicator.
    fn feature_names_out<'t>(&self, imputer: Attributes<'t>, given: Option<&[Name]>, bounds: &Bounds<'_>) -> Names {
        let given = names::names_in(imputer, given, bounds)?;
        let array = one_dimensional(imputer.required("statistics_")?);
        let mut builder = Builder::new(bounds.version, bounds.artifact_bytes, bounds.work.allowance);
        let statistics = array.map(|array| fills(array, &mut builder)).transpose()?.flatten();
        builder.finish();
        let statistics =
            statistics.ok_or_else(|| imputer.error("expected statistics_ to be a one-dimensional array"))?;
        let filled = given.iter().zip(&statistics).filter(|(_, fill)| **fill != Fill::Missing);
        let watched = indicator(imputer, given.len(), &bounds.work)?;
        let watched = watched.iter().filter_map(|index| given.get(*index as usize));
        let watched = watched.map(|name| Name::from(format!("missingindicator_{name}")));
        bounds.collect(filled.map(|(name, _)| Name::clone(name)).chain(watched))
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Strategy {
    Mean,
    MostFrequent,
    Constant,
}

/// The fills of an imputer, and its mark for missing values.
struct Marks<'i> {
    strategy: Strategy,
    fills: &'i [Fill],
    missing: &'i Missing,
}

/// Notes what the imputer shows about the request's columns, and returns those that it passes on unchanged: an imputer
/// of floats converts text, but the others keep all values that are not missing.
fn note(
    marks: &Marks<'_>,
    kept: &[bool],
    indicated: usize,
    input: &Input<'_>,
    builder: &mut Builder<'_, '_>,
) -> Result<Origins> {
    if marks.strategy == Strategy::Mean || matches!(input.origins, Origins::Changed) {
        return Ok(Origins::Changed);
    }
    for (column, fill) in marks.fills.iter().enumerate() {
        builder.note_as_it_is(&input.origins, column)?;
        if let Missing::Text(mark) = marks.missing {
            builder.note_mark(input, column, mark)?;
        }
        match fill {
            Fill::Text(text) if marks.strategy == Strategy::MostFrequent => {
                builder.note_frequent_text(input, column, text)?;
            }
            Fill::Text(text) => builder.note_fill(input, column, text)?,
            _ => {}
        }
    }
    let kept_columns = (0..).zip(kept).filter(|(_, kept)| **kept).map(|(column, _)| input.origins.of(column));
    let columns = kept_columns.chain(std::iter::repeat_n(Origins::CHANGED, indicated));
    builder.origins(columns, kept.len().saturating_add(indicated))
}

fn kind(imputer: Attributes<'_>, name: &str) -> Option<ItemKind> {
    Some(imputer.get(name)?.as_dtype()?.kind)
}

/// From 1.8 on, `statistics_` of a constant are objects, and `_fill_dtype` has their original dtype.
fn fill_type(imputer: Attributes<'_>, statistics: ArrayView<'_>, version: Version) -> FillType {
    let own = statistics.dtype().kind;
    let kind = if version >= Version::new(1, 8) { kind(imputer, "_fill_dtype").unwrap_or(own) } else { own };
    match kind {
        ItemKind::Float => FillType::Float,
        ItemKind::Int => FillType::Integer,
        ItemKind::Object | ItemKind::Text => FillType::Object,
        _ => FillType::Other,
    }
}

fn fills<'t>(array: ArrayView<'t>, builder: &mut Builder<'t, '_>) -> Result<Option<Box<[Fill]>>> {
    let length = array.len();
    builder.work.charge_items::<Fill>(length)?;
    builder.keep_items::<Fill>(length)?;
    // The numbers before they are fills, or the fills before they are of the type of the fit.
    let _held = builder.allowance().hold(length.saturating_mul(size_of::<u64>()))?;
    Ok(match array.dtype().kind {
        ItemKind::Float => array.to_f64().ok().map(|values| values.into_iter().map(Fill::number).collect()),
        ItemKind::Int | ItemKind::UInt => {
            array.to_i64().ok().map(|values| values.into_iter().map(Fill::Integer).collect())
        }
        ItemKind::Bool => {
            array.to_i64().ok().map(|values| values.into_iter().map(|value| Fill::Bool(value != 0)).collect())
        }
        ItemKind::Text => {
            let mut fills = Vec::with_capacity(length);
            let mut kept = Ok(());
            let read = array.each_text(|text| {
                if kept.is_ok() {
                    kept = builder.new_text(text).map(|text| fills.push(Fill::Text(text)));
                }
            });
            kept?;
            read.ok().map(|()| fills.into())
        }
        ItemKind::Object => {
            let Some(objects) = array.objects() else { return Ok(None) };
            let mut fills = Vec::with_capacity(length);
            for value in objects {
                let Some(fill) = Fill::build(value, builder)? else { return Ok(None) };
                fills.push(fill);
            }
            Some(fills.into())
        }
        ItemKind::Bytes => None,
    })
}

fn missing(imputer: Attributes<'_>) -> Result<Missing> {
    let value = imputer.required("missing_values")?;
    let text = || value.as_str().map(|text| Missing::Text(text.into()));
    match value.as_number() {
        _ if value.is_none() => Ok(Missing::None),
        Some(number) if number.is_nan() => Ok(Missing::Nan),
        Some(number) => Ok(Missing::Number(number)),
        None => text().ok_or_else(|| imputer.mismatch("missing_values", "nan, None, a number or text", value)),
    }
}

fn indicator(imputer: Attributes<'_>, width: usize, work: &Work<'_>) -> Result<Box<[u32]>> {
    if !imputer.flag_or("add_indicator", false)? {
        return Ok([].into());
    }
    let Some(value) = imputer.present("indicator_") else { return Ok([].into()) };
    let length = value.attribute("features_").and_then(Value::as_array).map_or(0, |array| array.len());
    work.charge_items::<i64>(length)?;
    let features = || {
        let indices = integers(value.attribute("features_")?)?;
        let index = |index: i64| u32::try_from(index).ok().filter(|index| (*index as usize) < width);
        indices.into_iter().map(index).collect::<Option<_>>()
    };
    features().ok_or_else(|| imputer.mismatch("indicator_", format_args!("fitted on {width} features"), value))
}
