//! Answers as numbers, for media types that contain only numbers.

use crate::error::{Cause, Error, Place, Result};
use crate::excerpt::excerpt;
use crate::rows::Features;
use crate::rows::table::{Cell, Column};
use std::borrow::Cow;

/// Labels and features as `float32`.
pub(crate) struct Numbers<'f> {
    pub(crate) label: Option<Cow<'f, [f32]>>,
    pub(crate) columns: Vec<Cow<'f, [f32]>>,
}

/// All columns as `float32`. A number beyond the range of `float32` is an error, rounding is not.
///
/// # Errors
/// [`Cause::NotWritable`] with the row and the column.
pub(crate) fn to_float32<'f>(features: &'f Features<'_>) -> Result<Numbers<'f>> {
    let label = features.label.as_ref().map(|label| float32(label).map_err(Unfit::of_label)).transpose()?;
    let column = |(index, column)| float32(column).map_err(|unfit: Unfit| unfit.of_feature(features, index));
    let columns = features.table.columns.iter().enumerate().map(column).collect::<Result<_>>()?;
    Ok(Numbers { label, columns })
}

/// All columns as `float64`, the label first.
///
/// # Errors
/// [`Cause::NotWritable`] with the row and the column.
pub(crate) fn to_float64(features: &Features<'_>) -> Result<Vec<Vec<f64>>> {
    let label = features.label.iter().map(|label| float64(label).map_err(Unfit::of_label));
    let feature = |(index, column)| float64(column).map_err(|unfit: Unfit| unfit.of_feature(features, index));
    label.chain(features.table.columns.iter().enumerate().map(feature)).collect()
}

/// A cell that is not a number, or beyond the range.
struct Unfit {
    /// Counted from 0.
    row: usize,
    found: String,
}

impl Unfit {
    fn of_label(self) -> Error {
        let place = Place::row(self.row + 1).named("of the label");
        self.into_error().at(place)
    }

    fn of_feature(self, features: &Features<'_>, index: usize) -> Error {
        // The name is a column of the request; the index would be one of the answer.
        let place = match features.sources.get(index).copied().flatten() {
            Some(name) => Place::row(self.row + 1).named(name),
            None => Place::cell(self.row + 1, index + 1),
        };
        self.into_error().at(place)
    }

    fn into_error(self) -> Error {
        Error::new(
            Cause::NotWritable,
            format!(
                "the answer has {}, which application/x-npy and application/x-recordio-protobuf cannot hold; text/csv, \
                 application/json and application/jsonlines can",
                self.found
            ),
        )
    }
}

fn float32<'c>(column: &'c Column<'_>) -> Result<Cow<'c, [f32]>, Unfit> {
    Ok(match column {
        Column::Float32(values) => Cow::Borrowed(values),
        Column::Float64(values) => Cow::Owned(rounded(values)?),
        Column::Int64(values) => Cow::Owned(values.iter().map(|&value| value as f32).collect()),
        Column::UInt64(values) => Cow::Owned(values.iter().map(|&value| value as f32).collect()),
        Column::Bool(values) => Cow::Owned(values.iter().map(|&value| f32::from(u8::from(value))).collect()),
        Column::Object(_) => Cow::Owned(rounded(&float64(column)?)?),
    })
}

fn rounded(values: &[f64]) -> Result<Vec<f32>, Unfit> {
    let single: Vec<f32> = values.iter().map(|&value| value as f32).collect();
    let beyond = |(&single, &value): (&f32, &f64)| single.is_infinite() && value.is_finite();
    match single.iter().zip(values).position(beyond) {
        None => Ok(single),
        Some(row) => {
            Err(Unfit { row, found: format!("the number {:e}", values.get(row).copied().unwrap_or_default()) })
        }
    }
}

fn float64(column: &Column<'_>) -> Result<Vec<f64>, Unfit> {
    let number = |(row, cell): (usize, &Cell<'_>)| match cell {
        Cell::Missing | Cell::None => Ok(f64::NAN),
        Cell::Bool(value) => Ok(f64::from(u8::from(*value))),
        Cell::Int(value) => Ok(*value as f64),
        Cell::Float(value) => Ok(*value),
        Cell::Text(text) => Err(Unfit { row, found: format!("the text {}", excerpt(text.as_bytes())) }),
    };
    match column {
        Column::Float32(values) => Ok(values.iter().map(|&value| value.into()).collect()),
        Column::Float64(values) => Ok(values.clone()),
        Column::Int64(values) => Ok(values.iter().map(|&value| value as f64).collect()),
        Column::UInt64(values) => Ok(values.iter().map(|&value| value as f64).collect()),
        Column::Bool(values) => Ok(values.iter().map(|&value| f64::from(u8::from(value))).collect()),
        Column::Object(cells) => cells.iter().enumerate().map(number).collect(),
    }
}
