//! The rows of a channel in blocks, for training a linear learner. A thread reads ahead; blocks are kept in memory if they fit.

use crate::training::channel::header_line::{FirstLine, HeaderLine};
use crate::training::channel::streams::Streams;
use crate::training::channel::{Channel, Format};
use crate::training::channel::{csv, recordio};
use crate::training::stop_flag::StopFlag;
use byoc_formats::error::{Error, Result};
use byoc_linear_learner::train::{Features, Pass, PredictorType, Rows, Source};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Values of a block, 8 MiB: enough work for all threads between two blocks.
const BLOCK_VALUES: usize = 2 << 20;
/// Blocks that are read ahead.
const AHEAD: usize = 2;
/// How long to wait for a block before the stop flag is read again.
const GLANCE: Duration = Duration::from_millis(100);

/// How a channel is read.
#[derive(Clone, Debug)]
pub(in crate::training) struct Reading {
    /// The channel's name, for messages.
    pub(in crate::training) name: String,
    streams: Streams,
    format: Format,
    /// The header line of CSV.
    header: HeaderLine,
    predictor_type: PredictorType,
    mini_batch_size: usize,
    shape: Shape,
    stop: StopFlag,
}

/// What the rows of all channels of a job have in common. The first channel that is read decides it.
#[derive(Clone, Debug, Default)]
pub(in crate::training) struct Shape {
    /// Number of features.
    width: Arc<OnceLock<usize>>,
    /// The names of the columns, if files have a header line.
    names: Arc<FirstLine>,
}

impl Reading {
    pub(in crate::training) fn new(
        name: &str,
        path: PathBuf,
        channel: &Channel,
        predictor_type: PredictorType,
        mini_batch_size: usize,
        shape: &Shape,
        stop: &StopFlag,
    ) -> Result<Reading> {
        let in_channel = |error: Error| error.context(format_args!("channel {name}"));
        let format = channel.format().map_err(in_channel)?;
        channel.check_label_first().map_err(in_channel)?;
        let header = channel.header().map_err(in_channel)?;
        Ok(Reading {
            name: name.to_owned(),
            streams: Streams::new(path, channel.training_input_mode),
            format,
            header: HeaderLine::above_numbers(header, &shape.names),
            predictor_type,
            mini_batch_size,
            shape: shape.clone(),
            stop: stop.clone(),
        })
    }

    /// Starts a pass over the channel. Its thread ends when the receiver is dropped.
    fn start(&self, walk: usize) -> Result<Receiver<Result<Rows>>> {
        let (sender, receiver) = sync_channel(AHEAD);
        let reading = self.clone();
        let read = move || {
            // A job that must stop does not fail for data that did not arrive.
            if let Err(error) = reading.read(walk, &sender)
                && !reading.stop.is_set()
            {
                // The receiver is gone if the job has ended.
                let _ = sender.send(Err(error));
            }
        };
        std::thread::Builder::new().name(format!("channel {}", self.name)).spawn(read).map_err(|error| {
            Error::new(byoc_formats::error::Cause::Internal, "could not start a thread").caused_by(error)
        })?;
        Ok(receiver)
    }

    fn read(&self, walk: usize, sender: &SyncSender<Result<Rows>>) -> Result<()> {
        let in_channel = |error: Error| error.context(format_args!("channel {}", self.name));
        let mut collector = Collector::new(self.predictor_type, self.mini_batch_size, &self.shape.width, sender);
        for path in self.streams.paths(walk).map_err(in_channel)? {
            let mut stream = self.streams.open(&path, &self.stop).map_err(in_channel)?;
            collector.rows_of_stream = 0;
            let read = match self.format {
                Format::Csv => csv::read(&mut stream, &self.header, &mut collector),
                Format::RecordIo => recordio::read(&mut stream, &mut collector),
            };
            read.map_err(|error| in_channel(error.context(path.display())))?;
        }
        collector.finish();
        Ok(())
    }
}

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
    fn new(
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

    /// Rows of the current file or FIFO so far.
    pub(in crate::training) fn rows_of_stream(&self) -> usize {
        self.rows_of_stream
    }

    /// Adds a row. Returns false if the receiver is gone.
    pub(in crate::training) fn push_dense(&mut self, label: f32, features: &[f32]) -> Result<bool> {
        let block = self.open_block(label, features.len(), true)?;
        match &mut block.features {
            Features::Dense(values) => values.extend_from_slice(features),
            Features::Sparse { ends, keys, values } => {
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
        if let Features::Dense(dense) = &mut block.features {
            // The first sparse row after dense ones: the dense ones become sparse rows with all their keys.
            let rows = block.labels.len();
            block.features = Features::Sparse {
                ends: (1..=rows).map(|row| row * width).collect(),
                keys: (0..rows).flat_map(|_| 0..width as u32).collect(),
                values: std::mem::take(dense),
            };
        }
        if let Features::Sparse { ends, keys: own_keys, values: own_values } = &mut block.features {
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
                true => Features::Dense(Vec::with_capacity(block_rows.saturating_mul(width).min(BLOCK_VALUES))),
                false => Features::Sparse { ends: Vec::new(), keys: Vec::new(), values: Vec::new() },
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
    fn finish(&mut self) -> bool {
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

/// A channel that is read once if it fits into memory, otherwise once for each pass.
pub(in crate::training) struct ChannelSource {
    reading: Reading,
    /// Bytes of rows that may still be kept.
    room: usize,
    kept: Vec<Arc<Rows>>,
    state: State,
    walks: usize,
}

enum State {
    /// The first blocks are kept; the others come from the receiver.
    Filling(Option<Receiver<Result<Rows>>>),
    /// All blocks are kept.
    Complete,
    /// The channel does not fit into memory and is read in each pass.
    TooLarge(Option<Receiver<Result<Rows>>>),
}

impl ChannelSource {
    pub(in crate::training) fn new(reading: Reading, room: usize) -> ChannelSource {
        ChannelSource { reading, room, kept: Vec::new(), state: State::Filling(None), walks: 0 }
    }

    fn start(&mut self) -> Result<Receiver<Result<Rows>>> {
        self.walks += 1;
        self.reading.start(self.walks - 1)
    }

    /// The next block that is not kept, from the current pass.
    fn next_read(&mut self) -> Option<Result<Arc<Rows>>> {
        let (State::Filling(Some(receiver)) | State::TooLarge(Some(receiver))) = &self.state else { return None };
        let block = loop {
            match receiver.recv_timeout(GLANCE) {
                Ok(Ok(block)) => break Some(Arc::new(block)),
                Ok(Err(error)) => return Some(Err(error)),
                Err(RecvTimeoutError::Disconnected) => break None,
                Err(RecvTimeoutError::Timeout) if self.reading.stop.is_set() => return None,
                Err(RecvTimeoutError::Timeout) => {}
            }
        };
        match (block, &mut self.state) {
            (Some(block), State::Filling(receiver)) => {
                let size = block.bytes();
                if size <= self.room {
                    self.room -= size;
                    self.kept.push(Arc::clone(&block));
                } else {
                    log::info!("channel {} does not fit into memory: it is read for each walk", self.reading.name);
                    self.state = State::TooLarge(receiver.take());
                }
                Some(Ok(block))
            }
            (Some(block), _) => Some(Ok(block)),
            (None, State::Filling(_)) => {
                self.state = State::Complete;
                None
            }
            (None, state) => {
                *state = State::TooLarge(None);
                None
            }
        }
    }
}

impl Source for ChannelSource {
    fn pass(&mut self) -> Result<Pass<'_>> {
        match self.state {
            State::Filling(None) => self.state = State::Filling(Some(self.start()?)),
            State::TooLarge(_) => {
                self.kept.clear();
                self.state = State::TooLarge(Some(self.start()?));
            }
            State::Filling(Some(_)) | State::Complete => {}
        }
        Ok(Box::new(Walk { source: self, next: 0 }))
    }
}

struct Walk<'a> {
    source: &'a mut ChannelSource,
    next: usize,
}

impl Iterator for Walk<'_> {
    type Item = Result<Arc<Rows>>;

    fn next(&mut self) -> Option<Result<Arc<Rows>>> {
        if let Some(block) = self.source.kept.get(self.next) {
            self.next += 1;
            return Some(Ok(Arc::clone(block)));
        }
        let block = self.source.next_read();
        // next_read() may just have kept this block: it must not be returned twice.
        self.next = self.source.kept.len();
        block
    }
}

#[cfg(test)]
#[path = "block_source_test.rs"]
mod block_source_test;
