//! The names of features, and fitted values as a description shows them, within bounds.

pub(crate) mod bounds;
pub mod name;
pub(crate) mod names;
pub mod values;
