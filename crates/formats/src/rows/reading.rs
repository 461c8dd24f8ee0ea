//! How the cells of a column are read if `columns.json` or a flag sets it.

use crate::error::Error;
use crate::rows::missing_texts::MissingTexts;
use std::fmt;

/// How the cells of a column are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// The dtype of the column, whatever its cells look like. Without one, all cells of the body decide together.
    pub dtype: Option<ReadAs>,
    /// Which texts in CSV are missing values.
    pub missing: MissingTexts,
}

impl Default for Reading {
    fn default() -> Reading {
        Reading { dtype: None, missing: MissingTexts::NEWEST }
    }
}

/// A dtype that a column is read as, as in `pandas.read_csv(dtype=…)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadAs {
    /// Text as it is written; missing values stay missing.
    Str,
    /// Numbers; missing values are NaN.
    Float64,
    /// Whole numbers without missing values.
    Int64,
    /// `True` and `False`, without missing values.
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

    /// The dtype with this name.
    pub fn from_name(name: &str) -> Option<ReadAs> {
        ReadAs::ALL.into_iter().find(|dtype| dtype.name() == name)
    }

    /// The dtype that another name from pandas, Python or SQL probably means.
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

    /// The expected kind of cell, for messages.
    const fn expected(self) -> &'static str {
        match self {
            ReadAs::Str => "text",
            ReadAs::Float64 => "a number",
            ReadAs::Int64 => "a whole number",
            ReadAs::Bool => "True or False",
        }
    }

    /// The error for a cell that is not of the dtype; `pandas` is the message that pandas raises.
    pub(crate) fn refused(self, found: &str, pandas: impl fmt::Display) -> Error {
        Error::bad_payload(format!(
            "expected {}, since the column is read as {}, found {found}; pandas says: {pandas}",
            self.expected(),
            self.name()
        ))
    }
}
