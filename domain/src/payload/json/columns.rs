//! JSON rows into typed columns, as pandas types a list of lists of Python values.

use super::instance::{Rows, Scalar};
use crate::error::{Error, Place, Result};
use crate::payload::shown;
use crate::payload::table::{Cell, Column, Schema, Table, sparse_row};
use std::collections::HashMap;

/// Columns that grow row by row and widen their type when a value asks for it.
///
/// Integers make `int64` (`uint64` above its range), a fraction or a `null` among numbers makes `float64` with NaN for the
/// `null`, booleans alone make `bool`, and anything else makes `object`.
pub(in crate::payload) struct Columns<'a, 'c> {
    schema: &'c dyn Schema,
    columns: Vec<Column<'a>>,
    rows: usize,
    /// How many values the open row has so far.
    open: usize,
    named: Option<Named<'a, 'c>>,
}

/// How many columns are taken on trust before the first row has ended.
const UNCHECKED: usize = 4096;

/// A null among numbers, until it is known that its column has no text: a NaN that no body spells.
const NULL: f64 = f64::from_bits(f64::NAN.to_bits() | 1);

/// How many names an error lists.
const MOST_LISTED: usize = 10;

/// What rows that name their values need; made for the first of them.
struct Named<'a, 'c> {
    columns: HashMap<&'c str, usize>,
    names: Vec<&'c str>,
    label: Option<usize>,
    /// The open row's values, where they belong.
    values: Vec<Option<Scalar<'a>>>,
    /// Which columns had a value in some row.
    seen: Vec<bool>,
    /// The first few names that are no columns, for errors.
    unknown: Vec<String>,
}

impl Named<'_, '_> {
    /// What a message adds of names that are no columns.
    fn unknown(&self) -> String {
        match self.unknown.as_slice() {
            [] => String::new(),
            [name] => format!("; {name} is no column of the model"),
            names => format!("; {} are no columns of the model", names.join(", ")),
        }
    }
}

impl<'a, 'c> Columns<'a, 'c> {
    /// No columns yet; the schema is asked at the end of the first row, or when it has grown suspiciously long.
    pub(in crate::payload) fn new(schema: &'c dyn Schema) -> Columns<'a, 'c> {
        Columns { schema, columns: Vec::new(), rows: 0, open: 0, named: None }
    }

    /// The table that was read.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] where rows name their values and none of them has one for some column: pandas
    /// would not make that column, and scikit-learn would miss it.
    pub(in crate::payload) fn finish(self) -> Result<Table<'a>> {
        if let Some(named @ Named { names, label, seen, .. }) = &self.named {
            let is_missing =
                |(index, name): &(usize, &&str)| !seen[*index] && Some(*index) != *label && self.schema.uses(name);
            let missing: Vec<&str> = names.iter().enumerate().filter(is_missing).map(|(_, name)| *name).collect();
            if !missing.is_empty() {
                let more = if missing.len() > MOST_LISTED { ", ..." } else { "" };
                let listed: Vec<_> = missing.into_iter().take(MOST_LISTED).collect();
                return Err(Error::bad_payload(format!(
                    "expected a value for each column in some row, found none for {}{more}{}",
                    listed.join(", "),
                    named.unknown()
                )));
            }
        }
        let mut columns = self.columns;
        for column in &mut columns {
            if let Column::Float64(values) = column {
                values.iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = f64::NAN);
            }
        }
        Ok(Table { rows: self.rows, columns })
    }

    fn named(&mut self) -> &mut Named<'a, 'c> {
        let (schema, rows) = (self.schema, self.rows);
        self.named.get_or_insert_with(|| {
            let names = schema.names();
            let columns = names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
            let (values, unknown) = (names.iter().map(|_| None).collect(), Vec::new());
            // Rows before this one gave all their values by position.
            let seen = vec![rows > 0; names.len()];
            Named { columns, names, label: schema.label(), values, seen, unknown }
        })
    }
}

impl<'de> Rows<'de> for Columns<'de, '_> {
    fn value(&mut self, value: Scalar<'de>) -> Result<()> {
        match self.columns.get_mut(self.open) {
            Some(column) => push(column, value),
            None if self.rows == 0 => {
                if self.open >= UNCHECKED {
                    self.schema
                        .check_width(self.open + 1)
                        .map_err(|error| error.context(format!("a row of more than {UNCHECKED} columns")))?;
                }
                self.columns.push(first(value));
            }
            // Too many: counted here, refused at the end of the row.
            None => {}
        }
        self.open += 1;
        Ok(())
    }

    fn key(&mut self, _key: u64) -> Result<()> {
        Err(sparse_row())
    }

    fn end_dense(&mut self) -> Result<()> {
        if let Some(named) = &mut self.named {
            // What an instance names beside its features is not looked at; the features have a value for each column.
            named.values.fill(None);
            named.seen.fill(true);
        }
        self.end_row()
    }

    fn end_sparse(&mut self, _shape: Option<u64>) -> Result<()> {
        Err(sparse_row())
    }

    fn column(&mut self, name: &str) -> Option<usize> {
        let named = self.named();
        let column = named.columns.get(name).copied();
        if column.is_none() && named.unknown.len() < MOST_LISTED && !named.unknown.iter().any(|known| known == name) {
            named.unknown.push(shown(name.as_bytes()));
        }
        column
    }

    fn named_value(&mut self, column: usize, value: Scalar<'de>) -> Result<()> {
        if let Some(slot) = self.named().values.get_mut(column) {
            *slot = Some(value);
        }
        Ok(())
    }

    fn end_named(&mut self) -> Result<()> {
        let named = self.named();
        if named.values.iter().all(Option::is_none) {
            return Err(Error::bad_payload(match named.names.as_slice() {
                [] => {
                    "expected an instance such as {\"features\": [1.5, 16.0]}, found an object without features (the \
                       model's columns have no names)"
                        .to_owned()
                }
                [name, ..] => format!(
                    "expected an instance such as {{\"features\": [1.5, 16.0]}} or {{{name:?}: 1.5, ...}}, found an object \
                     without features and without a column of the model{}",
                    named.unknown()
                ),
            }));
        }
        let label = named.label;
        let values = std::mem::take(&mut named.values);
        named.values = values.iter().map(|_| None).collect();
        for (index, value) in values.iter().enumerate() {
            named.seen[index] |= value.is_some();
        }
        for (index, value) in values.into_iter().enumerate() {
            match value {
                Some(value) => self.value(value)?,
                // A row without its label is one column shorter.
                None if Some(index) == label => {}
                None => self.value(Scalar::Missing)?,
            }
        }
        self.end_row()
    }
}

impl Columns<'_, '_> {
    fn end_row(&mut self) -> Result<()> {
        if self.rows == 0 {
            self.schema.check_width(self.open)?;
        }
        self.rows += 1;
        let (expected, found) = (self.columns.len(), self.open);
        if expected != found {
            return Err(Error::bad_payload(format!("expected {expected} features as in row 1, found {found}"))
                .at(Place::row(self.rows)));
        }
        self.open = 0;
        Ok(())
    }
}

fn first(value: Scalar<'_>) -> Column<'_> {
    match value {
        Scalar::Int(value) => Column::Int64(vec![value]),
        Scalar::UInt(value) => Column::UInt64(vec![value]),
        Scalar::Float(value) => Column::Float64(vec![value]),
        Scalar::Bool(value) => Column::Bool(vec![value]),
        Scalar::Missing | Scalar::Null | Scalar::Text(_) => Column::Object(vec![cell(value)]),
    }
}

fn push<'a>(column: &mut Column<'a>, value: Scalar<'a>) {
    match (&mut *column, value) {
        (Column::Int64(values), Scalar::Int(value)) => values.push(value),
        (Column::UInt64(values), Scalar::UInt(value)) => values.push(value),
        (Column::UInt64(values), Scalar::Int(value)) if value >= 0 => values.push(value.unsigned_abs()),
        (Column::Float64(values), Scalar::Float(value)) => values.push(value),
        (Column::Float64(values), Scalar::Int(value)) => values.push(value as f64),
        (Column::Float64(values), Scalar::UInt(value)) => values.push(value as f64),
        (Column::Float64(values), Scalar::Missing) => values.push(f64::NAN),
        (Column::Float64(values), Scalar::Null) => values.push(NULL),
        (Column::Bool(values), Scalar::Bool(value)) => values.push(value),
        (Column::Object(cells), value @ (Scalar::Missing | Scalar::Null | Scalar::Text(_))) => cells.push(cell(value)),
        (_, value) => {
            widen(column, &value);
            match (column, value) {
                (Column::Object(cells), value) => cells.push(cell(value)),
                (column, value) => push(column, value),
            }
        }
    }
}

/// Gives the column the narrowest type that also holds `value`, which its own type does not.
fn widen<'a>(column: &mut Column<'a>, value: &Scalar<'a>) {
    let numeric = matches!(value, Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_) | Scalar::Null | Scalar::Missing);
    *column = match std::mem::replace(column, Column::Object(Vec::new())) {
        Column::Int64(values) if matches!(value, Scalar::UInt(_)) && values.iter().all(|&value| value >= 0) => {
            Column::UInt64(values.into_iter().map(i64::unsigned_abs).collect())
        }
        Column::Int64(values) if numeric => Column::Float64(values.into_iter().map(|value| value as f64).collect()),
        Column::UInt64(values) if numeric => Column::Float64(values.into_iter().map(|value| value as f64).collect()),
        // Nothing but nulls so far; they take the type of the first value.
        Column::Object(cells) if numeric && cells.iter().all(|cell| matches!(cell, Cell::None | Cell::Missing)) => {
            Column::Float64(cells.iter().map(|cell| if *cell == Cell::None { NULL } else { f64::NAN }).collect())
        }
        Column::Int64(values) => Column::Object(values.into_iter().map(Cell::Int).collect()),
        Column::UInt64(values) => Column::Object(values.into_iter().map(|value| cell(Scalar::UInt(value))).collect()),
        Column::Float64(values) => {
            let is_null = |value: f64| value.to_bits() == NULL.to_bits();
            Column::Object(
                values
                    .into_iter()
                    .map(|value| if is_null(value) { Cell::None } else { cell(Scalar::Float(value)) })
                    .collect(),
            )
        }
        Column::Float32(values) => Column::Object(values.into_iter().map(|value| Cell::Float(value.into())).collect()),
        Column::Bool(values) => Column::Object(values.into_iter().map(Cell::Bool).collect()),
        column @ Column::Object(_) => column,
    };
}

fn cell(value: Scalar<'_>) -> Cell<'_> {
    match value {
        Scalar::Missing => Cell::Missing,
        Scalar::Null => Cell::None,
        Scalar::Bool(value) => Cell::Bool(value),
        Scalar::Int(value) => Cell::Int(value),
        Scalar::UInt(value) => i64::try_from(value).map_or(Cell::Float(value as f64), Cell::Int),
        Scalar::Float(value) if value.is_nan() => Cell::Missing,
        Scalar::Float(value) => Cell::Float(value),
        Scalar::Text(text) => Cell::Text(text),
    }
}
