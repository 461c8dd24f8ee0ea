//! The account of memory and of time: both are leased before they are taken.
//!
//! An [`Account`] is a number of bytes that a process may hold for some purpose; accounts lie within each other, as that of
//! models lies within that of a whole container. Bytes leave it as a [`Lease`], which gives them back when it is dropped.
//! An [`Allowance`] is what one piece of work may take, an answer or a load: a lease that grows while the work goes on, and
//! a [`Deadline`]. Nothing here allocates for others; whoever wants memory leases it first, and hears [`Exceeded`] if it is
//! not there, while everything else goes on.
//!
//! [`system`] says how much memory there is. The package knows neither HTTP nor models.

mod allowance;
mod deadline;
mod held;
mod memory;
mod room;
pub mod system;

pub use allowance::{Allowance, Exceeded, Purpose};
pub use deadline::{Deadline, GivenUp};
pub use held::Held;
pub use memory::{Account, Lease, Shortage};
pub use room::Room;
