//! The records of a request as rows. Labels, names and metadata beside the features are ignored.

use super::frame::BodyFrames;
use super::record::{Cells, Element, Number, Record};
use crate::error::{Error, Place, Result};
use crate::media_types::sparse_row::sparse_row;
use crate::rows::Batch;
use crate::rows::schema::Schema;
use crate::rows::table::{Column, Table};
use byoc_account::{Allowance, LeasedGrowth as _};

/// Reads float32 rows of `width` features, dense and sparse as they come.
pub(super) fn read_batch<'w>(body: &[u8], width: usize, allowance: &'w Allowance) -> Result<Batch<'w>> {
    let mut batch = Batch::for_body(width, body, allowance)?;
    for_each_record(body, allowance, |record: &Record| match record.features.cells()? {
        Cells::Dense(values) => batch.push_dense_row(values.iter().map(|&value| value.into())),
        Cells::Sparse { width, keys, values } => batch.push_sparse_row(width, keys, values),
    })?;
    Ok(batch)
}

/// Reads columns with the types that numpy gives the numbers in Python: `int64` if all are integers, else `float64`,
/// once the schema has accepted the number of columns.
///
/// # Errors
/// [`crate::error::Cause::BadPayload`] with the record, counted from 1, and the byte where it begins: bad frames or
/// messages, records of different length, sparse ones, none at all.
pub(super) fn read_table<'a>(body: &[u8], schema: &dyn Schema, allowance: &Allowance) -> Result<Table<'a>> {
    let mut columns: Vec<Vec<f64>> = Vec::new();
    let mut all_integers = true;
    let mut rows = 0;
    for_each_record(body, allowance, |record: &Record<f64>| {
        let Cells::Dense(values) = record.features.cells()? else { return Err(sparse_row()) };
        if rows == 0 {
            schema.check_width(values.len())?;
            allowance.take_items::<Column<'_>>(values.len())?;
            columns = vec![Vec::new(); values.len()];
        }
        if columns.len() != values.len() {
            let (expected, found) = (columns.len(), values.len());
            return Err(Error::bad_payload(format!("expected {expected} features as in row 1, found {found}")));
        }
        rows += 1;
        all_integers &= record.features.element() == Some(Element::Int32);
        for (column, &value) in columns.iter_mut().zip(values) {
            column.reserve_leased(1, allowance)?;
            column.push(value);
        }
        Ok(())
    })?;
    let column = |values: Vec<f64>| match all_integers {
        true => Column::Int64(values.into_iter().map(|value| value as i64).collect()),
        false => Column::Float64(values),
    };
    Ok(Table { rows, columns: columns.into_iter().map(column).collect() })
}

/// The deadline is checked after this many records.
const ROWS_BETWEEN_CHECKS: usize = 1024;

/// The maximum memory for each byte of a record, in bytes: a varint of one byte becomes eight bytes, and the capacity
/// of a growing vector is up to twice its length.
const MAX_UNPACKED: usize = 16;

/// Reads one record after another. Errors have the position of their record; a body without a record is an error too.
fn for_each_record<N: Number>(
    body: &[u8],
    allowance: &Allowance,
    mut take: impl FnMut(&Record<N>) -> Result<()>,
) -> Result<()> {
    let mut frames = BodyFrames::new(body);
    let mut record = Record::default();
    let mut row = 0;
    loop {
        let place = Place::row(row + 1).at_byte(frames.offset());
        let mut read_next = || {
            let Some(payload) = frames.next_frame()? else { return Ok(false) };
            // A number or key of one byte takes eight bytes here.
            let capacity = record.capacity_in_bytes();
            let most = payload.len().saturating_mul(MAX_UNPACKED).saturating_sub(capacity);
            allowance.take(most)?;
            record.read(payload)?;
            allowance.give_back((most + capacity).saturating_sub(record.capacity_in_bytes()));
            if row % ROWS_BETWEEN_CHECKS == 0 {
                allowance.check_time()?;
            }
            take(&record).map(|()| true)
        };
        if !read_next().map_err(|error: Error| error.at(place))? {
            break;
        }
        row += 1;
    }
    match row {
        0 => Err(Error::bad_payload(
            "expected at least one record of application/x-recordio-protobuf, found an empty body",
        )),
        _ => Ok(()),
    }
}
