//! `sklearn.preprocessing.PowerTransformer`: Yeo-Johnson or Box-Cox, then perhaps a StandardScaler.
//!
//! Logarithms and powers come from the platform, so the last digits may differ from numpy's, as they do between CPUs.

mod apply;
mod fit;
mod read;
mod write;

pub(super) use read::Class;
pub(super) use write::PowerTransformer;
