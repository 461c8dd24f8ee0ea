//! Where in a body or a file something is wrong.

use super::shortened;
use std::fmt;

/// How many bytes of a column's name are kept.
pub(super) const MAX_NAME_LENGTH: usize = 256;

/// A position in a body or a file. Rows and columns count from 1, bytes from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The record, counted as the reader counts records (a quoted line break does not start a new one).
    pub row: Option<usize>,
    /// The column within the record.
    pub column: Option<usize>,
    /// The column's name, if it has one.
    pub name: Option<String>,
    /// The byte within the body or file.
    pub byte: Option<usize>,
}

impl Place {
    /// The place of a record, counted from 1.
    pub fn row(row: usize) -> Place {
        Place { row: Some(row), ..Place::default() }
    }

    /// The place of a cell, both counted from 1.
    pub fn cell(row: usize, column: usize) -> Place {
        Place { row: Some(row), column: Some(column), ..Place::default() }
    }

    /// The place of a byte, counted from 0.
    pub fn byte(byte: usize) -> Place {
        Place { byte: Some(byte), ..Place::default() }
    }

    /// The same place, with the byte.
    pub fn at_byte(mut self, byte: usize) -> Place {
        self.byte = Some(byte);
        self
    }

    /// The same place, with the column's name.
    pub fn named(mut self, name: impl Into<String>) -> Place {
        self.name = Some(shortened(name.into(), MAX_NAME_LENGTH));
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(row) = self.row {
            write!(f, "row {row}")?;
            separator = ", ";
        }
        if let Some(column) = self.column {
            write!(f, "{separator}column {column}")?;
            separator = ", ";
        }
        if let Some(name) = &self.name {
            if self.column.is_some() {
                write!(f, " ({name})")?;
            } else {
                write!(f, "{separator}column {name}")?;
                separator = ", ";
            }
        }
        if let Some(byte) = self.byte {
            write!(f, "{separator}byte {byte}")?;
        }
        Ok(())
    }
}
