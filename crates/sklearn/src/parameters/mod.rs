//! Parameters and fitted attributes of a transformer, as `preprocessor.json` and Python have them.

pub(crate) mod class;
pub(crate) mod values;
