//! HTTP and TLS that every contract shares: the server, its response bodies with a deadline and the list headers of
//! requests; for clients TLS, names, and why an exchange failed.

pub mod connection;
pub mod dns;
pub mod exchange_error;
pub mod list_header;
pub mod response_body;
pub mod server;
pub(crate) mod tls;
