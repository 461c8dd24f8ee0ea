//! Reads one array from a file as a stream, twice: first to find it, since names follow all arrays, then for its
//! values. Other arrays are skipped through a small buffer, however large they are.

use super::header::Reader;
use super::{Array, Params};
use crate::error::Result;
use byoc_account::Allowance;
use std::io::Read;

/// The number of names of a file that a message shows, and how much of each.
const SHOWN: usize = 10;
const SHOWN_OF_NAME: usize = 60;

/// Which arrays a file has.
#[derive(Debug, PartialEq)]
pub struct Places {
    /// For each requested name the index of its array, if the file has it.
    pub of: Vec<Option<u64>>,
    /// The first names of the file, for messages.
    pub first_names: Vec<String>,
}

impl Places {
    /// Reads over a file of `length` bytes, and finds the arrays of some names.
    ///
    /// # Errors
    /// As [`Params::parse`].
    pub fn find(source: impl Read, length: u64, names: &[&str]) -> Result<Places> {
        let mut reader = Reader::new(source, length);
        let count = reader.start()?;
        for index in 0..count {
            let header = reader.header().map_err(|error| error.context(format_args!("array {index}")))?;
            reader.skip_data(&header)?;
        }
        let mut places = Places { of: vec![None; names.len()], first_names: Vec::new() };
        let mut name = String::new();
        // What follows the names is ignored, as MXNet ignores it.
        for index in 0..reader.name_count(count)? {
            let length = reader.name_length()?;
            reader.text(length, &mut name)?;
            if let Some(wanted) = names.iter().position(|wanted| *wanted == name)
                && let Some(place) = places.of.get_mut(wanted)
            {
                place.get_or_insert(index);
            }
            if places.first_names.len() < SHOWN {
                places.first_names.push(name.chars().take(SHOWN_OF_NAME).collect());
            }
        }
        Ok(places)
    }
}

impl Params<'_> {
    /// Reads a file of `length` bytes up to one array, and hands that over. Its bytes are taken for as long.
    ///
    /// # Errors
    /// As [`Params::parse`], when the allowance has no memory for it, and those of `then`.
    pub fn with_array<T>(
        source: impl Read,
        length: u64,
        index: u64,
        allowance: &Allowance,
        then: impl FnOnce(&Array<'_>) -> Result<T>,
    ) -> Result<T> {
        let mut reader = Reader::new(source, length);
        reader.start()?;
        for _ in 0..index {
            let header = reader.header()?;
            reader.skip_data(&header)?;
        }
        let header = reader.header().map_err(|error| error.context(format_args!("array {index}")))?;
        let lengths: Vec<u64> = header.auxiliary_bytes().collect();
        let all = lengths.iter().fold(header.data_bytes(), |all, length| all.saturating_add(*length));
        reader.check(all)?;
        let _held = allowance.hold(usize::try_from(all).unwrap_or(usize::MAX))?;
        let data = reader.data(header.data_bytes())?;
        let auxiliary = lengths.into_iter().map(|length| reader.data(length)).collect::<Result<Vec<_>>>()?;
        then(&Array { header, data: &data, auxiliary: auxiliary.iter().map(Vec::as_slice).collect() })
    }
}
