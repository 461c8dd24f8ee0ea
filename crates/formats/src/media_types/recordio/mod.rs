//! `application/x-recordio-protobuf`: records of the message `aialgs.data.Record` in frames.
//!
//! Frame and message: docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html and the Python SDK's `record_pb2`. Requests
//! hold the features under the name `values`, dense or sparse; a preprocessor's answers hold them in the same way, and the
//! label beside them, so that they are what a training job reads; a scorer's answers are labels named `score` and
//! `predicted_label`.

mod answers;
mod frame;
mod record;
mod rows;
mod wire;
mod write;

pub(super) use answers::{write_features, write_predictions};
pub use frame::Frames;
pub use record::{Cells, Record, Tensor};
pub(crate) use rows::{read_batch, read_table};
pub use write::{write_frame, write_record};

#[cfg(test)]
#[path = "recordio_test.rs"]
mod recordio_test;
