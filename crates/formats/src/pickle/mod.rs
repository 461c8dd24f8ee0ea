//! Python pickles and joblib files, read as data.
//!
//! [`read`] takes the bytes of a `model.joblib` (or of a plain pickle, protocols 0 to 5, compressed or not) and returns
//! a [`Tree`] of its values; [`write()`] goes the other way. Nothing that a file names is imported or called: names are
//! looked up in `allow_list` and in the caller's list, and a name that is in neither is refused.
//!
//! A file is read in one pass. `source` supplies its bytes (and decompresses no more than is needed), `machine`
//! executes the opcodes, `objects`, `numpy` and `dill` evaluate the few pure constructors, `joblib` reads the array
//! bytes between the opcodes, and `bounds` checks the finished graph before anything walks it. This module
//! does not know what the attributes of an estimator mean.
//!
//! Bytes after the pickle's STOP are ignored, and so are bytes after the end of a compressed stream, as in
//! `joblib.load`. The rest of the compressed stream itself is still decompressed, to verify its checksum.

mod allow_list;
mod bounds;
mod compression;
mod dill;
mod errors;
mod joblib;
mod machine;
mod memory;
mod numpy;
mod objects;
mod opcodes;
mod outline;
mod source;
mod stack;
mod text;
mod tree;
mod write;

#[cfg(test)]
mod array_test;
#[cfg(test)]
mod hostile_test;
#[cfg(test)]
mod pickle_test;

pub use allow_list::{AllowList, Listed, Usage};
pub use tree::array::{ArrayView, DType, ItemKind};
pub use tree::{Tree, Value};
pub use write::{ItemType, Items, Python, write};

use super::file_kind::check_may_be_pickle;
use super::skops;
use crate::error::{Error, Result};
use byoc_account::Allowance;
pub use outline::{Outline, TopLevelValue};

use machine::{Machine, Unlisted};
use source::Source;

/// Reads a joblib file or a plain pickle.
///
/// The first bytes tell the compression, as in joblib: zlib, gzip, bzip2, lzma, xz, an LZ4 frame, or none.
///
/// # Errors
/// [`BadArtifact`](crate::error::Cause::BadArtifact), at the byte of the uncompressed file where reading stopped, for
/// everything that is broken or beyond the bounds; [`Unsupported`](crate::error::Cause::Unsupported) for a class or
/// function that is neither known here nor on the caller's `list`;
/// [`InsufficientMemory`](crate::error::Cause::InsufficientMemory) if it needs more memory than `allowance` has.
///
/// The caller has already taken the memory of `bytes` from `allowance`; [`Tree::give_back_to`] returns it with that of
/// the tree.
pub fn read(bytes: Vec<u8>, list: &dyn AllowList, allowance: &Allowance) -> Result<Tree> {
    read_with(bytes, list, Unlisted::Refused, allowance)
}

/// Whether a class or function may be named by a pickle.
pub(super) fn is_listed(list: &dyn AllowList, module: &str, name: &str) -> bool {
    allow_list::find(list, module, name).is_some()
}

/// Whether a name is a class whose objects are read by their attributes.
pub(super) fn is_instance(list: &dyn AllowList, module: &str, name: &str) -> bool {
    allow_list::find(list, module, name).is_some_and(|found| found.meaning == allow_list::Meaning::Instance)
}

fn read_with(bytes: Vec<u8>, list: &dyn AllowList, unlisted: Unlisted, allowance: &Allowance) -> Result<Tree> {
    let before = allowance.taken().saturating_sub(bytes.len() as u64);
    if skops::is_one(&bytes) {
        let pickle = skops::as_pickle(bytes, list, allowance)?;
        // The translated pickle is not a file, so positions in it would not help a user.
        let mut tree = follow(pickle, list, unlisted, before, allowance).map_err(Error::without_place)?;
        tree.is_of_file = false;
        return Ok(tree);
    }
    check_may_be_pickle(&bytes)?;
    follow(bytes, list, unlisted, before, allowance)
}

fn follow(
    bytes: Vec<u8>,
    list: &dyn AllowList,
    unlisted: Unlisted,
    before: u64,
    allowance: &Allowance,
) -> Result<Tree> {
    let mut machine = Machine::new(Source::open(bytes, allowance)?, list, unlisted, allowance)?;
    let root = machine.run()?;
    let mut tree = machine.finish(root)?;
    bounds::check(&tree, allowance)?;
    tree.held = usize::try_from(allowance.taken().saturating_sub(before)).unwrap_or(usize::MAX);
    Ok(tree)
}
