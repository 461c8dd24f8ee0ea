//! The records of a request as rows. Labels, names and metadata beside the features are not looked at.

use super::frame::BodyFrames;
use super::record::{Cells, Element, Number, Record};
use crate::error::{Error, Place, Result};
use crate::payload::Batch;
use crate::payload::table::{Column, Schema, Table, sparse_row};

/// Reads float32 rows of `width` features, dense and sparse as they come.
pub(in crate::payload) fn read_batch(body: &[u8], width: usize) -> Result<Batch> {
    let mut batch = Batch::for_body(width, body);
    for_each_record(body, |record: &Record| match record.features.cells()? {
        Cells::Dense(values) => batch.push_dense_row(values.iter().map(|&value| value.into())),
        Cells::Sparse { width, keys, values } => batch.push_sparse_row(width, keys, values),
    })?;
    Ok(batch)
}

/// Reads columns as numpy types the numbers that Python finds in the records: `int64` where all are integers, else
/// `float64`, once the schema has agreed to how many there are.
///
/// # Errors
/// [`crate::error::Cause::BadPayload`] with the record, counted from 1, and the byte where it begins: bad frames or messages,
/// records of different length, sparse ones, none at all.
pub(in crate::payload) fn read_table<'a>(body: &[u8], schema: &dyn Schema) -> Result<Table<'a>> {
    let mut columns: Vec<Vec<f64>> = Vec::new();
    let mut all_integers = true;
    let mut rows = 0;
    for_each_record(body, |record: &Record<f64>| {
        let Cells::Dense(values) = record.features.cells()? else { return Err(sparse_row()) };
        if rows == 0 {
            schema.check_width(values.len())?;
            columns = vec![Vec::new(); values.len()];
        }
        if columns.len() != values.len() {
            let (expected, found) = (columns.len(), values.len());
            return Err(Error::bad_payload(format!("expected {expected} features as in row 1, found {found}")));
        }
        rows += 1;
        all_integers &= record.features.element() == Some(Element::Int32);
        columns.iter_mut().zip(values).for_each(|(column, &value)| column.push(value));
        Ok(())
    })?;
    let column = |values: Vec<f64>| match all_integers {
        true => Column::Int64(values.into_iter().map(|value| value as i64).collect()),
        false => Column::Float64(values),
    };
    Ok(Table { rows, columns: columns.into_iter().map(column).collect() })
}

/// Reads one record after another. An error is put where its record is, and a body without a record is one.
fn for_each_record<N: Number>(body: &[u8], mut take: impl FnMut(&Record<N>) -> Result<()>) -> Result<()> {
    let mut frames = BodyFrames::new(body);
    let mut record = Record::default();
    let mut row = 0;
    loop {
        let place = Place::row(row + 1).at_byte(frames.offset());
        let mut read_next = || {
            let Some(payload) = frames.next_frame()? else { return Ok(false) };
            record.read(payload)?;
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
