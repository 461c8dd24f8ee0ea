//! The items of an array: their number is compared with the bytes of the body, then they are read in place.

use super::dtype::{ByteOrder, Dtype};
use super::header::Header;
use crate::error::{Error, Place, Result};
use crate::rows::Batch;
use byoc_account::Allowance;
use std::borrow::Cow;

/// Rows and columns of numbers, still as bytes.
pub(super) struct Array<'a> {
    pub(super) dtype: Dtype,
    pub(super) rows: usize,
    pub(super) columns: usize,
    layout: Layout,
    /// The bytes of each least significant first.
    items: Cow<'a, [u8]>,
    /// Where the items begin in the body.
    offset: usize,
    /// The dimensions that the rows and columns come from, for messages.
    origin: Origin,
}

/// Which items are adjacent.
#[derive(Clone, Copy)]
enum Layout {
    /// Those of a row (C).
    Rows,
    /// Those of a column (Fortran).
    Columns,
}

/// The dimensions of the array.
#[derive(Clone, Copy)]
enum Origin {
    OneDimension,
    TwoDimensions,
}

impl<'a> Array<'a> {
    /// Reads the header of a body, and checks that the rest of the body is the items, no more and no less.
    pub(super) fn open(body: &'a [u8], allowance: &Allowance) -> Result<Array<'a>> {
        let Header { dtype, fortran_order, shape, length } = Header::read(body)?;
        let (rows, columns, origin) = match *shape.as_slice() {
            [length] => (1, length, Origin::OneDimension),
            [rows, columns] => (rows, columns, Origin::TwoDimensions),
            _ => {
                return Err(Error::bad_payload(format!(
                    "expected an array of two dimensions, rows and columns, or of one, a single row; found {}",
                    shown_shape(&shape)
                ))
                .at(Place::byte(length)));
            }
        };
        // The header could claim any number of rows without columns.
        if columns == 0 {
            return Err(Error::bad_payload(format!(
                "expected columns, found an array of shape {}",
                shown_shape(&shape)
            ))
            .at(Place::byte(length)));
        }
        let items = body.get(length..).unwrap_or_default();
        let expected = rows.checked_mul(columns).and_then(|count| count.checked_mul(dtype.kind.size()));
        if expected != Some(items.len()) {
            let expected = expected.map_or("more bytes than there can be".to_owned(), |bytes| format!("{bytes} bytes"));
            return Err(Error::bad_payload(format!(
                "expected {expected} after the header, for an array of shape {} and {} bytes an item, found {}",
                shown_shape(&shape),
                dtype.kind.size(),
                items.len()
            ))
            .at(Place::byte(length)));
        }
        let items = match dtype.order {
            ByteOrder::Little => Cow::Borrowed(items),
            ByteOrder::Big => {
                allowance.take(items.len())?;
                Cow::Owned(items.chunks(dtype.kind.size()).flat_map(|item| item.iter().rev()).copied().collect())
            }
        };
        let layout = if fortran_order { Layout::Columns } else { Layout::Rows };
        Ok(Array { dtype, rows, columns, layout, items, offset: length, origin })
    }

    /// Checks the number of columns.
    pub(super) fn check_width(&self, check: impl Fn(usize) -> Result<()>) -> Result<()> {
        check(self.columns).map_err(|error| {
            let error = error.at(Place::row(1).at_byte(self.offset));
            match self.origin {
                Origin::TwoDimensions => error,
                Origin::OneDimension => {
                    error.context("an array of one dimension is one row (several rows of one column: reshape(-1, 1))")
                }
            }
        })
    }

    /// Appends the rows to a batch, each item by way of `convert`, which is given its bytes least significant first.
    pub(super) fn each_row<const N: usize>(&self, convert: impl Fn([u8; N]) -> f64, batch: &mut Batch) -> Result<()> {
        let (items, _) = self.items.as_chunks::<N>();
        for row in 0..self.rows {
            let pushed = match self.layout {
                Layout::Rows => {
                    let items = items.get(row * self.columns..).and_then(|rest| rest.get(..self.columns));
                    batch.push_dense_row(items.unwrap_or_default().iter().map(|bytes| convert(*bytes)))
                }
                Layout::Columns => {
                    // Only the length of the row is used here; each item is looked up.
                    let item =
                        |column: usize| items.get(column * self.rows + row).map_or(f64::NAN, |bytes| convert(*bytes));
                    batch.push_dense_row((0..self.columns).map(item))
                }
            };
            pushed.map_err(|error| self.with_byte(error, row))?;
        }
        Ok(())
    }

    /// An error about a cell, with the byte of its item.
    fn with_byte(&self, error: Error, row: usize) -> Error {
        let column = error.place().and_then(|place| place.column).unwrap_or(1).saturating_sub(1);
        let index = match self.layout {
            Layout::Rows => row * self.columns + column,
            Layout::Columns => column * self.rows + row,
        };
        error.at(Place::byte(self.offset + index * self.dtype.kind.size()))
    }

    /// One column, each item by way of `convert`, which is given its bytes least significant first.
    pub(super) fn column<const N: usize, T>(&self, column: usize, convert: impl Fn([u8; N]) -> T) -> Vec<T> {
        let (items, _) = self.items.as_chunks::<N>();
        let (first, step) = match self.layout {
            Layout::Rows => (column, self.columns),
            Layout::Columns => (column * self.rows, 1),
        };
        let rest = items.get(first..).unwrap_or_default();
        rest.iter().step_by(step).take(self.rows).map(|bytes| convert(*bytes)).collect()
    }
}

/// A shape as Python writes it.
pub(super) fn shown_shape(shape: &[usize]) -> String {
    match shape {
        [length] => format!("({length},)"),
        shape => {
            let lengths: Vec<_> = shape.iter().map(ToString::to_string).collect();
            format!("({})", lengths.join(", "))
        }
    }
}
