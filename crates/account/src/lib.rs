//! Accounting of memory and time: both are leased before they are used.
//!
//! An [`Account`] is a number of bytes that the process may hold for one purpose. Accounts can be nested: that of
//! models is part of that of the whole container. A [`Lease`] takes bytes out of an account and gives them back when it
//! is dropped. An [`Allowance`] is what one task, a request or a load, may use: a lease that grows while the task runs,
//! and a [`Deadline`]. Code that needs memory leases it before it allocates. If the memory is not available it gets
//! [`Exceeded`], and everything else goes on.
//!
//! [`system`] finds out how much memory there is. This package knows neither HTTP nor models.

mod allowance;
mod deadline;
mod held;
mod leased_growth;
mod memory;
pub mod system;

pub use allowance::{Allowance, Exceeded, Purpose};
pub use deadline::{CancelOnDrop, Deadline};
pub use held::Held;
pub use leased_growth::LeasedGrowth;
pub use memory::{Account, Lease, Shortage};
