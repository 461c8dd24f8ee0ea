//! The reason of an error that several callers get a copy of.

use std::fmt;
use std::sync::Arc;

use byoc_formats::error::{Source, chain};

/// An error that can be cloned. It reads as that error and has the same source.
#[derive(Clone, Debug)]
pub struct Reason(Arc<dyn std::error::Error + Send + Sync>);

impl Reason {
    /// The reason that is this error, or this text.
    pub fn new(error: impl Into<Source>) -> Reason {
        Reason(Arc::from(error.into()))
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Reason {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// Equal if they read the same, sources included.
impl PartialEq for Reason {
    fn eq(&self, other: &Reason) -> bool {
        chain(self).to_string() == chain(other).to_string()
    }
}

impl Eq for Reason {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn a_reason_reads_as_its_error_and_keeps_the_source() {
        let missing = std::io::Error::from(std::io::ErrorKind::NotFound);
        let reason = Reason::new(Error::io("read", std::path::Path::new("/a"), missing));
        assert_eq!(reason.to_string(), "could not read /a");
        assert_eq!(chain(&reason.clone()).to_string(), "could not read /a: entity not found");
        let source = std::error::Error::source(&reason).and_then(|source| source.downcast_ref::<std::io::Error>());
        assert_eq!(source.map(std::io::Error::kind), Some(std::io::ErrorKind::NotFound));
        assert_eq!(reason, Reason::new("could not read /a: entity not found"));
        assert_ne!(reason, Reason::new("could not read /a"));
    }
}
