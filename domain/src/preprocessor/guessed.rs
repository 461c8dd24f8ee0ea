//! What requests had in a column that was guessed to be the label.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use crate::payload::table::{Cell, Column};

/// Whether requests had the label that was guessed, and whether others did not: their answers have different widths.
#[derive(Debug, Default)]
pub(super) struct GuessedSoFar {
    with: AtomicBool,
    without: AtomicBool,
}

impl GuessedSoFar {
    /// Notes a request, and warns of the first that is not as those before.
    pub(super) fn note(&self, is_label: bool, explain: impl Fn() -> Option<String>) {
        let (own, other) = if is_label { (&self.with, &self.without) } else { (&self.without, &self.with) };
        if !own.swap(true, Relaxed) && other.load(Relaxed) {
            log::warn!(
                "some requests have numbers in a column that was guessed to be the label and others have text there, so that \
                 some answers have the label and others do not: {}",
                explain().unwrap_or_default()
            );
        }
    }
}

/// The first value of a column that is neither a number nor missing, among its values.
pub(super) fn first_that_is_no_number(column: &Column<'_>) -> Option<usize> {
    match column {
        Column::Int64(_) | Column::UInt64(_) | Column::Float64(_) | Column::Float32(_) => None,
        Column::Bool(values) => (!values.is_empty()).then_some(0),
        Column::Object(cells) => {
            // Beside text numbers are text too, as pandas reads them: they are not the ones to name.
            let is_word = |cell: &Cell<'_>| match cell {
                Cell::Text(text) => text.trim().parse::<f64>().is_err(),
                cell => matches!(cell, Cell::Bool(_)),
            };
            let word = cells.iter().position(is_word);
            word.or_else(|| cells.iter().position(|cell| matches!(cell, Cell::Text(_))))
        }
    }
}
