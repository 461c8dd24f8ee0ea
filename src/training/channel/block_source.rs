//! The rows of a channel in blocks, for training a linear learner. A thread reads ahead; blocks are kept in memory if
//! they fit.

use crate::training::channel::collector::Collector;
use crate::training::channel::header_line::{FirstLine, HeaderLine};
use crate::training::channel::streams::Streams;
use crate::training::channel::{Channel, Format};
use crate::training::channel::{csv, recordio};
use crate::training::stop_flag::StopFlag;
use byoc_formats::error::{Error, Result};
use byoc_linear_learner::train::{Pass, PredictorType, Rows, Source};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

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
    fn start(&self, pass: usize) -> Result<Receiver<Result<Rows>>> {
        let (sender, receiver) = sync_channel(AHEAD);
        let reading = self.clone();
        let read = move || {
            // A job that must stop does not fail for data that did not arrive.
            if let Err(error) = reading.read(pass, &sender)
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

    fn read(&self, pass: usize, sender: &SyncSender<Result<Rows>>) -> Result<()> {
        let in_channel = |error: Error| error.within(format_args!("channel {}", self.name));
        let mut collector = Collector::new(self.predictor_type, self.mini_batch_size, &self.shape.width, sender);
        for path in self.streams.paths(pass).map_err(in_channel)? {
            let mut stream = self.streams.open(&path, &self.stop).map_err(in_channel)?;
            collector.begin_stream();
            let read = match self.format {
                Format::Csv => csv::read(&mut stream, &self.header, &mut collector),
                Format::RecordIo => recordio::read(&mut stream, &mut collector),
            };
            read.map_err(|error| in_channel(error.within(path.display())))?;
        }
        collector.finish();
        Ok(())
    }
}

/// A channel that is read once if it fits into memory, otherwise once for each pass.
pub(in crate::training) struct ChannelSource {
    reading: Reading,
    /// Bytes of rows that may still be kept.
    room: usize,
    kept: Vec<Arc<Rows>>,
    state: State,
    passes: usize,
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
        ChannelSource { reading, room, kept: Vec::new(), state: State::Filling(None), passes: 0 }
    }

    fn start(&mut self) -> Result<Receiver<Result<Rows>>> {
        self.passes += 1;
        self.reading.start(self.passes - 1)
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
                    log::info!("channel {} does not fit into memory: it is read for each pass", self.reading.name);
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
        Ok(Box::new(BlockPass { source: self, next: 0 }))
    }
}

struct BlockPass<'a> {
    source: &'a mut ChannelSource,
    next: usize,
}

impl Iterator for BlockPass<'_> {
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
