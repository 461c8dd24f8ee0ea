//! Request bodies to rows, whatever their media type.

use crate::counted::counted;
use crate::error::{Error, Place, Result};
use crate::media_types::content_type::ContentType;
use crate::rows::reading::Reading;
use crate::rows::schema::{End, Schema};
use crate::rows::{Batch, Frame};
use byoc_account::Allowance;

/// Reads the rows of a request body for a linear model of `width` features.
///
/// # Errors
/// [`crate::error::Cause::BadPayload`] with the row, and the column where it is known: for a body that is not of the
/// media type, a row of another width, or a cell that is not a finite `float32`.
pub fn read_batch<'w>(
    content_type: ContentType,
    body: &[u8],
    width: usize,
    allowance: &'w Allowance,
) -> Result<Batch<'w>> {
    let ContentType { media_type, options } = content_type;
    media_type.format().read_batch(body, options, width, allowance)
}

/// Reads a whole body into the columns of a model.
///
/// # Errors
/// Those of [`read_frame_piece`].
pub fn read_frame<'a>(
    content_type: ContentType,
    body: &'a [u8],
    schema: &dyn Schema,
    allowance: &Allowance,
) -> Result<Frame<'a>> {
    read_frame_piece(content_type, body, None, schema, allowance)
}

/// Reads a piece of a body, whose earlier rows had `columns_before` columns; `None` for the first piece.
///
/// # Errors
/// [`crate::error::Cause::BadPayload`] with the row, the column where there is one, and the byte. Rows with another
/// number of columns than before are refused, except in CSV, where short rows are padded.
pub fn read_frame_piece<'a>(
    content_type: ContentType,
    body: &'a [u8],
    columns_before: Option<usize>,
    schema: &dyn Schema,
    allowance: &Allowance,
) -> Result<Frame<'a>> {
    let ContentType { media_type, options } = content_type;
    let same_width = columns_before.map(|columns| SameWidth { columns, schema });
    let schema = same_width.as_ref().map_or(schema, |same_width| same_width as &dyn Schema);
    let frame = media_type.format().read_frame(body, options, columns_before, schema, allowance)?;
    // scikit-learn refuses an array without samples, whatever it is read from.
    if frame.rows() == 0 {
        return Err(Error::bad_payload("expected at least one row, found none"));
    }
    Ok(frame)
}

/// The byte at which a cell begins, for a message; `None` for media types whose errors have no such byte.
pub fn byte_of(content_type: ContentType, body: &[u8], place: &Place) -> Option<usize> {
    content_type.media_type.format().byte_of(body, content_type.options, place)
}

/// Advice to add to an error in the first row of a body, such as that it looks like a header line.
pub fn advice(content_type: ContentType, body: &[u8], schema: &dyn Schema) -> Option<&'static str> {
    content_type.media_type.format().advice(body, content_type.options, schema)
}

/// The schema of rows that follow others: they have as many columns.
struct SameWidth<'s> {
    columns: usize,
    schema: &'s dyn Schema,
}

impl Schema for SameWidth<'_> {
    fn check_width(&self, columns: usize) -> Result<()> {
        if columns != self.columns {
            let message =
                format!("expected {} as in the rows before, found {columns}", counted(self.columns, "column"));
            return Err(Error::bad_payload(message));
        }
        self.schema.check_width(columns)
    }

    fn width_before(&self) -> Option<usize> {
        Some(self.columns)
    }

    fn names(&self) -> Vec<&str> {
        self.schema.names()
    }

    fn uses(&self, name: &str) -> bool {
        self.schema.uses(name)
    }

    fn label(&self) -> Option<usize> {
        self.schema.label()
    }

    fn reading(&self, column: usize, width: usize) -> Reading {
        self.schema.reading(column, width)
    }

    fn unnamed_label(&self) -> Option<End> {
        self.schema.unnamed_label()
    }
}
