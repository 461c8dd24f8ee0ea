//! The rows of a request to a linear model: `float32`, all of one width, each dense or sparse.
//!
//! Readers append values to the open row and close it; a row of another width is refused.

use crate::counted::counted;
use crate::error::{Error, Place, Result};
use byoc_account::{Allowance, LeasedGrowth as _};

/// Rows of `width` float32 features.
#[derive(Debug)]
pub struct Batch<'w> {
    /// Pays for the memory of the rows.
    allowance: &'w Allowance,
    width: usize,
    rows: usize,
    /// Dense values and the values of sparse rows, row after row.
    values: Vec<f32>,
    /// The column numbers of sparse rows, row after row; each below `width`.
    keys: Vec<u32>,
    /// Where each row ends. Empty while all rows are dense: row `i` then ends at `(i + 1) * width`.
    ends: Vec<RowEnd>,
}

/// The deadline is checked after this many rows.
const ROWS_BETWEEN_CHECKS: usize = 1024;

/// One row of a [`Batch`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Row<'a> {
    /// A value for each feature.
    Dense(&'a [f32]),
    /// Values for some features; all others are 0. The values of a column that occurs twice are added, as in scipy's
    /// compressed sparse rows.
    Sparse {
        /// The columns, counted from 0, each below the width.
        keys: &'a [u32],
        /// The value of each key.
        values: &'a [f32],
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct RowEnd {
    values: usize,
    /// `None` for a dense row.
    keys: Option<usize>,
}

impl<'w> Batch<'w> {
    /// An empty batch.
    pub fn new(width: usize, allowance: &'w Allowance) -> Batch<'w> {
        Batch { allowance, width, rows: 0, values: Vec::new(), keys: Vec::new(), ends: Vec::new() }
    }

    /// An empty batch with capacity for the first row of a body, but for no more values than the body can hold at two
    /// bytes each.
    pub(crate) fn for_body(width: usize, body: &[u8], allowance: &'w Allowance) -> Result<Batch<'w>> {
        let mut batch = Batch::new(width, allowance);
        batch.reserve(width.min(body.len() / 2 + 1))?;
        Ok(batch)
    }

    /// The number of features of each row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The number of rows.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The rows, in the order of the request.
    pub fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        let mut from = RowEnd { values: 0, keys: Some(0) };
        (0..self.rows).map(move |row| {
            let to = self.ends.get(row).copied().unwrap_or(RowEnd { values: from.values + self.width, keys: None });
            let values = self.values.get(from.values..to.values).unwrap_or_default();
            from.values = to.values;
            match to.keys {
                None => Row::Dense(values),
                Some(end) => {
                    let keys = self.keys.get(from.keys.unwrap_or(0)..end).unwrap_or_default();
                    from.keys = Some(end);
                    Row::Sparse { keys, values }
                }
            }
        })
    }

    /// The allowance that the memory of the rows is taken from.
    pub(crate) fn allowance(&self) -> &Allowance {
        self.allowance
    }

    /// Reserves capacity for more values: at most as many as the body can hold.
    pub(crate) fn reserve(&mut self, values: usize) -> Result<()> {
        Ok(self.values.reserve_exact_leased(values, self.allowance)?)
    }

    /// Appends a value to the open row, rounded from the parsed `float64` to `float32`.
    #[inline]
    pub(crate) fn push_value(&mut self, value: f64) -> Result<()> {
        // The model computes in float32.
        let rounded = value as f32;
        if !rounded.is_finite() {
            return Err(not_finite(value));
        }
        self.values.reserve_leased(1, self.allowance)?;
        self.values.push(rounded);
        Ok(())
    }

    /// Appends a column number to the open row.
    pub(crate) fn push_key(&mut self, key: u64) -> Result<()> {
        match u32::try_from(key) {
            Ok(key) if (key as usize) < self.width => {
                self.keys.reserve_leased(1, self.allowance)?;
                self.keys.push(key);
                Ok(())
            }
            _ => Err(Error::bad_payload(format!(
                "expected a key below the model's {} features (keys count from 0), found {key}",
                self.width
            ))),
        }
    }

    /// The number of values of the open row.
    pub(crate) fn open_values(&self) -> usize {
        let closed = self.ends.last().map_or(self.rows * self.width, |end| end.values);
        self.values.len() - closed
    }

    fn open_keys(&self) -> usize {
        self.keys.len() - self.ends.iter().rev().find_map(|end| end.keys).unwrap_or(0)
    }

    /// Closes the open row as a dense one.
    #[inline]
    pub(crate) fn end_dense(&mut self) -> Result<()> {
        let found = self.open_values();
        if found != self.width {
            return Err(self.wrong_width(found as u64));
        }
        self.end_row()?;
        if self.ends.is_empty() { Ok(()) } else { self.end_dense_among_sparse() }
    }

    #[cold]
    fn end_dense_among_sparse(&mut self) -> Result<()> {
        self.ends.reserve_leased(1, self.allowance)?;
        self.ends.push(RowEnd { values: self.values.len(), keys: None });
        Ok(())
    }

    /// Closes the open row as a sparse one. `shape` is the width that the row itself states.
    pub(crate) fn end_sparse(&mut self, shape: Option<u64>) -> Result<()> {
        if let Some(shape) = shape.filter(|&shape| shape != self.width as u64) {
            return Err(self.wrong_width(shape));
        }
        let (keys, values) = (self.open_keys(), self.open_values());
        if keys != values {
            return Err(Error::bad_payload(format!(
                "expected as many values as keys in a sparse row, found {} and {}",
                counted(keys, "key"),
                counted(values, "value")
            ))
            .at(Place::row(self.rows + 1)));
        }
        if self.ends.is_empty() {
            self.ends.reserve_leased(self.rows + 1, self.allowance)?;
            self.ends.extend((1..=self.rows).map(|row| RowEnd { values: row * self.width, keys: None }));
        }
        self.end_row()?;
        self.ends.reserve_leased(1, self.allowance)?;
        self.ends.push(RowEnd { values: self.values.len(), keys: Some(self.keys.len()) });
        Ok(())
    }

    fn end_row(&mut self) -> Result<()> {
        self.rows += 1;
        if self.rows.is_multiple_of(ROWS_BETWEEN_CHECKS) {
            self.allowance.check_time()?;
        }
        Ok(())
    }

    /// The allocated bytes.
    #[cfg(test)]
    pub(crate) fn capacity_in_bytes(&self) -> usize {
        self.values.capacity() * size_of::<f32>()
            + self.keys.capacity() * size_of::<u32>()
            + self.ends.capacity() * size_of::<RowEnd>()
    }

    /// Appends a dense row, rounded to float32 as [`Batch::push_value`] rounds.
    pub(crate) fn push_dense_row(&mut self, row: impl ExactSizeIterator<Item = f64> + Clone) -> Result<()> {
        if row.len() != self.width {
            return Err(self.wrong_width(row.len() as u64));
        }
        let start = self.values.len();
        self.values.reserve_leased(row.len(), self.allowance)?;
        self.values.extend(row.clone().map(|value| value as f32));
        let rounded = self.values.get(start..).unwrap_or_default();
        // The check without an early exit vectorizes; the column is searched only if it fails.
        if !rounded.iter().fold(true, |all, value| all & value.is_finite())
            && let Some((column, value)) = row.enumerate().find(|(_, value)| !(*value as f32).is_finite())
        {
            return Err(not_finite(value).at(Place::cell(self.rows + 1, column + 1)));
        }
        Batch::end_dense(self)
    }

    /// Appends a sparse row of width `width`, with as many values as keys.
    pub(crate) fn push_sparse_row(&mut self, width: u64, keys: &[u64], values: &[f32]) -> Result<()> {
        if width != self.width as u64 {
            return Err(self.wrong_width(width));
        }
        let row = self.rows + 1;
        for (&key, &value) in keys.iter().zip(values) {
            self.push_key(key).map_err(|error| error.at(Place::row(row)))?;
            self.push_value(value.into()).map_err(|error| error.at(Place::cell(row, key as usize + 1)))?;
        }
        Batch::end_sparse(self, Some(width))
    }

    fn wrong_width(&self, found: u64) -> Error {
        Error::bad_payload(format!("expected {}, found {found}", counted(self.width, "feature")))
            .at(Place::row(self.rows + 1))
    }
}

#[cold]
fn not_finite(value: f64) -> Error {
    Error::bad_payload(format!("expected a finite float32, found {value:e}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_and_sparse_rows_mix_in_one_batch_in_any_order() {
        let allowance = Allowance::unbounded();
        let dense = |batch: &mut Batch<'_>, values: [f64; 2]| {
            for value in values {
                batch.push_value(value).unwrap();
            }
            batch.end_dense().unwrap();
        };
        let sparse = |batch: &mut Batch<'_>, key, value| {
            batch.push_key(key).unwrap();
            batch.push_value(value).unwrap();
            batch.end_sparse(Some(2)).unwrap();
        };
        let mut batch = Batch::new(2, &allowance);
        dense(&mut batch, [1.0, 2.0]);
        sparse(&mut batch, 1, 3.0);
        dense(&mut batch, [4.0, 5.0]);
        batch.end_sparse(None).unwrap();
        sparse(&mut batch, 0, 6.0);
        let rows: Vec<_> = batch.rows().collect();
        assert_eq!(
            rows,
            [
                Row::Dense(&[1.0, 2.0]),
                Row::Sparse { keys: &[1], values: &[3.0] },
                Row::Dense(&[4.0, 5.0]),
                Row::Sparse { keys: &[], values: &[] },
                Row::Sparse { keys: &[0], values: &[6.0] },
            ]
        );
    }

    #[test]
    fn a_row_of_another_width_is_refused_with_its_number() {
        let allowance = Allowance::unbounded();
        let mut batch = Batch::new(1, &allowance);
        batch.push_value(1.0).unwrap();
        batch.end_dense().unwrap();
        batch.push_value(1.0).unwrap();
        batch.push_value(1.0).unwrap();
        assert_eq!(batch.end_dense().unwrap_err().to_string(), "row 2: expected 1 feature, found 2");
        assert_eq!(
            Batch::new(3, &allowance).end_sparse(Some(2000)).unwrap_err().to_string(),
            "row 1: expected 3 features, found 2000"
        );
    }

    #[test]
    fn values_beyond_float32_and_keys_beyond_the_width_are_refused() {
        let allowance = Allowance::unbounded();
        let mut batch = Batch::new(3, &allowance);
        for value in [f64::NAN, f64::INFINITY, 1e39] {
            assert!(batch.push_value(value).is_err(), "{value}");
        }
        for key in [3, u64::from(u32::MAX) + 1, u64::MAX] {
            assert!(batch.push_key(key).is_err(), "{key}");
        }
        batch.push_key(2).unwrap();
        assert_eq!(
            batch.end_sparse(None).unwrap_err().message(),
            "expected as many values as keys in a sparse row, found 1 key and 0 values"
        );
    }
}
