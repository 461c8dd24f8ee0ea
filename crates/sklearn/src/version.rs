//! The scikit-learn version that fitted a model: it selects the behaviour of that version.

use std::fmt;

/// A release of scikit-learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version {
    major: u16,
    minor: u16,
    patch: u16,
}

impl Version {
    /// The first release of a minor version.
    pub(crate) const fn new(major: u16, minor: u16) -> Version {
        Version { major, minor, patch: 0 }
    }

    /// Parses `_sklearn_version`: `1.6.1`, `0.24.2rc1`, `1.8.dev0`.
    pub(crate) fn parse(text: &str) -> Option<Version> {
        let mut numbers = text.split('.').map(|part| {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            part.get(..digits)?.parse().ok()
        });
        let major = numbers.next()??;
        let minor = numbers.next()??;
        Some(Version { major, minor, patch: numbers.next().flatten().unwrap_or(0) })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_as_numbers_and_suffixes_do_not_matter() {
        assert!(Version::parse("0.9.4").unwrap() < Version::new(0, 20));
        assert!(Version::parse("1.10.0").unwrap() > Version::new(1, 9));
        assert_eq!(Version::parse("1.8.dev0"), Some(Version::new(1, 8)));
        assert_eq!(Version::parse("0.24.2rc1").unwrap().to_string(), "0.24.2");
        assert_eq!(Version::parse("1.6").unwrap(), Version::new(1, 6));
        for text in ["", "1", "x.y", "1.x"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
