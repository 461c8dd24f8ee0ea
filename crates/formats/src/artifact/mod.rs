//! Artifacts: bytes to values and back, for every file format that models come in.
//!
//! Everything here is hostile until read. Archives are unpacked without links, parent paths or bombs; pickles are read as
//! data by an allow-list and can call nothing; lengths are checked before memory is taken. This room knows formats, not
//! what a scaler or a linear model is.

pub mod file_kind;
pub mod mxnet_params;
pub mod pickle;
mod skops;
pub mod targz;

#[cfg(test)]
mod targz_test;
