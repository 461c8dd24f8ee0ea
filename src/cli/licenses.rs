//! `byoc licenses`: what is in this program of others, and under which licences.

use clap::Args;

use super::print;
use crate::error::Result;

/// Print the licences of all software that this program contains
#[derive(Args, Debug)]
pub(super) struct Arguments {}

/// Written by `.ci/notices`, so that a binary carries what its licences ask for wherever it goes.
const NOTICES: &str = include_str!("../../THIRD-PARTY-NOTICES");

pub(super) fn run() -> Result<()> {
    print(NOTICES)
}
