//! byoc's formats: bytes to rows and values, and back.
//!
//! - [`rows`]: the shapes of rows and answers. [`media_types`]: their bytes in requests and answers.
//! - [`pickle`] (with joblib and dill), skops, [`mxnet_params`], [`targz`]: the files that models come in. All of them
//!   are untrusted. Archives are unpacked without links, parent paths or bombs; pickles are read as data, by an
//!   allow-list, and can call nothing; lengths are checked before memory is taken. [`file_kind`]: the kind of a file by
//!   its first bytes.
//! - [`numbers`]: numbers as Python prints them.
//! - [`json_document`]: JSON documents that people write.
//! - [`suggest`]: the known name closest to a misspelled one.
//! - [`counted`]: counts with their nouns.
//! - [`error`]: what is wrong with data, and where.

pub mod counted;
pub mod error;
mod excerpt;
pub mod file_kind;
pub mod json_document;
pub mod json_syntax;
pub mod media_types;
pub mod mxnet_params;
pub mod numbers;
pub mod pickle;
pub mod rows;
mod skops;
pub mod suggest;
pub mod targz;
#[cfg(test)]
mod targz_test;
#[cfg(test)]
mod testing;
