//! Reads recordio-protobuf of a linear learner's channel: dense or sparse records, each with its label.

use crate::training::channel::collector::Collector;
use crate::training::channel::streams::Stream;
use byoc_formats::error::Place;
use byoc_formats::error::{Error, Result};
use byoc_formats::media_types::recordio::{Cells, Frames, Record};

/// Reads a stream to its end, or until the receiver of its rows is gone.
pub(in crate::training) fn read(stream: &mut Stream, collector: &mut Collector) -> Result<()> {
    let mut frames = Frames::new(&mut stream.bytes);
    let mut record: Record = Record::default();
    loop {
        let offset = frames.offset();
        let place = |collector: &Collector| Place::row(collector.rows_of_stream() + 1).at_byte(offset);
        let hint = |error: Error| match offset {
            // Usually this is CSV in a channel without a content type.
            0 => {
                error.context("as application/x-recordio-protobuf (text/csv needs the channel's ContentType to say so)")
            }
            _ => error,
        };
        let frame = frames.next_frame().map_err(|error| hint(error).at(place(collector)))?;
        let Some(payload) = frame else { return Ok(()) };
        record.read(payload).map_err(|error| error.at(place(collector)))?;
        let is_wanted = collect(&record, collector).map_err(|error| error.at(place(collector)))?;
        if !is_wanted {
            return Ok(());
        }
    }
}

fn collect(record: &Record, collector: &mut Collector) -> Result<bool> {
    let [label] = record.label.values.as_slice() else {
        return Err(Error::bad_payload(format!(
            "expected one label named \"values\", found {}",
            record.label.values.len()
        )));
    };
    if let Some(value) = record.features.values.iter().find(|value| !value.is_finite()) {
        return Err(Error::bad_payload(format!("expected finite float32 features, found {value}")));
    }
    match record.features.cells()? {
        Cells::Dense(values) => collector.push_dense(*label, values),
        Cells::Sparse { width, keys, values } => collector.push_sparse(*label, width, keys, values),
    }
}
