//! How much may be said of a file: names and values are counted before they are made.

use super::names::{Names, NoNames};
use crate::error::Result;
use crate::preprocessor::version::Version;
use crate::preprocessor::work::Work;
use byoc_account::Allowance;

/// What the description of the smallest file may take.
const ALWAYS: usize = 16 << 20;

/// What a name takes beside its text, with what the allocator adds.
const NAME: usize = size_of::<String>() + 16;

/// What a description may take, and what holds for all of it.
pub(crate) struct Bounds<'a> {
    pub(in crate::preprocessor) version: Version,
    /// Bytes of the file, uncompressed.
    pub(in crate::preprocessor) artifact_bytes: usize,
    pub(in crate::preprocessor) work: Work<'a>,
}

impl<'a> Bounds<'a> {
    /// The bounds of what is said of a file of so many bytes, uncompressed.
    pub(in crate::preprocessor) fn new(
        version: Version,
        artifact_bytes: usize,
        allowance: &'a Allowance,
    ) -> Bounds<'a> {
        Bounds { version, artifact_bytes, work: Work::of_file(artifact_bytes, ALWAYS, allowance) }
    }

    /// Takes bytes that are about to be made for the description.
    ///
    /// # Errors
    /// When the file has asked for far more than it has bytes, or they are not there.
    pub(crate) fn take(&self, bytes: usize) -> Result<()> {
        self.work.charge(bytes)?;
        Ok(self.work.allowance.take(bytes)?)
    }

    /// Takes names that are about to be made.
    ///
    /// # Errors
    /// As [`Bounds::take`].
    pub(in crate::preprocessor) fn take_names(&self, count: usize, text: usize) -> Result<()> {
        self.take(count.saturating_mul(NAME).saturating_add(text))
    }

    /// Names once more.
    ///
    /// # Errors
    /// As [`Bounds::take`].
    pub(crate) fn copy<'n>(&self, names: impl Iterator<Item = &'n String>) -> Result<Vec<String>> {
        let mut copied = Vec::new();
        for name in names {
            self.take_names(1, name.len())?;
            copied.push(name.clone());
        }
        Ok(copied)
    }

    /// x0, x1, …
    ///
    /// # Errors
    /// As [`Bounds::take`].
    pub(crate) fn numbered(&self, count: usize) -> Result<Vec<String>> {
        self.take_names(count, count.saturating_mul(8))?;
        Ok((0..count).map(|number| format!("x{number}")).collect())
    }

    /// Names as they are made, for as long as they are not too many.
    ///
    /// # Errors
    /// As [`Bounds::take`].
    pub(in crate::preprocessor) fn collect(&self, names: impl Iterator<Item = String>) -> Names {
        let mut collected = Vec::new();
        for name in names {
            self.take_names(1, name.len()).map_err(NoNames::from)?;
            collected.push(name);
        }
        Ok(collected)
    }
}
