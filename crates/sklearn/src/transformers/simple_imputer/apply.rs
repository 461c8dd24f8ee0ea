//! Applies a fitted SimpleImputer to columns.

use crate::artifact::builder::Builder;
use crate::columns::check_array::CheckArray;
use crate::columns::dtype::{Dtype, convert};
use crate::columns::fault::Fault;
use crate::columns::feature::{Feature, Floats, Refuses, describe, has_only_nulls};
use crate::columns::origin::Origin;
use crate::columns::python_number::parse_float;

use crate::columns::demand::{Demand, cost};
use crate::transformers::transformer::Apply;
use byoc_formats::error::Result;
use byoc_formats::pickle::{ItemKind, Value};
use byoc_formats::rows::table::{Cell, Column};
use std::borrow::Cow;
use std::sync::Arc;

/// The fitted attributes of a SimpleImputer.
#[derive(Debug)]
pub(super) struct SimpleImputer {
    /// One for each feature: `statistics_`.
    pub(super) fills: Box<[Fill]>,
    pub(super) input: InputType,
    pub(super) missing: Missing,
    /// Whether each feature is in the output; those without a value at fit are not, unless `keep_empty_features` is
    /// set.
    pub(super) kept: Box<[bool]>,
    /// The features with an indicator column for missing values (`add_indicator`).
    pub(super) indicator: Box<[u32]>,
}

/// The value that replaces a missing one.
#[derive(Debug, PartialEq)]
pub(super) enum Fill {
    Missing,
    None,
    Number(f64),
    Integer(i64),
    Bool(bool),
    Text(Arc<str>),
}

/// The type that the input is converted to before missing values are replaced.
#[derive(Debug, PartialEq)]
pub(super) enum InputType {
    /// Floats: `strategy` is mean or median.
    Floats,
    /// Unchanged: `strategy` is most_frequent or constant.
    AsIs {
        /// It was fitted on objects, so it converts its input to objects (`_fit_dtype`, from 1.1 on).
        objects: bool,
        /// The type of the constant, which must be castable to the input's dtype from 1.4 on.
        constant: Option<FillType>,
        check: CheckArray,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum FillType {
    Float,
    Integer,
    Object,
    Other,
}

impl FillType {
    /// Why a column of a dtype cannot hold it: numpy's `can_cast` with `casting='same_kind'`.
    fn is_none_of(self, dtype: Dtype) -> Option<&'static str> {
        match (self, dtype) {
            (FillType::Float, Dtype::Int64 | Dtype::UInt64) => Some("a float, and the columns hold only integers"),
            (FillType::Integer, Dtype::UInt64) => {
                Some("an integer with a sign, and the columns hold integers beyond 9223372036854775807")
            }
            (FillType::Object, dtype) if dtype != Dtype::Object => Some("text, and the columns hold only numbers"),
            _ => None,
        }
    }
}

/// `missing_values`: which value counts as missing.
#[derive(Debug, PartialEq)]
pub(super) enum Missing {
    Nan,
    None,
    Number(f64),
    Text(Box<str>),
}

impl Fill {
    pub(super) fn number(value: f64) -> Fill {
        if value.is_nan() { Fill::Missing } else { Fill::Number(value) }
    }

    pub(super) fn cast(self, dtype: Option<ItemKind>) -> Fill {
        match (dtype, self) {
            (Some(ItemKind::Float), Fill::Integer(value)) => Fill::Number(value as f64),
            (Some(ItemKind::Float), Fill::Bool(value)) => Fill::Number(f64::from(u8::from(value))),
            (Some(ItemKind::Int | ItemKind::UInt), Fill::Number(value)) => Fill::Integer(value as i64),
            (Some(ItemKind::Int | ItemKind::UInt), Fill::Bool(value)) => Fill::Integer(i64::from(value)),
            (_, fill) => fill,
        }
    }

    pub(super) fn build<'t>(value: Value<'t>, builder: &mut Builder<'t, '_>) -> Result<Option<Fill>> {
        if let Some(text) = builder.text(value)? {
            return Ok(Some(Fill::Text(text)));
        }
        if value.is_none() {
            return Ok(Some(Fill::None));
        }
        let plain = value.as_bool().map(Fill::Bool).or_else(|| value.as_i64().map(Fill::Integer));
        Ok(plain.or_else(|| value.as_float().map(Fill::number)))
    }

    /// Converted to float as numpy does; `None` if it is not a number.
    fn to_float(&self) -> Option<f64> {
        match self {
            Fill::Number(value) => Some(*value),
            Fill::Integer(value) => Some(*value as f64),
            Fill::Bool(value) => Some(f64::from(u8::from(*value))),
            // With `keep_empty_features`, features without a value at fit are filled with 0, as in `statistics_`.
            Fill::Missing => Some(f64::NAN),
            Fill::None => None,
            Fill::Text(text) => parse_float(text),
        }
    }

    /// Converted to integer as numpy does.
    fn to_integer(&self) -> Option<i64> {
        match self {
            Fill::Integer(value) => Some(*value),
            Fill::Text(text) => text.trim().parse().ok(),
            other => other.to_float().map(|value| value as i64),
        }
    }

    fn as_cell(&self) -> Cell<'_> {
        match self {
            Fill::Missing => Cell::Missing,
            Fill::None => Cell::None,
            Fill::Number(value) => Cell::Float(*value),
            Fill::Integer(value) => Cell::Int(*value),
            Fill::Bool(value) => Cell::Bool(*value),
            Fill::Text(text) => Cell::Text(Cow::Borrowed(text)),
        }
    }
}

impl Missing {
    fn is_float(&self, value: f64) -> bool {
        match self {
            Missing::Nan => value.is_nan(),
            Missing::Number(missing) => value == *missing,
            Missing::None | Missing::Text(_) => false,
        }
    }

    fn is_cell(&self, cell: &Cell<'_>) -> bool {
        match (self, cell) {
            // A JSON null is a missing value, whatever the model's `missing_values` is.
            (Missing::Nan, Cell::Missing | Cell::None) | (Missing::None, Cell::None) => true,
            (Missing::Text(missing), Cell::Text(text)) => **missing == **text,
            (Missing::Number(missing), Cell::Int(value)) => *missing == *value as f64,
            (Missing::Number(missing), Cell::Float(value)) => missing == value,
            (Missing::Number(missing), Cell::Bool(value)) => *missing == f64::from(u8::from(*value)),
            _ => false,
        }
    }

    /// Refuses NaN, unless it is the mark for a missing value.
    fn refuses(&self) -> Refuses {
        if *self == Missing::Nan { Refuses::Infinity } else { Refuses::InfinityAndMissing }
    }
}

impl Apply for SimpleImputer {
    fn dtype_of_no_columns(&self, given: Dtype) -> Dtype {
        given
    }

    fn apply<'c, 'a>(&'a self, features: Vec<Feature<'c, 'a>>, _rows: usize) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let features = match &self.input {
            InputType::Floats => Floats::from_features(features, self.missing.refuses())?.into_features(),
            InputType::AsIs { objects, constant, check } => self.as_is(features, *objects, *constant, *check)?,
        };
        // A missing value is an object among objects, and a number among numbers.
        let dtype = Dtype::common(&features);
        let gaps = |index: &u32| {
            let feature = features.get(*index as usize)?;
            Some(Feature::new(feature.origin, convert(&Column::Bool(self.gaps(&feature.data)), dtype)))
        };
        let gaps: Vec<_> = self.indicator.iter().filter_map(gaps).collect();
        let filled = features.into_iter().zip(&self.fills).zip(&self.kept).filter(|(_, kept)| **kept);
        let filled = filled.map(|((feature, fill), _)| self.fill(feature, fill));
        filled.chain(gaps.into_iter().map(Ok)).collect()
    }

    fn demand(&self, given: usize) -> Demand {
        // Its output may be text twice: the input, and the filled copy.
        Demand::of(given, self.width(), cost::ARITHMETIC + cost::TEXT_TO_NUMBER).then(Demand::of_columns(self.width()))
    }
}

impl SimpleImputer {
    /// Converts the input to the common dtype of its array.
    fn as_is<'c, 'a>(
        &self,
        features: Vec<Feature<'c, 'a>>,
        fitted_on_objects: bool,
        constant: Option<FillType>,
        check: CheckArray,
    ) -> Result<Vec<Feature<'c, 'a>>, Fault> {
        let is_of_numbers = !fitted_on_objects && self.missing == Missing::Nan;
        let features = if is_of_numbers { nulls_as_floats(features) } else { features };
        let features = if fitted_on_objects { check.objects(features) } else { check.any(features) };
        self.refuse_other_marks(&features, check)?;
        let dtype = Dtype::common(&features);
        match &self.missing {
            _ if dtype == Dtype::Bool => {
                let message = "the columns hold only True and False, which SimpleImputer does not take";
                return Err(fault_of_first(&features, message));
            }
            Missing::Text(_) | Missing::None if dtype != Dtype::Object => {
                let message = format!(
                    "the columns have no text in any row, and {} stands for a missing value, which scikit-learn does \
                     not look for among numbers",
                    if let Missing::Text(mark) = &self.missing { format!("{mark:?}") } else { "None".into() }
                );
                return Err(fault_of_first(&features, &message));
            }
            _ => {}
        }
        if let Some(refused) = constant.and_then(|constant| constant.is_none_of(dtype)) {
            let message = format!(
                "the constant that fills gaps is {refused} in every row: scikit-learn refuses to cast it since 1.4; it \
                 would take the row among others that have gaps or another type"
            );
            return Err(fault_of_first(&features, &message));
        }
        Ok(features)
    }

    /// Refuses infinity, and missing values if `missing_values` is something else.
    fn refuse_other_marks(&self, features: &[Feature<'_, '_>], check: CheckArray) -> Result<(), Fault> {
        for feature in features {
            match &*feature.data {
                Column::Object(cells) if check.looks_at_objects() => self.check_objects(feature.origin, cells)?,
                _ => check.refuse(std::slice::from_ref(feature), self.missing.refuses())?,
            }
        }
        Ok(())
    }

    fn check_objects(&self, origin: Origin, cells: &[Cell<'_>]) -> Result<(), Fault> {
        let refused = |cell: &Cell<'_>| {
            self.missing != Missing::Nan && matches!(cell, Cell::Missing | Cell::None) && !self.missing.is_cell(cell)
        };
        match cells.iter().position(refused) {
            None => Ok(()),
            Some(row) => Err(Fault::of_value(
                origin,
                row,
                "expected a value, found an empty one: the model was fitted with another mark for missing values",
            )),
        }
    }

    fn gaps(&self, column: &Column<'_>) -> Vec<bool> {
        match column {
            Column::Float64(values) => values.iter().map(|value| self.missing.is_float(*value)).collect(),
            Column::Float32(values) => values.iter().map(|value| self.missing.is_float(f64::from(*value))).collect(),
            Column::Int64(values) => values.iter().map(|value| self.missing.is_float(*value as f64)).collect(),
            Column::UInt64(values) => values.iter().map(|value| self.missing.is_float(*value as f64)).collect(),
            Column::Bool(values) => values.iter().map(|_| false).collect(),
            Column::Object(cells) => cells.iter().map(|cell| self.missing.is_cell(cell)).collect(),
        }
    }

    fn fill<'c, 'a>(&self, mut feature: Feature<'c, 'a>, fill: &'a Fill) -> Result<Feature<'c, 'a>, Fault> {
        feature.imputed = true;
        let Some(gap) = self.first_gap(&feature.data) else { return Ok(feature) };
        let origin = feature.origin;
        let no_number = || {
            let fill = describe(&fill.as_cell());
            let message = format!(
                "expected a number, found a missing value, which the imputer fills with {fill}: scikit-learn raises \
                 where a column has nothing but numbers, or no value at all; it would take the row among others that \
                 have text here, and from 1.1 on an imputer that was fitted on text takes numbers for text"
            );
            Fault::of_value(origin, gap, message)
        };
        match feature.data.to_mut() {
            Column::Float64(values) => {
                let fill = fill.to_float().ok_or_else(no_number)?;
                replace(values, |value| self.missing.is_float(*value), || fill);
            }
            Column::Float32(values) => {
                let fill = fill.to_float().ok_or_else(no_number)? as f32;
                replace(values, |value| self.missing.is_float(f64::from(*value)), || fill);
            }
            Column::Int64(values) => {
                let fill = fill.to_integer().ok_or_else(no_number)?;
                replace(values, |value| self.missing.is_float(*value as f64), || fill);
            }
            Column::UInt64(values) => {
                let fill = fill.to_integer().ok_or_else(no_number)? as u64;
                replace(values, |value| self.missing.is_float(*value as f64), || fill);
            }
            Column::Bool(_) => {}
            Column::Object(cells) => replace(cells, |cell| self.missing.is_cell(cell), || fill.as_cell()),
        }
        Ok(feature)
    }

    fn first_gap(&self, column: &Column<'_>) -> Option<usize> {
        match column {
            Column::Float64(values) => values.iter().position(|value| self.missing.is_float(*value)),
            Column::Object(cells) => cells.iter().position(|cell| self.missing.is_cell(cell)),
            other => self.gaps(other).iter().position(|gap| *gap),
        }
    }

    /// The number of output columns.
    pub(super) fn width(&self) -> usize {
        self.kept.iter().filter(|kept| **kept).count() + self.indicator.len()
    }
}

/// Converts columns of nothing but JSON nulls to floats, as pandas does with a column without a value.
pub(super) fn nulls_as_floats<'c, 'a>(mut features: Vec<Feature<'c, 'a>>) -> Vec<Feature<'c, 'a>> {
    for feature in features.iter_mut().filter(|feature| has_only_nulls(feature)) {
        feature.data = Cow::Owned(Column::Float64(vec![f64::NAN; feature.data.len()]));
    }
    features
}

/// A fault of columns that share their dtype, reported at the first.
pub(super) fn fault_of_first(features: &[Feature<'_, '_>], message: &str) -> Fault {
    Fault::of_column(features.first().map_or(Origin::NONE, |first| first.origin), message)
}

pub(super) fn replace<T>(values: &mut [T], is_missing: impl Fn(&T) -> bool, fill: impl Fn() -> T) {
    values.iter_mut().filter(|value| is_missing(value)).for_each(|value| *value = fill());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transformers::shared::testing::{apply_floats, columns_of, message, texts};
    use crate::version::Version;

    fn imputer(fills: Vec<Fill>, input: InputType) -> SimpleImputer {
        let kept = fills.iter().map(|fill| *fill != Fill::Missing).collect();
        SimpleImputer { fills: fills.into(), input, missing: Missing::Nan, kept, indicator: [].into() }
    }

    fn as_is(objects: bool, constant: Option<FillType>) -> InputType {
        InputType::AsIs { objects, constant, check: CheckArray::of(Version::new(1, 9)) }
    }

    /// Answers borrow from the imputer, so the test leaks it.
    fn leak(imputer: SimpleImputer) -> &'static SimpleImputer {
        Box::leak(Box::new(imputer))
    }

    #[test]
    fn gaps_are_filled_features_without_fitted_values_are_dropped_and_an_indicator_marks_gaps() {
        let fills = || vec![Fill::Number(2.5), Fill::Missing];
        let columns = || vec![vec![1.0, f64::NAN], vec![7.0, 8.0]];
        let silent = leak(imputer(fills(), InputType::Floats));
        assert_eq!(apply_floats(|features| silent.apply(features, 1), columns()), [[1.0, 2.5]]);
        let speaking = leak(SimpleImputer { indicator: [0].into(), ..imputer(fills(), InputType::Floats) });
        let features =
            columns().into_iter().map(|values| Feature::new(Origin::NONE, Column::Float64(values))).collect();
        let columns = columns_of(speaking.apply(features, 1));
        assert_eq!(columns, [Column::Float64(vec![1.0, 2.5]), Column::Float64(vec![0.0, 1.0])]);
    }

    #[test]
    fn an_imputer_of_objects_converts_numbers_to_objects_and_fills_text() {
        let input = as_is(true, None);
        let imputer = leak(imputer(vec![Fill::Text("none".into())], input));
        let numbers = Feature::new(Origin::NONE, Column::Float64(vec![5.0, f64::NAN]));
        let expected = Column::Object(vec![Cell::Float(5.0), Cell::Text("none".into())]);
        assert_eq!(columns_of(imputer.apply(vec![numbers], 1)), [expected]);
    }

    #[test]
    fn a_float_constant_refuses_integers_only_from_1_4_on() {
        let integers = || vec![Feature::new(Origin::column(0), Column::Int64(vec![3]))];
        let lenient = leak(imputer(vec![Fill::Number(-1.0)], as_is(false, None)));
        assert_eq!(columns_of(lenient.apply(integers(), 1)), [Column::Int64(vec![3])]);
        let strict = leak(imputer(vec![Fill::Number(-1.0)], as_is(false, Some(FillType::Float))));
        assert!(message(strict.apply(integers(), 1)).starts_with("column 1: the constant that fills gaps is a float"));
    }

    #[test]
    fn with_a_different_missing_value_empty_cells_are_an_error() {
        let input = as_is(false, None);
        let missing = Missing::Text("?".into());
        let marked = leak(SimpleImputer { missing, ..imputer(vec![Fill::Text("b".into())], input) });
        let expected = texts(&[Some("a"), Some("b")]).data.into_owned();
        assert_eq!(columns_of(marked.apply(vec![texts(&[Some("a"), Some("?")])], 1)), [expected]);
        assert!(message(marked.apply(vec![texts(&[None])], 1)).starts_with("row 1, column 1: expected a value"));
    }

    #[test]
    fn text_does_not_fill_numbers() {
        // scikit-learn until 1.0, which has no _fit_dtype.
        let of = |fill: Fill, column| {
            leak(imputer(vec![fill], as_is(false, None))).apply(vec![Feature::new(Origin::column(0), column)], 1)
        };
        let text = || Fill::Text("missing".into());
        let none_at_all = message(of(text(), Column::Float64(vec![f64::NAN, f64::NAN])));
        let expected =
            "row 1, column 1: expected a number, found a missing value, which the imputer fills with \"missing\"";
        assert!(none_at_all.starts_with(expected), "{none_at_all}");
        assert!(message(of(Fill::None, Column::Float64(vec![f64::NAN]))).contains("fills with null"));
        // Without a missing value nothing is filled, and numeric text is converted to a number.
        assert_eq!(columns_of(of(text(), Column::Int64(vec![3]))), [Column::Int64(vec![3])]);
        let seven = of(Fill::Text("7".into()), Column::Float64(vec![f64::NAN, 1.5]));
        assert_eq!(columns_of(seven), [Column::Float64(vec![7.0, 1.5])]);
    }

    #[test]
    fn a_missing_value_that_is_not_a_number_is_not_searched_for_among_numbers() {
        let missing = Missing::Text("?".into());
        let marked = leak(SimpleImputer { missing, ..imputer(vec![Fill::Text("b".into())], as_is(false, None)) });
        let numbers = vec![Feature::new(Origin::column(0), Column::Int64(vec![1]))];
        let expected = "column 1: the columns have no text in any row, and \"?\" stands for a missing value";
        assert!(message(marked.apply(numbers, 1)).starts_with(expected));
    }

    #[test]
    fn a_json_null_is_a_gap_whatever_missing_values_is() {
        let nulls = |cells: Vec<Cell<'static>>| vec![Feature::new(Origin::NONE, Column::Object(cells))];
        for missing in [Missing::Nan, Missing::None] {
            let input = as_is(true, None);
            let fills = vec![Fill::Text("b".into())];
            let text = leak(SimpleImputer { missing, indicator: [0].into(), ..imputer(fills, input) });
            let expected = Column::Object(vec![Cell::Text("b".into()), Cell::Text("a".into())]);
            let gaps = Column::Object(vec![Cell::Bool(true), Cell::Bool(false)]);
            let given = nulls(vec![Cell::None, Cell::Text("a".into())]);
            assert_eq!(columns_of(text.apply(given, 1)), [expected, gaps]);
        }
        // A column without a value in any row is one of floats, as from CSV.
        let input = as_is(false, None);
        let number = leak(imputer(vec![Fill::Number(2.5)], input));
        assert_eq!(columns_of(number.apply(nulls(vec![Cell::None]), 1)), [Column::Float64(vec![2.5])]);
    }
}
