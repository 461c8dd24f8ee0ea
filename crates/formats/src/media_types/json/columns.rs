//! JSON rows into typed columns, with the dtypes that pandas gives a list of lists of Python values.

use super::reading::{Rows, Scalar};
use crate::error::{Error, Place, Result};
use crate::excerpt::excerpt;
use crate::media_types::sparse_row::sparse_row;
use crate::rows::Frame;
use crate::rows::convert::text_of;
use crate::rows::reading::ReadAs;
use crate::rows::schema::Schema;
use crate::rows::series::Series;
use crate::rows::table::{Cell, Column};
use crate::suggest;
use byoc_account::{Allowance, Exceeded, LeasedGrowth as _};
use std::borrow::Cow;
use std::collections::HashMap;

/// Columns that grow row by row and widen their type when a value asks for it.
///
/// Integers make `int64` (`uint64` above its range), a fraction or a `null` among numbers makes `float64` with NaN for
/// the `null`, booleans alone make `bool`, and anything else makes `object`. A value that a row omits takes no memory.
/// A column has the dtype that the schema sets for it.
pub(crate) struct Columns<'a, 'c> {
    schema: &'c dyn Schema,
    allowance: &'c Allowance,
    columns: Vec<Growing<'a>>,
    rows: usize,
    /// The number of values of the open row so far.
    open: usize,
    /// The label's column, until a row names it. If no row names it, the rows have no label; if some rows do, it is
    /// missing in the others.
    unnamed_label: Option<usize>,
    named: Option<Named<'a, 'c>>,
}

/// One column so far.
struct Growing<'a> {
    values: Column<'a>,
    /// Whether all values are nulls so far; they take the dtype of the first value.
    only_nulls: bool,
    /// The rows of the values, once a row has no value.
    rows: Option<Vec<u32>>,
    /// The dtype that the schema sets; known once the first row has ended.
    dtype: Option<ReadAs>,
}

/// The number of columns that are accepted before the first row has ended.
const UNCHECKED: usize = 4096;

/// A null among numbers, until it is known that its column has no text: a NaN that no body spells.
const NULL: f64 = f64::from_bits(f64::NAN.to_bits() | 1);

/// The number of names that an error lists.
const MAX_LISTED: usize = 10;

/// The memory of the index for each name.
const NAME_BYTES: usize = 64;

/// The state for rows that name their values; created for the first such row.
struct Named<'a, 'c> {
    columns: HashMap<&'c str, usize>,
    names: Vec<&'c str>,
    label: Option<usize>,
    /// The open row's values, each with its name's place.
    values: Vec<(usize, Scalar<'a>)>,
    /// The position of each name in `values`, counted from 1; 0 if the open row does not have it yet.
    places: Vec<u32>,
    /// Which columns had a value in some row.
    seen: Vec<bool>,
    /// The first few names that are not columns, for errors.
    unknown: Vec<String>,
}

impl Named<'_, '_> {
    /// The end of a message about names that are not columns.
    fn unknown(&self) -> String {
        // A column that has a value is not what a misspelled name means.
        let missing = self.names.iter().zip(&self.seen).filter(|(_, seen)| !**seen).map(|(name, _)| *name);
        let meant = self.unknown.iter().find_map(|name| suggest::nearest(name, missing.clone()));
        let meant = meant.map(|near| format!(": did you mean {near}?")).unwrap_or_default();
        match self.unknown.as_slice() {
            [] => String::new(),
            [name] => format!("; {name} is not a column of the model{meant}"),
            names => format!("; {} are not columns of the model{meant}", names.join(", ")),
        }
    }

    /// Forgets the open row's values.
    fn clear(&mut self) {
        for (name, _) in self.values.drain(..) {
            self.places[name] = 0;
        }
    }
}

impl<'a> Growing<'a> {
    fn new() -> Growing<'a> {
        Growing { values: Column::Object(Vec::new()), only_nulls: true, rows: None, dtype: None }
    }

    /// Appends the value of a row, which is not before the last one.
    fn push(&mut self, row: usize, value: Scalar<'a>, allowance: &Allowance) -> Result<(), Exceeded> {
        let value = if self.dtype == Some(ReadAs::Str) { as_text(value) } else { value };
        if self.rows.is_none() && self.values.len() < row {
            self.leave_out(allowance)?;
        }
        if let Some(rows) = &mut self.rows {
            rows.reserve_leased(1, allowance)?;
            rows.push(row as u32);
        }
        if let Scalar::Text(Cow::Owned(text)) = &value {
            allowance.take(text.len())?;
        }
        if self.values.is_empty() {
            return self.begin(value, allowance);
        }
        self.values.reserve_leased(1, allowance)?;
        let left = match (&mut self.values, value) {
            (Column::Int64(values), Scalar::Int(value)) => {
                values.push(value);
                None
            }
            (Column::UInt64(values), Scalar::UInt(value)) => {
                values.push(value);
                None
            }
            (Column::UInt64(values), Scalar::Int(value)) if value >= 0 => {
                values.push(value.unsigned_abs());
                None
            }
            (Column::Float64(values), value) => match as_float(&value) {
                Some(value) => {
                    values.push(value);
                    None
                }
                None => Some(value),
            },
            (Column::Bool(values), Scalar::Bool(value)) => {
                values.push(value);
                None
            }
            (Column::Object(cells), value @ (Scalar::Missing | Scalar::Null)) => {
                cells.push(cell(value));
                None
            }
            (Column::Object(cells), value) if !self.only_nulls || as_float(&value).is_none() => {
                self.only_nulls = false;
                cells.push(cell(value));
                None
            }
            (_, value) => Some(value),
        };
        let Some(value) = left else { return Ok(()) };
        widen(&mut self.values, &value, allowance)?;
        self.only_nulls = false;
        self.push_widened(value, allowance)
    }

    /// Sets the dtype that the schema has for the column, after its first row. As text, a value is printed as it is,
    /// not as it would be among the others.
    fn read_as(&mut self, dtype: ReadAs, allowance: &Allowance) -> Result<(), Exceeded> {
        self.dtype = Some(dtype);
        let value = match &self.values {
            Column::Int64(values) => values.first().map(|value| Scalar::Int(*value)),
            Column::UInt64(values) => values.first().map(|value| Scalar::UInt(*value)),
            Column::Float64(values) => values.first().map(|value| Scalar::Float(*value)),
            Column::Bool(values) => values.first().map(|value| Scalar::Bool(*value)),
            Column::Float32(_) | Column::Object(_) => None,
        };
        let Some(value) = value.filter(|_| dtype == ReadAs::Str) else { return Ok(()) };
        let text = as_text(value);
        if let Scalar::Text(text) = &text {
            allowance.take(text.len())?;
        }
        self.begin(text, allowance)
    }

    /// Takes the type of the first value. A number beside rows without one is a float.
    fn begin(&mut self, value: Scalar<'a>, allowance: &Allowance) -> Result<(), Exceeded> {
        allowance.take_items::<Cell<'_>>(1)?;
        self.only_nulls = matches!(value, Scalar::Missing | Scalar::Null);
        self.values = match (value, self.rows.is_some()) {
            (Scalar::Int(value), false) => Column::Int64(vec![value]),
            (Scalar::UInt(value), false) => Column::UInt64(vec![value]),
            (Scalar::Bool(value), false) => Column::Bool(vec![value]),
            (Scalar::Int(value), true) => Column::Float64(vec![value as f64]),
            (Scalar::UInt(value), true) => Column::Float64(vec![value as f64]),
            (Scalar::Float(value), _) => Column::Float64(vec![value]),
            (value, _) => Column::Object(vec![cell(value)]),
        };
        Ok(())
    }

    /// Appends a value that the column's type holds now.
    fn push_widened(&mut self, value: Scalar<'a>, allowance: &Allowance) -> Result<(), Exceeded> {
        self.values.reserve_leased(1, allowance)?;
        match (&mut self.values, value) {
            (Column::UInt64(values), Scalar::UInt(value)) => values.push(value),
            (Column::Float64(values), value) => values.push(as_float(&value).unwrap_or(f64::NAN)),
            (Column::Object(cells), value) => cells.push(cell(value)),
            // Nothing is widened to any other type.
            _ => {}
        }
        Ok(())
    }

    /// Notes that a row has no value here.
    fn leave_out(&mut self, allowance: &Allowance) -> Result<(), Exceeded> {
        let mut rows: Vec<u32> = Vec::new();
        rows.reserve_exact_leased(self.values.len(), allowance)?;
        rows.extend((0..).take(self.values.len()));
        self.rows = Some(rows);
        if !matches!(self.values, Column::Float64(_) | Column::Object(_)) {
            widen(&mut self.values, &Scalar::Missing, allowance)?;
        }
        Ok(())
    }

    /// The finished column of `rows` rows.
    fn finish(mut self, rows: usize, allowance: &Allowance) -> Result<Series<'a>, Exceeded> {
        if self.rows.is_none() && self.values.len() < rows {
            self.leave_out(allowance)?;
        }
        if let Column::Float64(values) = &mut self.values {
            values.iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = f64::NAN);
        }
        Ok(match self.rows {
            None => Series::Dense(self.values),
            Some(rows) => Series::Sparse { rows, values: self.values },
        })
    }
}

impl<'a, 'c> Columns<'a, 'c> {
    /// No columns yet; the schema is asked at the end of the first row, or when it has grown suspiciously long.
    pub(crate) fn new(schema: &'c dyn Schema, allowance: &'c Allowance) -> Columns<'a, 'c> {
        Columns { schema, allowance, columns: Vec::new(), rows: 0, open: 0, unnamed_label: None, named: None }
    }

    /// The rows that were read.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] where rows name their values and none of them has one for some column:
    /// pandas would not make that column, and scikit-learn would miss it.
    pub(crate) fn finish(mut self) -> Result<Frame<'a>> {
        // If earlier rows had it, it is missing in all of these.
        if self.unnamed_label.is_some() && self.schema.width_before() != Some(self.columns.len()) {
            self.leave_out_label();
            self.schema.check_width(self.columns.len())?;
        }
        if let Some(named @ Named { names, label, seen, .. }) = &self.named
            && self.rows > 0
        {
            let is_missing =
                |(index, name): &(usize, &&str)| !seen[*index] && Some(*index) != *label && self.schema.uses(name);
            let mut missing = names.iter().enumerate().filter(is_missing).map(|(_, name)| *name);
            let listed: Vec<&str> = missing.by_ref().take(MAX_LISTED).collect();
            if !listed.is_empty() {
                let more = if missing.next().is_some() { ", ..." } else { "" };
                return Err(Error::bad_payload(format!(
                    "expected a value for each column in some row, found none for {}{more}{}",
                    listed.join(", "),
                    named.unknown()
                )));
            }
        }
        let (width, capacity) = (self.columns.len(), self.columns.capacity());
        self.allowance.take_items::<Series<'_>>(width)?;
        let mut columns = Vec::with_capacity(width);
        for column in self.columns {
            columns.push(column.finish(self.rows, self.allowance)?);
        }
        self.allowance.give_back_items::<Growing<'_>>(capacity);
        Frame::new(self.rows, columns).with_dtypes(self.schema, self.allowance)
    }

    fn named(&mut self) -> Result<&mut Named<'a, 'c>> {
        let named = match self.named.take() {
            Some(named) => named,
            None => {
                let names = self.schema.names();
                self.allowance.take(names.len().saturating_mul(NAME_BYTES))?;
                let columns = names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
                let (places, values, unknown) = (vec![0; names.len()], Vec::new(), Vec::new());
                // Rows before this one gave all their values by position.
                let seen = vec![self.rows > 0; names.len()];
                Named { columns, names, label: self.schema.label(), values, places, seen, unknown }
            }
        };
        Ok(self.named.insert(named))
    }
}

impl<'de> Rows<'de> for Columns<'de, '_> {
    fn value(&mut self, value: Scalar<'de>) -> Result<()> {
        if self.open == 0 {
            // Values by position are where they are in rows like those before.
            self.leave_out_label();
        }
        if self.rows == 0 && self.open == self.columns.len() {
            if self.open >= UNCHECKED {
                self.schema
                    .check_width(self.open + 1)
                    .map_err(|error| error.context(format!("a row of more than {UNCHECKED} columns")))?;
            }
            self.columns.reserve_leased(1, self.allowance)?;
            self.columns.push(Growing::new());
        }
        // Excess values are counted here, and refused at the end of the row.
        if let Some(column) = self.columns.get_mut(self.open) {
            column.push(self.rows, value, self.allowance)?;
        }
        self.open += 1;
        Ok(())
    }

    fn key(&mut self, _key: u64) -> Result<()> {
        Err(sparse_row())
    }

    fn end_dense(&mut self) -> Result<()> {
        if let Some(named) = &mut self.named {
            // Other members beside `features` are ignored; the features have a value for each column.
            named.clear();
            named.seen.fill(true);
        }
        self.end_row()
    }

    fn end_sparse(&mut self, _shape: Option<u64>) -> Result<()> {
        Err(sparse_row())
    }

    fn column(&mut self, name: &str) -> Result<Option<usize>> {
        let named = self.named()?;
        let column = named.columns.get(name).copied();
        if column.is_none() && named.unknown.len() < MAX_LISTED && !named.unknown.iter().any(|known| known == name) {
            named.unknown.push(excerpt(name.as_bytes()));
        }
        Ok(column)
    }

    fn named_value(&mut self, name: usize, value: Scalar<'de>) -> Result<()> {
        let allowance = self.allowance;
        let named = self.named()?;
        let Some(place) = named.places.get_mut(name) else { return Ok(()) };
        match (*place as usize).checked_sub(1).and_then(|at| named.values.get_mut(at)) {
            // The last of several members with one name counts.
            Some((_, before)) => *before = value,
            None => {
                named.values.reserve_leased(1, allowance)?;
                named.values.push((name, value));
                *place = named.values.len() as u32;
            }
        }
        Ok(())
    }

    fn is_column(&mut self, name: &str) -> Result<bool> {
        Ok(self.named()?.columns.contains_key(name))
    }

    fn has_names(&self) -> bool {
        !self.schema.names().is_empty()
    }

    fn forget_names(&mut self) {
        if let Some(named) = &mut self.named {
            named.clear();
            named.unknown.clear();
        }
    }

    fn no_column(&self) -> Error {
        let Some(named) = &self.named else { return Error::bad_payload("expected columns of the model, found none") };
        let first = named.names.first().map_or(String::new(), |name| format!(" such as {name:?}"));
        Error::bad_payload(format!("expected columns of the model{first}, found none of them{}", named.unknown()))
    }

    fn begin_column(&mut self, column: usize) -> Result<()> {
        if self.columns.is_empty() {
            let names = self.named()?.names.len();
            self.columns.reserve_exact_leased(names, self.allowance)?;
            self.columns.resize_with(names, Growing::new);
            for (column, growing) in self.columns.iter_mut().enumerate() {
                growing.dtype = self.schema.reading(column, names).dtype;
            }
        }
        let named = self.named()?;
        match named.seen.get_mut(column) {
            Some(seen @ false) => *seen = true,
            _ => return Err(Error::bad_payload("expected each column once, found one twice")),
        }
        Ok(())
    }

    fn column_value(&mut self, column: usize, row: usize, value: Scalar<'de>) -> Result<()> {
        if row.is_multiple_of(ROWS_BETWEEN_CHECKS) {
            self.allowance.check_time()?;
        }
        match self.columns.get_mut(column) {
            Some(growing) => Ok(growing.push(row, value, self.allowance)?),
            None => Ok(()),
        }
    }

    fn end_columns(&mut self, rows: usize) -> Result<()> {
        let named = self.named()?;
        let label = named.label.filter(|label| named.seen.get(*label) == Some(&false));
        if let Some(label) = label.filter(|label| *label < self.columns.len()) {
            self.columns.remove(label);
        }
        self.rows = rows;
        if rows > 0 { self.schema.check_width(self.columns.len()) } else { Ok(()) }
    }

    fn allowance(&self) -> &Allowance {
        self.allowance
    }

    fn end_named(&mut self) -> Result<()> {
        let (row, allowance) = (self.rows, self.allowance);
        let named = self.named()?;
        if named.values.is_empty() {
            return Err(Error::bad_payload(match named.names.as_slice() {
                [] => {
                    "expected an instance such as {\"features\": [1.5, 16.0]}, found an object without features (the \
                       model's columns have no names)"
                        .to_owned()
                }
                [name, ..] => format!(
                    "expected an instance such as {{\"features\": [1.5, 16.0]}} or {{{name:?}: 1.5, ...}}, found an \
                     object without features and without a column of the model{}",
                    named.unknown()
                ),
            }));
        }
        let label = named.label;
        let has_label = label.is_some_and(|label| named.places.get(label) != Some(&0));
        let width = named.names.len();
        let mut values = std::mem::take(&mut named.values);
        for (name, _) in &values {
            named.places[*name] = 0;
            named.seen[*name] = true;
        }
        if row == 0 {
            self.columns.reserve_exact_leased(width, allowance)?;
            self.columns.resize_with(width, Growing::new);
            self.unnamed_label = label.filter(|_| !has_label);
            self.open = width;
            self.check_first_width()?;
        } else if has_label && self.unnamed_label.take().is_some() {
            self.schema.check_width(width)?;
        }
        // Rows that gave their values by position may have been one column shorter.
        let left_out = label.filter(|_| !has_label && self.columns.len() + 1 == width);
        self.open = width - usize::from(left_out.is_some());
        for (name, value) in values.drain(..) {
            let column = name - usize::from(left_out.is_some_and(|label| label < name));
            if let Some(column) = self.columns.get_mut(column) {
                column.push(row, value, allowance)?;
            }
        }
        if let Some(named) = &mut self.named {
            // The same memory for the next row.
            named.values = values;
        }
        self.end_row()
    }
}

impl Columns<'_, '_> {
    /// Removes the label's column if no row has named it so far: the rows have no label.
    fn leave_out_label(&mut self) {
        if let Some(label) = self.unnamed_label.take().filter(|label| *label < self.columns.len()) {
            self.columns.remove(label);
        }
    }

    /// Whether the model accepts rows as wide as the first. If the first row does not name its label, another one may.
    fn check_first_width(&self) -> Result<()> {
        let with_label = self.schema.check_width(self.open);
        match self.unnamed_label {
            None => with_label,
            Some(_) => {
                self.schema.check_width(self.open.saturating_sub(1)).or_else(|error| with_label.map_err(|_| error))
            }
        }
    }

    fn end_row(&mut self) -> Result<()> {
        if self.rows == 0 {
            self.check_first_width()?;
            for (column, growing) in self.columns.iter_mut().enumerate() {
                if let Some(dtype) = self.schema.reading(column, self.open).dtype {
                    growing.read_as(dtype, self.allowance)?;
                }
            }
        }
        self.rows += 1;
        let (expected, found) = (self.columns.len(), self.open);
        if expected != found {
            return Err(Error::bad_payload(format!("expected {expected} features as in row 1, found {found}"))
                .at(Place::row(self.rows)));
        }
        self.open = 0;
        if self.rows.is_multiple_of(ROWS_BETWEEN_CHECKS) {
            self.allowance.check_time()?;
        }
        Ok(())
    }
}

/// The deadline is checked after this many rows.
const ROWS_BETWEEN_CHECKS: usize = 1024;

/// A value as its text in CSV; missing values stay missing.
fn as_text(value: Scalar<'_>) -> Scalar<'_> {
    match value {
        Scalar::UInt(value) => Scalar::Text(Cow::Owned(value.to_string())),
        Scalar::Int(_) | Scalar::Float(_) | Scalar::Bool(_) => match text_of(cell(value)) {
            Cell::Text(text) => Scalar::Text(text),
            _ => Scalar::Missing,
        },
        value => value,
    }
}

/// A number or a null as a float; `None` for other values.
fn as_float(value: &Scalar<'_>) -> Option<f64> {
    match value {
        Scalar::Missing => Some(f64::NAN),
        Scalar::Null => Some(NULL),
        Scalar::Int(value) => Some(*value as f64),
        Scalar::UInt(value) => Some(*value as f64),
        Scalar::Float(value) => Some(*value),
        Scalar::Bool(_) | Scalar::Text(_) => None,
    }
}

/// Gives the column the narrowest type that also holds `value`, which its own type does not.
fn widen<'a>(column: &mut Column<'a>, value: &Scalar<'a>, allowance: &Allowance) -> Result<(), Exceeded> {
    // Both exist at the same time for a moment.
    let (length, before) = (column.len(), column.capacity_in_bytes());
    allowance.take_items::<Cell<'_>>(length)?;
    let numeric = as_float(value).is_some();
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
    allowance.give_back((before + length * size_of::<Cell<'_>>()).saturating_sub(column.capacity_in_bytes()));
    Ok(())
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
