//! The rows of a CSV channel in chunks, for fitting a preprocessor. Each column has one type in the whole channel. The
//! text is kept in memory if it fits.

use crate::training::channel::header_line::HeaderLine;
use crate::training::channel::streams::{Stream, Streams};
use crate::training::channel::{Channel, Format};
use crate::training::stop_flag::{StopFlag, stopped};
use byoc_formats::error::Place;
use byoc_formats::error::{Cause, Error, Result};
use byoc_formats::media_types::csv::{ColumnType, Records, Typing};
use byoc_formats::rows::Table;
use byoc_sklearn::{Rows, Specification};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Bytes that are parsed at once; more for a record that is longer.
const CHUNK: usize = 4 << 20;
const MAX_RECORD_LENGTH: usize = 256 << 20;

/// The rows of a channel.
pub(in crate::training) struct TableSource {
    /// For messages.
    name: String,
    streams: Streams,
    /// A file of the channel that is not data: the specification.
    excluded: PathBuf,
    header: HeaderLine,
    stop: StopFlag,
    /// Bytes of text that may be kept.
    room: usize,
    kept: Kept,
    passes: usize,
    /// The types of the columns, known after the first pass.
    types: Option<Vec<ColumnType>>,
}

/// The text that is kept in memory.
enum Kept {
    /// All chunks so far.
    All(Vec<Chunk>),
    /// The channel does not fit into memory and is read in each pass.
    Nothing,
}

/// Whole records of one file.
struct Chunk {
    path: PathBuf,
    /// Records of the file before these.
    rows_before: usize,
    text: Vec<u8>,
    width: usize,
}

impl TableSource {
    /// The rows that a specification is fitted on.
    ///
    /// # Errors
    /// [`Cause::BadSetting`] for a channel that is not CSV, and for a `label_size` that contradicts the specification.
    pub(in crate::training) fn new(
        name: &str,
        path: PathBuf,
        channel: &Channel,
        specification: &Specification,
        excluded: PathBuf,
        room: usize,
        stop: &StopFlag,
    ) -> Result<TableSource> {
        // Without a content type it is CSV: a preprocessor reads nothing else.
        if channel.has_content_type() && channel.format()? != Format::Csv {
            return Err(Error::new(
                Cause::BadSetting,
                format!("channel {name}: expected ContentType text/csv, which a preprocessor is fitted on"),
            ));
        }
        let content_type = channel.content_type();
        if let Some(size) = channel.label_size()?
            && let Some(contradiction) = specification.contradicts_label_size(size)
        {
            return Err(Error::new(
                Cause::BadSetting,
                format!("channel {name}: ContentType {content_type:?} {contradiction}, or take label_size away"),
            ));
        }
        let header = channel.header().map_err(|error| error.context(format_args!("channel {name}")))?;
        Ok(TableSource {
            name: name.to_owned(),
            header: HeaderLine::new(header, specification.header_lines()),
            streams: Streams::new(path, channel.training_input_mode),
            excluded,
            stop: stop.clone(),
            room,
            kept: Kept::All(Vec::new()),
            passes: 0,
            types: None,
        })
    }

    /// Reads the channel from its first byte to its last.
    fn read(&mut self, see: &mut dyn FnMut(&mut TableSource, Chunk) -> Result<()>) -> Result<()> {
        let pass = self.passes;
        self.passes += 1;
        let in_channel = |error: Error, name: &str| error.within(format_args!("channel {name}"));
        let mut width = None;
        let paths = self.streams.paths(pass).map_err(|error| in_channel(error, &self.name))?;
        let excluded = self.excluded.clone();
        for path in paths.into_iter().filter(|path| *path != excluded) {
            let stream = self.streams.open(&path, &self.stop);
            if self.stop.is_set() {
                return Err(stopped());
            }
            let mut stream = stream.map_err(|error| in_channel(error, &self.name))?;
            let mut file = File { rows: 0, offset: 0, width, pending: Vec::new(), is_begun: false, is_finished: false };
            loop {
                let chunk = file.next(&mut stream, &path, &self.header);
                if self.stop.is_set() {
                    return Err(stopped());
                }
                let chunk = chunk.map_err(|error| in_channel(error.within(path.display()), &self.name))?;
                let Some(chunk) = chunk else { break };
                see(self, chunk)?;
            }
            width = file.width;
        }
        Ok(())
    }

    /// The first pass, which finds the type of each column.
    fn type_columns(&mut self) -> Result<Vec<ColumnType>> {
        let mut typings: Vec<Typing> = Vec::new();
        self.read(&mut |source, chunk| {
            let records = Records::find(&chunk.text, Some(chunk.width), true)?;
            typings.resize_with(records.width(), Typing::default);
            for (column, typing) in typings.iter_mut().enumerate() {
                typing.see(&records, column);
            }
            source.keep(chunk);
            Ok(())
        })?;
        Ok(typings.iter().map(Typing::column_type).collect())
    }

    fn keep(&mut self, chunk: Chunk) {
        let Kept::All(chunks) = &mut self.kept else { return };
        match self.room.checked_sub(chunk.text.len()) {
            Some(room) => {
                self.room = room;
                chunks.push(chunk);
            }
            None => {
                log::info!("channel {} does not fit into memory: it is read for each pass", self.name);
                self.kept = Kept::Nothing;
            }
        }
    }
}

fn show(chunk: &Chunk, types: &[ColumnType], name: &str, see: &mut dyn FnMut(Table<'_>) -> Result<()>) -> Result<()> {
    let records = Records::find(&chunk.text, Some(chunk.width), true)?;
    see(records.table(types)).map_err(|error| {
        error.shifted(chunk.rows_before, 0).within(format_args!("channel {name}: {}", chunk.path.display()))
    })
}

impl Rows for TableSource {
    fn pass(&mut self, see: &mut dyn FnMut(Table<'_>) -> Result<()>) -> Result<()> {
        let types = match self.types.take() {
            Some(types) => types,
            None => self.type_columns()?,
        };
        let outcome = match &self.kept {
            Kept::All(chunks) => chunks.iter().try_for_each(|chunk| {
                if self.stop.is_set() {
                    return Err(stopped());
                }
                show(chunk, &types, &self.name, see)
            }),
            Kept::Nothing => {
                let name = self.name.clone();
                self.read(&mut |_, chunk| show(&chunk, &types, &name, see))
            }
        };
        self.types = Some(types);
        outcome
    }
}

/// A file or FIFO that is being read.
struct File {
    rows: usize,
    offset: usize,
    width: Option<usize>,
    /// Bytes after the last whole record.
    pending: Vec<u8>,
    /// Whether its first line was read.
    is_begun: bool,
    is_finished: bool,
}

impl File {
    /// The next records, `None` at the end. A header line is left out, but counts as the first row.
    fn next(&mut self, stream: &mut Stream, path: &Path, header: &HeaderLine) -> Result<Option<Chunk>> {
        if self.is_finished {
            return Ok(None);
        }
        let mut text = std::mem::take(&mut self.pending);
        let mut wanted = CHUNK;
        loop {
            let missing = wanted.saturating_sub(text.len()) as u64;
            let found = stream.bytes.by_ref().take(missing).read_to_end(&mut text);
            let found = found.map_err(|error| Error::io("read", path, error))?;
            let is_end = (found as u64) < missing;
            if !std::mem::replace(&mut self.is_begun, true) {
                let length = header.length(&text, &path.display().to_string())?;
                if length > 0 {
                    text.drain(..length);
                    self.offset += length;
                    self.rows += 1;
                    continue;
                }
            }
            let records =
                Records::find(&text, self.width, is_end).map_err(|error| error.shifted(self.rows, self.offset))?;
            let (rows, end, width) = (records.rows(), records.end(), records.width());
            if rows == 0 && !is_end {
                if wanted >= MAX_RECORD_LENGTH {
                    return Err(Error::bad_payload(format!("expected records of at most {MAX_RECORD_LENGTH} bytes"))
                        .at(Place::row(self.rows + 1)));
                }
                wanted *= 2;
                continue;
            }
            let rows_before = self.rows;
            self.rows += rows;
            self.offset += end;
            self.is_finished = is_end;
            if rows == 0 {
                return Ok(None);
            }
            self.width = Some(width);
            self.pending = text.split_off(end.min(text.len()));
            return Ok(Some(Chunk { path: path.to_owned(), rows_before, text, width }));
        }
    }
}
