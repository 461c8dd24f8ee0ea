//! Builds models from the objects of a pickle: typed access to their attributes, and the bounds of building.

pub(crate) mod attributes;
pub mod builder;
pub(crate) mod class_list;
pub(crate) mod version;
pub(crate) mod work;
