//! The shapes that rows take between bytes and models, and that answers take between models and bytes.

pub mod batch;
pub mod estimates;
pub mod features;
pub mod frame;
pub mod predictions;
pub mod reading;
pub mod table;
pub(crate) mod told;

pub use batch::Batch;
pub use estimates::{Estimates, EstimatesForm};
pub use features::Features;
pub use frame::{Block, Frame};
pub use predictions::Predictions;
pub use table::Table;
