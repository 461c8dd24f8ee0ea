//! How an error is shown to a person: its message, then those of its sources.

use super::{MAX_MESSAGE_LENGTH, shortened};
use std::error::Error;
use std::fmt;

/// An error with its sources, as `message: source: source of the source`.
///
/// Show errors to people (standard error, log lines, bodies of answers, failure files) through this; `Display` of an
/// error is its own message alone.
#[derive(Clone, Copy, Debug)]
pub struct Chain<'a>(&'a (dyn Error + 'static));

/// Shows an error with its sources.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> Chain<'a> {
    Chain(error)
}

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = shortened(self.0.to_string(), MAX_MESSAGE_LENGTH);
        let mut source = self.0.source();
        while let Some(error) = source {
            let cause = error.to_string();
            // Some crates (object_store, for one) write the source into the message and return it from source() too.
            if !text.ends_with(&cause) {
                text = shortened(format!("{text}: {cause}"), MAX_MESSAGE_LENGTH);
            }
            source = error.source();
        }
        f.write_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Link(&'static str, Option<Box<Link>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|link| link as _)
        }
    }

    fn links(messages: &[&'static str]) -> Link {
        let mut links = messages.iter().rev();
        let last = Link(links.next().unwrap(), None);
        links.fold(last, |link, message| Link(message, Some(Box::new(link))))
    }

    #[test]
    fn every_source_is_shown_once() {
        assert_eq!(chain(&links(&["alone"])).to_string(), "alone");
        assert_eq!(chain(&links(&["a", "b", "c"])).to_string(), "a: b: c");
        assert_eq!(chain(&links(&["Generic S3 error: refused", "refused", "why"])).to_string(), {
            "Generic S3 error: refused: why"
        });
    }

    #[test]
    fn a_long_source_is_cut() {
        let long: &'static str = Box::leak("x".repeat(1 << 20).into_boxed_str());
        assert!(chain(&links(&["a", long])).to_string().len() <= MAX_MESSAGE_LENGTH);
    }
}
