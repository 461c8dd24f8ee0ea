//! Python pickles and joblib files, read as data.

mod tree;

pub use tree::{ArrayView, DType, ItemKind, Tree, Value};
