//! Parameters and fitted attributes of a transformer, in `preprocessor.json` and in Python.

pub(crate) mod class;
pub(crate) mod values;
