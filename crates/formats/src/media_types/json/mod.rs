//! `application/json`: one document for all rows, `{"instances": [...]}` in, `{"predictions": [...]}` or
//! `{"instances": [...]}` out. JSON Lines shares the instances and the spelling of values.
//!
//! Forms of an instance: docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html. A document may also be one instance, or
//! a frame as pandas writes it (`outline`).

mod columns;
pub(crate) mod document;
pub(crate) mod instance;
mod orientations;
mod outline;
pub(crate) mod words;
mod write;

pub(super) use columns::Columns;
pub(super) use write::{
    write_cell, write_cells, write_estimates, write_named_score, write_predictions, write_rows, write_value,
    write_values,
};

use crate::error::Result;
use crate::media_types::without_byte_order_mark;
use crate::rows::Batch;
use crate::rows::frame::Frame;
use crate::rows::table::Schema;
use byoc_account::Allowance;
use document::read_document;
use words::Words;

/// Reads the instances of a document as float32 rows of `width` features. No instance is no error: the answer is an empty
/// list of predictions.
pub(crate) fn read_batch<'w>(body: &[u8], width: usize, allowance: &'w Allowance) -> Result<Batch<'w>> {
    let (text, start) = without_byte_order_mark(body);
    let mut batch = Batch::for_body(width, text, allowance)?;
    match Words::find(text, allowance)? {
        None => read_document(text, start, None, &mut batch)?,
        Some(words) => read_document(words.text(), start, Some(&words), &mut batch)?,
    }
    Ok(batch)
}

/// Reads the instances of a document as columns, typed as pandas types lists of Python values, once the schema has agreed to
/// how many there are.
///
/// # Errors
/// [`crate::error::Cause::BadPayload`] with the instance, counted from 1, and the byte: no such document, rows of different
/// length, sparse rows.
pub fn read_table<'a>(body: &'a [u8], schema: &dyn Schema, allowance: &Allowance) -> Result<Frame<'a>> {
    let (text, start) = without_byte_order_mark(body);
    let Some(words) = Words::find(text, allowance)? else {
        let mut columns = Columns::new(schema, allowance);
        read_document(text, start, None, &mut columns)?;
        return columns.finish();
    };
    let mut columns = Columns::new(schema, allowance);
    read_document(words.text(), start, Some(&words), &mut columns)?;
    columns.finish()?.into_owned(allowance)
}

#[cfg(test)]
mod forms_test;
#[cfg(test)]
#[path = "read_test.rs"]
mod read_test;
