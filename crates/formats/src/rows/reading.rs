//! How the cells of a column are read, where somebody says more of it than its cells do.

use crate::error::{Error, Place};
use crate::media_types::csv::MissingTexts;
use crate::rows::table::Schema;
use std::fmt;

/// How the cells of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The type of the column, whatever its cells look like. Where none is said, the cells of a body decide together.
    pub dtype: Option<ReadAs>,
    /// Which texts of CSV are missing values.
    pub missing: MissingTexts,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading { dtype: None, missing: MissingTexts::NEWEST }
    }
}

/// A type that a column is read as: `pandas.read_csv(dtype=…)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadAs {
    /// Text as it is written; what is missing stays missing.
    Str,
    /// Numbers; what is missing is NaN.
    Float64,
    /// Whole numbers, none of them missing.
    Int64,
    /// Truths, none of them missing.
    Bool,
}

impl ReadAs {
    /// All of them.
    pub const ALL: [ReadAs; 4] = [ReadAs::Str, ReadAs::Float64, ReadAs::Int64, ReadAs::Bool];

    /// As pandas spells it.
    pub const fn name(self) -> &'static str {
        match self {
            ReadAs::Str => "str",
            ReadAs::Float64 => "float64",
            ReadAs::Int64 => "int64",
            ReadAs::Bool => "bool",
        }
    }

    /// The type of a name.
    pub fn from_name(name: &str) -> Option<ReadAs> {
        ReadAs::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// The type that somebody may have meant who wrote another of pandas' or Python's names.
    pub fn near(name: &str) -> Option<ReadAs> {
        let name = name.to_ascii_lowercase();
        match name.as_str() {
            "o" | "object" | "string" | "text" | "category" | "unicode" | "varchar" => Some(ReadAs::Str),
            _ if name.starts_with("float") || name == "double" || name == "number" => Some(ReadAs::Float64),
            _ if name.starts_with("int") || name.starts_with("uint") || name == "long" => Some(ReadAs::Int64),
            _ if name.starts_with("str") => Some(ReadAs::Str),
            _ if name.starts_with("bool") || name == "truth" => Some(ReadAs::Bool),
            _ => None,
        }
    }

    /// What a cell has to be.
    const fn expected(self) -> &'static str {
        match self {
            ReadAs::Str => "text",
            ReadAs::Float64 => "a number",
            ReadAs::Int64 => "a whole number",
            ReadAs::Bool => "True or False",
        }
    }

    /// The error of a cell that is not of the type.
    pub(crate) fn refused(self, found: &str, pandas: impl fmt::Display) -> Error {
        Error::bad_payload(format!(
            "expected {}, since the column is read as {}, found {found}; pandas says: {pandas}",
            self.expected(),
            self.name()
        ))
    }
}

/// Where a cell stands: its row counted from 0, and its column among `width` of a row.
pub(crate) fn cell_place(schema: &dyn Schema, row: usize, column: usize, width: usize) -> Place {
    let place = Place::cell(row + 1, column + 1);
    match column_name(schema, column, width) {
        Some(name) => place.named(name),
        None => place,
    }
}

/// The name of a column of a row that is so wide: with its label, or without.
pub fn column_name(schema: &dyn Schema, column: usize, width: usize) -> Option<String> {
    let names = schema.names();
    let index = match schema.label() {
        Some(label) if width + 1 == names.len() => column + usize::from(column >= label),
        _ if width == names.len() => column,
        _ => return None,
    };
    names.get(index).map(|name| (*name).to_owned())
}
