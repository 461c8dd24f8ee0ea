//! What a model knows about its columns before it reads a body.

use crate::error::{Place, Result};
use crate::rows::reading::Reading;

/// What a model knows about its columns before a body is read: their number, so that a row that is far too wide takes
/// no memory, their names, and how their cells are read.
pub trait Schema {
    /// Checks the number of columns, as soon as the first row is read.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] with the number that was expected.
    fn check_width(&self, columns: usize) -> Result<()>;

    /// The names of all columns, the label's included; empty if the columns have no names.
    fn names(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Whether the model uses the column. Rows that name their values may leave out unused columns.
    fn uses(&self, _name: &str) -> bool {
        true
    }

    /// If the body is a piece of a larger one: the number of columns of the rows before it.
    fn width_before(&self) -> Option<usize> {
        None
    }

    /// The index of the label's name. Rows may come without the label.
    fn label(&self) -> Option<usize> {
        None
    }

    /// How the cells of a column are read. `column` counts from 0 in a row of `width` columns.
    fn reading(&self, _column: usize, _width: usize) -> Reading {
        Reading::default()
    }

    /// The end of a row at which an unnamed label is. Rows may lack it.
    fn unnamed_label(&self) -> Option<End> {
        None
    }
}

/// An end of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// Before all other columns.
    First,
    /// After all other columns.
    Last,
}

/// Columns without names.
impl<F: Fn(usize) -> Result<()>> Schema for F {
    fn check_width(&self, columns: usize) -> Result<()> {
        self(columns)
    }
}

/// The place of a cell for an error: row and column count from 0, and the row has `width` columns.
pub(crate) fn cell_place(schema: &dyn Schema, row: usize, column: usize, width: usize) -> Place {
    let place = Place::cell(row + 1, column + 1);
    match column_name(schema, column, width) {
        Some(name) => place.named(name),
        None => place,
    }
}

/// The name of a column, counted from 0, in a row of `width` columns, with or without the label.
pub fn column_name(schema: &dyn Schema, column: usize, width: usize) -> Option<String> {
    let names = schema.names();
    let index = match schema.label() {
        Some(label) if width + 1 == names.len() => column + usize::from(column >= label),
        _ if width == names.len() => column,
        _ => return None,
    };
    names.get(index).map(|name| (*name).to_owned())
}
