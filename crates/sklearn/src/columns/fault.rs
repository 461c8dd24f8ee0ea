//! Errors of values in the transformers.

use crate::columns::origin::Origin;
use byoc_formats::error::{Error, Place, Remedy};

/// A value that a transformer refuses, with the column of the request from which it came.
#[derive(Debug)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Debug)]
struct Inner {
    message: String,
    origin: Origin,
    row: Option<usize>,
    /// The text of a cell that could not be read as a number.
    text: Option<Box<str>>,
    /// What a caller may set so that the value is read differently.
    remedy: Option<Remedy>,
}

impl Fault {
    /// A fault of the request as a whole.
    pub(crate) fn new(message: impl Into<String>) -> Fault {
        Fault(Box::new(Inner { message: message.into(), origin: Origin::NONE, row: None, text: None, remedy: None }))
    }

    /// A fault of a column.
    pub(crate) fn of_column(origin: Origin, message: impl Into<String>) -> Fault {
        Fault(Box::new(Inner { message: message.into(), origin, row: None, text: None, remedy: None }))
    }

    /// A fault of one value; `row` counts from 0.
    pub(crate) fn of_value(origin: Origin, row: usize, message: impl Into<String>) -> Fault {
        Fault(Box::new(Inner { message: message.into(), origin, row: Some(row), text: None, remedy: None }))
    }

    /// A fault of a text that could not be read as a number; `row` counts from 0.
    pub(crate) fn of_text(origin: Origin, row: usize, text: &str, message: impl Into<String>) -> Fault {
        Fault(Box::new(Inner {
            message: message.into(),
            origin,
            row: Some(row),
            text: Some(text.into()),
            remedy: None,
        }))
    }

    /// The same fault with what a caller may set so that it does not occur.
    #[must_use]
    pub(crate) fn remedied_by(mut self, remedy: Remedy) -> Fault {
        self.0.remedy = Some(remedy);
        self
    }

    /// The column of the value.
    pub(crate) fn origin(&self) -> Origin {
        self.0.origin
    }

    /// The text of the cell, if it could not be read as a number.
    pub(crate) fn text(&self) -> Option<&str> {
        self.0.text.as_deref()
    }

    /// The same fault with `: explanation` after its message.
    #[must_use]
    pub(crate) fn explained(mut self, explanation: &str) -> Fault {
        self.0.message = format!("{}: {explanation}", self.0.message);
        self
    }

    /// A fault in some rows as a fault in the whole body: `rows` rows further on.
    #[must_use]
    pub(crate) fn shifted(mut self, rows: usize) -> Fault {
        self.0.row = self.0.row.map(|row| row + rows);
        self
    }

    /// The error for the caller; `column` turns an origin into the column's number in the request,
    /// counted from 1, and its name.
    pub(crate) fn into_error(self, column: impl Fn(Origin) -> Option<(usize, Option<String>)>) -> Error {
        let column = column(self.0.origin);
        let place = Place {
            row: self.0.row.map(|row| row + 1),
            column: column.as_ref().map(|(number, _)| *number),
            name: column.and_then(|(_, name)| name),
            byte: None,
        };
        let error = Error::bad_payload(self.0.message);
        let error = match self.0.remedy {
            Some(remedy) => error.remedied_by(remedy),
            None => error,
        };
        if place == Place::default() { error } else { error.at(place) }
    }
}
