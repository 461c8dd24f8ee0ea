//! Collects the rows of a channel into blocks.

use byoc_formats::error::{Error, Result};
use byoc_linear_learner::train::{FeatureMatrix, PredictorType, Rows};
use std::sync::OnceLock;
use std::sync::mpsc::SyncSender;

/// Values of a block, 8 MiB: enough work for all threads between two blocks.
const BLOCK_VALUES: usize = 2 << 20;

/// Collects rows of any format into blocks.
pub(in crate::training) struct Collector<'a> {
    predictor_type: PredictorType,
    mini_batch_size: usize,
    sender: &'a SyncSender<Result<Rows>>,
    block_rows: usize,
    block: Option<Rows>,
    width: Option<usize>,
    width_of_all: &'a OnceLock<usize>,
    rows_of_stream: usize,
}

impl<'a> Collector<'a> {
    pub(in crate::training) fn new(
        predictor_type: PredictorType,
        mini_batch_size: usize,
        width_of_all: &'a OnceLock<usize>,
        sender: &'a SyncSender<Result<Rows>>,
    ) -> Collector<'a> {
        Collector {
            predictor_type,
            mini_batch_size,
            sender,
            block_rows: mini_batch_size,
            block: None,
            width: None,
            width_of_all,
            rows_of_stream: 0,
        }
    }

    /// Number of columns of CSV including the label, once the first record is read.
    pub(in crate::training) fn columns(&self) -> Option<usize> {
        self.width.map(|width| width.saturating_add(1))
    }

    /// Starts to count the rows of another file or FIFO.
    pub(in crate::training) fn begin_stream(&mut self) {
        self.rows_of_stream = 0;
    }

    /// Rows of the current file or FIFO so far.
    pub(in crate::training) fn rows_of_stream(&self) -> usize {
        self.rows_of_stream
    }

    /// Adds a row. Returns false if the receiver is gone.
    pub(in crate::training) fn push_dense(&mut self, label: f32, features: &[f32]) -> Result<bool> {
        let block = self.open_block(label, features.len(), true)?;
        match &mut block.features {
            FeatureMatrix::Dense(values) => values.extend_from_slice(features),
            FeatureMatrix::Sparse { ends, keys, values } => {
                keys.extend(0..features.len() as u32);
                values.extend_from_slice(features);
                ends.push(keys.len());
            }
        }
        Ok(self.close_row(label))
    }

    /// Adds a sparse row. Returns false if the receiver is gone.
    pub(in crate::training) fn push_sparse(
        &mut self,
        label: f32,
        width: u64,
        keys: &[u64],
        values: &[f32],
    ) -> Result<bool> {
        if let Some(key) = keys.iter().find(|&&key| key >= width || key > u64::from(u32::MAX)) {
            return Err(Error::bad_payload(format!(
                "expected keys below the {width} features (keys count from 0), found {key}"
            )));
        }
        let block = self.open_block(label, usize::try_from(width).unwrap_or(usize::MAX), false)?;
        let width = block.width;
        if let FeatureMatrix::Dense(dense) = &mut block.features {
            // The first sparse row after dense ones: the dense ones become sparse rows with all their keys.
            let rows = block.labels.len();
            block.features = FeatureMatrix::Sparse {
                ends: (1..=rows).map(|row| row * width).collect(),
                keys: (0..rows).flat_map(|_| 0..width as u32).collect(),
                values: std::mem::take(dense),
            };
        }
        if let FeatureMatrix::Sparse { ends, keys: own_keys, values: own_values } = &mut block.features {
            own_keys.extend(keys.iter().map(|&key| key as u32));
            own_values.extend_from_slice(values);
            ends.push(own_keys.len());
        }
        Ok(self.close_row(label))
    }

    fn open_block(&mut self, label: f32, width: usize, is_dense: bool) -> Result<&mut Rows> {
        check_label(label, self.predictor_type)?;
        let expected = *self.width.get_or_insert_with(|| {
            let batch_values = self.mini_batch_size.saturating_mul(width).max(1);
            self.block_rows = self.mini_batch_size * (BLOCK_VALUES / batch_values).max(1);
            width
        });
        if width != expected || width == 0 {
            return Err(Error::bad_payload(format!(
                "expected {} as in the record before, found {width}",
                if expected == 0 { "at least one feature".to_owned() } else { format!("{expected} features") }
            )));
        }
        // The train channel is the first that is read.
        let of_all = *self.width_of_all.get_or_init(|| width);
        if width != of_all {
            return Err(Error::bad_payload(format!(
                "expected {of_all} features as in the train channel, found {width}"
            )));
        }
        let block_rows = self.block_rows;
        Ok(self.block.get_or_insert_with(|| Rows {
            width,
            labels: Vec::with_capacity(block_rows.min(BLOCK_VALUES)),
            features: match is_dense {
                true => FeatureMatrix::Dense(Vec::with_capacity(block_rows.saturating_mul(width).min(BLOCK_VALUES))),
                false => FeatureMatrix::Sparse { ends: Vec::new(), keys: Vec::new(), values: Vec::new() },
            },
        }))
    }

    fn close_row(&mut self, label: f32) -> bool {
        self.rows_of_stream += 1;
        let Some(block) = &mut self.block else { return true };
        block.labels.push(label);
        if block.len() < self.block_rows {
            return true;
        }
        self.finish()
    }

    /// Sends the rows so far as a block. Returns false if the receiver is gone.
    pub(in crate::training) fn finish(&mut self) -> bool {
        match self.block.take() {
            Some(block) => self.sender.send(Ok(block)).is_ok(),
            None => true,
        }
    }
}

fn check_label(label: f32, predictor_type: PredictorType) -> Result<()> {
    let (fits, expected) = match predictor_type {
        PredictorType::Regressor => (label.is_finite(), "a finite number".to_owned()),
        PredictorType::BinaryClassifier => (label == 0.0 || label == 1.0, "0 or 1".to_owned()),
        PredictorType::MulticlassClassifier { classes } => (
            label >= 0.0 && label.fract() == 0.0 && (label as usize) < classes,
            format!("a whole number from 0 to {}", classes.saturating_sub(1)),
        ),
    };
    if fits {
        return Ok(());
    }
    Err(Error::bad_payload(format!(
        "expected a label that is {expected} for predictor_type {}, found {label}",
        predictor_type.name()
    )))
}
