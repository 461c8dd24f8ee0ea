//! Resolves host names. A failed lookup has its own error type here, because those of the client and of the standard
//! library can be recognised only by their text.

use std::fmt;
use std::io;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// The system's resolver.
#[derive(Clone, Copy, Debug)]
pub struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            // The client sets the port.
            match tokio::net::lookup_host((name.as_str(), 0)).await {
                Ok(addresses) => Ok(Box::new(addresses.collect::<Vec<_>>().into_iter()) as Addrs),
                Err(source) => Err(NameNotFound { name: name.as_str().to_owned(), source }.into()),
            }
        })
    }
}

/// The system's resolver has no address for a host name.
#[derive(Debug)]
pub struct NameNotFound {
    name: String,
    source: io::Error,
}

impl fmt::Display for NameNotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name {} was not found: {}", self.name, self.source)
    }
}

impl std::error::Error for NameNotFound {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.source)
    }
}
