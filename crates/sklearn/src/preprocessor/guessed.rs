//! Checks which requests have the label that was guessed.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use byoc_formats::rows::table::{Cell, Column, ValueKind};

/// Whether requests had the label that was guessed, and whether others did not: their answers have different widths.
#[derive(Debug, Default)]
pub(crate) struct GuessedSoFar {
    with: AtomicBool,
    without: AtomicBool,
}

impl GuessedSoFar {
    /// Notes a request, and warns of the first that differs from those before.
    pub(crate) fn note(&self, is_label: bool, explain: impl Fn() -> Option<String>) {
        let (own, other) = if is_label { (&self.with, &self.without) } else { (&self.without, &self.with) };
        if !own.swap(true, Relaxed) && other.load(Relaxed) {
            log::warn!(
                "some requests have numbers in a column that was guessed to be the label and others have none there, \
                 so that some answers have the label and others do not: {}",
                explain().unwrap_or_default()
            );
        }
    }
}

/// Whether a column holds numbers, and at least one: a column of missing values is not a label.
pub(crate) fn has_numbers(column: &Column<'_>) -> bool {
    first_that_is_no_number(column).is_none() && ValueKind::of(column).is_some()
}

/// The first value of a column that is neither a number nor missing, among its values.
pub(crate) fn first_that_is_no_number(column: &Column<'_>) -> Option<usize> {
    match column {
        Column::Int64(_) | Column::UInt64(_) | Column::Float64(_) | Column::Float32(_) => None,
        Column::Bool(values) => (!values.is_empty()).then_some(0),
        Column::Object(cells) => {
            // In a column with text, pandas reads numbers as text too: name another cell.
            let is_word = |cell: &Cell<'_>| match cell {
                Cell::Text(text) => text.trim().parse::<f64>().is_err(),
                cell => matches!(cell, Cell::Bool(_)),
            };
            let word = cells.iter().position(is_word);
            word.or_else(|| cells.iter().position(|cell| matches!(cell, Cell::Text(_))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_numeric_if_it_has_a_number_and_otherwise_only_missing_values() {
        let object = |cells: &[Cell<'static>]| Column::Object(cells.to_vec());
        let text = || Cell::Text("7".into());
        for (column, expected) in [
            (Column::Int64(vec![0]), true),
            (Column::UInt64(vec![u64::MAX]), true),
            (Column::Float64(vec![f64::NAN, 1.5]), true),
            (Column::Float32(vec![f32::NAN, f32::INFINITY]), true),
            (object(&[Cell::None, Cell::Int(1)]), true),
            (object(&[Cell::Missing, Cell::Float(1.0)]), true),
            (Column::Float64(vec![f64::NAN, f64::NAN]), false),
            (Column::Float32(vec![f32::NAN]), false),
            (object(&[Cell::Missing, Cell::None]), false),
            (object(&[]), false),
            (Column::Bool(vec![true]), false),
            (object(&[Cell::Bool(true), Cell::Missing]), false),
            (object(&[Cell::Bool(true), Cell::Int(1)]), false),
            (object(&[text()]), false),
            (object(&[Cell::Int(1), text()]), false),
        ] {
            assert_eq!(has_numbers(&column), expected, "{column:?}");
        }
    }
}
