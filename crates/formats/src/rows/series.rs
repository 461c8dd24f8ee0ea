//! One column of a frame: a value for each row, or for some rows.

use crate::error::Result;
use crate::rows::table::{Cell, Column};
use byoc_account::Allowance;
use std::borrow::Cow;
use std::ops::Range;

/// One column of a [`Frame`](crate::rows::Frame).
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Series<'a> {
    /// A value for each row.
    Dense(Column<'a>),
    /// Values for some rows, as `float64` or objects; missing in all other rows.
    Sparse {
        /// The rows that have a value, in ascending order, counted from 0.
        rows: Vec<u32>,
        /// The value of each.
        values: Column<'a>,
    },
}

/// The column with owned text.
pub(super) fn owned(column: Column<'_>, allowance: &Allowance) -> Result<Column<'static>> {
    if let Column::Object(cells) = &column {
        let text = |cell: &Cell<'_>| if let Cell::Text(Cow::Borrowed(text)) = cell { text.len() } else { 0 };
        allowance.take(cells.iter().map(text).sum())?;
    }
    Ok(column.into_owned())
}

impl Series<'_> {
    /// Whether any row has a value.
    pub(super) fn has_values(&self) -> bool {
        let (Series::Dense(values) | Series::Sparse { values, .. }) = self;
        match values {
            Column::Object(cells) => cells.iter().any(|cell| !matches!(cell, Cell::Missing | Cell::None)),
            Column::Float64(values) => values.iter().any(|value| !value.is_nan()),
            Column::Float32(values) => values.iter().any(|value| !value.is_nan()),
            Column::Int64(_) | Column::UInt64(_) | Column::Bool(_) => true,
        }
    }

    /// The values of some rows.
    pub(super) fn part(&self, rows: Range<usize>) -> Column<'_> {
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

/// A dense column with `values` in the rows `given`, and missing values in the others.
pub(super) fn spread<'a>(given: &[u32], values: Column<'a>, rows: Range<usize>) -> Column<'a> {
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
        // Sparse columns are of these two types only.
        other => other,
    }
}
