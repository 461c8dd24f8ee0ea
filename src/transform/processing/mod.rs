//! DataProcessing: which part of a record a container receives, what its result is joined with, and what is written.
//!
//! The rules are those of docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html: InputFilter,
//! then the container, then the join with the record as it was before the filter, then OutputFilter. A record of
//! `text/csv` is a row, one of `application/json` or `application/jsonlines` is a JSON value.

mod csv;
mod json;
mod path;

use std::borrow::Cow;

use path::Path;

use csv::rows;
pub(super) use csv::{Malformed, blank_lines, check as check_row, header_row, is_blank};

use byoc_formats::media_types::MediaType;

/// Filters and join of a job, for records of one media type. A job without either has no `DataProcessing`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DataProcessing {
    media_type: MediaType,
    input: Path,
    join: JoinSource,
    output: Path,
}

/// The source that results are joined with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
pub(super) enum JoinSource {
    /// Nothing.
    #[default]
    None,
    /// The input record of the result.
    Input,
}

/// Why a record could not be processed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// The record within the payload, counted from 0, if the problem is in one record.
    pub(super) record: Option<usize>,
    /// The problem.
    pub(super) message: String,
}

impl DataProcessing {
    /// Parses the members of the API's structure; `None` if they change nothing.
    ///
    /// # Errors
    /// All filters that the service would refuse, and why.
    pub(super) fn new(
        media_type: MediaType,
        input: Option<&str>,
        join: JoinSource,
        output: Option<&str>,
    ) -> Result<Option<DataProcessing>, Vec<(&'static str, String)>> {
        let mut problems = Vec::new();
        let mut parse = |member, text: Option<&str>| {
            // The shape JsonPath of botocore has no minimum length: an empty filter counts as absent.
            let text = text.filter(|text| !text.is_empty());
            let path = text.map_or(Ok(Path::root()), |text| Path::parse(member, text, media_type));
            path.unwrap_or_else(|problem| {
                problems.push((member, problem));
                Path::root()
            })
        };
        let (input, output) = (parse("InputFilter", input), parse("OutputFilter", output));
        if !problems.is_empty() {
            return Err(problems);
        }
        let changes_nothing = input.is_root() && output.is_root() && join == JoinSource::None;
        Ok((!changes_nothing).then_some(DataProcessing { media_type, input, join, output }))
    }

    /// The members of the API's structure, by their names there.
    pub(super) fn members(&self) -> [(&'static str, &str); 3] {
        let join = match self.join {
            JoinSource::None => "None",
            JoinSource::Input => "Input",
        };
        [("InputFilter", self.input.text()), ("JoinSource", join), ("OutputFilter", self.output.text())]
    }

    /// Whether the container receives records unchanged.
    pub(super) fn leaves_input(&self) -> bool {
        self.input.is_root()
    }

    /// Whether input records are needed again for the join.
    pub(super) fn keeps_input(&self) -> bool {
        self.join == JoinSource::Input
    }

    /// Whether results are processed one by one.
    pub(super) fn touches_output(&self) -> bool {
        self.join == JoinSource::Input || !self.output.is_root()
    }

    /// Checks a record of the input. JSON records are checked when they are filtered or joined.
    ///
    /// # Errors
    /// If a row has quotes that the service's parser refuses, whether or not the job uses that part of the row.
    pub(super) fn check(&self, record: &[u8]) -> Result<(), Malformed> {
        if self.media_type == MediaType::Csv { csv::check(record) } else { Ok(()) }
    }

    /// Checks all records of an object that is not split.
    ///
    /// # Errors
    /// As [`DataProcessing::check`], with the row, counted from 0, and its offset.
    pub(super) fn check_rows(&self, object: &[u8]) -> Result<(), (usize, usize, Malformed)> {
        if self.media_type != MediaType::Csv {
            return Ok(());
        }
        let check = |(index, (start, row))| csv::check(row).map_err(|malformed| (index, start, malformed));
        rows(object).enumerate().try_for_each(check)
    }

    /// Applies InputFilter to one record.
    ///
    /// # Errors
    /// If the record lacks an element that the filter selects.
    pub(super) fn filter_input<'a>(&self, record: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
        self.select(&self.input, record)
            .map_err(|message| format!("InputFilter {}: {message}", self.input.as_written()))
    }

    /// The records of an object that is not split.
    ///
    /// # Errors
    /// If a record is invalid.
    pub(super) fn records<'a>(&self, object: &'a [u8]) -> Result<Vec<&'a [u8]>, String> {
        match self.media_type {
            MediaType::Csv => Ok(csv::rows(object).map(|(_, row)| row).collect()),
            _ => json::values(object),
        }
    }

    /// The output for a container's response, one line per record: joined with the input records if the job joins, and
    /// filtered.
    ///
    /// # Errors
    /// If the response does not have one result for each record, or a result lacks an element that the filter selects.
    pub(super) fn finish(&self, records: &[&[u8]], answer: &[u8]) -> Result<Vec<u8>, Problem> {
        let of_all = |message| Problem { record: None, message };
        let results = self.records(answer).map_err(|message| of_all(format!("the container's answer: {message}")))?;
        for (index, result) in results.iter().enumerate() {
            // An unclosed quote would merge several rows into one, in the response and in the output.
            self.check(result).map_err(|malformed| Problem {
                record: Some(index),
                message: format!(
                    "the container's answer: {malformed} (row {}, column {} of the answer): {}",
                    index + 1,
                    malformed.column,
                    malformed.advice()
                ),
            })?;
        }
        if self.keeps_input() && results.len() != records.len() {
            return Err(of_all(format!(
                "JoinSource Input: expected a result for each of {} records, found {} in the container's answer",
                records.len(),
                results.len()
            )));
        }
        let mut written = Vec::with_capacity(answer.len());
        for (index, result) in results.into_iter().enumerate() {
            let of_one = |message| Problem { record: Some(index), message };
            let joined = match (self.join, records.get(index)) {
                (JoinSource::Input, Some(record)) => Cow::Owned(self.joined(record, result).map_err(of_one)?),
                _ => Cow::Borrowed(result),
            };
            let selected = self.select(&self.output, &joined);
            let selected =
                selected.map_err(|message| of_one(format!("OutputFilter {}: {message}", self.output.as_written())))?;
            written.extend_from_slice(&selected);
            written.push(b'\n');
        }
        Ok(written)
    }

    fn joined(&self, record: &[u8], result: &[u8]) -> Result<Vec<u8>, String> {
        match self.media_type {
            MediaType::Csv => Ok(csv::join(record, result)),
            _ => json::join(record, result),
        }
    }

    fn select<'a>(&self, path: &Path, record: &'a [u8]) -> Result<Cow<'a, [u8]>, String> {
        if path.is_root() {
            return Ok(Cow::Borrowed(record));
        }
        match self.media_type {
            MediaType::Csv => csv::select(path, record),
            _ => json::select(path, record),
        }
    }
}

#[cfg(test)]
#[path = "processing_test.rs"]
mod tests;
