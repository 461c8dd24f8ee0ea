//! The content of an error apart from its cause.

use super::place::Place;
use super::remedy::Remedy;
use super::{MAX_MESSAGE_LENGTH, shortened};
use std::fmt;

/// The source of another error.
pub type Source = Box<dyn std::error::Error + Send + Sync + 'static>;

/// A message, the place in the data if there is one, the error that caused it, and a remedy if a setting would help.
///
/// [`Error`](super::Error) is these with a cause of this package; a program with its own causes puts the same
/// details under those.
#[derive(Debug)]
pub struct Details {
    pub(super) message: String,
    /// The file or other source of the data, printed before the place.
    origin: Option<String>,
    place: Option<Place>,
    source: Option<Source>,
    remedy: Option<Remedy>,
}

impl Details {
    /// Details with a message, which is cut in the middle if it is very long.
    pub fn new(message: impl Into<String>) -> Details {
        let message = shortened(message.into(), MAX_MESSAGE_LENGTH);
        Details { message, origin: None, place: None, source: None, remedy: None }
    }

    /// The message, without the place and the source.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Where in the data.
    pub fn place(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// The error that caused this one.
    pub fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }

    /// Sets the error that caused this one.
    pub fn caused_by(&mut self, source: impl Into<Source>) {
        self.source = Some(source.into());
    }

    /// Sets what a caller may set so that the error does not occur.
    pub fn remedied_by(&mut self, remedy: Remedy) {
        self.remedy = Some(remedy);
    }

    /// Takes the remedy out, for a program that puts it into words.
    pub fn take_remedy(&mut self) -> Option<Remedy> {
        self.remedy.take()
    }

    /// Puts `context: ` before the message; before the origin, if there is one.
    pub fn context(&mut self, context: impl fmt::Display) {
        let text = self.origin.as_mut().unwrap_or(&mut self.message);
        *text = shortened(format!("{context}: {text}"), MAX_MESSAGE_LENGTH);
    }

    /// Puts `origin: `, the file or other source of the data, before the place.
    pub fn within(&mut self, origin: impl fmt::Display) {
        if self.place.is_some() && self.origin.is_none() {
            self.origin = Some(shortened(origin.to_string(), MAX_MESSAGE_LENGTH));
        } else {
            self.context(origin);
        }
    }

    /// Puts `; advice` after the message.
    pub fn advice(&mut self, advice: impl fmt::Display) {
        self.message = shortened(format!("{}; {advice}", self.message), MAX_MESSAGE_LENGTH);
    }

    /// Adds a place. Parts that are set already stay; an empty place adds nothing.
    pub fn at(&mut self, place: Place) {
        if place == Place::default() {
            return;
        }
        let known = self.place.get_or_insert_with(Place::default);
        known.row = known.row.or(place.row);
        known.column = known.column.or(place.column);
        known.byte = known.byte.or(place.byte);
        if known.name.is_none() {
            known.name = place.name;
        }
    }

    /// Removes the place.
    pub fn without_place(&mut self) {
        self.place = None;
    }

    /// Moves the place of an error in a part of some data to its place in the whole: `rows` rows and `bytes` bytes
    /// further on.
    pub fn shifted(&mut self, rows: usize, bytes: usize) {
        if let Some(place) = &mut self.place {
            place.row = place.row.map(|row| row.saturating_add(rows));
            place.byte = place.byte.map(|byte| byte.saturating_add(bytes));
        }
    }
}

impl fmt::Display for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        match &self.place {
            Some(place) => write!(f, "{place}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}
