//! HTTP and TLS that every contract shares: the server, response bodies with a deadline, and TLS for clients.

pub mod connection;
pub mod response_body;
pub mod server;
pub(crate) mod tls;
