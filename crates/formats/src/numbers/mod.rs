//! Numbers as text: in the spellings that pandas reads, and as Python prints them.

pub(crate) mod half;
pub(crate) mod parse;
pub mod print;
