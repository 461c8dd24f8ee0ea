//! Answers a request: reads its body, applies the model, and writes the body of the response.

use byoc_account::Allowance;

use super::{Model, SeenColumnTypes};
use crate::error::Result;
use crate::telemetry::printable::one_line;
use byoc_formats::error::{self, Place};
use byoc_formats::media_types::format::Document;
use byoc_formats::media_types::prediction_style::PredictionStyle;
use byoc_formats::media_types::{AnswerWriter, ContentType, MediaType, Part, negotiate, read};
use byoc_formats::rows::Frame;
use byoc_formats::rows::schema::Schema;
use byoc_linear_learner::LinearLearner;
use byoc_sklearn::preprocessor::{Preprocessor, Request};
use byoc_sklearn::scorer::Scorer;

/// A request to a model, with its headers as they were sent.
#[derive(Clone, Copy, Debug)]
pub struct Invocation<'a> {
    /// The `Content-Type` header.
    pub content_type: Option<&'a str>,
    /// The `Accept` header.
    pub accept: Option<&'a str>,
    /// The media type of the answer if the client accepts any; JSON if `None`, as in SageMaker's own containers.
    pub default_accept: Option<MediaType>,
    /// The body.
    pub body: &'a [u8],
}

/// A model's answer.
#[derive(Debug)]
pub struct Answer {
    /// The media type of the body.
    pub content_type: MediaType,
    /// The body, in the pieces in which it was written. Their memory was taken from the allowance.
    pub pieces: Vec<Vec<u8>>,
}

impl Answer {
    /// The body as a whole.
    pub fn into_body(self) -> Vec<u8> {
        self.pieces.concat()
    }
}

/// The media types of a request and of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The media type of the request's body, with its parameters.
    pub reads: ContentType,
    /// The media type of the answer.
    pub writes: MediaType,
}

/// What the rows before a part of a body determine for that part.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PrecedingRows {
    /// The number of rows.
    pub(super) rows: usize,
    /// The number of columns, if the model accepts any number.
    pub(super) columns: Option<usize>,
    /// How the model reads the request's columns: for example, with or without the label.
    pub(super) request: Option<Request>,
}

impl Model {
    /// Answers one request.
    ///
    /// # Errors
    /// Those of [`Model::negotiate`] and [`Model::answer`].
    pub fn invoke(&self, invocation: Invocation<'_>, allowance: &Allowance) -> Result<Answer> {
        let Invocation { content_type, accept, default_accept, body } = invocation;
        self.answer(self.negotiate(content_type, accept, default_accept)?, body, allowance)
    }

    /// Chooses the media types to read and to write from a request's headers.
    ///
    /// # Errors
    /// `Cause::UnsupportedMediaType` and `Cause::NotAcceptable`.
    pub fn negotiate(
        &self,
        content_type: Option<&str>,
        accept: Option<&str>,
        default_accept: Option<MediaType>,
    ) -> Result<Exchange> {
        let default_accept = default_accept.unwrap_or(MediaType::Json);
        let (readable, writable) = match self {
            Model::LinearLearner(_) => (LinearLearner::READABLE, LinearLearner::WRITABLE),
            Model::Preprocessor(_) => (MediaType::ALL, MediaType::ALL),
            Model::Scorer(_) => (MediaType::ALL, Scorer::WRITABLE),
        };
        let reads = ContentType::parse(content_type, readable)?;
        Ok(Exchange { reads, writes: negotiate(accept, default_accept, writable)? })
    }

    /// The JSON structure that encloses the rows of an answer.
    pub(super) fn document(&self) -> Document {
        match self {
            Model::LinearLearner(_) => PredictionStyle::LinearLearner.document(),
            Model::Preprocessor(_) => Document::Instances,
            Model::Scorer(scorer) => scorer.style().document(),
        }
    }

    /// Answers a body within the allowance's memory and time.
    ///
    /// # Errors
    /// `Cause::NotAcceptable` for text in a media type that holds numbers only; `Cause::BadPayload` with the row,
    /// column and byte; `Cause::PayloadTooLarge`, `Cause::Unavailable` and `Cause::Timeout` if the memory or the time
    /// is not enough.
    pub fn answer(&self, exchange: Exchange, body: &[u8], allowance: &Allowance) -> Result<Answer> {
        self.answer_in_job(exchange, body, None, allowance)
    }

    /// Answers a payload of a batch transform job. `seen` has the column types of the payloads before it, which are
    /// compared with this one's.
    ///
    /// # Errors
    /// Those of [`Model::answer`].
    pub fn answer_in_job(
        &self,
        exchange: Exchange,
        body: &[u8],
        seen: Option<&SeenColumnTypes>,
        allowance: &Allowance,
    ) -> Result<Answer> {
        let (pieces, _) = self.answer_part(exchange, body, PrecedingRows::default(), Part::WHOLE, (seen, allowance))?;
        Ok(Answer { content_type: exchange.writes, pieces })
    }

    /// Answers a part of a body. `before` describes the rows before this part. Also returns what describes the rows of
    /// this part.
    pub(super) fn answer_part(
        &self,
        exchange: Exchange,
        body: &[u8],
        before: PrecedingRows,
        part: Part,
        (seen, allowance): (Option<&SeenColumnTypes>, &Allowance),
    ) -> Result<(Vec<Vec<u8>>, PrecedingRows), error::Error> {
        let Exchange { reads, writes } = exchange;
        let read = |schema: &dyn Schema| {
            let advised = |error| with_advice(error, reads, body, schema);
            read::read_frame_piece(reads, body, before.columns, schema, allowance).map_err(advised)
        };
        let look = |frame: &Frame<'_>, schema: &dyn Schema, preprocessor: &Preprocessor| {
            let position = |feature, width| preprocessor.place_in_row(feature, width);
            for changed in seen.map(|seen| seen.compare(frame, schema, position)).unwrap_or_default() {
                log::warn!("{}", one_line(&changed));
            }
        };
        let located = |schema: &dyn Schema, error| with_advice(at_byte(error, reads, body), reads, body, schema);
        let writer = |rows| AnswerWriter::new(writes, rows, part, allowance);
        match self {
            Model::LinearLearner(learner) => {
                let unnamed = |_: usize| Ok(());
                let advised = |error| with_advice(error, reads, body, &unnamed);
                let batch = learner.read(reads, body, allowance).map_err(advised)?;
                let mut writer = writer(batch.len());
                learner.answer(&batch, &mut writer, allowance)?;
                Ok((writer.finish()?, PrecedingRows { rows: batch.len(), ..PrecedingRows::default() }))
            }
            Model::Preprocessor(preprocessor) => {
                let frame = read(preprocessor)?;
                look(&frame, preprocessor, preprocessor);
                let request = preprocessor.enter(&frame, before.request);
                let request = request.map_err(|error| located(preprocessor, error))?;
                let shape = PrecedingRows { rows: frame.rows(), columns: Some(frame.width()), request: Some(request) };
                let mut writer = writer(frame.rows());
                let answered = preprocessor.answer(frame, &request, &mut writer, allowance);
                answered.map_err(|error| located(preprocessor, error))?;
                Ok((writer.finish()?, shape))
            }
            Model::Scorer(scorer) => {
                let frame = read(scorer)?;
                look(&frame, scorer, scorer.preprocessor());
                let shape = PrecedingRows { rows: frame.rows(), columns: Some(frame.width()), request: None };
                let mut writer = writer(frame.rows());
                let answered = scorer.answer(frame, &mut writer, allowance);
                answered.map_err(|error| located(scorer, error))?;
                Ok((writer.finish()?, shape))
            }
        }
    }
}

/// Adds to an error about a cell the byte at which the cell begins. Transformers work on columns and do not know it.
fn at_byte(error: error::Error, content_type: ContentType, body: &[u8]) -> error::Error {
    let byte = match error.place() {
        Some(place @ Place { byte: None, .. }) => read::byte_of(content_type, body, place),
        _ => None,
    };
    match byte {
        Some(byte) => error.at(Place::byte(byte)),
        None => error,
    }
}

/// Adds advice to an error in the first row if that row looks like a header line.
fn with_advice(error: error::Error, content_type: ContentType, body: &[u8], schema: &dyn Schema) -> error::Error {
    let is_further_down = error.place().and_then(|place| place.row).is_some_and(|row| row > 1);
    if error.cause() != error::Cause::BadPayload || is_further_down {
        return error;
    }
    match read::advice(content_type, body, schema) {
        Some(advice) => error.advice(advice),
        None => error,
    }
}
