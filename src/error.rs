//! The program's errors.

pub use byoc_formats::error::{Cause, Error, Place, Result};
