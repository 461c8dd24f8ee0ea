//! What a media type is made of: the trait that each folder of [`crate::media_types`] implements.

use crate::error::{Place, Result};
use crate::media_types::pieces::Pieces;
use crate::media_types::prediction_style::PredictionStyle;
use crate::rows::schema::Schema;
use crate::rows::{Batch, Features, Frame, Predictions};
use byoc_account::Allowance;

/// Reads request bodies of a media type, and writes answers in it.
pub(crate) trait Format: Sync {
    /// Reads rows of `width` features for a linear model.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] with the row, and the column where it is known.
    fn read_batch<'w>(
        &self,
        body: &[u8],
        options: ReadOptions,
        width: usize,
        allowance: &'w Allowance,
    ) -> Result<Batch<'w>>;

    /// Reads typed columns. `columns_before` is the number of columns of the rows before the body, if it is a piece of
    /// a larger one.
    ///
    /// # Errors
    /// [`crate::error::Cause::BadPayload`] with the row, the column where there is one, and the byte.
    fn read_frame<'a>(
        &self,
        body: &'a [u8],
        options: ReadOptions,
        columns_before: Option<usize>,
        schema: &dyn Schema,
        allowance: &Allowance,
    ) -> Result<Frame<'a>>;

    /// The byte at which a cell begins; `None` where errors have no such byte.
    fn byte_of(&self, _body: &[u8], _options: ReadOptions, _place: &Place) -> Option<usize> {
        None
    }

    /// Advice to add to an error in the first row, from another look at the body.
    fn advice(&self, _body: &[u8], _options: ReadOptions, _schema: &dyn Schema) -> Option<&'static str> {
        None
    }

    /// An upper bound on the number of rows of `columns` columns that a body has, without parsing it.
    fn max_rows(&self, body: &[u8], columns: usize) -> usize;

    /// Where a large body may be cut into pieces; `None` if it cannot be cut.
    fn pieces(&self) -> Option<Pieces> {
        None
    }

    /// Upper bounds on the size of a written cell.
    fn cell_size(&self) -> CellSize;

    /// Whether the start of an answer holds the number of all its rows, so that no row can be written before all are
    /// known.
    fn starts_with_row_count(&self) -> bool {
        false
    }

    /// What begins and ends an answer.
    fn brackets(&self, _document: Document) -> Brackets {
        Brackets::NONE
    }

    /// Appends the features of a block of rows.
    ///
    /// # Errors
    /// [`crate::error::Cause::NotWritable`] for values that the media type cannot hold.
    fn write_features(&self, features: Features<'_>, block: BlockPosition, out: &mut Vec<u8>) -> Result<()>;

    /// Appends the predictions for a block of rows.
    ///
    /// # Errors
    /// [`crate::error::Cause::NotWritable`] for values that the media type cannot hold.
    fn write_predictions(
        &self,
        predictions: Predictions<'_>,
        style: PredictionStyle,
        block: BlockPosition,
        out: &mut Vec<u8>,
    ) -> Result<()>;
}

/// The parameters of `text/csv`; other media types ignore them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadOptions {
    /// `label_size`: the number of leading columns of each record that are labels
    /// (docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html).
    pub label_size: Option<usize>,
    /// `header=present`: the first record holds the names of the columns (RFC 4180 §3).
    pub has_header: bool,
}

/// Upper bounds in bytes on what a value takes when it is written, its separator included.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CellSize {
    /// A number, a bool or a missing value.
    pub(crate) number: usize,
    /// Each byte of a text.
    pub(crate) text_byte: usize,
}

impl CellSize {
    /// Text: a `float64` has at most 27 bytes with its separator, `-1.7976931348623157e+308, `.
    pub(crate) const fn text(text_byte: usize) -> CellSize {
        CellSize { number: 27, text_byte }
    }

    /// Binary numbers of at most eight bytes; no text.
    pub(crate) const BINARY: CellSize = CellSize { number: 8, text_byte: 0 };
}

/// The position of a block of rows in an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockPosition {
    /// Whether no row was written before.
    pub(crate) is_first: bool,
    /// The number of rows of the whole answer.
    pub(crate) all_rows: usize,
}

impl BlockPosition {
    /// The number of rows of the whole answer, for the first block only: what a header holds.
    pub(crate) fn rows_for_header(self) -> Option<usize> {
        self.is_first.then_some(self.all_rows)
    }
}

/// The JSON document around the rows of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// `{"instances": [...]}`
    Instances,
    /// `{"predictions": [...]}`
    Predictions,
    /// `[...]`
    List,
}

/// The bytes before the first row of an answer, and after its last one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brackets {
    /// Before the first row.
    pub opening: &'static [u8],
    /// After the last row.
    pub closing: &'static [u8],
}

impl Brackets {
    pub(crate) const NONE: Brackets = Brackets { opening: b"", closing: b"" };
}
