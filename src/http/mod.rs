//! HTTP and TLS, shared by all contracts. For servers: the server itself, response bodies with a deadline, and list
//! headers of requests. For clients: TLS, DNS, and explanations of failed exchanges.

pub mod connection;
pub mod dns;
pub mod exchange_error;
pub mod list_header;
pub mod response_body;
pub mod server;
pub(crate) mod tls;
