//! What several transformers share, by what it does.

pub(super) mod center_and_scale;
pub(super) mod clip;
pub(super) mod encoder;
pub(super) mod feature_mask;
pub(super) mod named_parts;
pub(crate) mod normal_quantile;
pub(super) mod output;
#[cfg(test)]
pub(super) mod testing;
pub(super) mod weight;
