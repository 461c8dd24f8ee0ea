//! Columns that pass through the transformers.

use std::borrow::Cow;

use crate::columns::fault::Fault;
use crate::columns::origin::Origin;
use crate::columns::python_number::parse_float;
use byoc_formats::rows::table::{Cell, Column};

/// A column, borrowed from the request as long as nothing changes it.
#[derive(Clone, Debug)]
pub(crate) struct Feature<'c, 'a> {
    /// The column of the request from which it comes.
    pub(crate) origin: Origin,
    /// Its values.
    pub(crate) data: Cow<'c, Column<'a>>,
    /// Whether the column of the request to which this part belongs has a value in some row, or is known to be text.
    /// If that is unknown, its own values decide.
    pub(crate) has_values: bool,
    /// Whether it is the output of an imputer.
    pub(crate) imputed: bool,
}

impl<'c, 'a> Feature<'c, 'a> {
    /// A feature with a new column.
    pub(crate) fn new(origin: Origin, column: Column<'a>) -> Feature<'c, 'a> {
        Feature { origin, data: Cow::Owned(column), has_values: false, imputed: false }
    }
}

/// What a transformer refuses in its input (`sklearn.utils.check_array`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refuses {
    /// Nothing (`force_all_finite=False`).
    Nothing,
    /// Infinity (`force_all_finite='allow-nan'`).
    Infinity,
    /// Infinity and missing values (`force_all_finite=True`).
    InfinityAndMissing,
}

/// Features as floats: `float64`, or values of `float32` when every feature was of that type, as numpy keeps them.
#[derive(Debug)]
pub(crate) struct Floats {
    /// One for each feature.
    pub(crate) columns: Vec<FloatColumn>,
    single: bool,
}

/// One feature of [`Floats`].
#[derive(Debug)]
pub(crate) struct FloatColumn {
    /// The column of the request from which it comes.
    pub(crate) origin: Origin,
    /// A value for each row.
    pub(crate) values: Vec<f64>,
}

impl Floats {
    /// Converts features as `check_array(dtype=FLOAT_DTYPES)` does: text through Python's `float`.
    ///
    /// # Errors
    /// For text that is not a number, and for what `refuses` says.
    pub(crate) fn from_features(features: Vec<Feature<'_, '_>>, refuses: Refuses) -> Result<Floats, Fault> {
        let single = !features.is_empty() && features.iter().all(|feature| matches!(*feature.data, Column::Float32(_)));
        let columns = features.into_iter().map(|feature| float_column(feature, refuses)).collect::<Result<_, _>>()?;
        Ok(Floats { columns, single })
    }

    /// Whether the values are of `float32`.
    pub(crate) fn single(&self) -> bool {
        self.single
    }

    /// Replaces each value by the result of `apply`, rounded to `float32` if the values are `float32`.
    pub(crate) fn map_column(&mut self, column: usize, apply: impl Fn(f64) -> f64) {
        let Some(FloatColumn { values, .. }) = self.columns.get_mut(column) else { return };
        if self.single {
            values.iter_mut().for_each(|value| *value = f64::from(apply(*value) as f32));
        } else {
            values.iter_mut().for_each(|value| *value = apply(*value));
        }
    }

    /// The floats as features of the type they have.
    pub(crate) fn into_features<'c, 'a>(self) -> Vec<Feature<'c, 'a>> {
        let single = self.single;
        let feature = |FloatColumn { origin, values }: FloatColumn| {
            let column = match single {
                true => Column::Float32(values.into_iter().map(|value| value as f32).collect()),
                false => Column::Float64(values),
            };
            Feature::new(origin, column)
        };
        self.columns.into_iter().map(feature).collect()
    }
}

/// A column of objects as `float64`; any other column unchanged.
///
/// # Errors
/// For text that is not a number.
pub(crate) fn objects_as_floats<'c, 'a>(feature: Feature<'c, 'a>) -> Result<Feature<'c, 'a>, Fault> {
    if !matches!(*feature.data, Column::Object(_)) {
        return Ok(feature);
    }
    let FloatColumn { origin, values } = float_column(feature, Refuses::Nothing)?;
    Ok(Feature::new(origin, Column::Float64(values)))
}

/// Whether a column of objects has no value in any row, such as a JSON column of nulls.
pub(crate) fn has_only_nulls(feature: &Feature<'_, '_>) -> bool {
    let is_null = |cell: &Cell<'_>| matches!(cell, Cell::Missing | Cell::None);
    !feature.has_values && matches!(&*feature.data, Column::Object(cells) if cells.iter().all(is_null))
}

fn float_column(feature: Feature<'_, '_>, refuses: Refuses) -> Result<FloatColumn, Fault> {
    let origin = feature.origin;
    let values = match feature.data {
        Cow::Owned(Column::Float64(values)) => values,
        data => match &*data {
            Column::Float64(values) => values.clone(),
            Column::Float32(values) => values.iter().map(|value| f64::from(*value)).collect(),
            Column::Int64(values) => values.iter().map(|value| *value as f64).collect(),
            Column::UInt64(values) => values.iter().map(|value| *value as f64).collect(),
            Column::Bool(values) => values.iter().map(|value| f64::from(u8::from(*value))).collect(),
            Column::Object(cells) => cells
                .iter()
                .enumerate()
                .map(|(row, cell)| cell_to_float(cell).ok_or_else(|| not_a_number(origin, row, cell)))
                .collect::<Result<_, _>>()?,
        },
    };
    refuse(origin, &values, refuses)?;
    Ok(FloatColumn { origin, values })
}

/// The first value that is refused, as a fault.
pub(crate) fn refuse(origin: Origin, values: &[f64], refuses: Refuses) -> Result<(), Fault> {
    let refused = match refuses {
        Refuses::Nothing => None,
        Refuses::Infinity => values.iter().position(|value| value.is_infinite()),
        Refuses::InfinityAndMissing => values.iter().position(|value| !value.is_finite()),
    };
    match refused {
        None => Ok(()),
        Some(row) if values.get(row).is_some_and(|value| value.is_infinite()) => {
            Err(Fault::of_value(origin, row, "expected a finite number, found infinity"))
        }
        Some(row) => Err(Fault::of_value(origin, row, "expected a number, found a missing value")),
    }
}

/// Refuses missing values of any type.
pub(crate) fn refuse_missing(feature: &Feature<'_, '_>) -> Result<(), Fault> {
    let missing = match &*feature.data {
        Column::Object(cells) => cells.iter().position(|cell| matches!(cell, Cell::Missing | Cell::None)),
        Column::Float64(values) => values.iter().position(|value| value.is_nan()),
        Column::Float32(values) => values.iter().position(|value| value.is_nan()),
        Column::Int64(_) | Column::UInt64(_) | Column::Bool(_) => None,
    };
    match missing {
        None => Ok(()),
        Some(row) => Err(Fault::of_value(feature.origin, row, "expected a value, found a missing one")),
    }
}

fn cell_to_float(cell: &Cell<'_>) -> Option<f64> {
    match cell {
        // numpy's astype(float64) takes None for NaN.
        Cell::Missing | Cell::None => Some(f64::NAN),
        Cell::Text(text) => parse_float(text),
        Cell::Bool(value) => Some(f64::from(u8::from(*value))),
        Cell::Int(value) => Some(*value as f64),
        Cell::Float(value) => Some(*value),
    }
}

fn not_a_number(origin: Origin, row: usize, cell: &Cell<'_>) -> Fault {
    let message = format!("could not read {} as a number", describe(cell));
    match cell {
        Cell::Text(text) => Fault::of_text(origin, row, text, message),
        _ => Fault::of_value(origin, row, message),
    }
}

/// A cell as a message shows it.
pub(crate) fn describe(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Missing => "a missing value".into(),
        Cell::None => "null".into(),
        Cell::Text(text) if text.chars().count() > 60 => format!("{:?}…", text.chars().take(60).collect::<String>()),
        Cell::Text(text) => format!("{text:?}"),
        Cell::Bool(value) => if *value { "True" } else { "False" }.into(),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(column: Column<'_>, refuses: Refuses) -> Result<Vec<f64>, String> {
        let feature =
            Feature { origin: Origin::column(1), data: Cow::Borrowed(&column), has_values: false, imputed: false };
        let message = |fault: Fault| fault.into_error(|origin| Some((origin.index()? + 1, None))).to_string();
        Ok(Floats::from_features(vec![feature], refuses).map_err(message)?.columns.remove(0).values)
    }

    #[test]
    fn every_type_becomes_floats_and_text_goes_through_pythons_float() {
        let cells = vec![Cell::Text(" 1_0 ".into()), Cell::Bool(true), Cell::Int(-3), Cell::Float(0.5)];
        assert_eq!(floats(Column::Object(cells), Refuses::InfinityAndMissing), Ok(vec![10.0, 1.0, -3.0, 0.5]));
        assert_eq!(floats(Column::Bool(vec![true]), Refuses::InfinityAndMissing), Ok(vec![1.0]));
        assert_eq!(floats(Column::UInt64(vec![1 << 63]), Refuses::Infinity), Ok(vec![9223372036854775808.0]));
    }

    #[test]
    fn text_that_is_not_a_number_is_refused_with_its_place_and_value() {
        let text = Column::Object(vec![Cell::Int(1), Cell::Text("n/k".into())]);
        assert_eq!(floats(text, Refuses::Nothing), Err("row 2, column 2: could not read \"n/k\" as a number".into()));
        let infinite = || Column::Float64(vec![1.0, f64::INFINITY]);
        let message = "row 2, column 2: expected a finite number, found infinity";
        assert_eq!(floats(infinite(), Refuses::Infinity), Err(message.into()));
        assert!(floats(infinite(), Refuses::Nothing).is_ok());
        let missing = || Column::Float64(vec![f64::NAN]);
        let message = "row 1, column 2: expected a number, found a missing value";
        assert_eq!(floats(missing(), Refuses::InfinityAndMissing), Err(message.into()));
        assert!(floats(missing(), Refuses::Infinity).is_ok());
    }
}
