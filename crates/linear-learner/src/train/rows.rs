//! Labelled rows as training takes them: float32, raw, dense or sparse.

use byoc_formats::error::Result;
use std::sync::Arc;

/// Labelled rows of one width.
#[derive(Clone, Debug, PartialEq)]
pub struct Rows {
    /// How many features each row has.
    pub width: usize,
    /// One label a row: a value, 0 or 1, or the number of a class.
    pub labels: Vec<f32>,
    /// The features.
    pub features: FeatureMatrix,
}

/// The features of [`Rows`].
#[derive(Clone, Debug, PartialEq)]
pub enum FeatureMatrix {
    /// Row after row, `width` values each.
    Dense(Vec<f32>),
    /// Compressed sparse rows; a key that comes twice counts with the sum of its values.
    Sparse {
        /// Where each row ends in `keys` and `values`.
        ends: Vec<usize>,
        /// Columns, counted from 0, each below the width.
        keys: Vec<u32>,
        /// One for each key.
        values: Vec<f32>,
    },
}

/// Some rows in succession.
#[derive(Clone, Copy, Debug)]
pub(super) enum Piece<'a> {
    /// Row after row.
    Dense(&'a [f32]),
    /// As in [`FeatureMatrix::Sparse`], with all keys and values and where the first of these rows begins.
    Sparse { start: usize, ends: &'a [usize], keys: &'a [u32], values: &'a [f32] },
}

impl Rows {
    /// How many rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// What the rows take in memory, in bytes.
    pub fn bytes(&self) -> usize {
        let features = match &self.features {
            FeatureMatrix::Dense(values) => values.len() * 4,
            FeatureMatrix::Sparse { ends, keys, .. } => ends.len() * 8 + keys.len() * 8,
        };
        self.labels.len() * 4 + features
    }

    /// The labels and features of the rows from one to before another; fewer where there are fewer.
    pub(super) fn piece(&self, from: usize, to: usize) -> (&[f32], Piece<'_>) {
        let to = to.min(self.len());
        let from = from.min(to);
        let piece = match &self.features {
            FeatureMatrix::Dense(values) => {
                Piece::Dense(values.get(from * self.width..to * self.width).unwrap_or_default())
            }
            FeatureMatrix::Sparse { ends, keys, values } => Piece::Sparse {
                start: from.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(0),
                ends: ends.get(from..to).unwrap_or_default(),
                keys,
                values,
            },
        };
        (self.labels.get(from..to).unwrap_or_default(), piece)
    }
}

impl<'a> Piece<'a> {
    /// The keys and values of each sparse row; nothing for dense rows.
    pub(super) fn sparse_rows(self) -> impl Iterator<Item = (&'a [u32], &'a [f32])> {
        let (mut start, ends, keys, values) = match self {
            Piece::Dense(_) => (0, &[][..], &[][..], &[][..]),
            Piece::Sparse { start, ends, keys, values } => (start, ends, keys, values),
        };
        ends.iter().map(move |&end| {
            let row = (keys.get(start..end).unwrap_or_default(), values.get(start..end).unwrap_or_default());
            start = end;
            row
        })
    }
}

/// A channel of data that can be read repeatedly, each time in the same order.
pub trait Source {
    /// Starts at the first row. Blocks come in the order of the channel; each but the last holds a whole number of
    /// mini-batches.
    ///
    /// # Errors
    /// Those of opening the channel.
    fn pass(&mut self) -> Result<Pass<'_>>;
}

/// One pass over a channel. Its errors are those of reading.
pub type Pass<'a> = Box<dyn Iterator<Item = Result<Arc<Rows>>> + 'a>;

/// Rows that are in memory already.
impl Source for Vec<Arc<Rows>> {
    fn pass(&mut self) -> Result<Pass<'_>> {
        Ok(Box::new(self.iter().map(|rows| Ok(Arc::clone(rows)))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_of_sparse_rows_starts_at_the_end_of_the_previous_row() {
        let rows = Rows {
            width: 3,
            labels: vec![1.0, 2.0, 3.0],
            features: FeatureMatrix::Sparse { ends: vec![1, 1, 3], keys: vec![2, 0, 1], values: vec![5.0, 6.0, 7.0] },
        };
        let (labels, piece) = rows.piece(1, 9);
        assert_eq!(labels, [2.0, 3.0]);
        let found: Vec<_> = piece.sparse_rows().collect();
        assert_eq!(found, [(&[][..], &[][..]), (&[0, 1][..], &[6.0, 7.0][..])]);
    }
}
