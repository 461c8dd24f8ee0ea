//! Accounting of memory and time: both are leased before they are used.
//!
//! An [`Account`] is a budget of bytes for one purpose. Accounts nest: the models' account is part of the container's.
//! A [`Lease`] takes bytes from an account and returns them when it is dropped. An [`Allowance`] limits one task (a
//! request or a load): a lease that grows while the task runs, and a [`Deadline`]. Code leases memory before it
//! allocates it. If the memory is not available, only that task fails, with [`Exceeded`].
//!
//! [`system`] detects the memory limit of the process. This package does not depend on HTTP or models.

mod allowance;
mod deadline;
mod held_bytes;
mod leased_growth;
mod memory;
pub mod system;

pub use allowance::{Allowance, Exceeded, Purpose};
pub use deadline::{CancelOnDrop, Deadline};
pub use held_bytes::HeldBytes;
pub use leased_growth::LeasedGrowth;
pub use memory::{Account, Lease, Shortage};
