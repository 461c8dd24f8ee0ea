//! From the objects of a pickle to a model: typed access to their attributes, and the bounds within which a model is
//! built.

pub(crate) mod attributes;
pub mod builder;
pub(crate) mod class_list;
pub(crate) mod version;
pub(crate) mod work;
