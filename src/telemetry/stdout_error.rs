//! The error of a program that cannot write to its standard output.

use crate::error::{Cause, Error, Result};
use std::io::ErrorKind;

/// The outcome of writing to standard output. A closed pipe is not an error: its reader has read enough.
///
/// # Errors
/// [`Cause::Io`].
pub fn check(written: std::io::Result<()>) -> Result<()> {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::new(Cause::Io, "could not write to standard output").caused_by(error))
        }
        _ => Ok(()),
    }
}

/// The first error of lines that are written one by one, while the work continues.
#[derive(Debug, Default)]
pub struct FirstError(Option<std::io::Error>);

impl FirstError {
    /// Keeps the error of a line, unless an earlier line had one.
    pub fn keep(&mut self, written: std::io::Result<()>) {
        if let Err(error) = written {
            self.0.get_or_insert(error);
        }
    }

    /// The outcome of all lines.
    ///
    /// # Errors
    /// Those of [`check`].
    pub fn check(self) -> Result<()> {
        check(self.0.map_or(Ok(()), Err))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use byoc_formats::error::chain;

    #[test]
    fn a_full_output_is_an_error_and_a_closed_pipe_is_not() {
        let mut lines = FirstError::default();
        lines.keep(Ok(()));
        lines.keep(Err(ErrorKind::StorageFull.into()));
        lines.keep(Err(ErrorKind::BrokenPipe.into()));
        let error = lines.check().unwrap_err();
        assert_eq!(error.cause(), Cause::Io);
        assert_eq!(chain(&error).to_string(), "could not write to standard output: no storage space");
        check(Err(ErrorKind::BrokenPipe.into())).unwrap();
    }
}
