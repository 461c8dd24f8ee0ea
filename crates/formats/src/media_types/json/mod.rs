//! `application/json`: one document for all rows, `{"instances": [...]}` in requests, `{"predictions": [...]}` or
//! `{"instances": [...]}` in answers. JSON Lines shares the reader of instances and the printer of values.
//!
//! Forms of an instance: docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html. A document may also be one
//! instance, or a frame as pandas writes it (`outline`).

mod batch;
pub(super) mod columns;
pub(super) mod document;
pub(super) mod instance;
mod member;
mod orientations;
mod outline;
pub(super) mod reading;
mod shape;
pub(super) mod words;
pub(super) mod write;

use crate::error::Result;
use crate::media_types::byte_order_mark::without_byte_order_mark;
use crate::media_types::format::{BlockPosition, Brackets, CellSize, Document, Format, ReadOptions};
use crate::media_types::prediction_style::{JsonForm, PredictionStyle};
use crate::rows::schema::Schema;
use crate::rows::{Batch, Features, Frame, Predictions};
use byoc_account::Allowance;
use columns::Columns;
use document::read_document;
use words::Words;

/// The format of `application/json`.
pub(crate) struct Json;

impl Format for Json {
    fn read_batch<'w>(
        &self,
        body: &[u8],
        _options: ReadOptions,
        width: usize,
        allowance: &'w Allowance,
    ) -> Result<Batch<'w>> {
        read_batch(body, width, allowance)
    }

    fn read_frame<'a>(
        &self,
        body: &'a [u8],
        _options: ReadOptions,
        _columns_before: Option<usize>,
        schema: &dyn Schema,
        allowance: &Allowance,
    ) -> Result<Frame<'a>> {
        read_table(body, schema, allowance)
    }

    fn max_rows(&self, body: &[u8], columns: usize) -> usize {
        // A row is a list or an object; a row of one column may be a number.
        if columns <= 1 {
            return body.len() / 2 + 1;
        }
        // A frame by column has all values of a column in one list.
        if is_frame(body) {
            return memchr::memchr_iter(b',', body).count() + 1;
        }
        memchr::memchr2_iter(b'[', b'{', body).count() + 1
    }

    fn cell_size(&self) -> CellSize {
        // A control character is written as six bytes.
        CellSize::text(6)
    }

    fn brackets(&self, document: Document) -> Brackets {
        match document {
            Document::Instances => Brackets { opening: b"{\"instances\": [", closing: b"]}" },
            Document::Predictions => Brackets { opening: b"{\"predictions\": [", closing: b"]}" },
            Document::List => Brackets { opening: b"[", closing: b"]" },
        }
    }

    fn write_features(&self, features: Features<'_>, block: BlockPosition, out: &mut Vec<u8>) -> Result<()> {
        write::write_rows(&features.into_table(), block.is_first, out);
        Ok(())
    }

    fn write_predictions(
        &self,
        predictions: Predictions<'_>,
        style: PredictionStyle,
        block: BlockPosition,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        match style {
            PredictionStyle::ScikitLearn(JsonForm::List) => write::write_values(&predictions, block.is_first, out),
            style => write::write_objects(&predictions, style, block.is_first, out),
        }
        Ok(())
    }
}

/// Whether a document may be a frame by column: any object that does not begin with `instances`.
fn is_frame(body: &[u8]) -> bool {
    let (text, _) = without_byte_order_mark(body);
    let members = text.trim_ascii_start().strip_prefix(b"{").map(<[u8]>::trim_ascii_start);
    members.is_some_and(|members| !members.starts_with(b"\"instances\""))
}

/// Reads the instances of a document as `float32` rows of `width` features. A document without instances is valid; its
/// answer is an empty list of predictions.
fn read_batch<'w>(body: &[u8], width: usize, allowance: &'w Allowance) -> Result<Batch<'w>> {
    let (text, start) = without_byte_order_mark(body);
    let mut batch = Batch::for_body(width, text, allowance)?;
    match Words::find(text, allowance)? {
        None => read_document(text, start, None, &mut batch)?,
        Some(words) => read_document(words.text(), start, Some(&words), &mut batch)?,
    }
    Ok(batch)
}

/// Reads the instances of a document as columns, with the dtypes that pandas gives lists of Python values, once the
/// schema has accepted their number.
///
/// # Errors
/// [`crate::error::Cause::BadPayload`] with the instance, counted from 1, and the byte: for another document, rows of
/// different lengths, or sparse rows.
fn read_table<'a>(body: &'a [u8], schema: &dyn Schema, allowance: &Allowance) -> Result<Frame<'a>> {
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
