//! The bounds of a description: names and values are counted before they are created.

use crate::artifact::work::Work;
use crate::feature_names::name::{Name, Names, NoNames};
use crate::version::Version;
use byoc_account::Allowance;
use byoc_formats::error::Result;

/// The bytes that the description of any file may take.
const ALWAYS: usize = 16 << 20;

/// The memory of a name beside its text: its place in a list, two reference counts, and the overhead of the allocator.
const NAME: usize = size_of::<Name>() + 2 * size_of::<usize>() + 16;

/// The bytes that a description may take, and the facts that apply to all of it.
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

    /// Takes bytes that are about to be allocated for the description.
    ///
    /// # Errors
    /// If the file has caused far more work than its bytes justify, or the bytes are not available.
    pub(crate) fn take(&self, bytes: usize) -> Result<()> {
        self.work.charge(bytes)?;
        Ok(self.work.allowance.take(bytes)?)
    }

    /// Takes names that are about to be created.
    ///
    /// # Errors
    /// As [`Bounds::take`].
    pub(crate) fn take_names(&self, count: usize, text: usize) -> Result<()> {
        self.take(count.saturating_mul(NAME).saturating_add(text))
    }

    /// A list of existing names.
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

    /// Collects names as they are created, up to the limit.
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
