//! The shapes that rows take between bytes and models, and the answers of models. They know no media type.

pub mod batch;
pub(crate) mod convert;
pub mod features;
pub mod frame;
pub mod missing_texts;
pub mod predictions;
pub mod reading;
pub mod schema;
pub(crate) mod series;
pub mod table;

pub use batch::Batch;
pub use features::Features;
pub use frame::{Block, Frame};
pub use predictions::Predictions;
pub use table::Table;
