//! `byoc licenses`: the licences of the software that this program contains.

use super::print;
use crate::error::Result;

/// Written by `.ci/notices`, so that the binary always carries the texts that the licences require.
const NOTICES: &str = include_str!("../../THIRD-PARTY-NOTICES");

pub(super) fn run() -> Result<()> {
    print(NOTICES)
}
