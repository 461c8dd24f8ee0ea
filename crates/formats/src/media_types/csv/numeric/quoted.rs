//! The general reader: bodies with quotes, through the csv crate.

use super::{Origin, number, trim};
use crate::error::{Error, Place, Result};
use crate::rows::Batch;
use byoc_account::{Allowance, Exceeded};
use std::io::{self, Read};

pub(super) fn read<'w>(body: &[u8], width: usize, origin: Origin, allowance: &'w Allowance) -> Result<Batch<'w>> {
    let mut batch = Batch::for_body(width, body, allowance)?;
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(Metered::new(body, allowance));
    let mut record = csv::ByteRecord::new();
    loop {
        let row = batch.len() + 1;
        let more = reader.read_byte_record(&mut record).map_err(|error| match reader.get_ref().exceeded {
            Some(exceeded) => Error::from(exceeded),
            None => Error::bad_payload("cannot be read as text/csv").caused_by(error).at(Place::row(row)),
        })?;
        if !more {
            return Ok(batch);
        }
        reader.get_mut().begin_record();
        let [start, end] = [record.position(), Some(reader.position())]
            .map(|position| position.map_or(body.len(), |at| usize::try_from(at.byte()).unwrap_or(body.len())));
        let text = body.get(start..end).unwrap_or_default();
        if record.iter().all(|cell| trim(cell).is_empty()) && memchr::memchr2(b',', b'"', text).is_none() {
            continue;
        }
        for (index, cell) in record.iter().enumerate().skip(origin.label_size()) {
            let column = index + 1;
            let cell = trim(cell);
            number(cell)
                .ok_or_else(|| origin.not_a_number(cell, row, column))
                .and_then(|value| batch.push_value(value))
                .map_err(|error| error.at(Place::cell(row, column).at_byte(start)))?;
        }
        origin.end_record(&mut batch).map_err(|error| error.at(Place::row(row).at_byte(start)))?;
    }
}

/// A body that is being read, with the memory that the csv crate needs for its longest record: that crate's buffers
/// grow to twice their contents, while the old buffer still exists.
struct Metered<'a, 'w> {
    body: &'a [u8],
    allowance: &'w Allowance,
    /// The memory for the current record.
    needed: usize,
    taken: usize,
    exceeded: Option<Exceeded>,
}

/// The memory for a byte of a record in the text buffer, and for a field in the buffer of ends.
const BYTE: usize = 3;
const FIELD: usize = 3 * size_of::<usize>();

impl<'a, 'w> Metered<'a, 'w> {
    fn new(body: &'a [u8], allowance: &'w Allowance) -> Metered<'a, 'w> {
        Metered { body, allowance, needed: 0, taken: 0, exceeded: None }
    }

    fn begin_record(&mut self) {
        self.needed = 0;
    }
}

impl Read for Metered<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.body.len().min(buffer.len());
        let (now, later) = self.body.split_at(length);
        self.needed += BYTE * length + FIELD * memchr::memchr_iter(b',', now).count();
        if self.needed > self.taken {
            if let Err(exceeded) = self.allowance.take(self.needed - self.taken) {
                self.exceeded = Some(exceeded);
                return Err(io::Error::other(exceeded));
            }
            self.taken = self.needed;
        }
        buffer.get_mut(..length).unwrap_or_default().copy_from_slice(now);
        self.body = later;
        Ok(length)
    }
}

impl Drop for Metered<'_, '_> {
    fn drop(&mut self) {
        self.allowance.give_back(self.taken);
    }
}
