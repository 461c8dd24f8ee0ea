//! Fits a preprocessor: from a specification and rows to the attributes that scikit-learn 1.9 would have fitted.
//!
//! Rows come in chunks, in as many passes as a fit needs. In one pass, every transformer whose input is known learns;
//! each step of a sequence needs a separate pass. The fit of each class is in its folder of `transformers`, the tree of
//! fitted and learning transformers in `transformers::fitting`.

use crate::artifact::builder::LabelPosition;
use crate::columns::fault::Fault;
use crate::columns::feature::Feature;
use crate::columns::origin::Origin;
use crate::document::{Document, Specification};
use crate::parameters::class::InputFeatures;
use crate::transformers::fitting::Node;
use crate::transformers::learn::FitInput;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::rows::table::{Column, Table};

use std::borrow::Cow;

/// Rows that can be read in several passes.
pub trait Rows {
    /// Goes over all rows from the first to the last, in chunks; every column has the same type in all of them.
    ///
    /// # Errors
    /// Errors of reading the rows, and those of `see` with the chunk's place.
    fn pass(&mut self, see: &mut dyn FnMut(Table<'_>) -> Result<()>) -> Result<()>;
}

/// A report of progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A pass over the rows begins: its number, from 1, and the transformers that learn in it.
    PassBegan(usize, Vec<&'static str>),
    /// The number of rows of the pass so far.
    Seen(u64),
    /// The pass ended, after this many rows.
    PassEnded(u64),
    /// A transformer keeps this number of columns in memory, for their quantiles.
    Kept(&'static str, usize),
}

/// Fits a specification to rows.
///
/// # Errors
/// [`Cause::BadSetting`] where the specification does not fit the columns, [`Cause::BadPayload`] where scikit-learn's
/// `fit` would raise, with the row and the column; and errors of reading the rows.
pub fn fit(specification: Specification, rows: &mut dyn Rows, tell: &mut dyn FnMut(Event)) -> Result<Document> {
    let label = specification.label();
    let names = specification.names.clone();
    let label_name = specification.label.clone();
    let mut root = Node::root(&specification.transformer, "transformer")?;
    let mut input: Option<FitInput> = None;
    let mut width = names.as_ref().map(Vec::len);
    if width.is_none() {
        // Their number is known after the first row.
        rows.pass(&mut |table| {
            width.get_or_insert(table.columns.len() - usize::from(label.is_some()).min(table.columns.len()));
            Ok(())
        })?;
    }
    let mut pass = 0;
    loop {
        let input = input.get_or_insert_with(|| FitInput {
            features: InputFeatures { count: width.unwrap_or(0), names: names.clone() },
            is_sparse: false,
        });
        root.prepare(input)?;
        let learning = root.learning();
        if learning.is_empty() {
            break;
        }
        pass += 1;
        tell(Event::PassBegan(pass, learning));
        let mut seen = 0;
        rows.pass(&mut |table| {
            let (count, placed) =
                (table.rows, Placed { label, names: names.as_deref(), label_name: label_name.as_deref() });
            let columns = placed.without_label(table, input.features.count)?;
            let features: Vec<Feature<'_, '_>> = columns
                .iter()
                .enumerate()
                .map(|(index, column)| Feature {
                    origin: Origin::column(index),
                    data: Cow::Borrowed(column),
                    has_values: false,
                    imputed: false,
                })
                .collect();
            root.see(&features, count).map_err(|fault| placed.error(fault))?;
            seen += count as u64;
            tell(Event::Seen(seen));
            Ok(())
        })?;
        if seen == 0 {
            return Err(Error::bad_payload("expected at least one row to fit on, found none"));
        }
        tell(Event::PassEnded(seen));
        let placed = Placed { label, names: names.as_deref(), label_name: label_name.as_deref() };
        root.settle(&mut |name, columns| tell(Event::Kept(name, columns))).map_err(|fault| placed.error(fault))?;
    }
    let fitted = root.into_fitted().ok_or_else(|| Error::new(Cause::Internal, "a transformer was not fitted"))?;
    Ok(specification.fitted(fitted))
}

/// Which columns a row has.
#[derive(Clone, Copy)]
struct Placed<'n> {
    label: Option<LabelPosition>,
    names: Option<&'n [String]>,
    label_name: Option<&'n str>,
}

impl Placed<'_> {
    /// The columns of the features of a chunk. Rows may come with their label, if there is one, or without.
    fn without_label<'a>(&self, table: Table<'a>, expected: usize) -> Result<Vec<Column<'a>>> {
        let Table { mut columns, .. } = table;
        let found = columns.len();
        match self.label {
            _ if found == expected => {}
            Some(LabelPosition::First) if found == expected + 1 => drop(columns.remove(0)),
            Some(LabelPosition::Last) if found == expected + 1 => drop(columns.pop()),
            _ => {
                let names = self.names.unwrap_or_default();
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let names = crate::artifact::builder::list_names(&names);
                let label = match (self.label, self.label_name) {
                    (Some(LabelPosition::First), Some(label)) => format!(" and the label {label} first"),
                    (Some(LabelPosition::Last), Some(label)) => format!(" and the label {label} last"),
                    _ => String::new(),
                };
                let message = format!("expected rows of {expected} columns ({names}){label}, found {found} in all");
                return Err(Error::bad_payload(message));
            }
        }
        Ok(columns)
    }

    fn error(&self, fault: Fault) -> Error {
        let name = |origin: Origin| self.names.and_then(|names| names.get(origin.index()?));
        let is_own_name = fault.text().is_some_and(|text| name(fault.origin()).is_some_and(|name| name == text));
        let fault = match is_own_name {
            true => fault.explained("it is the column's own name, so this looks like a header line, which is not data"),
            false => fault,
        };
        fault.into_error(|origin| {
            let column = origin.index()? + 1 + usize::from(self.label == Some(LabelPosition::First));
            Some((column, name(origin).cloned()))
        })
    }
}

#[cfg(test)]
#[path = "fit_test.rs"]
mod fit_test;
