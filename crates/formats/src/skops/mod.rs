//! Models that skops wrote (`skops.io.dump`), read as data.
//!
//! Such a file is a zip archive of a `schema.json`, which describes the objects, and of a file for each array. It is
//! translated into the equivalent pickle, which is read like any other, with the same allow-list and the same bounds.
//! So this module knows the format of skops, but not which classes are allowed.

mod archive;
mod json;
mod nodes;
mod npy;
mod program;

#[cfg(test)]
mod skops_test;

use byoc_account::Allowance;

use crate::error::{Cause, Error, Result};
use crate::pickle::AllowList;
use archive::Archive;
use json::Json;
use nodes::Nodes;

const SCHEMA: &str = "schema.json";

/// The newest supported protocol (skops' `io/_protocol.py`).
const NEWEST_PROTOCOL: u8 = 2;

/// Whether bytes are a skops model: a zip archive with a schema.
pub(super) fn is_one(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") && archive::has_schema(bytes, SCHEMA)
}

/// Translates a skops model into the equivalent pickle. The caller has taken the memory of `bytes` from `allowance`;
/// the pickle's is taken instead.
pub(super) fn as_pickle(bytes: Vec<u8>, list: &dyn AllowList, allowance: &Allowance) -> Result<Vec<u8>> {
    let pickle = translate(&bytes, list, allowance)?;
    let length = bytes.len();
    drop(bytes);
    allowance.give_back(length);
    Ok(pickle)
}

fn translate(bytes: &[u8], list: &dyn AllowList, allowance: &Allowance) -> Result<Vec<u8>> {
    let mut archive = Archive::open(bytes, allowance)?;
    let schema = archive.find(SCHEMA)?;
    let _held = allowance.hold(archive.memory(schema))?;
    let schema = archive.read(schema, allowance)?;
    let of_schema = |error: Error| error.context(SCHEMA);
    let json = Json::read(&schema, allowance).map_err(of_schema)?;
    let root = json.root();
    let protocol = root.get("protocol").and_then(|protocol| protocol.literal()).unwrap_or("0");
    if !protocol.parse::<u8>().is_ok_and(|protocol| protocol <= NEWEST_PROTOCOL) {
        let protocol: String = protocol.chars().take(20).collect();
        return Err(Error::new(
            Cause::Unsupported,
            format!("protocol {protocol} of skops; protocols 0 to {NEWEST_PROTOCOL} are read"),
        ));
    }
    let mut nodes = Nodes::new(archive, list, allowance)?;
    nodes.write(root).map_err(of_schema)?;
    json.done(allowance);
    nodes.finish()
}

/// An error in a skops model.
fn error(message: impl Into<String>) -> Error {
    Error::bad_artifact(message)
}
