//! `application/x-recordio-protobuf`: records of the message `aialgs.data.Record` in frames.
//!
//! Frame and message: docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html and the Python SDK's `record_pb2`.
//! Requests hold the features under the name `values`, dense or sparse. The answers of a preprocessor hold them in the
//! same way, with the label beside them, so that a training job reads them. The answers of the linear learner are
//! labels named `score` and `predicted_label`.

mod answers;
mod frame;
mod record;
mod rows;
mod wire;
mod write;

pub use frame::Frames;
pub use record::{Cells, Record, Tensor};
pub use write::{write_frame, write_record};

use crate::error::{Cause, Error, Result};
use crate::media_types::format::{BlockPosition, CellSize, Format, ReadOptions};
use crate::media_types::prediction_style::PredictionStyle;
use crate::rows::schema::Schema;
use crate::rows::{Batch, Features, Frame, Predictions};
use byoc_account::Allowance;

/// The format of `application/x-recordio-protobuf`.
pub(crate) struct RecordIoProtobuf;

impl Format for RecordIoProtobuf {
    fn read_batch<'w>(
        &self,
        body: &[u8],
        _options: ReadOptions,
        width: usize,
        allowance: &'w Allowance,
    ) -> Result<Batch<'w>> {
        rows::read_batch(body, width, allowance)
    }

    fn read_frame<'a>(
        &self,
        body: &'a [u8],
        _options: ReadOptions,
        _columns_before: Option<usize>,
        schema: &dyn Schema,
        allowance: &Allowance,
    ) -> Result<Frame<'a>> {
        Frame::from_table(rows::read_table(body, schema, allowance)?, allowance)?.with_dtypes(schema, allowance)
    }

    fn max_rows(&self, body: &[u8], _columns: usize) -> usize {
        memchr::memmem::find_iter(body, &frame::MAGIC.to_le_bytes()).count() + 1
    }

    fn cell_size(&self) -> CellSize {
        CellSize::BINARY
    }

    fn write_features(&self, features: Features<'_>, _block: BlockPosition, out: &mut Vec<u8>) -> Result<()> {
        answers::write_features(&features, out)
    }

    fn write_predictions(
        &self,
        predictions: Predictions<'_>,
        style: PredictionStyle,
        _block: BlockPosition,
        out: &mut Vec<u8>,
    ) -> Result<()> {
        match style {
            PredictionStyle::LinearLearner => answers::write_predictions(predictions, out),
            // Not among the media types on offer: the learner's records always have a score, and labels are numbers.
            PredictionStyle::ScikitLearn(_) => {
                Err(Error::new(Cause::NotWritable, "an estimator's answers are not written as records"))
            }
        }
    }
}

#[cfg(test)]
#[path = "recordio_test.rs"]
mod recordio_test;
