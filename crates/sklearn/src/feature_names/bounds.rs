//! The bounds of a description: names and values are counted before they are made.

use crate::artifact::work::Work;
use crate::feature_names::name::{Name, Names, NoNames};
use crate::version::Version;
use byoc_account::Allowance;
use byoc_formats::error::Result;

/// What the description of the smallest file may take.
const ALWAYS: usize = 16 << 20;

/// What a name takes beside its text: where it is listed, the two counts of who shares it, and what the allocator adds.
const NAME: usize = size_of::<Name>() + 2 * size_of::<usize>() + 16;

/// What a description may take, and what holds for all of it.
pub(crate) struct Bounds<'a> {
    pub(crate) version: Version,
    /// Bytes of the file, uncompressed.
    pub(crate) artifact_bytes: usize,
    pub(crate) work: Work<'a>,
}

impl<'a> Bounds<'a> {
    /// The bounds of the description of a file of `artifact_bytes` bytes, uncompressed.
    pub(crate) fn new(version: Version, artifact_bytes: usize, allowance: &'a Allowance) -> Bounds<'a> {
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
    pub(crate) fn take_names(&self, count: usize, text: usize) -> Result<()> {
        self.take(count.saturating_mul(NAME).saturating_add(text))
    }

    /// A list of names that are there already.
    ///
    /// # Errors
    /// As [`Bounds::take`].
    pub(crate) fn copy<'n>(&self, names: impl Iterator<Item = &'n Name>) -> Result<Vec<Name>> {
        let mut copied = Vec::new();
        for name in names {
            self.take(size_of::<Name>())?;
            copied.push(Name::clone(name));
        }
        Ok(copied)
    }

    /// x0, x1, …
    ///
    /// # Errors
    /// As [`Bounds::take`].
    pub(crate) fn numbered(&self, count: usize) -> Result<Vec<Name>> {
        self.take_names(count, count.saturating_mul(8))?;
        Ok((0..count).map(|number| format!("x{number}").into()).collect())
    }

    /// Names as they are made, for as long as they are not too many.
    ///
    /// # Errors
    /// As [`Bounds::take`].
    pub(crate) fn collect(&self, names: impl Iterator<Item = impl Into<Name> + AsRef<str>>) -> Names {
        let mut collected = Vec::new();
        for name in names {
            self.take_names(1, name.as_ref().len()).map_err(NoNames::from)?;
            collected.push(name.into());
        }
        Ok(collected)
    }
}
