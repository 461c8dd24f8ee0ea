//! Code that several transformers share.

pub(super) mod category_fit;
pub(super) mod center_and_scale;
pub(super) mod clip;
pub(super) mod encoder;
pub(super) mod feature_mask;
pub(super) mod fitted_categories;
pub(super) mod named_parts;
pub(super) mod output;
pub(super) mod parts_document;
pub(super) mod stateless;
#[cfg(test)]
pub(super) mod testing;
pub(super) mod weight;
