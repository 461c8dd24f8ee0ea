//! What the tests share: the program as a process, an HTTP client, fixtures, numbers compared as numbers.

pub mod artifacts;
pub mod http;
pub mod numbers;
pub mod program;
