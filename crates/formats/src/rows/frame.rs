//! The rows of a request: columns that are typed over the whole body, handed on in blocks of rows.
//!
//! What is made of rows is mostly larger than the rows. It is made block by block, so that no more than a block of it is in
//! memory at once, whatever the body's size. A column that few rows give a value for keeps those values and no others.

use crate::error::{Error, Result};
use crate::media_types::{ContentType, MediaType, csv, json, jsonlines, npy, recordio};
use crate::rows::reading::{Reading, cell_place};
use crate::rows::table::{Cell, Column, End, Schema, Table, ValueKind};
use crate::rows::told::{Refused, tell_series};
use byoc_account::Allowance;
use std::borrow::Cow;
use std::ops::Range;

/// Columns of equal length.
#[derive(Clone, Debug, PartialEq)]
pub struct Frame<'a> {
    rows: usize,
    columns: Vec<Series<'a>>,
}

/// One column of a [`Frame`].
#[derive(Clone, Debug, PartialEq)]
pub enum Series<'a> {
    /// A value for each row.
    Dense(Column<'a>),
    /// Values for some rows, as `float64` or objects. In all others it is missing.
    Sparse {
        /// The rows that have a value, rising, counted from 0.
        rows: Vec<u32>,
        /// The value of each.
        values: Column<'a>,
    },
}

/// Some rows that follow each other.
#[derive(Clone, Debug, PartialEq)]
pub struct Block<'a> {
    /// Their values.
    pub table: Table<'a>,
    /// How many rows of the body stand before them.
    pub first_row: usize,
    /// Which columns have a value in some row of the body. Where nothing is said, the block is the whole body.
    pub has_values: Option<&'a [bool]>,
}

impl<'a> From<Table<'a>> for Frame<'a> {
    fn from(table: Table<'a>) -> Frame<'a> {
        Frame { rows: table.rows, columns: table.columns.into_iter().map(Series::Dense).collect() }
    }
}

impl<'a> From<Table<'a>> for Block<'a> {
    fn from(table: Table<'a>) -> Block<'a> {
        Block { table, first_row: 0, has_values: None }
    }
}

impl<'a> Frame<'a> {
    /// The media types that rows are read from.
    pub const READABLE: &'static [MediaType] = MediaType::ALL;

    /// Columns of so many rows each.
    pub(crate) fn new(rows: usize, columns: Vec<Series<'a>>) -> Frame<'a> {
        Frame { rows, columns }
    }

    /// The columns of a table, which is no more after it.
    fn of(table: Table<'a>, allowance: &Allowance) -> Result<Frame<'a>> {
        let width = table.columns.len();
        allowance.take_items::<Series<'_>>(width)?;
        let frame = Frame::from(table);
        allowance.give_back_items::<Column<'_>>(width);
        Ok(frame)
    }

    /// Reads a body into the columns of a model, within what the allowance gives.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] with the row, the column where there is one, and the byte.
    pub fn read(
        media_type: MediaType,
        body: &'a [u8],
        schema: &dyn Schema,
        allowance: &Allowance,
    ) -> Result<Frame<'a>> {
        match media_type {
            MediaType::Csv => Frame::of(csv::read(body, schema, allowance)?, allowance),
            MediaType::Json => json::read_table(body, schema, allowance),
            MediaType::JsonLines => jsonlines::read_table(body, schema, allowance),
            MediaType::RecordIoProtobuf => {
                Frame::of(recordio::read_table(body, schema, allowance)?, allowance)?.told(schema, allowance)
            }
            MediaType::Npy => Frame::of(npy::read_table(body, schema, allowance)?, allowance)?.told(schema, allowance),
        }
    }

    /// Reads a piece of a body whose earlier rows had so many columns.
    ///
    /// # Errors
    /// Those of [`Frame::read`]; and for rows that have another number of columns, but in CSV, where short rows are padded.
    pub fn read_piece(
        content_type: ContentType,
        body: &'a [u8],
        columns: Option<usize>,
        schema: &dyn Schema,
        allowance: &Allowance,
    ) -> Result<Frame<'a>> {
        let media_type = content_type.media_type;
        let read = match (media_type, columns) {
            (MediaType::Csv, None) if content_type.has_header => csv::read_with_header(body, schema, allowance),
            (_, None) => Frame::read(media_type, body, schema, allowance),
            (MediaType::Csv, _) => Frame::of(csv::read_piece(body, columns, schema, allowance)?, allowance),
            (_, Some(columns)) => Frame::read(media_type, body, &SameWidth { columns, schema }, allowance),
        };
        match read? {
            // scikit-learn refuses an array without samples, whatever it is read from.
            Frame { rows: 0, .. } => Err(Error::bad_payload("expected at least one row, found none")),
            frame => Ok(frame),
        }
    }

    /// The same, with columns of the types that the schema says of them.
    pub(crate) fn told(mut self, schema: &dyn Schema, allowance: &Allowance) -> Result<Frame<'a>> {
        let width = self.columns.len();
        for (column, series) in self.columns.iter_mut().enumerate() {
            let Some(dtype) = schema.reading(column, width).dtype else { continue };
            let nothing = Series::Dense(Column::Object(Vec::new()));
            let told = tell_series(std::mem::replace(series, nothing), self.rows, dtype, column, allowance)?;
            *series = told.map_err(|Refused { row, error }| error.at(cell_place(schema, row, column, width)))?;
        }
        Ok(self)
    }

    /// What the values of a column are; nothing where no row has one.
    pub fn kind(&self, column: usize) -> Option<ValueKind> {
        let (Series::Dense(values) | Series::Sparse { values, .. }) = self.columns.get(column)?;
        ValueKind::of(values)
    }

    /// How many rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many columns.
    pub fn width(&self) -> usize {
        self.columns.len()
    }

    /// The values of a column, counted from 0: of all rows, or of those that have one.
    pub fn values(&self, column: usize) -> Option<&Column<'a>> {
        self.columns.get(column).map(|(Series::Dense(values) | Series::Sparse { values, .. })| values)
    }

    /// The row of one of the values of a column, all counted from 0.
    pub fn row_of(&self, column: usize, value: usize) -> Option<usize> {
        match self.columns.get(column)? {
            Series::Dense(_) => Some(value),
            Series::Sparse { rows, .. } => rows.get(value).map(|row| *row as usize),
        }
    }

    /// Hands on the rows, at most so many at a time.
    ///
    /// # Errors
    /// Those of `then`.
    pub fn each_block(self, most_rows: usize, mut then: impl FnMut(Block<'_>) -> Result<()>) -> Result<()> {
        let is_dense = self.columns.iter().all(|series| matches!(series, Series::Dense(_)));
        if is_dense && self.rows <= most_rows {
            return then(self.into_table().into());
        }
        let has_values: Vec<bool> = self.columns.iter().map(Series::has_values).collect();
        let mut first_row = 0;
        while first_row < self.rows {
            let rows = first_row..first_row.saturating_add(most_rows.max(1)).min(self.rows);
            let columns = self.columns.iter().map(|series| series.part(rows.clone())).collect();
            let table = Table { rows: rows.len(), columns };
            then(Block { table, first_row, has_values: Some(&has_values) })?;
            first_row = rows.end;
        }
        Ok(())
    }

    /// All rows as one table.
    pub fn into_table(self) -> Table<'a> {
        let rows = self.rows;
        let dense = |series| match series {
            Series::Dense(column) => column,
            Series::Sparse { rows: given, values } => {
                spread(&given, values.part(0..values.len()).into_owned(), 0..rows)
            }
        };
        Table { rows, columns: self.columns.into_iter().map(dense).collect() }
    }
}

impl Frame<'_> {
    /// The frame with text of its own.
    pub(crate) fn into_owned(self, allowance: &Allowance) -> Result<Frame<'static>> {
        let owned = |series| {
            Ok(match series {
                Series::Dense(column) => Series::Dense(owned(column, allowance)?),
                Series::Sparse { rows, values } => Series::Sparse { rows, values: owned(values, allowance)? },
            })
        };
        let columns = self.columns.into_iter().map(owned).collect::<Result<_>>()?;
        Ok(Frame { rows: self.rows, columns })
    }
}

fn owned(column: Column<'_>, allowance: &Allowance) -> Result<Column<'static>> {
    if let Column::Object(cells) = &column {
        let text = |cell: &Cell<'_>| if let Cell::Text(Cow::Borrowed(text)) = cell { text.len() } else { 0 };
        allowance.take(cells.iter().map(text).sum())?;
    }
    Ok(column.into_owned())
}

impl Series<'_> {
    /// Whether some row has a value.
    fn has_values(&self) -> bool {
        let (Series::Dense(values) | Series::Sparse { values, .. }) = self;
        match values {
            Column::Object(cells) => cells.iter().any(|cell| !matches!(cell, Cell::Missing | Cell::None)),
            Column::Float64(values) => values.iter().any(|value| !value.is_nan()),
            Column::Float32(values) => values.iter().any(|value| !value.is_nan()),
            Column::Int64(_) | Column::UInt64(_) | Column::Bool(_) => true,
        }
    }

    /// Some rows of it.
    fn part(&self, rows: Range<usize>) -> Column<'_> {
        match self {
            Series::Dense(column) => column.part(rows),
            Series::Sparse { rows: given, values } => {
                let from = given.partition_point(|row| (*row as usize) < rows.start);
                let to = given.partition_point(|row| (*row as usize) < rows.end);
                spread(given.get(from..to).unwrap_or_default(), values.part(from..to), rows)
            }
        }
    }
}

/// Values at their places among missing ones.
fn spread<'a>(given: &[u32], values: Column<'a>, rows: Range<usize>) -> Column<'a> {
    fn place<T: Clone>(given: &[u32], values: Vec<T>, missing: T, rows: Range<usize>) -> Vec<T> {
        let mut all = vec![missing; rows.len()];
        for (row, value) in given.iter().zip(values) {
            if let Some(place) = all.get_mut((*row as usize).saturating_sub(rows.start)) {
                *place = value;
            }
        }
        all
    }
    match values {
        Column::Float64(values) => Column::Float64(place(given, values, f64::NAN, rows)),
        Column::Object(cells) => Column::Object(place(given, cells, Cell::Missing, rows)),
        // A column with gaps is of one of these two types; it was made so with its first gap.
        other => other,
    }
}

/// The columns of rows that follow others.
struct SameWidth<'s> {
    columns: usize,
    schema: &'s dyn Schema,
}

impl Schema for SameWidth<'_> {
    fn check_width(&self, columns: usize) -> Result<()> {
        if columns != self.columns {
            let message = format!("expected {} columns as in the rows before, found {columns}", self.columns);
            return Err(Error::bad_payload(message));
        }
        self.schema.check_width(columns)
    }

    fn width_before(&self) -> Option<usize> {
        Some(self.columns)
    }

    fn names(&self) -> Vec<&str> {
        self.schema.names()
    }

    fn uses(&self, name: &str) -> bool {
        self.schema.uses(name)
    }

    fn label(&self) -> Option<usize> {
        self.schema.label()
    }

    fn reading(&self, column: usize, width: usize) -> Reading {
        self.schema.reading(column, width)
    }

    fn unnamed_label(&self) -> Option<End> {
        self.schema.unnamed_label()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks(frame: &Frame<'static>, most_rows: usize) -> Vec<(usize, Vec<String>)> {
        let mut blocks = Vec::new();
        let keep = |block: Block<'_>| {
            let columns = block.table.columns.iter().map(|column| format!("{column:?}")).collect();
            blocks.push((block.first_row, columns));
            Ok(())
        };
        frame.clone().each_block(most_rows, keep).unwrap();
        blocks
    }

    #[test]
    fn blocks_one_after_another_are_the_whole() {
        let sparse = Series::Sparse { rows: vec![1, 4], values: Column::Float64(vec![0.5, 2.5]) };
        let text = Column::Object(["a", "b", "c", "d", "e"].map(|text| Cell::Text(text.into())).into());
        let frame = Frame::new(5, vec![sparse, Series::Dense(text), Series::Dense(Column::Int64(vec![1, 2, 3, 4, 5]))]);
        assert_eq!(
            blocks(&frame, 2),
            [
                (
                    0,
                    vec![
                        "Float64([NaN, 0.5])".into(),
                        "Object([Text(\"a\"), Text(\"b\")])".into(),
                        "Int64([1, 2])".into()
                    ]
                ),
                (
                    2,
                    vec![
                        "Float64([NaN, NaN])".into(),
                        "Object([Text(\"c\"), Text(\"d\")])".into(),
                        "Int64([3, 4])".into()
                    ]
                ),
                (4, vec!["Float64([2.5])".into(), "Object([Text(\"e\")])".into(), "Int64([5])".into()]),
            ]
        );
        let whole = blocks(&frame, 100);
        assert_eq!(whole.len(), 1);
        assert_eq!(whole[0].1[0], "Float64([NaN, 0.5, NaN, NaN, 2.5])");
        assert_eq!(whole[0].1[0], format!("{:?}", frame.into_table().columns[0]));
    }

    #[test]
    fn a_block_says_which_columns_have_a_value_elsewhere() {
        let nulls = |last| Series::Dense(Column::Object(vec![Cell::Missing, Cell::None, last]));
        let frame = Frame::new(3, vec![nulls(Cell::Int(1)), nulls(Cell::Missing)]);
        let mut seen = Vec::new();
        let see = |block: Block<'_>| {
            seen.push(block.has_values.map(<[bool]>::to_vec));
            Ok(())
        };
        frame.each_block(2, see).unwrap();
        assert_eq!(seen, [Some(vec![true, false]), Some(vec![true, false])]);
    }
}
