//! The general reader: bodies with quotes, through the csv crate.

use super::{not_a_number, number, trim, wrong_width};
use crate::error::{Error, Place, Result};
use crate::payload::Batch;
use byoc_account::Allowance;

pub(super) fn read<'w>(body: &[u8], width: usize, label_size: usize, allowance: &'w Allowance) -> Result<Batch<'w>> {
    let mut batch = Batch::for_body(width, body, allowance)?;
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
    let mut record = csv::ByteRecord::new();
    loop {
        let row = batch.len() + 1;
        let more = reader
            .read_byte_record(&mut record)
            .map_err(|error| Error::bad_payload(format!("cannot be read as text/csv: {error}")).at(Place::row(row)))?;
        if !more {
            return Ok(batch);
        }
        let [start, end] = [record.position(), Some(reader.position())]
            .map(|position| position.map_or(body.len(), |at| usize::try_from(at.byte()).unwrap_or(body.len())));
        let text = body.get(start..end).unwrap_or_default();
        if record.iter().all(|cell| trim(cell).is_empty()) && memchr::memchr2(b',', b'"', text).is_none() {
            continue;
        }
        for (index, cell) in record.iter().enumerate().skip(label_size) {
            let column = index + 1;
            let cell = trim(cell);
            number(cell)
                .ok_or_else(|| not_a_number(cell, row, column))
                .and_then(|value| batch.push_value(value))
                .map_err(|error| error.at(Place::cell(row, column).at_byte(start)))?;
        }
        batch.end_dense().map_err(|error| wrong_width(error, label_size).at(Place::row(row).at_byte(start)))?;
    }
}
