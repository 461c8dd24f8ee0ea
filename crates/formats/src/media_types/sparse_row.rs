//! Sparse rows, which only a [`Batch`](crate::rows::Batch) holds.

use crate::error::Error;

/// The error for a sparse row where typed columns are read.
pub(super) fn sparse_row() -> Error {
    Error::bad_payload("expected a value for each column, found a sparse row: only numeric models read those")
}
