//! Explains in one sentence, which names the server, why an exchange failed.
//!
//! Causes are recognised by their types in the chain of sources, never by their text.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::time::Duration;

use reqwest::Url;

use super::dns::NameNotFound;
use crate::env::AWS_CA_BUNDLE;

/// How long a client waits for a server to accept its connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a client waits for the next bytes of a response.
pub const READ_TIMEOUT: Duration = Duration::from_secs(15);

/// The explanation of a failed exchange. It is an error, so that it can be the source of another crate's error.
#[derive(Clone, Debug)]
pub struct ExchangeError(String);

impl ExchangeError {
    /// An explanation in other words than those of [`ExchangeError::explain`].
    pub fn new(reason: String) -> ExchangeError {
        ExchangeError(reason)
    }

    /// Explains the error of a client that sent a request to `url`. Keeps an explanation that the chain already has.
    pub fn explain(error: &(dyn Error + 'static), url: Option<&Url>) -> ExchangeError {
        if let Some(explained) = find::<ExchangeError>(error) {
            return explained.clone();
        }
        let server = url.map_or_else(|| "the server".to_owned(), |url| url.origin().ascii_serialization());
        if let Some(unknown) = find::<NameNotFound>(error) {
            return ExchangeError(unknown.to_string());
        }
        if let Some(tls) = find::<rustls::Error>(error) {
            return ExchangeError(format!(
                "the TLS handshake with {server} failed: {tls} ({AWS_CA_BUNDLE} can name a file of certificates to \
                 trust besides Mozilla's)"
            ));
        }
        let of_system = chain(error).filter_map(|error| error.downcast_ref::<io::Error>()).map(io::Error::kind);
        let client = find::<reqwest::Error>(error);
        let is_connect = client.is_some_and(reqwest::Error::is_connect);
        let last = source_chain(error).last().map(ToString::to_string).unwrap_or_default();
        ExchangeError(match of_system.into_iter().find(|kind| *kind != ErrorKind::Other) {
            Some(ErrorKind::ConnectionRefused) => {
                format!("{server} refused the connection: nothing listens there, or a firewall rejects it")
            }
            Some(ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe) => {
                format!("{server} closed the connection")
            }
            _ if client.is_some_and(reqwest::Error::is_timeout) => match is_connect {
                true => format!("{server} did not accept a connection within {} s", CONNECT_TIMEOUT.as_secs()),
                false => format!("{server} sent nothing for {} s", READ_TIMEOUT.as_secs()),
            },
            _ if is_connect => format!("could not connect to {server}: {last}"),
            _ => format!("{server} did not answer completely: {last}"),
        })
    }
}

impl fmt::Display for ExchangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for ExchangeError {}

/// The first error of a type in the chain that starts with `error`.
pub fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    chain(error).find_map(|error| error.downcast_ref())
}

/// An error and its sources, outermost first.
pub fn source_chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// [`source_chain`] with the errors inside each [`io::Error`], which its `source` skips.
fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    source_chain(error).flat_map(|error| {
        std::iter::successors(Some(error), |&error| {
            let inside = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref)?;
            Some(inside as &(dyn Error + 'static))
        })
    })
}
