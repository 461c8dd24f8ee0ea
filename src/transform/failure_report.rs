//! Messages about failed records and objects, with positions in the object.

use super::model::RecordError;
use super::split::Payload;
use crate::error::Error;
use byoc_formats::counted::counted;
use byoc_formats::error::{Place, chain};

/// The most failed objects that a message names.
const MAX_NAMED: usize = 20;

/// The report at the end of a job: which objects have no output, and why.
pub(super) fn report(job: &str, total: usize, failures: &[String]) -> String {
    let mut report = format!(
        "job {job} Failed: {} of {} {} no output:",
        failures.len(),
        counted(total, "object"),
        if total == 1 { "has" } else { "have" }
    );
    for failure in failures.iter().take(MAX_NAMED) {
        report.push_str("\n    ");
        report.push_str(failure);
    }
    if failures.len() > MAX_NAMED {
        report.push_str(&format!("\n    and {} more, which the log names", failures.len() - MAX_NAMED));
    }
    report
}

/// Describes an error in a payload. Converts positions in the request, which are all that a container knows, into
/// positions in the object.
pub(super) fn describe_record_error(payload: &Payload, error: RecordError) -> String {
    let RecordError { by, place: reported, message } = error;
    let byte = reported.byte.and_then(|byte| payload.of_object(byte));
    let is_in_range = |row: &usize| (1..=payload.count as usize).contains(row);
    // The rows of an object that is not split are not records of the job.
    let is_record = !payload.is_whole_object() && reported.row.as_ref().is_some_and(is_in_range);
    let row = if is_record { reported.row } else { byte.and_then(|(_, index)| index).map(|index| index + 1) };
    let inner =
        Place { row: reported.row.filter(|_| !is_record), byte: byte.map(|(byte, _)| byte as usize), ..reported };
    let filtered = if payload.is_filtered() && inner.column.is_some() { " of what InputFilter left" } else { "" };
    let inner = format!("{inner}{filtered}");
    let mut text = describe_position(payload, row);
    for part in [by, inner, message] {
        if !part.is_empty() {
            text.push_str(": ");
            text.push_str(&part);
        }
    }
    text
}

/// The records and their position in the object: a single record if the container names it.
pub(super) fn describe_position(payload: &Payload, row: Option<usize>) -> String {
    let index = row.map(|row| row.saturating_sub(1)).filter(|&index| (index as u64) < payload.count);
    let Payload { first, count, from, to, .. } = payload;
    match index.or((*count == 1).then_some(0)) {
        Some(index) => match payload.byte_of(index) {
            Some(byte) => format!("record {} (byte {byte})", first + index as u64),
            None => format!("record {} (in the bytes {from} to {to})", first + index as u64),
        },
        None => format!("records {first} to {} (bytes {from} to {to})", first + count - 1),
    }
}

/// Describes an error of splitting, with its position in the object.
pub(super) fn describe_split_error(error: Error) -> String {
    match error.place() {
        Some(&Place { row: Some(record), byte: Some(byte), .. }) => {
            format!("record {record} (byte {byte}): {}", chain(&error.without_place()))
        }
        _ => chain(&error).to_string(),
    }
}
