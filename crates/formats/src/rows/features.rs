//! What a preprocessor answers: the features of each row, and its label where the rows came with one.

use crate::error::{Cause, Error, Place, Result};
use crate::media_types::{MediaType, answer};
use crate::rows::table::{Cell, Column, Table};
use std::borrow::Cow;

/// Features, and perhaps labels, of one type, as columns of one numpy array.
#[derive(Clone, Debug, PartialEq)]
pub struct Features<'a> {
    /// The label of each row.
    pub label: Option<Column<'a>>,
    /// The features.
    pub table: Table<'a>,
    /// For each feature the name of the request's column that it was made of, where it is one and has a name.
    pub sources: Vec<Option<&'a str>>,
}

/// Labels and features as float32.
pub(crate) struct Numbers<'f> {
    pub(crate) label: Option<Cow<'f, [f32]>>,
    pub(crate) columns: Vec<Cow<'f, [f32]>>,
}

impl<'a> Features<'a> {
    /// The media types that features are written as.
    pub const WRITABLE: &'static [MediaType] = MediaType::ALL;

    /// The label, if there is one, before the features: what every media type but recordio-protobuf writes.
    pub fn into_table(self) -> Table<'a> {
        let Features { label, mut table, .. } = self;
        if let Some(label) = label {
            table.columns.insert(0, label);
        }
        table
    }

    /// Appends the features as a body.
    ///
    /// # Errors
    /// [`Cause::NotWritable`] for text in a media type that holds numbers only, with the row and the column.
    pub fn write(self, media_type: MediaType, out: &mut Vec<u8>) -> Result<()> {
        answer::whole(media_type, self.table.rows, out, |writer| writer.features(self))
    }

    /// The most bytes that the rows have when they are written.
    pub(crate) fn most_bytes(&self, media_type: MediaType) -> usize {
        let columns = self.label.iter().chain(&self.table.columns);
        let cells: usize = columns.map(|column| most_bytes_of(column, media_type)).sum();
        cells.saturating_add(self.table.rows.saturating_mul(AROUND_A_ROW)).saturating_add(AROUND_ALL)
    }

    /// All numbers as float32; one that float32 does not reach is an error, one that it rounds is not.
    pub(crate) fn to_float32(&self) -> Result<Numbers<'_>> {
        let label = match &self.label {
            Some(label) => Some(float32(label).map_err(|unfit| unfit.of_label())?),
            None => None,
        };
        let column = |(index, column)| float32(column).map_err(|unfit: Unfit| unfit.of_feature(self, index));
        let columns = self.table.columns.iter().enumerate().map(column).collect::<Result<_>>()?;
        Ok(Numbers { label, columns })
    }

    /// All columns as float64, the label first.
    pub(crate) fn to_float64(&self) -> Result<Vec<Vec<f64>>> {
        let label = self.label.iter().map(|label| float64(label).map_err(|unfit| unfit.of_label()));
        let feature = |(index, column)| float64(column).map_err(|unfit: Unfit| unfit.of_feature(self, index));
        label.chain(self.table.columns.iter().enumerate().map(feature)).collect()
    }
}

/// The most bytes that stand around a row's values: brackets, names and separators of JSON, or a record's frame and heads.
pub(crate) const AROUND_A_ROW: usize = 64;
/// The most bytes that stand around all rows: an array's header.
pub(crate) const AROUND_ALL: usize = 256;

/// The most bytes of a float64 in text with a separator, `-1.7976931348623157e+308, `; integers and truths have fewer.
pub(crate) const NUMBER: usize = 27;

/// The most bytes that the values of a column have when they are written.
pub(crate) fn most_bytes_of(column: &Column<'_>, media_type: MediaType) -> usize {
    let each = match media_type {
        MediaType::Csv | MediaType::Json | MediaType::JsonLines => NUMBER,
        MediaType::Npy | MediaType::RecordIoProtobuf => size_of::<f64>(),
    };
    let text = match (column, media_type) {
        // JSON writes a control character as six.
        (Column::Object(cells), MediaType::Json | MediaType::JsonLines) => 6 * text_bytes(cells),
        // CSV doubles quotes.
        (Column::Object(cells), MediaType::Csv) => 2 * text_bytes(cells),
        _ => 0,
    };
    column.len().saturating_mul(each).saturating_add(text)
}

fn text_bytes(cells: &[Cell<'_>]) -> usize {
    cells.iter().map(|cell| if let Cell::Text(text) = cell { text.len() } else { 0 }).sum()
}

/// A cell that a numeric media type cannot hold.
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
        // A name is the request's, a number would be the answer's: never both.
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
                "the answer has {}, which {} and {} cannot hold; text/csv, application/json and application/jsonlines can",
                self.found,
                MediaType::Npy.name(),
                MediaType::RecordIoProtobuf.name()
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
        Cell::Text(text) => {
            Err(Unfit { row, found: format!("the text {}", crate::media_types::shown(text.as_bytes())) })
        }
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
